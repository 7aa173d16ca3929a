/** Has a target signed: the envelope over its payload, by a key at hand or a device that makes whole envelopes. */
import { wholeSecond } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import {
  COSE,
  distinguishedNameText,
  JWS,
  sealEnvelope,
  type Certificate,
  type SignatureAlgorithm,
  type Signer,
} from '../../signature/index.ts'
import { addDays, EXPORTER, timeText } from '../run/run.ts'
import type { EnvelopeSigner } from './signing-key.ts'

/** What is asked of the signer, whatever is signed. */
export interface SealOptions {
  signer: Signer | EnvelopeSigner
  format: 'jws' | 'cose'
  /** Days until the signature expires; it does not by default. */
  validDays?: number | undefined
  /** Obtains a timestamp token over the signature. */
  timestamp?: ((signature: Buffer) => Promise<Buffer>) | undefined
}

export interface Sealed {
  bytes: Buffer
  chain: readonly Certificate[]
  algorithm: SignatureAlgorithm
  annotations: Readonly<Record<string, string>>
  /** What it says: a device that makes whole envelopes goes by its own clock. */
  times: Pick<SealTimes, 'signingTime' | 'expiry'>
}

export interface SealTimes {
  signingTime: Date
  expiry: Date | undefined
  /** When {@link sealTimes} was asked, by `performance`: a device is asked later, when a large file is hashed. */
  began: number
}

/** The times a signature made now says. Throws USAGE when it would end as it begins. */
export function sealTimes(now: Date, validDays: number | undefined): SealTimes {
  const signingTime = wholeSecond(now)
  const expiry = validDays === undefined ? undefined : addDays(signingTime, validDays)
  if (expiry !== undefined && timeText(expiry) <= timeText(signingTime))
    throw new SallyportError('USAGE', { side: 'source', subject: '--valid-days', detail: 'less than a second' })
  return { signingTime, expiry, began: performance.now() }
}

/** The sealed envelope. Throws USAGE for a timestamp that a device must get itself, and what the signer and the service throw. */
export async function sealTarget(
  payload: Buffer,
  { signer, format, timestamp }: SealOptions,
  { signingTime, expiry, began }: SealTimes,
): Promise<Sealed> {
  if ('envelope' in signer) {
    if (timestamp !== undefined)
      throw new SallyportError('USAGE', {
        side: 'source',
        subject: '--timestamp',
        detail: 'a device that makes whole envelopes gets its own timestamps',
      })
    const expirySeconds =
      expiry === undefined ? undefined : Math.round((expiry.getTime() - signingTime.getTime()) / 1000)
    const now = new Date(signingTime.getTime() + performance.now() - began)
    const asked = { now, expirySeconds }
    const { bytes, envelope, annotations } = await signer.envelope(payload, format === 'jws' ? JWS : COSE, asked)
    const { chain, algorithm } = envelope
    const said = envelope.signingTime ?? envelope.authenticSigningTime ?? signingTime
    return { bytes, chain, algorithm, annotations, times: { signingTime: said, expiry: envelope.expiry } }
  }
  const agent = `${EXPORTER.name}/${EXPORTER.version}`
  const bytes = await sealEnvelope({ format, payload, signer, signingTime, expiry, agent, timestamp })
  return { bytes, chain: signer.chain, algorithm: signer.algorithm, annotations: {}, times: { signingTime, expiry } }
}

/** The times of a signature as reports have them. */
export function timesReport({ signingTime, expiry }: Sealed['times']): { signingTime: string; expiry: string | null } {
  return { signingTime: timeText(signingTime), expiry: expiry === undefined ? null : timeText(expiry) }
}

export interface SignedBy {
  /** Null, as `signerKey`, in a dry run with a device that makes whole envelopes. */
  signer: string | null
  /** SHA-256 of the signer's public key: what a denial of his word names. */
  signerKey: string | null
  thumbprints: string[]
}

/** Who signs, by the chain; nobody by an empty one. */
export function signerOf(chain: readonly Certificate[]): SignedBy {
  const [leaf] = chain
  return {
    signer: leaf === undefined ? null : distinguishedNameText(leaf.subject),
    signerKey: leaf?.spkiSha256 ?? null,
    thumbprints: chain.map(({ sha256 }) => sha256),
  }
}
