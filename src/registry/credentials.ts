/** Credentials as docker and podman keep them: `config.json` / `auth.json`, and credential helpers. */
import { spawn } from 'node:child_process'
import { isJsonObject, parseJson, type Json } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'

export interface Credential {
  /** `host[:port]` or `host[:port]/namespace/…`. */
  key: string
  username?: string
  password?: string
  /** An OAuth2 refresh token, used in place of a password. */
  identityToken?: string
}

/** Plain data: it can be handed to a worker thread. Never logged. */
export interface Credentials {
  entries: Credential[]
  /** Host to the name of the helper that knows its credentials. */
  helpers: Record<string, string>
  /** The helper for every other host. */
  store?: string
  /** The file that is asked where this one has nothing for a repository. */
  next?: Credentials
}

const HELPER = /^[a-z0-9-]{1,64}$/
const HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])
const HUB_KEY = 'https://index.docker.io/v1/'
const ANSWER_CAP = 64 * 1024
const HELPER_MS = 30_000
/** How long its output may stay open after its end; what came by then is its answer. */
const LINGER_MS = 1_000
/** What every helper says of a host that it holds nothing for, as docker and podman compare it. */
const NOTHING_HELD = 'credentials not found in native keychain'

/** A key of the file as `host[/path]`: docker writes some as URLs. */
function plainKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  const slash = bare.indexOf('/')
  const host = (slash < 0 ? bare : bare.slice(0, slash)).toLowerCase()
  const path = slash < 0 ? '' : bare.slice(slash).replace(/^\/v[12]$/, '')
  return `${HUB.has(host) ? 'docker.io' : host}${path}`
}

function malformed(subject: string, detail: string): SallyportError {
  return new SallyportError('AUTHFILE_MALFORMED', { side: 'state', subject, detail })
}

function readEntry(key: string, value: Json | undefined, subject: string): Credential | undefined {
  // The detail names the key only: the rest of an entry is secret.
  if (!isJsonObject(value)) throw malformed(subject, `auths ${key}`)
  const text = (name: string): string | undefined => {
    const item = value[name]
    if (item === undefined || item === '' || item === null) return undefined
    if (typeof item !== 'string') throw malformed(subject, `auths ${key} ${name}`)
    return item
  }
  const entry: Credential = { key: plainKey(key) }
  const auth = text('auth')
  let username = text('username')
  let password = text('password')
  if (auth !== undefined) {
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth)) throw malformed(subject, `auths ${key} auth is not base64`)
    const pair = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')
    const colon = pair.indexOf(':')
    if (colon < 1) throw malformed(subject, `auths ${key} auth is not user:password`)
    username = pair.slice(0, colon)
    password = pair.slice(colon + 1)
  }
  const identityToken = text('identitytoken')
  if (identityToken !== undefined) return { ...entry, identityToken }
  if (username === undefined || password === undefined) return undefined
  return { ...entry, username, password }
}

function readHelper(name: Json | undefined, subject: string): string {
  // Stops a file that would have another program run than a credential helper.
  if (typeof name === 'string' && HELPER.test(name)) return name
  throw malformed(subject, 'name of a credential helper')
}

/** The credentials in a docker `config.json` or podman `auth.json`. Throws AUTHFILE_MALFORMED, which quotes no secret. */
export function readCredentials(bytes: Uint8Array, subject: string): Credentials {
  let document: Json
  try {
    document = parseJson(bytes, 'state', subject)
  } catch {
    throw malformed(subject, 'not JSON')
  }
  if (!isJsonObject(document)) throw malformed(subject, 'not an object')
  const member = (name: string): Record<string, Json> => {
    const value = document[name]
    if (value === undefined || value === null) return {}
    if (!isJsonObject(value)) throw malformed(subject, name)
    return value
  }
  const credentials: Credentials = { entries: [], helpers: {} }
  for (const [key, value] of Object.entries(member('auths'))) {
    const entry = readEntry(key, value, subject)
    if (entry !== undefined) credentials.entries.push(entry)
  }
  for (const [host, name] of Object.entries(member('credHelpers')))
    credentials.helpers[plainKey(host)] = readHelper(name, subject)
  const store = document['credsStore']
  if (store !== undefined && store !== null && store !== '') credentials.store = readHelper(store, subject)
  return credentials
}

function runHelper(name: string, host: string): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const fail = (detail: string): void =>
    reject(malformed(`docker-credential-${name}`, `the helper ${detail} for ${host}`))
  const child = spawn(`docker-credential-${name}`, ['get'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: HELPER_MS,
    killSignal: 'SIGKILL',
  })
  const chunks: Buffer[] = []
  let size = 0
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > ANSWER_CAP) child.kill('SIGKILL')
    else chunks.push(chunk)
  })
  child.on('error', () => fail('cannot be run'))
  let linger: NodeJS.Timeout | undefined
  child.on('exit', () => {
    // What it left running, as a script does that is ended, holds the pipe, and nobody would end that wait.
    linger = setTimeout(() => child.stdout.destroy(), LINGER_MS)
  })
  child.stdin.on('error', () => undefined)
  child.on('close', (code) => {
    clearTimeout(linger)
    const answer = Buffer.concat(chunks)
    if (code === 0) resolve(answer)
    // Nothing less: `executable file not found`, say, of a store that is broken must not make the run anonymous.
    else if (answer.toString('latin1').trim().toLowerCase() === NOTHING_HELD) resolve(undefined)
    else fail('failed')
  })
  child.stdin.end(host === 'docker.io' ? HUB_KEY : host)
  return promise
}

async function askHelper(name: string, host: string): Promise<Credential | undefined> {
  const answer = await runHelper(name, host)
  if (answer === undefined) return undefined
  const subject = `docker-credential-${name}`
  let document: Json
  try {
    document = parseJson(answer, 'state', subject)
  } catch {
    throw malformed(subject, 'its answer is not JSON')
  }
  const { Username: username, Secret: secret } = isJsonObject(document) ? document : {}
  if (typeof username !== 'string' || typeof secret !== 'string') throw malformed(subject, 'its answer')
  return username === '<token>' ? { key: host, identityToken: secret } : { key: host, username, password: secret }
}

/**
 * The credentials of all files, the first of them asked first, with the helpers' answers for `hosts` put in. A helper runs
 * once a host, and for none that an earlier file knows. Throws AUTHFILE_MALFORMED when one cannot be run or answers nonsense.
 */
export async function resolveCredentials(
  files: readonly Credentials[],
  hosts: readonly string[],
): Promise<Credentials> {
  const open = new Set(hosts.map(plainKey))
  const resolved: Credentials[] = []
  for (const { entries, helpers, store } of files) {
    const answers: Credential[] = []
    for (const host of open) {
      const name = Object.hasOwn(helpers, host) ? helpers[host] : store
      const found = name === undefined ? undefined : await askHelper(name, host)
      if (found !== undefined) answers.unshift(found)
    }
    resolved.push({ entries: [...answers, ...entries], helpers: {} })
    for (const { key } of [...answers, ...entries]) open.delete(key)
  }
  const last = resolved.pop() ?? { entries: [], helpers: {} }
  return resolved.reduceRight((next, file) => ({ ...file, next }), last)
}

/** The entry for a repository: the longest key that leads to it in the first file that has one; undefined for none. */
export function credentialFor(credentials: Credentials, host: string, path: string): Credential | undefined {
  for (let file: Credentials | undefined = credentials; file !== undefined; file = file.next) {
    let name = `${plainKey(host)}/${path}`
    for (let slash = name.length; slash >= 0; slash = name.lastIndexOf('/')) {
      name = name.slice(0, slash)
      const found = file.entries.find((entry) => entry.key === name)
      if (found !== undefined) return found
    }
  }
  return undefined
}
