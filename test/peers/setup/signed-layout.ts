/** An OCI layout with artifacts and signature manifests, right or wrong as a case wants them, and notation's files. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pemBlocks } from './certificates.ts'

export interface Part {
  readonly mediaType: string
  readonly digest: `sha256:${string}`
  readonly size: number
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const NOTATION = 'application/vnd.cncf.notary.signature'
const EMPTY = 'application/vnd.oci.empty.v1+json'

export interface SignatureTerms {
  readonly subject: Part
  readonly mediaType: string
  readonly envelope: Uint8Array
  /** File whose certificates stand in the thumbprint annotation. */
  readonly chain?: string
  readonly form?: 'legacy' | 'artifactType'
  /** How often the envelope stands in `layers`; one is right. */
  readonly layers?: number
}

export class SignedLayout {
  readonly folder: string
  readonly #listed: object[] = []

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  }

  blob(mediaType: string, bytes: Uint8Array): Part {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(this.folder, 'blobs', 'sha256', hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }

  /** Writes a manifest and lists it in `index.json`. */
  manifest(json: object, listed: object = {}): Part {
    const part = this.blob(MANIFEST, Buffer.from(JSON.stringify(json)))
    this.#listed.push({ ...part, ...listed })
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: this.#listed }
    writeFileSync(join(this.folder, 'index.json'), JSON.stringify(index))
    return part
  }

  /** A small artifact that differs from every other by its text. */
  artifact(text: string): Part {
    const config = this.blob(EMPTY, Buffer.from('{}'))
    const layer = this.blob('text/plain', Buffer.from(text))
    return this.manifest({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: 'application/vnd.example.cargo',
      config,
      layers: [layer],
    })
  }

  signature(terms: SignatureTerms): Part {
    const { subject, form = 'legacy', layers = 1 } = terms
    const config = { ...this.blob(EMPTY, Buffer.from('{}')), ...(form === 'legacy' && { mediaType: NOTATION }) }
    const thumbprints = terms.chain === undefined ? [] : pemBlocks(terms.chain).map(sha256)
    const annotations = {
      'io.cncf.notary.x509chain.thumbprint#S256': JSON.stringify(thumbprints),
      'org.opencontainers.image.created': '2026-01-01T00:00:00Z',
    }
    const artifactType = form === 'legacy' ? {} : { artifactType: NOTATION }
    const envelope = this.blob(terms.mediaType, terms.envelope)
    return this.manifest(
      {
        schemaVersion: 2,
        mediaType: MANIFEST,
        ...artifactType,
        config,
        layers: Array.from({ length: layers }, () => envelope),
        subject,
        annotations,
      },
      { artifactType: NOTATION, annotations },
    )
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export interface PolicyStatement {
  readonly name?: string
  readonly scopes?: readonly string[]
  readonly level?: 'strict' | 'permissive' | 'audit' | 'skip'
  readonly override?: Readonly<Record<string, string>>
  readonly verifyTimestamp?: 'always' | 'afterCertExpiry'
  readonly stores?: readonly string[]
  readonly identities?: readonly string[]
}

/** The text of a `trustpolicy.json`. What is not told is strict without revocation, for all scopes, `ca:acme`, anyone. */
export function trustPolicy(statements: readonly PolicyStatement[]): string {
  const trustPolicies = statements.map((statement, place) => {
    const { level = 'strict', verifyTimestamp, stores = ['ca:acme'], identities = ['*'] } = statement
    const override = statement.override ?? (level === 'skip' ? undefined : { revocation: 'skip' })
    return {
      name: statement.name ?? `statement-${place}`,
      registryScopes: statement.scopes ?? ['*'],
      signatureVerification: { level, ...(override && { override }), ...(verifyTimestamp && { verifyTimestamp }) },
      ...(level !== 'skip' && { trustStores: stores, trustedIdentities: identities }),
    }
  })
  return JSON.stringify({ version: '1.0', trustPolicies })
}

/**
 * Writes notation's folder: `policy` as `trustpolicy.json`, and for each store, as `ca:acme`, the certificate files
 * named. Returns the new folder's path.
 */
export function notationConfig(
  parent: string,
  policy: string,
  stores: Readonly<Record<string, readonly string[]>>,
): string {
  const folder = mkdtempSync(join(parent, 'notation-'))
  writeFileSync(join(folder, 'trustpolicy.json'), policy)
  for (const [store, files] of Object.entries(stores)) {
    const [type = '', name = ''] = store.split(':')
    const into = join(folder, 'truststore', 'x509', type, name)
    mkdirSync(into, { recursive: true })
    for (const file of files) copyFileSync(file, join(into, `${basename(file, '.crt')}.crt`))
  }
  return folder
}
