/** CMS SignedData (RFC 5652) as far as a timestamp token may use it: one signer, signed attributes, certificates within. */
import {
  DerFields,
  ECDSA_WITH_SHA2,
  hashesOf,
  MGF1,
  parseDer,
  readNaturalHex,
  readOid,
  RSA_WITH_SHA2,
  RSASSA_PSS,
  type DerNode,
  type Sha2,
} from '../codec/index.ts'
import { hashOf, open, single, timestampFault } from './timestamp-fault.ts'

const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const CONTENT_TYPE = '1.2.840.113549.1.9.3'
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4'
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47'
const MAX_CERTIFICATES = 32
const MAX_ATTRIBUTES = 32

/** How a signer signed: RSASSA-PKCS1-v1_5, RSASSA-PSS with its salt, or ECDSA. */
export type SignerScheme = { kind: 'pkcs1' } | { kind: 'pss'; salt: number } | { kind: 'ecdsa' }

export interface SignerInfo {
  /** The DER of the issuer's name. */
  issuer: Buffer
  /** Lower-case hex without leading zeros. */
  serial: string
  hash: Sha2
  scheme: SignerScheme
  signature: Buffer
  /** The signed attributes as they are signed: the DER of the SET, not of the [0] that stands in the token. */
  signedBytes: Buffer
  messageDigest: Buffer
  /** The value of signing-certificate-v2. */
  signingCertificate: DerNode
}

export interface SignedToken {
  /** The DER of TSTInfo. */
  content: Buffer
  /** DER, in the order of the token. */
  certificates: Buffer[]
  signer: SignerInfo
}

const RSA = '1.2.840.113549.1.1.1'
const RSA_WITH = hashesOf(RSA_WITH_SHA2)
const ECDSA_WITH = hashesOf(ECDSA_WITH_SHA2)

/** RSASSA-PSS-params (RFC 4055 3.1), nothing left to its defaults, which are SHA-1. */
function readPss(parameters: DerFields, hash: Sha2): SignerScheme {
  const what = 'the parameters of RSASSA-PSS'
  const own = hashOf(single(parameters, 0xa0, 0x30, what))
  const mask = new DerFields(single(parameters, 0xa1, 0x30, what), what)
  const salt = readNaturalHex(single(parameters, 0xa2, 0x02, what))
  parameters.end()
  if (readOid(mask.take(0x06)) !== MGF1) throw timestampFault('a mask other than MGF1')
  const maskHash = hashOf(mask.take(0x30))
  mask.end()
  if (own !== hash || maskHash !== hash) throw timestampFault('RSASSA-PSS with several hashes')
  if (salt.length > 2) throw timestampFault('a salt longer than any hash')
  return { kind: 'pss', salt: Number.parseInt(salt, 16) }
}

function readScheme(algorithm: DerFields, hash: Sha2): SignerScheme {
  const name = readOid(algorithm.take(0x06))
  if (name === RSASSA_PSS) {
    const scheme = readPss(open(algorithm, 0x30, 'the parameters of RSASSA-PSS'), hash)
    algorithm.end()
    return scheme
  }
  const rsa = name === RSA ? hash : RSA_WITH.get(name)
  if (rsa !== undefined) algorithm.maybe(0x05)
  algorithm.end()
  // The attributes and the content are hashed alike: else a weaker hash could be named for one of the two.
  if ((rsa ?? ECDSA_WITH.get(name)) !== hash)
    throw timestampFault('a signature algorithm that is not accepted, or of another hash')
  return rsa === undefined ? { kind: 'ecdsa' } : { kind: 'pkcs1' }
}

/** The values of each attribute, by type. Stops a type that stands twice, of which readers take the first or the last. */
function readAttributes(node: DerNode): Map<string, DerFields> {
  const found = new Map<string, DerFields>()
  let before: Buffer = Buffer.alloc(0)
  for (const { tag, raw } of node.children) {
    // DER sorts a SET OF; RFC 5652 5.3 wants these attributes in DER, since that is what is signed.
    if (tag !== 0x30 || Buffer.compare(before, raw) > 0) throw timestampFault('signed attributes are not in order')
    before = raw
  }
  const attributes = new DerFields(node, 'signed attributes')
  while (attributes.more) {
    if (found.size === MAX_ATTRIBUTES) throw timestampFault('too many attributes')
    const attribute = open(attributes, 0x30, 'an attribute')
    const type = readOid(attribute.take(0x06))
    if (found.has(type)) throw timestampFault('a signed attribute stands twice')
    found.set(type, open(attribute, 0x31, 'the values of an attribute'))
    attribute.end()
  }
  return found
}

/** The one value of an attribute that must be there. */
function valueOf(attributes: ReadonlyMap<string, DerFields>, type: string, tag: number, name: string): DerNode {
  const values = attributes.get(type)
  if (values === undefined) throw timestampFault(`no ${name}`)
  const value = values.take(tag)
  values.end()
  return value
}

function readSigner(signer: DerFields): SignerInfo {
  if (readNaturalHex(signer.take(0x02)) !== '1')
    throw timestampFault('a signer that is not named by issuer and serial number')
  const name = open(signer, 0x30, 'the name of the signer')
  const issuer = name.take(0x30).raw
  const serial = readNaturalHex(name.take(0x02))
  name.end()
  const hash = hashOf(signer.take(0x30))
  const signed = signer.take(0xa0)
  const scheme = readScheme(open(signer, 0x30, 'signatureAlgorithm'), hash)
  const signature = signer.take(0x04).contents
  // Unsigned attributes prove nothing and are not looked at.
  signer.maybe(0xa1)
  signer.end()
  const attributes = readAttributes(signed)
  const contentType = valueOf(attributes, CONTENT_TYPE, 0x06, 'contentType')
  if (readOid(contentType) !== TST_INFO) throw timestampFault('contentType is not TSTInfo')
  const messageDigest = valueOf(attributes, MESSAGE_DIGEST, 0x04, 'messageDigest').contents
  // Stops the swap of the certificate for another one of the same key: version 1 binds it by SHA-1 only.
  const signingCertificate = valueOf(attributes, SIGNING_CERTIFICATE_V2, 0x30, 'signing-certificate-v2')
  const signedBytes = Buffer.from(signed.raw)
  signedBytes[0] = 0x31
  return { issuer, serial, hash, scheme, signature, signedBytes, messageDigest, signingCertificate }
}

function readCertificates(node: DerNode): Buffer[] {
  if (node.children.length > MAX_CERTIFICATES) throw timestampFault('too many certificates')
  return node.children.map(({ tag, raw }) => {
    if (tag !== 0x30) throw timestampFault('a certificate that is not of X.509')
    return raw
  })
}

/** The parts of a token, its shape checked and nothing verified. Throws TIMESTAMP_INVALID, DerError. */
export function readSignedToken(token: Uint8Array): SignedToken {
  const root = parseDer(token)
  if (root.tag !== 0x30) throw timestampFault('no ContentInfo')
  const info = new DerFields(root, 'ContentInfo')
  if (readOid(info.take(0x06)) !== SIGNED_DATA) throw timestampFault('not SignedData')
  const data = new DerFields(single(info, 0xa0, 0x30, 'ContentInfo'), 'SignedData')
  info.end()
  // 3 is what content other than id-data and certificates of X.509 alone ask for (RFC 5652 5.1).
  if (readNaturalHex(data.take(0x02)) !== '3') throw timestampFault('SignedData is not of version 3')
  const hashes = data.take(0x31).children.map(hashOf)
  const encapsulated = open(data, 0x30, 'encapContentInfo')
  if (readOid(encapsulated.take(0x06)) !== TST_INFO) throw timestampFault('eContentType is not TSTInfo')
  const content = single(encapsulated, 0xa0, 0x04, 'eContent').contents
  encapsulated.end()
  const certificates = readCertificates(data.take(0xa0))
  // Revocation lists in a token are the signer's choice of evidence; they are not looked at.
  data.maybe(0xa1)
  // Stops a second signer, of whom one reader would believe the one and another reader the other.
  const signer = readSigner(new DerFields(single(data, 0x31, 0x30, 'signerInfos'), 'SignerInfo'))
  data.end()
  if (!hashes.includes(signer.hash)) throw timestampFault("digestAlgorithms lacks the signer's hash")
  return { content, certificates, signer }
}
