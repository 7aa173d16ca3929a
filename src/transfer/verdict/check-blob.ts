/** `check --blob`: the verdict on a plain file by a detached signature and `trustpolicy.blob.json`. Changes nothing. */
import { SallyportError } from '../../errors/index.ts'
import { digestOf } from '../../oci/index.ts'
import { hashFor, openEnvelopeAsync, type EnvelopeType, type TargetDigest } from '../../signature/index.ts'
import { judgeWith } from '../../trust/index.ts'
import type { PluginPlace } from './plugin-place.ts'
import { envelopeTypeOf, hashBlob, readSignatureFile } from '../sign/blob-file.ts'
import { asOfMember, type AsOfReport, type ClockOptions } from '../run/clock.ts'
import { meansOf } from './judge-carried.ts'
import { knownIn } from '../revocation/known-revocations.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { tell } from '../run/run.ts'
import { mediaTypeOption } from '../sign/sign-blob.ts'
import { verdictReport, type VerdictReport } from './report.ts'

export interface CheckBlobOptions extends ClockOptions {
  file: string
  /** The signature file; its name ends in `.jws.sig` or `.cose.sig`, or in `.sig.jws` or `.sig.cose`. */
  signature: string
  /** The policy folder. */
  policy: string
  /** The site's state, which knows lists and denials; without one, of what may be revoked it is unknown. */
  state?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** A statement of trustpolicy.blob.json by its name; the global one by default. */
  statement?: string | undefined
  /** What the file must have been signed as; anything by default. */
  mediaType?: string | undefined
}

export interface CheckBlobReport extends VerdictReport<TargetDigest> {
  file: string
  size: number
  /** The signature file. */
  signature: string
  /** As it was demanded. */
  mediaType: string | null
  /** The time it was judged at, when that was not the clock's. */
  asOf?: AsOfReport
}

/** The hashes of the digests that denials take. */
const DENIABLE = ['sha256', 'sha512'] as const

/** The hash that the signing key dictates; whatever an envelope that can't be opened is over, the verdict is on its fault. */
async function hashOf(type: EnvelopeType, envelope: Uint8Array): Promise<'sha256' | 'sha384' | 'sha512'> {
  try {
    return hashFor((await openEnvelopeAsync(type, envelope)).algorithm)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return 'sha256'
  }
}

/**
 * The verdict on a file of any size. Throws only what keeps it from being judged: FILE_UNREADABLE, MEDIUM_UNREADABLE,
 * LIMIT_EXCEEDED for a signature file over 32 MiB, USAGE for one of another name, and what the policy folder throws.
 */
export async function checkBlob(options: CheckBlobOptions): Promise<CheckBlobReport> {
  const { file, signature } = options
  const mediaType = options.mediaType === undefined ? undefined : mediaTypeOption(options.mediaType)
  const type = envelopeTypeOf(signature)
  if (type === undefined)
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: signature,
      detail: 'the name of a signature file ends in .jws.sig or .cose.sig',
    })
  // Before the file is read: what is judged later is judged by what stands here now.
  const material = openPolicy(options.policy)
  const { known, now } = await knownIn(options.state, options)
  const judge = judgeWith(material, now, {
    ...meansOf(options.plugins, options.signal),
    ...known.means(material, now),
  })
  const envelope = readSignatureFile(signature)
  tell(options, { type: 'phase', phase: 'hashing' })
  const hash = await hashOf(type, envelope)
  // A denial names it by either digest that people know it by, whatever the signer hashed with.
  const others = known.anyDenials ? DENIABLE.filter((name) => name !== hash) : []
  const { digest, aliases, size } = await hashBlob(file, hash, options, others)
  tell(options, { type: 'phase', phase: 'judging signatures' })
  const verdict = await judge.blob({
    blob: { digest, size, mediaType },
    policyName: options.statement,
    aliases,
    signatures: [{ manifest: digestOf(envelope), mediaType: type, envelope }],
  })
  return { ...verdictReport(verdict), file, size, signature, mediaType: mediaType ?? null, ...asOfMember(options) }
}
