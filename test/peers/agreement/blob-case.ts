/** Plain files in the agreement table: a file, its signature in a file of its own, and a `trustpolicy.blob.json`. */
import { createHash, createPrivateKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Code } from '../../../src/errors/index.ts'
import { localSigner, parseCertificates } from '../../../src/signature/index.ts'
import { signBlob } from '../../../src/transfer/index.ts'
import { MEDIA_TYPES } from '../notation.ts'
import type { Issued, KeyKind } from '../setup/certificates.ts'
import { notationConfig, type PolicyStatement, trustPolicy } from '../setup/signed-layout.ts'
import type { Said } from './case.ts'
import type { Format } from './header.ts'
import type { EnvelopeTerms, World } from './world.ts'

export interface BlobSituation {
  readonly file: string
  readonly signature: string
  readonly configDir: string
  readonly contentType?: string
  readonly statement?: string
}

export interface BlobCase {
  readonly name: string
  readonly expect: Said
  readonly code?: Code
  /** As of an {@link AgreementCase}. */
  readonly differs?: string
  readonly build: (world: World) => Promise<BlobSituation>
}

export function acceptFile(name: string, build: BlobCase['build'], differs?: string): BlobCase {
  return { name: `file: ${name}`, expect: 'accept', build, ...(differs !== undefined && { differs }) }
}

export function refuseFile(name: string, code: Code, build: BlobCase['build'], differs?: string): BlobCase {
  return { name: `file: ${name}`, expect: 'refuse', code, build, ...(differs !== undefined && { differs }) }
}

export interface FileStatement extends PolicyStatement {
  readonly global?: boolean
}

export interface FileTrust {
  /** Unless told: one, global, strict without revocation, `ca:acme`, anyone. */
  readonly statements?: readonly FileStatement[]
  /** The text of the policy; null for none. */
  readonly policy?: string | null
  readonly stores?: Readonly<Record<string, readonly Issued[]>>
  /** Further files in notation's folder, by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
}

/** The text of a `trustpolicy.blob.json`. */
export function filePolicy(statements: readonly FileStatement[]): string {
  const { trustPolicies } = JSON.parse(trustPolicy(statements)) as { trustPolicies: Record<string, unknown>[] }
  const bare = trustPolicies.map(({ registryScopes: _scopes, ...statement }, place) => {
    const { global } = statements[place] ?? {}
    return { ...statement, ...(global !== undefined && { globalPolicy: global }) }
  })
  return JSON.stringify({ version: '1.0', trustPolicies: bare })
}

const GLOBAL: readonly FileStatement[] = [{ global: true }]

export async function fileTrust(world: World, trust: FileTrust = {}): Promise<string> {
  const stores = trust.stores ?? { 'ca:acme': [await world.root()] }
  const named = Object.entries(stores).map(
    ([name, held]) => [name, held.map(({ certificate }) => certificate)] as const,
  )
  const folder = notationConfig(world.folder, '', Object.fromEntries(named))
  const policy = trust.policy === undefined ? filePolicy(trust.statements ?? GLOBAL) : trust.policy
  // What speaks for artifacts says nothing about files.
  writeFileSync(join(folder, 'trustpolicy.json'), trustPolicy([{}]))
  if (policy !== null) writeFileSync(join(folder, 'trustpolicy.blob.json'), policy)
  for (const [path, bytes] of Object.entries(trust.files ?? {})) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  return folder
}

export interface FileTerms extends Omit<EnvelopeTerms, 'payload'> {
  /** Who makes the signature: the verb `sign --blob`, notation's signer, or the crafting one, which checks nothing. */
  readonly by?: 'us' | 'notation' | 'hand'
  readonly mediaType?: string
  readonly contentType?: string
  readonly statement?: string
  readonly validDays?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly stamped?: boolean
  readonly trust?: FileTrust
  /** Made by hand: what the payload says of the file. */
  readonly target?: (right: { mediaType: string; digest: string; size: number }) => object
  /** What happens to the file after it was signed. */
  readonly content?: (content: Buffer) => Buffer
  /** The ending of the signature file, when not as it was made. */
  readonly ending?: string
}

let files = 0

const HASHES: Partial<Record<KeyKind, string>> = {
  rsa3072: 'sha384',
  rsa4096: 'sha512',
  p384: 'sha384',
  p521: 'sha512',
}

async function make(world: World, file: string, format: Format, terms: FileTerms): Promise<void> {
  const { by = 'us', kind = 'p256', mediaType = 'application/octet-stream', metadata = {} } = terms
  const signer = terms.signer ?? (await world.leaf(kind))
  const output = `${file}.${format}.sig`
  const authority = await world.authority()
  if (by === 'us') {
    const chain = parseCertificates(readFileSync(signer.chain))
    await signBlob({
      file,
      signer: localSigner(createPrivateKey(readFileSync(signer.key)), chain),
      format,
      mediaType,
      metadata,
      validDays: terms.validDays,
      timestamp: terms.stamped ? (primitive) => authority.token(primitive, 'sha256') : undefined,
    })
  } else if (by === 'notation') {
    const { key, chain } = signer
    const timestamp = { url: authority.url, roots: (await world.stampRoot()).certificate }
    const envelope = await world.judge.signBlob({
      file,
      key,
      chain,
      mediaType: MEDIA_TYPES[format],
      contentType: mediaType,
      userMetadata: metadata,
      ...(terms.validDays !== undefined && { expirySeconds: terms.validDays * 86_400 }),
      ...(terms.stamped && { timestamp }),
    })
    writeFileSync(output, envelope)
  } else {
    const content = readFileSync(file)
    const hash = HASHES[kind] ?? 'sha256'
    const right = {
      mediaType,
      digest: `${hash}:${createHash(hash).update(content).digest('hex')}`,
      size: content.length,
    }
    const payload = Buffer.from(JSON.stringify({ targetArtifact: terms.target?.(right) ?? right }))
    const unused = { mediaType, digest: `sha256:${'0'.repeat(64)}` as const, size: 0 }
    writeFileSync(output, await world.envelope(unused, { ...terms, format, payload }))
  }
}

/** A file, signed, in a folder of its own. */
export async function signedFile(world: World, terms: FileTerms = {}): Promise<BlobSituation> {
  const { format = 'jws' } = terms
  files += 1
  const file = join(mkdtempSync(join(world.folder, 'file-')), 'cargo.bin')
  const content = Buffer.from(`cargo ${files}\n`.repeat(1000))
  writeFileSync(file, content)
  await make(world, file, format, terms)
  if (terms.content !== undefined) writeFileSync(file, terms.content(content))
  const made = `${file}.${format}.sig`
  const signature = terms.ending === undefined ? made : `${file}${terms.ending}`
  if (signature !== made) renameSync(made, signature)
  const trust = terms.trust ?? {}
  const stamps = { 'ca:acme': [await world.root()], 'tsa:clock': [await world.stampRoot()] }
  const trusting = { stores: stamps, statements: [{ global: true, stores: ['ca:acme', 'tsa:clock'] }], ...trust }
  return {
    file,
    signature,
    configDir: await fileTrust(world, terms.stamped ? trusting : trust),
    ...(terms.contentType !== undefined && { contentType: terms.contentType }),
    ...(terms.statement !== undefined && { statement: terms.statement }),
  }
}
