/** The signed attributes of a Notary Project signature: one set of rules for JWS and COSE (signature specification). */
import { malformed } from './envelope-fault.ts'
import { isVersion } from './semantic-version.ts'

export type SigningScheme = 'notary.x509' | 'notary.x509.signingAuthority'

export const SCHEME = 'io.cncf.notary.signingScheme'
export const SIGNING_TIME = 'io.cncf.notary.signingTime'
export const AUTHENTIC_SIGNING_TIME = 'io.cncf.notary.authenticSigningTime'
export const EXPIRY = 'io.cncf.notary.expiry'
export const PLUGIN = 'io.cncf.notary.verificationPlugin'
export const PLUGIN_MIN_VERSION = 'io.cncf.notary.verificationPluginMinVersion'
/** The unsigned attributes besides the chain. */
export const TIMESTAMP = 'io.cncf.notary.timestampSignature'
export const AGENT = 'io.cncf.notary.signingAgent'

const SIGNED: readonly string[] = [SCHEME, SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY, PLUGIN, PLUGIN_MIN_VERSION]

export interface SignedAttributes {
  scheme: SigningScheme
  /** What the signer says, untrusted; of scheme `notary.x509`. */
  signingTime?: Date
  /** What the authority vouches for; of scheme `notary.x509.signingAuthority`. */
  authenticSigningTime?: Date
  expiry?: Date
  plugin?: { name: string; minVersion?: string }
  /** Critical attributes that are not known here, by name. */
  critical: ReadonlyMap<string, unknown>
}

/** How an envelope format writes a time. */
export interface TimeForm {
  read: (value: unknown) => Date | undefined
  write: (time: Date) => unknown
}

/**
 * What the signed attributes say.
 * @param attributes - the protected header without algorithm, content type and list of critical names
 * @param crit - the critical names, which the format has checked to be unique and not registered
 * Throws ENVELOPE_MALFORMED.
 */
export function readAttributes(
  attributes: ReadonlyMap<string, unknown>,
  crit: readonly string[],
  form: TimeForm,
): SignedAttributes {
  for (const name of crit) {
    // RFC 7515 4.1.11, RFC 9052 3.1: a critical name without its value would be taken for understood.
    if (!attributes.has(name)) throw malformed(`critical ${name} is not in the protected header`)
  }
  const time = (name: string): Date | undefined => {
    if (!attributes.has(name)) return undefined
    const date = form.read(attributes.get(name))
    if (date === undefined) throw malformed(`${name} is not a time in whole seconds`)
    return date
  }
  const scheme = readScheme(attributes.get(SCHEME))
  const authority = scheme === 'notary.x509.signingAuthority'
  const read: SignedAttributes = { scheme, critical: unknown(attributes, crit) }
  const [own, foreign] = authority ? [AUTHENTIC_SIGNING_TIME, SIGNING_TIME] : [SIGNING_TIME, AUTHENTIC_SIGNING_TIME]
  // Stops a time that one scheme trusts and the other does not from being read under the wrong one.
  if (attributes.has(foreign)) throw malformed(`${foreign} under ${scheme}`)
  const made = time(own)
  if (made === undefined) throw malformed(`no ${own}`)
  if (authority) read.authenticSigningTime = made
  else read.signingTime = made
  const expiry = time(EXPIRY)
  if (expiry !== undefined) {
    if (expiry.getTime() <= made.getTime()) throw malformed('expires before it was signed')
    read.expiry = expiry
  }
  const plugin = readPlugin(attributes)
  if (plugin !== undefined) read.plugin = plugin
  checkCritical(attributes, crit, authority)
  return read
}

function readScheme(value: unknown): SigningScheme {
  if (value === 'notary.x509' || value === 'notary.x509.signingAuthority') return value
  throw malformed(value === undefined ? `no ${SCHEME}` : 'a signing scheme that is not known')
}

function readPlugin(attributes: ReadonlyMap<string, unknown>): SignedAttributes['plugin'] {
  const name = attributes.get(PLUGIN)
  const minVersion = attributes.get(PLUGIN_MIN_VERSION)
  if (name === undefined) {
    if (minVersion !== undefined) throw malformed(`${PLUGIN_MIN_VERSION} without ${PLUGIN}`)
    return undefined
  }
  if (typeof name !== 'string' || name.trim() === '') throw malformed(`${PLUGIN} is not a name`)
  if (minVersion === undefined) return { name }
  if (typeof minVersion !== 'string' || !isVersion(minVersion))
    throw malformed(`${PLUGIN_MIN_VERSION} is not a semantic version`)
  return { name, minVersion }
}

/** Stops an attribute that decides about validity from being skipped by a verifier that does not know it. */
function checkCritical(attributes: ReadonlyMap<string, unknown>, crit: readonly string[], authority: boolean): void {
  const must = [SCHEME, EXPIRY, PLUGIN, PLUGIN_MIN_VERSION, ...(authority ? [AUTHENTIC_SIGNING_TIME] : [])]
  for (const name of must)
    if (attributes.has(name) && !crit.includes(name)) throw malformed(`${name} is not marked critical`)
  // Notation refuses it too: the claim is for information and takes no part in the judgement.
  if (crit.includes(SIGNING_TIME)) throw malformed(`${SIGNING_TIME} is marked critical`)
}

function unknown(attributes: ReadonlyMap<string, unknown>, crit: readonly string[]): Map<string, unknown> {
  return new Map(crit.filter((name) => !SIGNED.includes(name)).map((name) => [name, attributes.get(name)]))
}

/** Stops anyone on the way from adding an expiry, a scheme or a time. Throws ENVELOPE_MALFORMED. */
export function checkUnprotected(names: readonly unknown[]): void {
  const signed = SIGNED.find((name) => names.includes(name))
  if (signed !== undefined) throw malformed(`${signed} is not protected`)
}

/** What a signer says of a signature: the attributes in the order of notation, and the critical names. */
export function writeAttributes(
  terms: { scheme: SigningScheme; signingTime: Date; expiry?: Date | undefined },
  form: TimeForm,
): { attributes: Map<string, unknown>; crit: string[] } {
  const authority = terms.scheme === 'notary.x509.signingAuthority'
  const timeName = authority ? AUTHENTIC_SIGNING_TIME : SIGNING_TIME
  const attributes = new Map<string, unknown>([
    [SCHEME, terms.scheme],
    [timeName, form.write(terms.signingTime)],
  ])
  const crit = authority ? [SCHEME, timeName] : [SCHEME]
  if (terms.expiry !== undefined) {
    attributes.set(EXPIRY, form.write(terms.expiry))
    crit.push(EXPIRY)
  }
  return { attributes, crit }
}
