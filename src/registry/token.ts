/** Bearer tokens (distribution "token" and "oauth" specs): which token service may be asked, and asking it. */
import { isJsonObject, parseJson, type Json } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import { isLoopbackName, literalAddress, reachOf } from './address.ts'
import type { Answer } from './answer.ts'
import type { Credential } from './credentials.ts'
import { plainText, Transient } from './errors.ts'
import { isListed, type Origin } from './origin.ts'
import type { Floor } from './network.ts'
import { refusal } from './refusal.ts'
import { isPassing, retryAfter } from './retry.ts'

const TOKEN_CAP = 64 * 1024
const TOKEN = /^[\x21-\x7e]{1,49152}$/
const DAY = 86_400

// Under these, neighbours are strangers to each other. Not a whole public suffix list: a domain that is missing here
// still needs a registry of ours and a token service of the attacker right below one and the same parent.
const SHARED_SECOND = /^(?:ac|co|com|edu|gob|gov|gouv|go|ltd|mil|ne|net|nom|or|org|plc|sch)$/
const SHARED_PARENTS = new Set(
  `azurecr.io azurewebsites.net cloudapp.azure.com cloudfront.net amazonaws.com elasticbeanstalk.com github.io gitlab.io
  herokuapp.com appspot.com run.app web.app fly.dev onrender.com netlify.app vercel.app workers.dev pages.dev
  jfrog.io sslip.io nip.io duckdns.org ngrok.io ngrok.app ngrok-free.app trycloudflare.com dyndns.org eu.org`.split(
    /\s+/,
  ),
)

/** True when the realm stands directly beside or above the registry, as auth.docker.io does. */
function isNeighbour(registry: string, realm: string): boolean {
  if (literalAddress(registry) !== undefined || literalAddress(realm) !== undefined) return false
  const parent = registry.slice(registry.indexOf('.') + 1)
  const labels = parent.split('.')
  if (!registry.includes('.') || labels.length < 2 || SHARED_PARENTS.has(parent)) return false
  if (labels.length === 2 && labels[1]?.length === 2 && SHARED_SECOND.test(labels[0] ?? '')) return false
  return realm === parent || (realm.endsWith(`.${parent}`) && !realm.slice(0, -parent.length - 1).includes('.'))
}

/**
 * The token service's URL, and how narrow a network it may stand in.
 * A realm on another origin gets credentials only over https, when it has the registry's own host name, stands
 * beside it under one parent domain, or was allowed by name. Throws REALM_REFUSED (CVE-2026-48978: realm as a way
 * to carry credentials off, or to reach private networks).
 */
export function admitRealm(
  realm: string,
  origin: Origin,
  withCredentials: boolean,
  allowed: readonly string[],
  side: Side,
): { url: URL; floor: Floor } {
  const refused = (detail: string): SallyportError =>
    new SallyportError('REALM_REFUSED', { side, subject: origin.host, detail: plainText(detail) })
  if (realm.length > 4_096 || !URL.canParse(realm)) throw refused('not a URL')
  const url = new URL(realm)
  url.hash = ''
  if (url.username !== '' || url.password !== '') throw refused(`user information before ${url.host}`)
  if (url.origin === origin.url) return { url, floor: 'own' }
  const listed = isListed(allowed, url)
  if (url.protocol !== 'https:') {
    const local = url.protocol === 'http:' && origin.plain && origin.loopback && isLoopbackName(url.hostname)
    if (!local) throw refused(`${url.protocol}//${url.host} is not https`)
    if (withCredentials && !listed) throw refused(url.origin)
    return { url, floor: 0 }
  }
  if (listed) return { url, floor: 0 }
  const literal = literalAddress(url.hostname)
  if (literal !== undefined && reachOf(literal) < origin.reach) throw refused(`a narrower network, ${url.origin}`)
  const same = !origin.plain && (url.hostname === origin.hostname || isNeighbour(origin.hostname, url.hostname))
  if (withCredentials && !same) throw refused(url.origin)
  return { url, floor: origin.reach }
}

export interface TokenAsked {
  url: URL
  service: string | undefined
  scopes: readonly string[]
  credential: Credential | undefined
  userAgent: string
}

/** The request for a token: a GET with Basic credentials, or a POST with a refresh token. */
export function tokenRequest(asked: TokenAsked): {
  method: 'GET' | 'POST'
  url: URL
  headers: Record<string, string>
  body?: Buffer
} {
  const { service, scopes, credential } = asked
  const headers: Record<string, string> = { 'user-agent': asked.userAgent, accept: 'application/json' }
  if (credential?.identityToken !== undefined) {
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'sallyport' })
    if (service !== undefined) form.set('service', service)
    form.set('scope', scopes.join(' '))
    form.set('refresh_token', credential.identityToken)
    headers['content-type'] = 'application/x-www-form-urlencoded'
    return { method: 'POST', url: asked.url, headers, body: Buffer.from(form.toString()) }
  }
  const url = new URL(asked.url)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credential?.username !== undefined) {
    url.searchParams.set('account', credential.username)
    headers['authorization'] = basicHeader(credential)
  }
  return { method: 'GET', url, headers }
}

export function basicHeader(credential: Credential): string {
  return `Basic ${Buffer.from(`${credential.username ?? ''}:${credential.password ?? ''}`).toString('base64')}`
}

/** The token in the service's answer and its life in seconds. Throws REGISTRY_DENIED, REGISTRY_PROTOCOL or Transient. */
export async function readToken(
  answer: Answer,
  side: Side,
  subject: string,
): Promise<{ token: string; seconds: number }> {
  const body = await answer.bytes(TOKEN_CAP, 'LIMIT_EXCEEDED')
  const { status } = answer
  if (status !== 200) {
    const fault = refusal(status, body, 'manifest', side, subject)
    if (isPassing(status)) throw new Transient(fault, retryAfter(answer.header('retry-after'), Date.now()))
    throw new SallyportError('REGISTRY_DENIED', { side, subject, detail: `token service: ${fault.message}` })
  }
  const bad = (detail: string): SallyportError => new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail })
  let document: Json
  try {
    document = parseJson(body, side, subject)
  } catch {
    throw bad("the token service's answer is not JSON")
  }
  if (!isJsonObject(document)) throw bad("the token service's answer")
  const token = document['token'] ?? document['access_token']
  // Stops a token that would write further headers.
  if (typeof token !== 'string' || !TOKEN.test(token)) throw bad('no token from the token service')
  const life = document['expires_in']
  // 60 seconds is the spec's default.
  const seconds = typeof life === 'number' && life >= 1 ? Math.min(life, DAY) : 60
  return { token, seconds }
}
