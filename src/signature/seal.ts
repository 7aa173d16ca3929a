/** Making a signature envelope, and opening it again before anyone sees it. */
import { wholeSecond } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { checkChain } from './chain.ts'
import { COSE, JWS, openEnvelope, type Envelope } from './envelope.ts'
import type { SigningScheme } from './headers.ts'
import { writeJws } from './jws.ts'
import type { Signer } from './signer.ts'

export interface SealTerms {
  format: 'jws' | 'cose'
  /** From `targetPayload`. */
  payload: Uint8Array
  signer: Signer
  /** `notary.x509` by default. */
  scheme?: SigningScheme | undefined
  /** Counts in whole seconds. */
  signingTime: Date
  expiry?: Date | undefined
  /** The software that signs, as `name/version`. */
  agent?: string | undefined
  /** Obtains a timestamp token over the primitive signature; of scheme `notary.x509` only. */
  timestamp?: ((signature: Buffer) => Promise<Buffer>) | undefined
}

/**
 * The bytes of an envelope that {@link openEnvelope} has opened again. The token of the timestamp is not verified here.
 * Throws USAGE for terms that make no signature, CHAIN_INVALID, CERTIFICATE_EXPIRED when a certificate of the signer is
 * not valid at the signing time, what {@link openEnvelope} throws when the signer did not sign, and what the signer and
 * `timestamp` throw.
 */
export async function sealEnvelope(terms: SealTerms): Promise<Buffer> {
  const { signer, payload, scheme = 'notary.x509', agent } = terms
  const [signingTime, expiry] = [wholeSecond(terms.signingTime), terms.expiry && wholeSecond(terms.expiry)]
  if (expiry !== undefined && expiry.getTime() <= signingTime.getTime())
    throw usage('the signature would never be valid')
  if (terms.timestamp !== undefined && scheme !== 'notary.x509') throw usage(`no timestamp under ${scheme}`)
  // A signer behind a plugin brings a chain nobody here has seen.
  checkChain(signer.chain, 'codeSigning')
  checkValidity(signer, signingTime)
  const [mediaType, write] =
    terms.format === 'jws' ? [JWS, writeJws] : [COSE, (await import('./cose-seal.ts')).writeCose]
  const chain = signer.chain.map(({ der }) => der)
  const { toBeSigned, close } = write({
    algorithm: signer.algorithm,
    payload,
    scheme,
    signingTime,
    expiry,
    chain,
    agent,
  })
  const signature = await signer.sign(toBeSigned)
  const sealed = close(signature)
  // Before the timestamp, so that no authority is asked about a signature that is none.
  prove(openEnvelope(mediaType, sealed), payload)
  if (terms.timestamp === undefined) return sealed
  const stamped = close(signature, await terms.timestamp(signature))
  prove(openEnvelope(mediaType, stamped), payload)
  return stamped
}

function usage(detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject: 'signature', detail })
}

function checkValidity(signer: Signer, at: Date): void {
  for (const { notBefore, notAfter, sha256 } of signer.chain) {
    if (at < notBefore || at > notAfter)
      throw new SallyportError('CERTIFICATE_EXPIRED', { side: 'source', subject: `certificate ${sha256}` })
  }
}

function prove(opened: Envelope, payload: Uint8Array): void {
  if (!opened.payload.equals(payload)) throw usage('the envelope does not hold the payload')
}
