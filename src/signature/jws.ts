/** The JWS envelope: flattened JSON serialization (RFC 7515 section 7.2.2) as the Notary Project narrows it. */
import { isJsonObject, parseJson, sortedJson, timeText, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './algorithm.ts'
import { decodeBase64 } from './base64.ts'
import {
  CHAIN_CAP,
  HEADER_CAP,
  PAYLOAD_CAP,
  TIMESTAMP_CAP,
  capped,
  envelopeFault,
  malformed,
} from './envelope-fault.ts'
import {
  AGENT,
  AUTHENTIC_SIGNING_TIME,
  EXPIRY,
  PLUGIN,
  PLUGIN_MIN_VERSION,
  SCHEME,
  SIGNING_TIME,
  TIMESTAMP,
  checkUnprotected,
  readAttributes,
  writeAttributes,
  type TimeForm,
} from './headers.ts'
import { PAYLOAD_TYPE } from './payload.ts'
import { readRfc3339 } from './rfc3339.ts'
import type { EnvelopeParts, OpenSeal, SealParts } from './envelope-parts.ts'

const MEMBERS: readonly string[] = ['payload', 'protected', 'header', 'signature']
/** Values in all, as of COSE: an envelope has some thirty, and 32 MiB of empty lists take a gigabyte. */
const MAX_VALUES = 4096
const TIMES: TimeForm = { read: readRfc3339, write: timeText }

/** RFC 7515 section 4.1 and RFC 7797: names of the standard itself, which are never critical. */
const REGISTERED: readonly string[] = 'alg jku jwk kid x5u x5c x5t x5t#S256 typ cty crit b64 enc zip'.split(' ')

/** Registered names that would change what is signed, or whose key counts. */
const NOT_SIGNED: readonly string[] = 'jku jwk x5u x5c x5t x5t#S256 b64 enc zip'.split(' ')

const OURS = [SCHEME, SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY, PLUGIN, PLUGIN_MIN_VERSION, TIMESTAMP, AGENT]
const KNOWN: ReadonlyMap<string, string> = new Map([...REGISTERED, ...OURS].map((name) => [fold(name), name]))

/** As Go folds the names of JSON members: `ſ` and the Kelvin sign too. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** Stops a name that Go's JSON reader, which ignores case, takes for a known one and we do not. */
function checkCase(names: readonly string[]): void {
  for (const name of names) {
    const known = KNOWN.get(fold(name))
    // Old notation wrote `SigningAgent`; what stands there is unsigned, decides nothing, and must not fail an envelope.
    if (known === AGENT) continue
    if (known !== undefined && known !== name) throw malformed(`a name that is ${known} but for its case`)
  }
}

function strictJson(bytes: Uint8Array, what: string): JsonObject {
  let value: Json
  try {
    value = parseJson(bytes, 'bundle', what, MAX_VALUES)
  } catch (cause) {
    throw malformed(`${what}: ${cause instanceof SallyportError ? cause.message : 'not strict JSON'}`, cause)
  }
  if (!isJsonObject(value)) throw malformed(`${what} is not an object`)
  return value
}

function base64url(value: Json | undefined, what: string, cap: number): Buffer {
  if (typeof value !== 'string') throw malformed(`${what} is not a string`)
  capped(Math.floor((value.length * 3) / 4), cap, `bytes of ${what}`)
  const bytes = decodeBase64(value, 'base64url')
  if (bytes === undefined) throw malformed(`${what} is not unpadded base64url`)
  return bytes
}

function base64(value: Json | undefined, what: string): Buffer {
  const bytes = typeof value === 'string' ? decodeBase64(value, 'base64') : undefined
  if (bytes === undefined || bytes.length === 0) throw malformed(`${what} is not padded base64`)
  return bytes
}

/** The parts of a JWS envelope; nothing is verified. Throws ENVELOPE_MALFORMED, ALGORITHM_REFUSED, LIMIT_EXCEEDED. */
export function readJws(bytes: Uint8Array): EnvelopeParts {
  const document = strictJson(bytes, 'JWS')
  // Stops a second signature, or a member that only another reader knows (RFC 7515 7.2.1 `signatures`).
  const foreign = Object.keys(document).find((name) => !MEMBERS.includes(name))
  if (foreign !== undefined) throw malformed('a member that is not of the flattened form')
  const { payload, protected: signed, header, signature } = document
  const payloadBytes = base64url(payload, 'payload', PAYLOAD_CAP)
  const protectedHeader = strictJson(base64url(signed, 'protected header', HEADER_CAP), 'protected header')
  if (!isJsonObject(header)) throw malformed('no header')
  checkCase([...Object.keys(protectedHeader), ...Object.keys(header)])
  const { alg, cty, crit, ...rest } = protectedHeader
  const algorithm = readAlgorithm(alg)
  if (cty !== PAYLOAD_TYPE) throw malformed(`cty is not ${PAYLOAD_TYPE}`)
  const refused = NOT_SIGNED.find((name) => Object.hasOwn(rest, name))
  if (refused !== undefined) throw malformed(`${refused} in the protected header`)
  const attributes = readAttributes(new Map(Object.entries(rest)), readCritical(crit), TIMES)
  return {
    algorithm,
    ...attributes,
    payload: payloadBytes,
    toBeSigned: Buffer.from(`${signed as string}.${payload as string}`, 'latin1'),
    signature: base64url(signature, 'signature', HEADER_CAP),
    salt: 'auto',
    ...readUnprotected(header, protectedHeader),
  }
}

/** Stops `none`, HMAC with a public key, and every other algorithm that is not one of six. */
function readAlgorithm(alg: Json | undefined): SignatureAlgorithm {
  if (typeof alg !== 'string') throw malformed('no alg')
  const algorithm = SIGNATURE_ALGORITHMS.find((name) => name === alg)
  if (algorithm === undefined) throw envelopeFault('ALGORITHM_REFUSED', `alg ${JSON.stringify(alg.slice(0, 32))}`)
  return algorithm
}

function readCritical(crit: Json | undefined): string[] {
  if (!Array.isArray(crit) || crit.length === 0) throw malformed('crit is not a list of names')
  const names = crit.map((name) => {
    if (typeof name !== 'string') throw malformed('crit is not a list of names')
    if (REGISTERED.includes(name)) throw malformed(`crit holds the registered name ${name}`)
    return name
  })
  if (new Set(names).size !== names.length) throw malformed('crit holds a name twice')
  return names
}

function readUnprotected(header: JsonObject, signed: JsonObject): Pick<EnvelopeParts, 'chain' | 'timestamp' | 'agent'> {
  const names = Object.keys(header)
  checkUnprotected(names)
  // Stops two readers from taking a name from different headers (RFC 7515 section 4).
  if (names.some((name) => Object.hasOwn(signed, name))) throw malformed('a name in both headers')
  // Stops `alg`, `crit` and their kind from being set by anyone on the way.
  const registered = names.find((name) => name !== 'x5c' && REGISTERED.includes(name))
  if (registered !== undefined) throw malformed(`${registered} is not protected`)
  const { x5c, [TIMESTAMP]: timestamp, [AGENT]: agent } = header
  if (!Array.isArray(x5c) || x5c.length === 0) throw malformed('x5c is not a list of certificates')
  capped(x5c.length, CHAIN_CAP, 'certificates')
  const parts: Pick<EnvelopeParts, 'chain' | 'timestamp' | 'agent'> = {
    chain: x5c.map((item, i) => base64(item, `x5c[${i}]`)),
  }
  if (timestamp !== undefined) {
    parts.timestamp = base64(timestamp, TIMESTAMP)
    capped(parts.timestamp.length, TIMESTAMP_CAP, 'bytes of timestamp')
  }
  if (agent !== undefined) {
    if (typeof agent !== 'string') throw malformed(`${AGENT} is not a string`)
    parts.agent = agent
  }
  return parts
}

/** What is to be signed, and how the envelope is written once it is: members in the order of notation. */
export function writeJws(terms: SealParts): OpenSeal {
  const { attributes, crit } = writeAttributes(terms, TIMES)
  const header = sortedJson({
    alg: terms.algorithm,
    crit,
    cty: PAYLOAD_TYPE,
    ...(Object.fromEntries(attributes) as JsonObject),
  })
  const signed = Buffer.from(header, 'utf8').toString('base64url')
  const payload = Buffer.from(terms.payload).toString('base64url')
  const close = (signature: Buffer, timestamp?: Buffer): Buffer => {
    const unprotected = {
      ...(timestamp === undefined ? {} : { [TIMESTAMP]: timestamp.toString('base64') }),
      x5c: terms.chain.map((der) => der.toString('base64')),
      ...(terms.agent === undefined ? {} : { [AGENT]: terms.agent }),
    }
    const document = { payload, protected: signed, header: unprotected, signature: signature.toString('base64url') }
    return Buffer.from(JSON.stringify(document), 'utf8')
  }
  return { toBeSigned: Buffer.from(`${signed}.${payload}`, 'latin1'), close }
}
