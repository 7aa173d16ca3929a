/** Real chains, and envelopes of any form whose cryptography is right: what is wrong with one is what a test made wrong. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import assert from 'node:assert/strict'
import {
  der,
  derBits,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derSequence,
  isJsonObject,
  parseJson,
} from '../../src/codec/index.ts'
import { exitOf, isFault, type Code } from '../../src/errors/index.ts'
import type { Descriptor } from '../../src/oci/index.ts'
import { signPrimitive, type SignatureAlgorithm } from '../../src/signature/algorithm.ts'
import { parseCertificate, type Certificate } from '../../src/signature/certificate.ts'
import { COSE, JWS, openEnvelope, type Envelope } from '../../src/signature/envelope.ts'

export const ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']
export const SCHEME = 'io.cncf.notary.signingScheme'
export const SIGNING_TIME = 'io.cncf.notary.signingTime'
export const AUTHENTIC = 'io.cncf.notary.authenticSigningTime'
export const EXPIRY = 'io.cncf.notary.expiry'
export const PLUGIN = 'io.cncf.notary.verificationPlugin'
export const MIN_VERSION = 'io.cncf.notary.verificationPluginMinVersion'
export const TIMESTAMP = 'io.cncf.notary.timestampSignature'
export const AGENT = 'io.cncf.notary.signingAgent'
export const CTY = 'application/vnd.cncf.notary.payload.v1+json'

export const TARGET: Descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'5a'.repeat(32)}`,
  size: 528,
}
export const PAYLOAD: Buffer = Buffer.from(JSON.stringify({ targetArtifact: { ...TARGET, annotations: { a: 'b' } } }))

/** A key with a chain to its root. */
export interface Party {
  algorithm: SignatureAlgorithm
  key: KeyObject
  chain: Certificate[]
}

function makeKey(algorithm: SignatureAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm as string]
  if (curve !== undefined) return generateKeyPairSync('ec', { namedCurve: curve })
  const modulusLength = { PS256: 2048, PS384: 3072, PS512: 4096 }[algorithm as string] ?? assert.fail(algorithm)
  return generateKeyPairSync('rsa', { modulusLength })
}

function name(common: string): Buffer {
  const part = (oid: string, value: string): Buffer =>
    der(0x31, derSequence(derOid(oid), der(0x0c, Buffer.from(value, 'utf8'))))
  return derSequence(part('2.5.4.6', 'CH'), part('2.5.4.8', 'BE'), part('2.5.4.10', 'acme'), part('2.5.4.3', common))
}

const YES = der(0x01, Uint8Array.of(0xff))

function extension(oid: string, value: Buffer): Buffer {
  return derSequence(derOid(oid), YES, derOctets(value))
}

interface CertificateTerms {
  subject: string
  issuer: string
  publicKey: KeyObject
  issuerKey: KeyObject
  ca: boolean
  serial: number
}

function makeCertificate({ subject, issuer, publicKey, issuerKey, ca, serial }: CertificateTerms): Certificate {
  const rsa = issuerKey.asymmetricKeyType === 'rsa'
  const algorithm = rsa
    ? derSequence(derOid('1.2.840.113549.1.1.11'), derNull())
    : derSequence(derOid('1.2.840.10045.4.3.2'))
  const usage = ca ? Uint8Array.of(2, 0x04) : Uint8Array.of(7, 0x80)
  const extensions = derSequence(
    extension('2.5.29.19', ca ? derSequence(YES) : derSequence()),
    extension('2.5.29.15', der(0x03, usage)),
  )
  const tbs = derSequence(
    der(0xa0, derInteger(2)),
    derInteger(serial),
    algorithm,
    name(issuer),
    derSequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z'))),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  )
  return parseCertificate(derSequence(tbs, algorithm, derBits(sign('sha256', tbs, issuerKey))))
}

const parties = new Map<string, Party>()

function underRoot(
  label: string,
  algorithm: SignatureAlgorithm,
  leaf: { privateKey: KeyObject; publicKey: KeyObject },
): Party {
  const root = makeKey('ES256')
  const issuer = `${label} root`
  const issuerKey = root.privateKey
  const chain = [
    makeCertificate({ subject: label, issuer, publicKey: leaf.publicKey, issuerKey, ca: false, serial: 2 }),
    makeCertificate({ subject: issuer, issuer, publicKey: root.publicKey, issuerKey, ca: true, serial: 1 }),
  ]
  return { algorithm, key: leaf.privateKey, chain }
}

/** A party of an algorithm under a P-256 root, made once for each label. */
export function party(algorithm: SignatureAlgorithm = 'ES256', label = 'signer'): Party {
  const known = parties.get(`${algorithm} ${label}`)
  if (known !== undefined) return known
  const made = underRoot(label, algorithm, makeKey(algorithm))
  parties.set(`${algorithm} ${label}`, made)
  return made
}

/** Parties whose keys no Notary Project signature may use, under the algorithm they would come nearest to. */
export const oddParties: readonly Party[] = [
  underRoot('ed25519', 'ES256', generateKeyPairSync('ed25519')),
  underRoot('secp256k1', 'ES256', generateKeyPairSync('ec', { namedCurve: 'secp256k1' })),
  underRoot('rsa1024', 'PS256', generateKeyPairSync('rsa', { modulusLength: 1024 })),
]

/** A party that brings a leaf of its own as root: the certificate authority signs too. */
export function rootAsSigner(): Party {
  const { privateKey, publicKey } = makeKey('ES256')
  const root = { subject: 'x', issuer: 'x', publicKey, issuerKey: privateKey, ca: true, serial: 1 }
  return { algorithm: 'ES256', key: privateKey, chain: [makeCertificate(root)] }
}

export const protectedJson = (algorithm: SignatureAlgorithm = 'ES256'): Record<string, unknown> => ({
  alg: algorithm,
  crit: [SCHEME],
  cty: CTY,
  [SCHEME]: 'notary.x509',
  [SIGNING_TIME]: '2026-01-02T03:04:05Z',
})

export interface JwsCraft {
  by?: Party
  /** Members laid over the genuine protected header (undefined takes one away), or the text of another one. */
  signed?: Record<string, unknown> | string
  payload?: Uint8Array
  /** Members laid over the genuine unprotected header. */
  header?: Record<string, unknown>
  /** Members laid over the document, after signing. */
  document?: Record<string, unknown>
  sign?: (input: Buffer) => Buffer
}

/** A JWS envelope, as wrong as its maker wants it. */
export function craftJws(craft: JwsCraft = {}): Buffer {
  const { by = party(), signed = {}, payload = PAYLOAD, header = {}, document = {} } = craft
  const text = typeof signed === 'string' ? signed : JSON.stringify({ ...protectedJson(by.algorithm), ...signed })
  const [first, second] = [Buffer.from(text).toString('base64url'), Buffer.from(payload).toString('base64url')]
  const input = Buffer.from(`${first}.${second}`)
  const signature = craft.sign?.(input) ?? signPrimitive(by.algorithm, by.key, input)
  const x5c = by.chain.map((certificate) => certificate.der.toString('base64'))
  return Buffer.from(
    JSON.stringify({
      payload: second,
      protected: first,
      header: { x5c, ...header },
      signature: signature.toString('base64url'),
      ...document,
    }),
  )
}

/** The members of a JWS, to be changed and written again. */
export function jwsDocument(bytes: Buffer): Record<string, unknown> {
  const value = parseJson(bytes, 'bundle', 'test')
  assert.ok(isJsonObject(value))
  return value
}

/** CBOR by hand, so that any head can be written. */
export const cbor = {
  head: (major: number, value: number): Buffer => {
    if (value < 24) return Buffer.from([(major << 5) | value])
    if (value < 0x100) return Buffer.from([(major << 5) | 24, value])
    const bytes = Buffer.alloc(value < 0x10000 ? 3 : 5)
    bytes[0] = (major << 5) | (bytes.length === 3 ? 25 : 26)
    bytes.writeUIntBE(value, 1, bytes.length - 1)
    return bytes
  },
  int: (value: number): Buffer => (value < 0 ? cbor.head(1, -1 - value) : cbor.head(0, value)),
  bytes: (value: Uint8Array): Buffer => Buffer.concat([cbor.head(2, value.length), value]),
  text: (value: string): Buffer => Buffer.concat([cbor.head(3, Buffer.byteLength(value)), Buffer.from(value)]),
  array: (...items: Uint8Array[]): Buffer => Buffer.concat([cbor.head(4, items.length), ...items]),
  map: (...pairs: (readonly [Uint8Array, Uint8Array])[]): Buffer =>
    Buffer.concat([cbor.head(5, pairs.length), ...pairs.flat()]),
  tag: (tag: number, item: Uint8Array): Buffer => Buffer.concat([cbor.head(6, tag), item]),
}

export type Pair = readonly [Buffer, Buffer]
const COSE_ALGORITHMS = { PS256: -37, PS384: -38, PS512: -39, ES256: -7, ES384: -35, ES512: -36 }

export const pair = (label: string | number, value: Buffer): Pair => [
  typeof label === 'string' ? cbor.text(label) : cbor.int(label),
  value,
]
export const crit = (...labels: (string | number)[]): Pair => [
  cbor.int(2),
  cbor.array(...labels.map((label) => (typeof label === 'string' ? cbor.text(label) : cbor.int(label)))),
]
export const time = (seconds: number): Buffer => cbor.tag(1, cbor.int(seconds))
export const SIGNED_AT = 1_767_323_045 // 2026-01-02T03:04:05Z

/** The pairs of a genuine protected header, by name. */
export function protectedPairs(algorithm: SignatureAlgorithm = 'ES256'): Record<string, Pair> {
  return {
    alg: [cbor.int(1), cbor.int(COSE_ALGORITHMS[algorithm])],
    crit: [cbor.int(2), cbor.array(cbor.text(SCHEME))],
    cty: [cbor.int(3), cbor.text(CTY)],
    time: [cbor.text(SIGNING_TIME), time(SIGNED_AT)],
    scheme: [cbor.text(SCHEME), cbor.text('notary.x509')],
  }
}

export interface CoseCraft {
  by?: Party
  /** Pairs laid over the genuine ones by name (undefined takes one away), or the bytes of another header. */
  signed?: Record<string, Pair | undefined> | Buffer
  payload?: Buffer
  /** The unprotected header's pairs after the chain. */
  unprotected?: Pair[]
  /** The item under label 33; undefined for the genuine one. */
  chain?: Buffer
  /** Makes the envelope of its four items. */
  wrap?: (items: Buffer[]) => Buffer
}

/** A COSE envelope, as wrong as its maker wants it. */
export function craftCose(craft: CoseCraft = {}): Buffer {
  const { by = party(), signed = {}, payload = PAYLOAD, unprotected = [] } = craft
  const pairs = Buffer.isBuffer(signed) ? [] : Object.values({ ...protectedPairs(by.algorithm), ...signed })
  const header = Buffer.isBuffer(signed) ? signed : cbor.map(...pairs.filter((pair) => pair !== undefined))
  const [first, second] = [cbor.bytes(header), cbor.bytes(payload)]
  const input = cbor.array(cbor.text('Signature1'), first, cbor.bytes(Buffer.alloc(0)), second)
  const signature = cbor.bytes(signPrimitive(by.algorithm, by.key, input))
  const chain = craft.chain ?? cbor.array(...by.chain.map((certificate) => cbor.bytes(certificate.der)))
  const items = [first, cbor.map([cbor.int(33), chain], ...unprotected), second, signature]
  return craft.wrap?.(items) ?? cbor.tag(18, cbor.array(...items))
}

export const openJws = (craft?: JwsCraft): Envelope => openEnvelope(JWS, craftJws(craft))
export const openCose = (craft?: CoseCraft): Envelope => openEnvelope(COSE, craftCose(craft))

/** Asserts that it fails with the code, and with an exit status of a refusal: never by accident. */
export function refuses(code: Code, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(isFault(error, code), `${code} wanted, not ${String(error)}`)
    assert.ok([2, 11, 12, 15, 17].includes(exitOf(error)))
    return true
  })
}

/** Asserts all that an envelope of the fixture's own party says when it is made as notation makes it. */
export function assertAsNotationWrites(opened: Envelope, mediaType: Envelope['mediaType']): void {
  assert.equal(opened.mediaType, mediaType)
  assert.equal(opened.algorithm, 'ES256')
  assert.deepEqual(opened.payload, PAYLOAD)
  assert.equal(opened.scheme, 'notary.x509')
  assert.equal(opened.signingTime?.toISOString(), '2026-01-02T03:04:05.000Z')
  assert.equal(opened.authenticSigningTime, undefined)
  assert.equal(opened.expiry, undefined)
  assert.equal(opened.plugin, undefined)
  assert.equal(opened.critical.size, 0)
  assert.equal(opened.signingAgent, 'notation-go/1.3.2')
  assert.deepEqual(opened.timestamp, Buffer.from([1, 2, 3]))
  assert.equal(opened.signature.length, 64)
  assert.deepEqual(
    opened.chain.map(({ sha256 }) => sha256),
    party().chain.map(({ sha256 }) => sha256),
  )
}
