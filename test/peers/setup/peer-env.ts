/** What each counterpart must be told to reach registries on loopback: credentials, CAs, plain HTTP or not. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Reachable {
  readonly host: string
  readonly caFile?: string
  readonly username?: string
  readonly password?: string
}

/** Writes the counterparts' files into a folder. With this environment each of them reaches all the registries. */
export function peerEnv(registries: readonly Reachable[], folder: string): Record<string, string> {
  const auths = registries.flatMap(({ host, username, password }) =>
    username === undefined ? [] : [[host, { auth: Buffer.from(`${username}:${password}`).toString('base64') }]],
  )
  const hosts = registries.map(({ host, caFile }) => [host, { tls: caFile === undefined ? 'disabled' : 'enabled' }])
  const authorities = registries.flatMap(({ caFile }) => (caFile === undefined ? [] : [readFileSync(caFile, 'utf8')]))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: Object.fromEntries(auths) }))
  writeFileSync(join(folder, 'regctl.json'), JSON.stringify({ hosts: Object.fromEntries(hosts) }))
  writeFileSync(join(folder, 'authorities.pem'), authorities.join(''))
  return {
    DOCKER_CONFIG: folder,
    // skopeo looks for neither DOCKER_CONFIG nor the file's usual name.
    REGISTRY_AUTH_FILE: join(folder, 'config.json'),
    REGCTL_CONFIG: join(folder, 'regctl.json'),
    // Read by everything that is written in Go. It replaces the system's authorities, which no test needs.
    SSL_CERT_FILE: join(folder, 'authorities.pem'),
  }
}

/** `prefix` is `from-` or `to-` for `oras cp`. Always explicit: oras takes a host named localhost for plain HTTP. */
export function orasFlags({ caFile }: Reachable, prefix: '' | 'from-' | 'to-' = ''): string[] {
  return [`--${prefix}plain-http=${caFile === undefined}`]
}

/** `prefix` is `src-` or `dest-` for `skopeo copy`. */
export function skopeoFlags({ caFile }: Reachable, prefix: '' | 'src-' | 'dest-' = ''): string[] {
  return [`--${prefix}tls-verify=${caFile !== undefined}`]
}
