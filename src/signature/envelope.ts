/** The signature envelope of the Notary Project, opened: everything about it that needs neither trust nor a clock. */
import { verifyPrimitive, verifyPrimitiveAsync, type SignatureAlgorithm } from './algorithm.ts'
import type { Certificate } from './certificate.ts'
import { PLAIN_READER, type ChainReader } from './chain-reader.ts'
import { readCose } from './cose.ts'
import { AGENT_CAP, ENVELOPE_CAP, capped, envelopeFault, malformed } from './envelope-fault.ts'
import type { EnvelopeParts } from './envelope-parts.ts'
import type { SignedAttributes } from './headers.ts'
import { readJws } from './jws.ts'
import { readTarget } from './payload.ts'

export const JWS = 'application/jose+json'
export const COSE = 'application/cose'

export type EnvelopeType = typeof JWS | typeof COSE

/** An envelope whose signature verifies by the key of its first certificate. Whether that key is trusted is not said. */
export interface Envelope extends SignedAttributes {
  mediaType: EnvelopeType
  algorithm: SignatureAlgorithm
  /** The very bytes that were verified; {@link readTarget} reads them. */
  payload: Buffer
  /** Signer first, complete to the root, valid as a chain apart from time and trust. */
  chain: Certificate[]
  /** The primitive signature: what a timestamp is over. */
  signature: Buffer
  /** A timestamp token, unverified and unsigned. */
  timestamp?: Buffer
  /** What software says to have made it: unsigned, cut off at 256 characters, may hold anything. */
  signingAgent?: string
}

/** True for the media type of an envelope that can be opened. */
export function isEnvelopeMediaType(mediaType: string): mediaType is EnvelopeType {
  return mediaType === JWS || mediaType === COSE
}

function takeApart(mediaType: string, bytes: Uint8Array): EnvelopeParts {
  if (mediaType === JWS) return readJws(bytes)
  if (mediaType === COSE) return readCose(bytes)
  throw malformed('a media type that is neither JWS nor COSE')
}

type Primitive = Parameters<typeof verifyPrimitive>

/** All that comes before and after the primitive signature is looked at. */
function taking(
  mediaType: string,
  bytes: Uint8Array,
  chains: ChainReader,
): { primitive: Primitive; finish: (good: boolean) => Envelope } {
  capped(bytes.length, ENVELOPE_CAP, 'bytes')
  const { toBeSigned, salt, agent, chain: ders, ...parts } = takeApart(mediaType, bytes)
  const chain = chains.parse(ders)
  const [signer] = chain
  if (signer?.algorithm === undefined) throw envelopeFault('ALGORITHM_REFUSED', 'the key of the signing certificate')
  // Stops algorithm substitution: the key decides, the header must only agree.
  if (parts.algorithm !== signer.algorithm)
    throw malformed(`alg is ${parts.algorithm}, and the key of the signing certificate is for ${signer.algorithm}`)
  const finish = (good: boolean): Envelope => {
    if (!good) throw envelopeFault('ENVELOPE_SIGNATURE', `${parts.algorithm} by certificate ${signer.sha256}`)
    chains.check(chain)
    readTarget(parts.payload)
    return {
      ...parts,
      mediaType: mediaType as EnvelopeType,
      chain,
      ...(agent === undefined ? {} : { signingAgent: agent.slice(0, AGENT_CAP) }),
    }
  }
  return { primitive: [signer.algorithm, signer.publicKey, toBeSigned, parts.signature, salt], finish }
}

/**
 * The envelope in `bytes`, its form, signature, chain and payload proven.
 * Nothing is said on trust, time, revocation or target: a critical attribute that is not known stands in `critical`,
 * a demanded plugin in `plugin`, and both must be met by the caller or fail the signature.
 * Throws ENVELOPE_MALFORMED, ENVELOPE_SIGNATURE, CERTIFICATE_MALFORMED, CHAIN_INVALID, ALGORITHM_REFUSED,
 * LIMIT_EXCEEDED (beyond 32 MiB, 16 certificates, or a part's own cap).
 */
export function openEnvelope(mediaType: string, bytes: Uint8Array, chains: ChainReader = PLAIN_READER): Envelope {
  const { primitive, finish } = taking(mediaType, bytes, chains)
  return finish(verifyPrimitive(...primitive))
}

/** As {@link openEnvelope}; the signature is verified on a thread of Node's pool, so that several are at once. */
export async function openEnvelopeAsync(
  mediaType: string,
  bytes: Uint8Array,
  chains: ChainReader = PLAIN_READER,
): Promise<Envelope> {
  const { primitive, finish } = taking(mediaType, bytes, chains)
  return finish(await verifyPrimitiveAsync(...primitive))
}
