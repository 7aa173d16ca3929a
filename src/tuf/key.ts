/** A channel's private keys, held in memory. */
import { randomBytes } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p384 } from '@noble/curves/nist.js'
import { keyidOf, tufKeyOf, type KeyKind, type TufKey } from './public-key.ts'

/** Whatever can sign for one public key: a {@link ChannelKey}, or later a token. */
export interface Signer {
  readonly keyid: string
  readonly tufKey: TufKey
  /** The signature over the message, in hex as TUF writes it. */
  sign(message: Uint8Array): string
}

/** A private key. The secret shows in no log, inspection or JSON of it. */
export class ChannelKey implements Signer {
  readonly kind: KeyKind
  readonly keyid: string
  readonly tufKey: TufKey
  readonly #secret: Uint8Array

  /** Throws when `secret` is no scalar of the curve. The bytes are copied. */
  constructor(kind: KeyKind, secret: Uint8Array) {
    this.kind = kind
    this.#secret = Uint8Array.from(secret)
    this.tufKey = tufKeyOf(kind, this.rawPublic())
    this.keyid = keyidOf(this.tufKey)
  }

  /** Deterministic: equal messages give equal signatures (RFC 8032; RFC 6979 for P-384, in DER). */
  sign(message: Uint8Array): string {
    const signature =
      this.kind === 'ed25519'
        ? ed25519.sign(message, this.#secret)
        : p384.sign(message, this.#secret, { format: 'der' })
    return Buffer.from(signature).toString('hex')
  }

  /** The raw public half: 32 bytes, or an uncompressed point of 97. */
  rawPublic(): Uint8Array {
    return this.kind === 'ed25519' ? ed25519.getPublicKey(this.#secret) : p384.getPublicKey(this.#secret, false)
  }

  /** A copy of the secret, for sealing only: to be overwritten after use. */
  rawSecret(): Uint8Array {
    return Uint8Array.from(this.#secret)
  }
}

/**
 * A new key.
 * @param random - a source of that many unpredictable bytes; a seeded one is for tests only
 */
export function generateKey(kind: KeyKind, random: (n: number) => Uint8Array = randomBytes): ChannelKey {
  const secret =
    kind === 'ed25519' ? Uint8Array.from(random(32)) : p384.utils.randomSecretKey(Uint8Array.from(random(72)))
  return new ChannelKey(kind, secret)
}
