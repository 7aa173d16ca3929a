/** Policy folders, signers and artifacts that are signed or not, for the tests of the policy gate. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fixtureSigner } from '../../fixtures/chains/build.ts'
import type { LayoutBuilder } from '../../fixtures/layouts/layout-builder.ts'
import type { KeyAlgorithm } from '../../src/ca/index.ts'
import { encodePem } from '../../src/codec/index.ts'
import { digestOf, OCI_MANIFEST, type Descriptor } from '../../src/oci/index.ts'
import {
  EMPTY_CONFIG,
  localSigner,
  parseCertificate,
  sealEnvelope,
  signatureManifest,
  targetPayload,
  type Certificate,
  type SealTerms,
  type Signer,
} from '../../src/signature/index.ts'
import { check, sign, type CheckOptions, type SignOptions, type SignReport } from '../../src/transfer/index.ts'
import { NOW } from './stage.ts'

export /** A signer with a key of the algorithm, below a root of its own; always the same. */
function signerWith(algorithm: KeyAlgorithm): Signer {
  const { key, chain } = fixtureSigner(algorithm)
  return localSigner(key, chain.map(parseCertificate))
}

export const VENDOR = signerWith('ES384')
/** Nobody's policy trusts this one. */
export const STRANGER = signerWith('ES256')

export function rootOf({ chain }: Pick<Signer, 'chain'>): Certificate {
  const root = chain.at(-1)
  if (root === undefined) throw new Error('no root')
  return root
}

export function pemOf(...certificates: readonly Certificate[]): string {
  return certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
}

/** A statement of notation's file: strict without revocation, `ca:vendor`, anybody, for `*`. */
export function statement(over: Record<string, unknown> = {}): object {
  return {
    name: 'vendor',
    registryScopes: ['*'],
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustStores: ['ca:vendor'],
    trustedIdentities: ['*'],
    ...over,
  }
}

export function policyText(...statements: readonly object[]): string {
  return JSON.stringify({ version: '1.0', trustPolicies: statements })
}

/** Writes files by path inside a folder. */
export function writeFiles(dir: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
}

export const VENDOR_STORE = 'truststore/x509/ca/vendor/root.crt'

/** A folder that trusts the vendor everywhere, with these files written over it. */
export function policyFolder(dir: string, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  writeFiles(dir, {
    'trustpolicy.json': policyText(statement()),
    [VENDOR_STORE]: pemOf(rootOf(VENDOR)),
    ...files,
  })
  return dir
}

/** `policy.yaml` of a site where whatever the vendor's root issued must have a list. */
export function mustHaveVendor(): string {
  return `version: 1\nrevocation:\n  mustHave: ['${rootOf(VENDOR).spkiSha256}']\n`
}

/** An artifact of these blobs, tagged in the layout. */
export function artifactIn(builder: LayoutBuilder, repository: string, tag: string, ...texts: string[]): Descriptor {
  const layers = texts.map((text) => builder.blob('text/plain', text))
  const made = builder.manifest({ artifactType: 'application/vnd.example.cargo', layers, annotations: { tag } })
  builder.tag(repository, tag, made)
  const { mediaType, digest, size } = made
  return { mediaType, digest, size }
}

export function signAt(ref: string, over: Partial<SignOptions> = {}): Promise<SignReport> {
  return sign({
    ref,
    registry: {},
    signer: VENDOR,
    format: 'jws',
    form: 'legacy',
    metadata: {},
    now: NOW,
    ...over,
  })
}

export function checkAt(ref: string, policy: string, over: Partial<CheckOptions> = {}): ReturnType<typeof check> {
  return check({ ref, registry: {}, policy, now: NOW, ...over })
}

export interface MadeSignature {
  envelope: Buffer
  blob: Descriptor
  bytes: Buffer
  manifest: Descriptor
}

/** A signature that is stored nowhere yet. `over` is what the envelope speaks of, by default what the manifest names. */
export async function makeSignature(
  subject: Descriptor,
  {
    over = subject,
    signer = VENDOR,
    time = NOW,
    ...terms
  }: Partial<Omit<SealTerms, 'payload'>> & {
    over?: Descriptor
    time?: Date
  } = {},
): Promise<MadeSignature> {
  const format = terms.format ?? 'jws'
  const envelope = await sealEnvelope({ format, payload: targetPayload(over), signer, signingTime: time, ...terms })
  return wrap(subject, envelope, signer, format)
}

/** A signature manifest around any bytes that call themselves an envelope. */
export function wrap(subject: Descriptor, envelope: Buffer, signer: Signer, format: 'jws' | 'cose'): MadeSignature {
  const mediaType = format === 'jws' ? 'application/jose+json' : 'application/cose'
  const blob = { mediaType, digest: digestOf(envelope), size: envelope.length }
  const bytes = signatureManifest({ subject, envelope: blob, chain: signer.chain, created: NOW })
  return { envelope, blob, bytes, manifest: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length } }
}

/** Puts signatures into a layout that is being built, listed as referrers of the subject. */
export function layDown(builder: LayoutBuilder, subject: Descriptor, signatures: readonly MadeSignature[]): void {
  builder.blob('application/vnd.oci.empty.v1+json', EMPTY_CONFIG)
  for (const { blob, envelope, manifest, bytes } of signatures) {
    builder.blob(blob.mediaType, envelope)
    builder.blob(manifest.mediaType, bytes)
  }
  builder.referrers(
    subject.digest,
    signatures.map(({ manifest }) => manifest),
  )
}
