/** A token server as the distribution token specification describes it: RS256, GET and POST, short lives at will. */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TlsFiles } from './tls.ts'

export interface IssuedToken {
  /** Empty for an anonymous caller. */
  readonly account: string
  readonly scopes: readonly string[]
}

export interface TokenServer {
  readonly realm: string
  /** The JSON Web Key Set that a registry must trust. */
  readonly jwks: string
  issued(): IssuedToken[]
  stop(): Promise<void>
}

export interface TokenServerOptions {
  readonly username: string
  readonly password: string
  /** Seconds. */
  readonly lifetime: number
  /** Whether callers without credentials get a token that may pull, as public registries do. */
  readonly anonymousPull: boolean
  readonly tls?: TlsFiles
}

export const ISSUER = 'sallyport-test-issuer'
export const SERVICE = 'sallyport-test-registry'

/** Distribution accepts a token this long after its expiry (its `token.Leeway`), so ours are dated back by as much. */
const LEEWAY = 60

interface Caller {
  readonly account: string
  readonly password: string
  readonly scopes: readonly string[]
}

async function readCaller(request: IncomingMessage): Promise<Caller> {
  const query = new URL(request.url ?? '', 'http://localhost').searchParams
  const form = request.method === 'POST' ? new URLSearchParams(await text(request)) : query
  const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '))
  const [scheme, encoded = ''] = (request.headers.authorization ?? '').split(' ')
  const basic = scheme?.toLowerCase() === 'basic' ? Buffer.from(encoded, 'base64').toString() : ''
  const colon = basic.indexOf(':')
  if (colon >= 0) return { account: basic.slice(0, colon), password: basic.slice(colon + 1), scopes }
  return { account: form.get('username') ?? '', password: form.get('password') ?? '', scopes }
}

function access(scopes: readonly string[], anonymous: boolean) {
  return scopes.flatMap((scope) => {
    const parts = /^([^:]+):(.+):([^:]*)$/.exec(scope)
    if (parts === null) return []
    const asked = (parts[3] ?? '').split(',')
    return [{ type: parts[1], name: parts[2], actions: anonymous ? asked.filter((one) => one === 'pull') : asked }]
  })
}

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const issued: IssuedToken[] = []

  function token(caller: Caller): string {
    const now = Date.now() / 1000
    const claims = {
      iss: ISSUER,
      sub: caller.account,
      aud: SERVICE,
      nbf: Math.floor(now - LEEWAY),
      iat: Math.floor(now),
      exp: Math.ceil(now + options.lifetime - LEEWAY),
      jti: randomUUID(),
      access: access(caller.scopes, caller.account === ''),
    }
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const body = `${encode({ typ: 'JWT', alg: 'RS256', kid })}.${encode(claims)}`
    return `${body}.${sign('sha256', Buffer.from(body), privateKey).toString('base64url')}`
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = await readCaller(request)
    const known = caller.account === options.username && caller.password === options.password
    if (!known && !(options.anonymousPull && caller.account === '')) {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"wrong credentials"}]}')
      return
    }
    issued.push({ account: caller.account, scopes: caller.scopes })
    const text = token(caller)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ token: text, access_token: text, expires_in: options.lifetime }))
  }

  const handler = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => response.destroy())
  }
  const { tls } = options
  const server = tls
    ? createHttps({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, handler)
    : createHttp(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the token server has no port')
  return {
    // crane refuses a realm whose host is a loopback address; oras allows one that resolves to a loopback address
    // only when it is the registry's own host name. So both are called localhost.
    realm: `${tls ? 'https' : 'http'}://localhost:${address.port}/token`,
    jwks: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] }),
    issued: () => [...issued],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
