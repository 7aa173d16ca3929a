/** Starts the real distribution registry on loopback, in any of the shapes that a site may run it in. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoggedRequest } from './access-log.ts'
import { distributionConfig, type RegistryOptions } from './registry-config.ts'
import { freePort, launch, type RegistryProcess } from './registry-process.ts'
import { peer } from './run.ts'
import { makeTls } from './tls.ts'
import { type IssuedToken, startTokenServer, type TokenServer } from './token-server.ts'

export { needPeers, peer, peersBin, tryPeer } from './run.ts'
export type { LoggedRequest } from './access-log.ts'
export type { RegistryOptions } from './registry-config.ts'

export interface Registry {
  readonly host: string
  readonly origin: string
  readonly port: number
  readonly storage: string
  readonly caFile?: string
  readonly username?: string
  readonly password?: string
  /** What counterparts need to reach it: credentials and the CA. */
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
    const host = `127.0.0.1:${port}`
    mkdirSync(at('docker'))
    const entry = login && { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') }
    writeFileSync(join(at('docker'), 'config.json'), JSON.stringify({ auths: entry ? { [host]: entry } : {} }))
    return {
      host,
      origin: `http${tls ? 's' : ''}://${host}`,
      port,
      storage,
      ...(files && { caFile: files.caFile }),
      ...login,
      env: { DOCKER_CONFIG: at('docker'), ...(files && { SSL_CERT_FILE: files.caFile }) },
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
