/** The OCI manifest that binds a signature envelope to what it signs (signature specification, Storage). */
import { timeText, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { OCI_EMPTY, OCI_MANIFEST, digestOf, type Descriptor, type Manifest } from '../oci/index.ts'
import type { Certificate } from './certificate.ts'
import { isEnvelopeMediaType } from './envelope.ts'

/** The artifact type of a Notary Project signature; of the config in the legacy form. */
export const SIGNATURE_TYPE = 'application/vnd.cncf.notary.signature'

/** The annotation that names the chain: a hint for whoever looks for a signature, never a proof. */
export const THUMBPRINTS = 'io.cncf.notary.x509chain.thumbprint#S256'

/** The config blob of both forms, which must be stored beside the manifest. */
export const EMPTY_CONFIG: Buffer = Buffer.from('{}')

export interface SignatureManifestTerms {
  /** What is signed. */
  subject: Descriptor
  envelope: Descriptor
  /** The chain in the envelope. */
  chain: readonly Certificate[]
  /** The signing time. */
  created: Date
  /** `legacy` by default: in an OCI layout, notation 1.3 finds no other. */
  form?: 'legacy' | 'artifactType' | undefined
  /** Further annotations, as a plugin wishes them; they never take the place of ours. */
  annotations?: Readonly<Record<string, string>> | undefined
}

function reference({ mediaType, digest, size }: Descriptor): JsonObject {
  return { mediaType, digest, size }
}

/** The bytes of a signature's manifest, members in the order of notation. Equal input gives equal bytes. */
export function signatureManifest(terms: SignatureManifestTerms): Buffer {
  const legacy = terms.form !== 'artifactType'
  const config = {
    mediaType: legacy ? SIGNATURE_TYPE : OCI_EMPTY,
    digest: digestOf(EMPTY_CONFIG),
    size: EMPTY_CONFIG.length,
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    ...(legacy ? {} : { artifactType: SIGNATURE_TYPE }),
    config,
    layers: [reference(terms.envelope)],
    subject: reference(terms.subject),
    annotations: {
      ...terms.annotations,
      [THUMBPRINTS]: JSON.stringify(terms.chain.map(({ sha256 }) => sha256)),
      'org.opencontainers.image.created': timeText(terms.created),
    },
  }
  return Buffer.from(JSON.stringify(manifest), 'utf8')
}

/**
 * The envelope of a Notary Project signature, or undefined for a manifest that is none. Both forms are read; an
 * artifact type beside a config of another type than either form's is no signature.
 * Throws ENVELOPE_MALFORMED for a manifest that calls itself a signature and names no subject, or not exactly one
 * envelope of a known type: a signature that fails, not one that is absent.
 */
export function envelopeOf(manifest: Manifest): Descriptor | undefined {
  const { kind, mediaType, artifactType, config, layers, subject } = manifest
  if (kind !== 'image' || mediaType !== OCI_MANIFEST) return undefined
  // `artifactType` is the config's type where the manifest has none of its own.
  if (artifactType !== SIGNATURE_TYPE) return undefined
  if (config?.mediaType !== SIGNATURE_TYPE && config?.mediaType !== OCI_EMPTY) return undefined
  const [envelope] = layers
  const broken = (detail: string): SallyportError =>
    new SallyportError('ENVELOPE_MALFORMED', { side: 'bundle', subject: 'signature manifest', detail })
  if (subject === undefined) throw broken('it names no subject')
  if (envelope === undefined || layers.length !== 1) throw broken(`${layers.length} layers`)
  if (!isEnvelopeMediaType(envelope.mediaType)) throw broken('a layer that is neither JWS nor COSE')
  return envelope
}
