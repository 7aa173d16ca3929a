/** What an envelope format hands over when it has been read, and is given when it is to be written. */
import type { SignatureAlgorithm } from './algorithm.ts'
import type { SignedAttributes, SigningScheme } from './headers.ts'

/** An envelope taken apart: its form is right, nothing in it is verified. */
export interface EnvelopeParts extends SignedAttributes {
  algorithm: SignatureAlgorithm
  payload: Buffer
  /** The very bytes the signature is over, as they came. */
  toBeSigned: Buffer
  signature: Buffer
  /** RSA-PSS salt: RFC 7518 leaves its length to the signer in practice, RFC 8230 does not. */
  salt: 'digest' | 'auto'
  /** DER, signer first. */
  chain: Buffer[]
  timestamp?: Buffer
  agent?: string
}

export interface SealParts {
  algorithm: SignatureAlgorithm
  payload: Uint8Array
  scheme: SigningScheme
  signingTime: Date
  expiry?: Date | undefined
  chain: readonly Buffer[]
  agent?: string | undefined
}

/** An envelope but for its signature. */
export interface OpenSeal {
  toBeSigned: Buffer
  close: (signature: Buffer, timestamp?: Buffer) => Buffer
}
