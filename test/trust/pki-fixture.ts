/** Real certificate authorities, signers and signatures, with names and dates as a test wants them. */
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { der, derBits, derInteger, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { digestOf, type Descriptor } from '../../src/oci/index.ts'
import {
  localSigner,
  parseCertificate,
  sealEnvelope,
  targetPayload,
  type Certificate,
  type SealTerms,
  type TargetDigest,
} from '../../src/signature/index.ts'
import type { FoundSignature } from '../../src/trust/index.ts'
import { generalizedTime, makeToken } from '../signature/token-maker.ts'

/** The time of every judgement that names no other. */
export const NOW = new Date('2026-06-15T12:00:00Z')
export const SCOPE = 'registry.site:5000/mirror/app'
export const ARTIFACT: Descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf(Buffer.from('the artifact')),
  size: 528,
}

const OIDS = { C: '2.5.4.6', ST: '2.5.4.8', L: '2.5.4.7', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' }
export type Subject = readonly (readonly [keyof typeof OIDS, string])[]

export function subject(organization: string, common: string): Subject {
  return [
    ['C', 'US'],
    ['ST', 'WA'],
    ['O', organization],
    ['CN', common],
  ]
}

export interface Holder {
  key: KeyObject
  certificate: Certificate
}

export interface IssueTerms {
  subject: Subject
  /** The issuer; absent: self-signed. */
  by?: Holder | undefined
  kind: 'ca' | 'signer' | 'tsa'
  curve?: 'P-256' | 'P-384'
  from?: Date | string
  to?: Date | string
  /** Another certificate for a key that exists. */
  key?: KeyObject
  serial?: number
}

const YES = der(0x01, Uint8Array.of(0xff))
const EXTENSION = (oid: string, value: Buffer): Buffer => derSequence(derOid(oid), YES, derOctets(value))
const TIME_STAMPING = derSequence(derOid('1.3.6.1.5.5.7.3.8'))
let lastSerial = 0

function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : generalizedTime(digits)
}

function nameOf(parts: Subject): Buffer {
  return derSequence(
    ...parts.map(([type, value]) => der(0x31, derSequence(derOid(OIDS[type]), der(0x0c, Buffer.from(value))))),
  )
}

/** A certificate and its key. */
export function issue(terms: IssueTerms): Holder {
  const { by, kind, curve = 'P-256', from = '2025-01-01T00:00:00Z', to = '2030-01-01T00:00:00Z' } = terms
  const key = terms.key ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey
  const algorithm = derSequence(derOid('1.2.840.10045.4.3.2'))
  const extensions = [
    EXTENSION('2.5.29.19', kind === 'ca' ? derSequence(YES) : derSequence()),
    EXTENSION('2.5.29.15', der(0x03, kind === 'ca' ? Uint8Array.of(1, 0x06) : Uint8Array.of(7, 0x80))),
    ...(kind === 'tsa' ? [EXTENSION('2.5.29.37', TIME_STAMPING)] : []),
  ]
  const body = derSequence(
    der(0xa0, derInteger(2)),
    derInteger(terms.serial ?? ++lastSerial),
    algorithm,
    by?.certificate.rawSubject ?? nameOf(terms.subject),
    derSequence(time(new Date(from)), time(new Date(to))),
    nameOf(terms.subject),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    der(0xa3, derSequence(...extensions)),
  )
  const signature = derBits(sign('sha256', body, by?.key ?? key))
  return { key, certificate: parseCertificate(derSequence(body, algorithm, signature)) }
}

/** A key with its chain, signer first. */
export interface Party {
  key: KeyObject
  root: Holder
  chain: readonly Certificate[]
}

export interface PartyTerms extends Partial<Pick<IssueTerms, 'from' | 'to' | 'curve' | 'subject' | 'key'>> {
  root?: Holder
}

/** A signer of an organization under its root. */
export function party(organization: string, terms: PartyTerms = {}): Party {
  const root = terms.root ?? issue({ subject: subject(organization, 'root'), kind: 'ca' })
  const leaf = issue({ subject: subject(organization, 'signer'), by: root, kind: 'signer', ...terms })
  return { key: leaf.key, root, chain: [leaf.certificate, root.certificate] }
}

export interface SignTerms extends Partial<Omit<SealTerms, 'payload' | 'signer'>> {
  artifact?: Pick<Descriptor, 'mediaType' | 'size'> & { digest: TargetDigest }
  metadata?: Record<string, string>
  /** Makes two manifests out of one envelope. */
  manifest?: string
}

/** A signature of the artifact, as it is found beside it. */
export async function signed(by: Party, terms: SignTerms = {}): Promise<FoundSignature> {
  const { artifact = ARTIFACT, metadata = {}, format = 'cose', signingTime = new Date('2026-06-01T00:00:00Z') } = terms
  const payload = targetPayload(artifact, metadata)
  const signer = localSigner(by.key, by.chain)
  const { artifact: _a, metadata: _m, manifest, ...rest } = terms
  const envelope = await sealEnvelope({ ...rest, format, payload, signer, signingTime })
  return wrapped(envelope, format, manifest)
}

/** An envelope under a manifest of its own. */
export function wrapped(envelope: Uint8Array, format: 'cose' | 'jws', manifest = ''): FoundSignature {
  return {
    manifest: digestOf(Buffer.concat([envelope, Buffer.from(manifest)])),
    mediaType: format === 'cose' ? 'application/cose' : 'application/jose+json',
    envelope,
  }
}

export interface TokenTerms {
  genTime: string
  accuracySeconds?: number
  /** Sees other bytes than the signature. */
  data?: Uint8Array
}

/** A timestamp authority's answer, for `SignTerms.timestamp`. */
export function stamp(authority: Party, terms: TokenTerms): (signature: Buffer) => Promise<Buffer> {
  const made = (certificate: Certificate, key: KeyObject): Parameters<typeof makeToken>[0]['signer'] => ({
    name: '',
    certFile: '',
    keyFile: '',
    der: certificate.der,
    key,
  })
  const [leaf, ...issuers] = authority.chain
  assert.ok(leaf)
  const { genTime, accuracySeconds, data } = terms
  return async (signature) =>
    makeToken({
      signer: made(leaf, authority.key),
      issuers: issuers.map((certificate) => made(certificate, authority.key)),
      data: data ?? signature,
      info: {
        genTime: generalizedTime(new Date(genTime).toISOString().replaceAll(/[-:T]|\.\d+/g, '')),
        accuracy: accuracySeconds === undefined ? undefined : derSequence(derInteger(accuracySeconds)),
      },
    })
}

/** A timestamp authority under its root. */
export function timestampAuthority(organization: string, terms: PartyTerms = {}): Party {
  const root = terms.root ?? issue({ subject: subject(organization, 'tsa root'), kind: 'ca' })
  const leaf = issue({ subject: subject(organization, 'tsa'), by: root, kind: 'tsa', ...terms })
  return { key: leaf.key, root, chain: [leaf.certificate, root.certificate] }
}
