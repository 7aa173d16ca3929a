/** `sign`: adds a signature beside an artifact where it lies, in a registry or a layout. Nothing of the artifact changes. */
import { digestOf, OCI_EMPTY, OCI_MANIFEST, type Descriptor, type Digest } from '../../oci/index.ts'
import { bytesBody, type Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import {
  COSE,
  EMPTY_CONFIG,
  JWS,
  SIGNATURE_TYPE,
  signatureManifest,
  targetPayload,
  THUMBPRINTS,
} from '../../signature/index.ts'
import { ORIGIN } from '../../trust/index.ts'
import { locate, writable } from '../place/reference-target.ts'
import { checkInterrupted, nowOf, tell, type RunOptions } from '../run/run.ts'
import {
  sealTarget,
  sealTimes,
  signerOf,
  timesReport,
  type Sealed,
  type SealOptions,
  type SignedBy,
} from './seal-target.ts'
import { Sources } from '../place/sources.ts'

export interface SignOptions extends RunOptions, SealOptions {
  ref: string
  registry: Omit<RegistryOptions, 'side'>
  form: 'legacy' | 'artifactType'
  metadata: Readonly<Record<string, string>>
  /** Binds the signature to the repository it is made in. */
  origin?: boolean | undefined
  dryRun?: boolean | undefined
}

export interface SignReport extends SignedBy {
  repository: string
  tag: string | null
  /** What was signed. */
  artifact: Digest
  /** The new signature's manifest; null in a dry run. */
  signature: Digest | null
  format: 'jws' | 'cose'
  /** Null, as `signer`, in a dry run with a device that makes whole envelopes. */
  algorithm: string | null
  signingTime: string
  expiry: string | null
  timestamped: boolean
  /** How the signature is found from the artifact. */
  referrers: 'api' | 'fallback' | null
  dryRun: boolean
}

/** Kept when the target says that it has the blob. */
export async function store(target: Target, descriptor: Descriptor, bytes: Buffer): Promise<void> {
  if (!(await target.hasBlob(descriptor))) await target.pushBlob(descriptor, bytesBody(bytes))
  if (!(await target.hasBlob(descriptor)))
    throw new SallyportError('READ_BACK_MISMATCH', {
      side: 'target',
      subject: `${target.repository}@${descriptor.digest}`,
      detail: 'it is not there after the push',
    })
}

/** Signature → blobs → manifest, read back → listed: a list never names what is not there. */
export async function attach(
  target: Target,
  subject: Descriptor,
  { bytes: envelope, chain, annotations, times }: Sealed,
  options: Pick<SignOptions, 'ref' | 'format' | 'form'> & RunOptions,
): Promise<{ digest: Digest; referrers: 'api' | 'fallback' }> {
  const mediaType = options.format === 'jws' ? JWS : COSE
  const blob = { mediaType, digest: digestOf(envelope), size: envelope.length }
  const { form } = options
  const bytes = signatureManifest({ subject, envelope: blob, chain, created: times.signingTime, form, annotations })
  const manifest = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }
  const config = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length }
  await store(target, config, EMPTY_CONFIG)
  await store(target, blob, envelope)
  await target.pushManifest(manifest, bytes)
  await target.manifest(manifest)
  const thumbprints = JSON.stringify(chain.map(({ sha256 }) => sha256))
  const listed = { ...manifest, artifactType: SIGNATURE_TYPE, annotations: { [THUMBPRINTS]: thumbprints } }
  const referrers = await target.listReferrers(subject, [listed])
  // People sign at once, and each may have read the list before another wrote it.
  await target.settleReferrers?.(3, options.signal)
  return { digest: manifest.digest, referrers }
}

/**
 * Signs the artifact behind a reference and stores the signature beside it; those that are there stay.
 * Throws what locating, the signer, the timestamp service and the target throw; then nothing lists a new signature.
 */
export async function sign(options: SignOptions): Promise<SignReport> {
  const times = sealTimes(nowOf(options), options.validDays)
  const { ref, signer, format, registry } = options
  const sources = new Sources(registry, options.signal)
  try {
    tell(options, { type: 'phase', phase: 'resolving' })
    const { source, descriptor, tag } = await locate(sources, ref)
    const metadata = { ...options.metadata, ...(options.origin === true ? { [ORIGIN]: source.repository } : {}) }
    const report: SignReport = {
      repository: source.repository,
      tag: tag ?? null,
      artifact: descriptor.digest,
      signature: null,
      format,
      algorithm: 'envelope' in signer ? null : signer.algorithm,
      ...signerOf('envelope' in signer ? [] : signer.chain),
      ...timesReport(times),
      timestamped: options.timestamp !== undefined,
      referrers: null,
      dryRun: options.dryRun === true,
    }
    const payload = targetPayload(descriptor, metadata)
    // Before the key or a service is used: a place that can't be written to is refused, in a dry run too.
    const { place, target } = writable(ref, source, registry, options.signal)
    try {
      if (options.dryRun === true) return report
      tell(options, { type: 'phase', phase: 'signing' })
      const sealed = await sealTarget(payload, options, times)
      checkInterrupted(options)
      tell(options, { type: 'phase', phase: 'storing' })
      const { digest, referrers } = await attach(target, descriptor, sealed, options)
      const { algorithm, chain } = sealed
      return { ...report, algorithm, ...signerOf(chain), ...timesReport(sealed.times), signature: digest, referrers }
    } finally {
      await place.close()
    }
  } finally {
    await sources.close()
  }
}
