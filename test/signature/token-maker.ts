/** Timestamp tokens by hand, so that each bad one is bad for one reason: what `openssl ts` refuses to make. */
import { constants, createHash, sign } from 'node:crypto'
import { der, derInteger, derNull, derOctets, derOid, derSequence, readDer } from '../../src/codec/index.ts'
import type { Made } from './authority.ts'

export type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512'
export type Attributes = Record<'contentType' | 'messageDigest' | 'signingCertificate', Buffer> & Record<string, Buffer>

export interface Recipe {
  signer: Made
  /** Certificates beside the signer's. */
  issuers: readonly Made[]
  data: Uint8Array
  imprintHash?: Hash
  signerHash?: Hash
  pss?: boolean
  salt?: number
  signedDataVersion?: number
  contentType?: string
  /** Replaces fields of TSTInfo, each its whole DER; undefined leaves one out. */
  info?: Partial<Record<InfoField, Buffer | undefined>>
  /** Changes the attributes before they are signed. */
  attributes?: (attributes: Attributes) => Attributes
  unsorted?: boolean
  /** Changes the parts after signing. */
  signatureAlgorithm?: Buffer
  signers?: (info: Buffer) => Buffer[]
  certificates?: (certificates: Buffer[]) => Buffer[]
  unsigned?: Buffer
}

const FIELDS = ['version', 'policy', 'imprint', 'serial', 'genTime', 'accuracy', 'ordering', 'nonce', 'tsa'] as const
export type InfoField = (typeof FIELDS)[number] | 'extensions' | 'extra'

const HASHES: Readonly<Record<Hash, string>> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
const ECDSA: Readonly<Record<Hash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
}

export const TST_INFO = '1.2.840.113549.1.9.16.1.4'

export function digest(hash: Hash, data: Uint8Array): Buffer {
  return createHash(hash).update(data).digest()
}

export function hashAlgorithm(hash: Hash): Buffer {
  return derSequence(derOid(HASHES[hash]), derNull())
}

export function generalizedTime(text: string): Buffer {
  return der(0x18, Buffer.from(text, 'latin1'))
}

export function attribute(type: string, ...values: Buffer[]): Buffer {
  return derSequence(derOid(type), der(0x31, ...values))
}

/** signing-certificate-v2 with one ESSCertIDv2. */
export function signingCertificateV2(certificate: Uint8Array, hash: Hash = 'sha256', ...more: Buffer[]): Buffer {
  const algorithm = hash === 'sha256' ? [] : [derSequence(derOid(HASHES[hash]))]
  const id = derSequence(...algorithm, derOctets(digest(hash, certificate)), ...more)
  return attribute('1.2.840.113549.1.9.16.2.47', derSequence(derSequence(id)))
}

/** Issuer and serial number, as they stand in a certificate. */
export function issuerAndSerial(certificate: Uint8Array): { issuer: Buffer; serial: Buffer } {
  const inside = (bytes: Uint8Array): Uint8Array => readDer(bytes)?.contents ?? Buffer.alloc(0)
  const items: Buffer[] = []
  for (let rest = inside(inside(certificate)); rest.length > 0;) {
    const after = readDer(rest)?.rest ?? Buffer.alloc(0)
    items.push(Buffer.from(rest.subarray(0, rest.length - after.length)))
    rest = after
  }
  const [, serial, , issuer] = items
  if (serial === undefined || issuer === undefined) throw new Error('not a certificate')
  return { issuer, serial }
}

export function tstInfo({ data, imprintHash = 'sha256', info = {} }: Recipe): Buffer {
  const fields: Record<InfoField, Buffer | undefined> = {
    version: derInteger(1),
    policy: derOid('1.2.3.4.1'),
    imprint: derSequence(hashAlgorithm(imprintHash), derOctets(digest(imprintHash, data))),
    serial: derInteger(4711),
    genTime: generalizedTime('20260614120000Z'),
    accuracy: undefined,
    ordering: undefined,
    nonce: undefined,
    tsa: undefined,
    extensions: undefined,
    extra: undefined,
    ...info,
  }
  return derSequence(...[...FIELDS, 'extensions' as const, 'extra' as const].flatMap((name) => fields[name] ?? []))
}

function algorithm({ signer, signerHash = 'sha256', pss = false, salt = 32 }: Recipe): Buffer {
  if (signer.key.asymmetricKeyType === 'ec') return derSequence(derOid(ECDSA[signerHash]))
  if (!pss) return derSequence(derOid('1.2.840.113549.1.1.1'), derNull())
  const hash = hashAlgorithm(signerHash)
  const mask = derSequence(derOid('1.2.840.113549.1.1.8'), hash)
  return derSequence(
    derOid('1.2.840.113549.1.1.10'),
    derSequence(der(0xa0, hash), der(0xa1, mask), der(0xa2, derInteger(salt))),
  )
}

export function makeToken(recipe: Recipe): Buffer {
  const { signer, signerHash = 'sha256', pss = false, contentType = TST_INFO } = recipe
  const content = tstInfo(recipe)
  const attributes: Attributes = {
    contentType: attribute('1.2.840.113549.1.9.3', derOid(TST_INFO)),
    messageDigest: attribute('1.2.840.113549.1.9.4', derOctets(digest(signerHash, content))),
    signingCertificate: signingCertificateV2(signer.der),
  }
  const listed = Object.values(recipe.attributes?.(attributes) ?? attributes).sort(Buffer.compare)
  const body = Buffer.concat(recipe.unsorted === true ? listed.toReversed() : listed)
  const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const rsa =
    signer.key.asymmetricKeyType === 'ec' ? {} : { padding, ...(pss ? { saltLength: recipe.salt ?? 32 } : {}) }
  const signature = sign(signerHash, der(0x31, body), { key: signer.key, ...rsa })
  const { issuer, serial } = issuerAndSerial(signer.der)
  const info = derSequence(
    derInteger(1),
    derSequence(issuer, serial),
    hashAlgorithm(signerHash),
    der(0xa0, body),
    recipe.signatureAlgorithm ?? algorithm(recipe),
    derOctets(signature),
    ...(recipe.unsigned === undefined ? [] : [der(0xa1, recipe.unsigned)]),
  )
  const certificates = [signer, ...recipe.issuers].map((made) => made.der)
  const data = derSequence(
    derInteger(recipe.signedDataVersion ?? 3),
    der(0x31, hashAlgorithm(signerHash)),
    derSequence(derOid(contentType), der(0xa0, derOctets(content))),
    der(0xa0, ...(recipe.certificates?.(certificates) ?? certificates)),
    der(0x31, ...(recipe.signers?.(info) ?? [info])),
  )
  return derSequence(derOid('1.2.840.113549.1.7.2'), der(0xa0, data))
}
