/** Starts the real distribution registry on loopback, in any of the shapes that a site may run it in. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoggedRequest } from './access-log.ts'
import { peerEnv, type Reachable } from './peer-env.ts'
import { distributionConfig, type RegistryOptions } from './registry-config.ts'
import { freePort, launch, type RegistryProcess } from './registry-process.ts'
import { peer } from './run.ts'
import { makeTls } from './tls.ts'
import { type IssuedToken, startTokenServer, type TokenServer } from './token-server.ts'

export { orasFlags, peerEnv, skopeoFlags } from './peer-env.ts'
export { needPeers, peer, peersBin, tryPeer } from './run.ts'
export type { LoggedRequest } from './access-log.ts'
export type { RegistryOptions } from './registry-config.ts'

/** Its host is `127.0.0.1:PORT`, but `localhost:PORT` with token authentication. */
export interface Registry extends Reachable {
  readonly origin: string
  readonly port: number
  readonly storage: string
  /** For counterparts that need to reach only this one; `peerEnv` is for several. */
  readonly env: Readonly<Record<string, string>>
  requests(): LoggedRequest[]
  clearRequests(): void
  /** Resolves when every request that was answered before this call is in `requests()`. */
  settled(): Promise<void>
  tokens(): IssuedToken[]
  stop(): Promise<void>
}

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { auth = 'none', tls = false } = options
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-registry-'))
  const storage = options.storage ?? join(folder, 'storage')
  const at = (name: string) => join(folder, name)
  let tokenServer: TokenServer | undefined
  try {
    mkdirSync(storage, { recursive: true })
    const files = tls ? await makeTls(folder) : undefined
    const login = auth === 'none' ? undefined : { username: 'porter', password: 'two-doors' }
    if (login !== undefined && auth === 'htpasswd') {
      const line = await peer('htpasswd', ['-Bbn', '-C', '4', login.username, login.password])
      writeFileSync(at('htpasswd'), line)
    }
    if (login !== undefined && auth === 'token') {
      const { tokenLifetime: lifetime = 60, anonymousPull = false } = options
      tokenServer = await startTokenServer({ ...login, lifetime, anonymousPull, ...(files && { tls: files }) })
      writeFileSync(at('jwks.json'), tokenServer.jwks)
    }

    let port = 0
    let started: RegistryProcess | undefined
    for (let tries = 0; started === undefined && tries < 5; tries += 1) {
      port = options.port ?? (await freePort())
      const config = distributionConfig({ ...options, auth, port, storage, folder, files, realm: tokenServer?.realm })
      writeFileSync(at('config.yml'), config)
      started = await launch(at('config.yml'), `http${tls ? 's' : ''}://127.0.0.1:${port}`, files?.caFile)
    }
    if (started === undefined) throw new Error(`port ${port} is taken`)
    const { log, settled, stop } = started
    // The token server's host name, for the reason given there.
    const host = `${auth === 'token' ? 'localhost' : '127.0.0.1'}:${port}`
    mkdirSync(at('peers'))
    const reachable = { host, ...(files && { caFile: files.caFile }), ...login }
    return {
      ...reachable,
      origin: `http${tls ? 's' : ''}://${host}`,
      port,
      storage,
      env: peerEnv([reachable], at('peers')),
      requests: () => log.requests(),
      clearRequests: () => log.clear(),
      settled,
      tokens: () => tokenServer?.issued() ?? [],
      async stop() {
        await stop()
        await tokenServer?.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (cause) {
    await tokenServer?.stop()
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
}
