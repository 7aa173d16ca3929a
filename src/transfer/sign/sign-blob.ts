/** `sign --blob`: a detached signature of a plain file, in a file of its own (signature specification, blob signing). */
import { demandNew, placeNewFile } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { digestOf, parseMediaType, type Digest } from '../../oci/index.ts'
import { hashFor, targetPayload, withoutParameters, type TargetDigest } from '../../signature/index.ts'
import { envelopeTypeOf, hashBlob } from './blob-file.ts'
import { checkInterrupted, nowOf, tell, type RunOptions } from '../run/run.ts'
import { sealTarget, sealTimes, signerOf, timesReport, type SealOptions, type SignedBy } from './seal-target.ts'

/** The media type of a file of which nothing is said, as notation has it. */
const UNKNOWN_CONTENT = 'application/octet-stream'

export interface SignBlobOptions extends RunOptions, SealOptions {
  file: string
  /** Signed with it; `application/octet-stream` by default. */
  mediaType?: string | undefined
  metadata: Readonly<Record<string, string>>
  /** `FILE.jws.sig` or `FILE.cose.sig` by default; must end as these do. */
  output?: string | undefined
  dryRun?: boolean | undefined
}

export interface SignBlobReport extends SignedBy {
  file: string
  mediaType: string
  /** What was signed. */
  digest: TargetDigest
  size: number
  /** The signature file. */
  output: string
  /** Digest of the signature file; null in a dry run. */
  signature: Digest | null
  format: 'jws' | 'cose'
  algorithm: string
  signingTime: string
  expiry: string | null
  timestamped: boolean
  dryRun: boolean
}

/** A media type of the command line, which may have parameters. Throws USAGE. */
export function mediaTypeOption(text: string): string {
  try {
    parseMediaType(withoutParameters(text), 'source', '--media-type')
    return text
  } catch (cause) {
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: '--media-type',
      detail: 'it has the form type/subtype[; name=value]',
      cause,
    })
  }
}

function outputOf({ file, output, format }: SignBlobOptions): string {
  const named = output ?? `${file}.${format}.sig`
  // The name alone tells a verifier which envelope it is.
  if (envelopeTypeOf(named) === undefined || !named.endsWith(`.${format}.sig`))
    throw new SallyportError('USAGE', { side: 'source', subject: named, detail: `its name must end in .${format}.sig` })
  return named
}

/**
 * Signs a file of any size by the hash of the signing key and writes the signature into a new file.
 * Throws OUTPUT_EXISTS, FILE_UNREADABLE, USAGE, and what the signer and the timestamp service throw; then there is no new file.
 */
export async function signBlob(options: SignBlobOptions): Promise<SignBlobReport> {
  const times = sealTimes(nowOf(options), options.validDays)
  const { file, signer, format } = options
  const mediaType = mediaTypeOption(options.mediaType ?? UNKNOWN_CONTENT)
  const output = outputOf(options)
  demandNew(output)
  const algorithm = 'envelope' in signer ? await signer.algorithm() : signer.algorithm
  tell(options, { type: 'phase', phase: 'hashing' })
  const { digest, size } = await hashBlob(file, hashFor(algorithm), options)
  const payload = targetPayload({ mediaType, digest, size }, options.metadata)
  const report: SignBlobReport = {
    file,
    mediaType,
    digest,
    size,
    output,
    signature: null,
    format,
    algorithm,
    ...signerOf('envelope' in signer ? [] : signer.chain),
    ...timesReport(times),
    timestamped: options.timestamp !== undefined,
    dryRun: options.dryRun === true,
  }
  if (options.dryRun === true) return report
  tell(options, { type: 'phase', phase: 'signing' })
  const sealed = await sealTarget(payload, options, times)
  // Its hash is what the file was hashed by: no verifier takes another.
  if (sealed.algorithm !== algorithm)
    throw new SallyportError('PLUGIN_FAILED', {
      side: 'state',
      subject: file,
      detail: `it signs with ${sealed.algorithm}, and said ${algorithm}`,
    })
  checkInterrupted(options)
  placeNewFile(output, sealed.bytes)
  return { ...report, ...signerOf(sealed.chain), ...timesReport(sealed.times), signature: digestOf(sealed.bytes) }
}
