/** How registries are reached: credentials, authorities, client certificate, plain HTTP. */
import { SallyportError } from '../../errors/index.ts'
import { findAuthfiles, readCredentials, resolveCredentials, type RegistryOptions } from '../../registry/index.ts'
import { readSmall } from '../run/small-file.ts'

export interface AccessOptions {
  /** A docker config.json, the only one that is read; when it is not named, those that docker and podman keep. */
  authfile?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  home: string
  caFile?: string | undefined
  cert?: string | undefined
  certKey?: string | undefined
  plainHttp?: boolean | undefined
  retries?: number | undefined
  concurrency?: number | undefined
  allowRealms?: readonly string[] | undefined
}

const LARGE_AT_ONCE = 4

export type Access = Omit<RegistryOptions, 'side'>

function pem(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const text = readSmall(file).toString('latin1')
  if (!text.includes('-----BEGIN ')) throw new SallyportError('CA_FILE_MALFORMED', { side: 'state', subject: file })
  return text
}

/**
 * The registry options of a run. Credential helpers are asked for `hosts` only, so that none is run for nothing.
 * Throws AUTHFILE_MALFORMED, CA_FILE_MALFORMED, FILE_UNREADABLE; no error quotes a secret.
 */
export async function registryAccess(options: AccessOptions, hosts: readonly string[]): Promise<Access> {
  const { env, home, caFile, cert, certKey, plainHttp, retries, concurrency, allowRealms } = options
  if ((cert === undefined) !== (certKey === undefined)) {
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: '--cert',
      detail: '--cert and --cert-key belong together',
    })
  }
  const authfiles = options.authfile === undefined ? await findAuthfiles(env, home) : [options.authfile]
  // All are read, so that a file that is malformed is refused whichever host is asked for.
  const files = authfiles.map((file) => readCredentials(readSmall(file), file))
  const credentials = await resolveCredentials(files, hosts)
  return {
    credentials,
    caPem: pem(caFile),
    certPem: pem(cert),
    keyPem: pem(certKey),
    plainHttp,
    retries,
    // More large blobs at once are slower on two cores and need more memory (measured); small ones are not bound by it.
    concurrency: Math.min(concurrency ?? LARGE_AT_ONCE, LARGE_AT_ONCE),
    allowRealms,
  }
}
