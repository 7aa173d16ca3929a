/** The configuration file of a distribution registry. */
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { TlsFiles } from './tls.ts'
import { ISSUER, SERVICE } from './token-server.ts'

export interface RegistryOptions {
  readonly auth?: 'none' | 'htpasswd' | 'token'
  readonly tls?: boolean
  readonly deletes?: boolean
  readonly readonly?: boolean
  /** `none` accepts an index whose children are absent, `all` (the default) refuses it. */
  readonly platforms?: 'all' | 'none'
  /** Whether manifests may name foreign layers by URL. Refused by default, as distribution does. */
  readonly foreignUrls?: boolean
  /** Seconds a token lives; 60 unless told. */
  readonly tokenLifetime?: number
  readonly anonymousPull?: boolean
  /** Serves a folder that exists, and leaves it there at the end. */
  readonly storage?: string
  readonly port?: number
}

export interface ConfigOptions extends RegistryOptions {
  readonly port: number
  readonly storage: string
  /** Where `htpasswd` and `jwks.json` lie. */
  readonly folder: string
  readonly files: TlsFiles | undefined
  readonly realm: string | undefined
}

function authSection(options: ConfigOptions): object | undefined {
  if (options.auth === 'htpasswd') {
    return { htpasswd: { realm: SERVICE, path: join(options.folder, 'htpasswd') } }
  }
  if (options.auth === 'token') {
    const jwks = join(options.folder, 'jwks.json')
    return { token: { realm: options.realm, service: SERVICE, issuer: ISSUER, jwks, signingalgorithms: ['RS256'] } }
  }
  return undefined
}

export function distributionConfig(options: ConfigOptions): string {
  const { files } = options
  const auth = authSection(options)
  return stringify({
    version: 0.1,
    // The access log goes to stdout at any level; the rest is only read when the registry does not start.
    log: { level: 'error', accesslog: { disabled: false } },
    storage: {
      // No blob descriptor cache: what a test reads back must come from the disk.
      filesystem: { rootdirectory: options.storage },
      delete: { enabled: options.deletes ?? false },
      maintenance: {
        // The purger walks the storage at a random moment, in the middle of a measurement for example.
        uploadpurging: { enabled: false },
        readonly: { enabled: options.readonly ?? false },
      },
    },
    http: {
      addr: `127.0.0.1:${options.port}`,
      secret: 'only-for-tests',
      ...(files && { tls: { certificate: files.certFile, key: files.keyFile } }),
    },
    ...(auth && { auth }),
    validation: {
      manifests: {
        indexes: { platforms: options.platforms ?? 'all' },
        ...(options.foreignUrls && { urls: { allow: ['.*'] } }),
      },
    },
  })
}
