/**
 * Trust information as OCI artifacts (FORMAT 8.7): a store, a policy file, delegation records or chains, each under an
 * artifact type of its own. It informs: nothing is ever believed because a bundle carries it.
 */
import { encodePem, sortedJson, type JsonObject } from '../../codec/index.ts'
import { digestOf, isTag, OCI_EMPTY, OCI_MANIFEST, type Descriptor, type Manifest } from '../../oci/index.ts'
import { EMPTY_CONFIG, type Certificate } from '../../signature/index.ts'
import { isStoreName, POLICY_FILES } from '../../trust/index.ts'

export const TRUST_KINDS = ['store', 'policy', 'delegations', 'chains'] as const
export type TrustKind = (typeof TRUST_KINDS)[number]

/** The annotation that says which store or policy file it is; hung out of the manifest, so that a listing shows it. */
export const TRUST_NAME = 'io.sallyport.trust.name'

/** More is no trust information. */
export const TRUST_LAYER_CAP = 8 * 1024 * 1024

export interface TrustLabel {
  kind: TrustKind
  /** `ca:acme`, `trustpolicy.json`; empty where there is one of the kind. */
  name: string
}

/** A piece with the bytes of its layer. */
export interface TrustItem extends TrustLabel {
  bytes: Buffer
}

/** The artifact type, which is the media type of the one layer too. */
export function trustType(kind: TrustKind): string {
  return `application/vnd.sallyport.trust.${kind}.v1`
}

/** The tag that this piece, and no other, has in its repository. */
export function trustTag({ kind, name }: TrustLabel): string {
  return name === '' ? kind : `${kind}-${name.replace(':', '-')}`
}

/** True for a label that trust information may have. */
export function isTrustLabel({ kind, name }: TrustLabel): boolean {
  if (!isTag(trustTag({ kind, name }))) return false
  if (kind === 'store') return isStoreName(name)
  return kind === 'policy' ? POLICY_FILES.includes(name) : name === ''
}

/** The name under which tools for artifacts write the layer to a file. */
function title({ kind, name }: TrustLabel): string {
  if (kind === 'store') return `${name.replace(':', '-')}.pem`
  return kind === 'policy' ? name : `${kind}.json`
}

/** The manifest of a piece; equal input gives equal bytes. */
export function trustManifest(label: TrustLabel, { digest, size }: Pick<Descriptor, 'digest' | 'size'>): Buffer {
  const mediaType = trustType(label.kind)
  const annotations: JsonObject = label.name === '' ? {} : { annotations: { [TRUST_NAME]: label.name } }
  return Buffer.from(
    sortedJson({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: mediaType,
      config: { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length },
      layers: [{ mediaType, digest, size, annotations: { 'org.opencontainers.image.title': title(label) } }],
      ...annotations,
    }),
  )
}

/** The piece that a manifest stands for, with its one layer, or undefined for every other manifest. */
export function trustItemOf(manifest: Manifest, bytes: Uint8Array): (TrustLabel & { layer: Descriptor }) | undefined {
  const kind = TRUST_KINDS.find((candidate) => trustType(candidate) === manifest.artifactType)
  const [layer] = manifest.layers
  if (kind === undefined || layer === undefined || layer.size > TRUST_LAYER_CAP) return undefined
  const label = { kind, name: manifest.annotations[TRUST_NAME] ?? '' }
  if (!isTrustLabel(label)) return undefined
  // Stops content that passes for information, a subject, a config or a second layer: there is one spelling of each piece.
  return trustManifest(label, layer).equals(bytes) ? { ...label, layer } : undefined
}

/** The anchors of a store as PEM, each once, in an order of their own: however its files were cut, the bytes are equal. */
export function storePem(anchors: readonly Certificate[]): Buffer {
  const unique = new Map(anchors.map((anchor) => [anchor.sha256, anchor]))
  const sorted = [...unique.values()].sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
  return Buffer.from(sorted.map(({ der }) => encodePem('CERTIFICATE', der)).join(''))
}
