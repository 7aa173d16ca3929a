/** Everything a case needs: keys, authorities, the judge, and a place for its layout and its policy. */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MEDIA_TYPES, type NotationJudge } from '../notation.ts'
import {
  CertificateMaker,
  type CertificateTerms,
  type Issued,
  type KeyKind,
  pemBlocks,
  STAMPER_EXTENSIONS,
} from '../setup/certificates.ts'
import {
  notationConfig,
  type Part,
  type PolicyStatement,
  type SignatureTerms,
  SignedLayout,
  trustPolicy,
} from '../setup/signed-layout.ts'
import { type AuthorityTerms, startTimestampAuthority, type TimestampAuthority } from '../setup/timestamp-authority.ts'
import { cbor, type CborValue, sorted } from './cbor.ts'
import { type Format, header, type HeaderChange } from './header.ts'

export const SCOPE = 'local/cargo'
const HASHES: Partial<Record<KeyKind, 'sha256' | 'sha384' | 'sha512'>> = {
  rsa3072: 'sha384',
  rsa4096: 'sha512',
  p384: 'sha384',
  p521: 'sha512',
}
/** Valid since before any time that a case stamps. */
const LONG = { from: new Date('2024-01-01T00:00:00Z') }
const STAMP = 'io.cncf.notary.timestampSignature'

/** What of an envelope can be put together again after a case has changed it. */
export interface EnvelopeParts {
  protected: Buffer
  payload: Buffer
  chain: Buffer[]
  signature: Buffer
  timestamp?: Buffer
}

/** An envelope to be made by the crafting signer, which checks nothing. */
export interface EnvelopeTerms {
  readonly format?: Format
  readonly kind?: KeyKind
  /** Whose key signs. Unless told, the good leaf of this kind. */
  readonly signer?: Issued
  readonly header?: HeaderChange
  readonly chain?: readonly Buffer[]
  readonly payload?: Buffer
  readonly hash?: 'sha256' | 'sha384' | 'sha512'
  readonly saltLength?: number
  readonly pkcs1?: boolean
  /** Changes what was signed, after it was signed. */
  readonly change?: (parts: EnvelopeParts) => void
  /** The token, over the primitive signature. */
  readonly stamp?: (signature: Buffer) => Promise<Buffer>
  /** Changes the finished bytes. */
  readonly bytes?: (envelope: Buffer, parts: EnvelopeParts) => Buffer
}

export interface SignatureChange {
  readonly form?: SignatureTerms['form']
  readonly layers?: number
  readonly mediaType?: string
  readonly subject?: (target: Part) => Part
}

export interface Situation {
  readonly layout: SignedLayout
  readonly target: Part
  readonly configDir: string
  readonly scope: string
}

export interface TrustTerms {
  readonly statements?: readonly PolicyStatement[]
  readonly policy?: string
  readonly stores?: Readonly<Record<string, readonly Issued[]>>
  readonly scope?: string
  /** Further files in notation's folder, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>>
}

let artifacts = 0

export class World {
  readonly folder: string
  readonly judge: NotationJudge
  readonly maker: CertificateMaker
  readonly #kept = new Map<string, Promise<Issued>>()
  readonly #authorities: TimestampAuthority[] = []
  #authority: Promise<TimestampAuthority> | undefined

  constructor(folder: string, judge: NotationJudge) {
    this.folder = folder
    this.judge = judge
    this.maker = new CertificateMaker(join(folder, 'certificates'))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#authorities.map((authority) => authority.stop()))
  }

  /** The same certificate for each call with the same name. */
  kept(name: string, terms: () => CertificateTerms | Promise<CertificateTerms>): Promise<Issued> {
    const kept = this.#kept.get(name) ?? Promise.resolve(terms()).then((made) => this.maker.issue(made))
    this.#kept.set(name, kept)
    return kept
  }

  root(): Promise<Issued> {
    return this.kept('root', () => ({ kind: 'p384', subject: '/C=US/ST=WA/O=acme/CN=root' }))
  }

  stranger(): Promise<Issued> {
    return this.kept('stranger', () => ({ kind: 'p521', subject: '/C=US/ST=WA/O=stranger/CN=root', ...LONG }))
  }

  stampRoot(): Promise<Issued> {
    return this.kept('stamp root', () => ({ kind: 'rsa2048', subject: '/C=US/ST=WA/O=clock/CN=root', ...LONG }))
  }

  /** The leaf that everything which is not about leaves is signed by. */
  leaf(kind: KeyKind = 'p256'): Promise<Issued> {
    const subject = `/C=US/ST=WA/L=Seattle/O=acme/OU=build/CN=${kind}`
    return this.kept(`leaf ${kind}`, async () => ({ kind, issuer: await this.root(), subject }))
  }

  /** A leaf under the good root, with something of its own. */
  async leafWith(terms: CertificateTerms): Promise<Issued> {
    return this.maker.issue({ issuer: await this.root(), ...terms })
  }

  async authority(terms?: Partial<AuthorityTerms>): Promise<TimestampAuthority> {
    const made = async () => {
      const signer =
        terms?.signer ??
        (await this.kept('stamper', async () => ({
          kind: 'rsa2048',
          issuer: await this.stampRoot(),
          extensions: STAMPER_EXTENSIONS,
          from: new Date('2025-01-01T00:00:00Z'),
        })))
      const authority = await startTimestampAuthority({ folder: this.folder, ...terms, signer })
      this.#authorities.push(authority)
      return authority
    }
    if (terms !== undefined) return made()
    return (this.#authority ??= made())
  }

  artifact(): { layout: SignedLayout; target: Part } {
    const layout = new SignedLayout(mkdtempSync(join(this.folder, 'layout-')))
    artifacts += 1
    return { layout, target: layout.artifact(`cargo ${artifacts}`) }
  }

  async envelope(target: Part, terms: EnvelopeTerms = {}): Promise<Buffer> {
    const { format = 'jws', kind = 'p256' } = terms
    const signer = terms.signer ?? (await this.leaf(kind))
    const parts: EnvelopeParts = {
      protected: header(format, kind, terms.header),
      payload: terms.payload ?? payloadOf(target),
      chain: [...(terms.chain ?? pemBlocks(signer.chain))],
      signature: Buffer.alloc(0),
    }
    const { saltLength, pkcs1 } = terms
    const crafted = await this.judge.craft({
      mediaType: MEDIA_TYPES[format],
      key: signer.key,
      protected: parts.protected,
      payload: parts.payload,
      chain: parts.chain,
      hash: terms.hash ?? HASHES[kind] ?? 'sha256',
      ...(saltLength !== undefined && { saltLength }),
      ...(pkcs1 !== undefined && { pkcs1 }),
    })
    parts.signature = signatureOf(format, crafted, assemble(format, parts).length)
    if (terms.stamp !== undefined) parts.timestamp = await terms.stamp(parts.signature)
    terms.change?.(parts)
    const envelope = assemble(format, parts)
    return terms.bytes?.(envelope, parts) ?? envelope
  }

  /** A situation with one signature. */
  async signed(terms: EnvelopeTerms & { manifest?: SignatureChange; trust?: TrustTerms } = {}): Promise<Situation> {
    const { layout, target } = this.artifact()
    this.attach(layout, target, terms.format ?? 'jws', await this.envelope(target, terms), terms.manifest)
    return this.situation(layout, target, terms.trust)
  }

  attach(layout: SignedLayout, target: Part, format: Format, envelope: Buffer, change: SignatureChange = {}): Part {
    return layout.signature({
      subject: change.subject?.(target) ?? target,
      mediaType: change.mediaType ?? MEDIA_TYPES[format],
      envelope,
      ...(change.form && { form: change.form }),
      ...(change.layers !== undefined && { layers: change.layers }),
    })
  }

  /** Unless told: strict without revocation, for every scope, by the good root, anyone. */
  async situation(layout: SignedLayout, target: Part, trust: TrustTerms = {}): Promise<Situation> {
    const stores = trust.stores ?? { 'ca:acme': [await this.root()] }
    const files = Object.entries(stores).map(
      ([name, held]) => [name, held.map(({ certificate }) => certificate)] as const,
    )
    const policy = trust.policy ?? trustPolicy(trust.statements ?? [{}])
    const configDir = notationConfig(this.folder, policy, Object.fromEntries(files))
    for (const [path, bytes] of Object.entries(trust.files ?? {})) {
      mkdirSync(dirname(join(configDir, path)), { recursive: true })
      writeFileSync(join(configDir, path), bytes)
    }
    return { layout, target, configDir, scope: trust.scope ?? SCOPE }
  }

  /** Trust in the good root and the good timestamp root. */
  async stampTrust(statement: PolicyStatement = {}): Promise<TrustTerms> {
    const stores = { 'ca:acme': [await this.root()], 'tsa:clock': [await this.stampRoot()] }
    return { stores, statements: [{ stores: ['ca:acme', 'tsa:clock'], ...statement }] }
  }
}

export function payloadOf(target: Part, annotations?: Readonly<Record<string, string>>): Buffer {
  const { mediaType, digest, size } = target
  return Buffer.from(
    JSON.stringify({ targetArtifact: { mediaType, digest, size, ...(annotations && { annotations }) } }),
  )
}

export function assemble(format: Format, parts: EnvelopeParts): Buffer {
  const { chain, payload, signature, timestamp } = parts
  if (format === 'cose') {
    const pairs: [CborValue, CborValue][] = [[33, chain]]
    if (timestamp !== undefined) pairs.push([STAMP, timestamp])
    return cbor({ tag: 18, value: [parts.protected, sorted(pairs), payload, signature] })
  }
  return Buffer.from(
    JSON.stringify({
      payload: payload.toString('base64url'),
      protected: parts.protected.toString('base64url'),
      header: {
        x5c: chain.map((der) => der.toString('base64')),
        ...(timestamp && { [STAMP]: timestamp.toString('base64') }),
      },
      signature: signature.toString('base64url'),
    }),
  )
}

/** The primitive signature; in COSE it is all that follows what an envelope with an empty one holds. */
function signatureOf(format: Format, envelope: Buffer, emptyLength: number): Buffer {
  if (format === 'cose') {
    // The empty signature has a head of one byte; one below 256 bytes of two, one above of three.
    const grown = envelope.length - (emptyLength - 1)
    return envelope.subarray(-(grown - (grown - 2 < 256 ? 2 : 3)))
  }
  const { signature } = JSON.parse(envelope.toString()) as { signature: string }
  return Buffer.from(signature, 'base64url')
}

export function other(digest: Part['digest']): Part['digest'] {
  return `sha256:${createHash('sha256').update(digest).digest('hex')}`
}
