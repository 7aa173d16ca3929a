/** Tells, within one process, whether bytes that are read again are the bytes that were proven. */
import { createCipheriv, randomBytes, timingSafeEqual, type CipherGCM } from 'node:crypto'

/**
 * What bytes must match when they are read again: their GMAC (NIST SP 800-38D) under a key that was drawn for them alone.
 * As strong as a second hash against whoever changes the file in between (T10), who can't know the key, and a tenth of its
 * work. Duty of whoever holds it: it never leaves the process; it says nothing to anybody else and names no content.
 */
export interface Seal {
  readonly key: Uint8Array
  readonly tag: Uint8Array
}

// A key seals one content, so the nonce has nothing to keep apart.
const NONCE = Buffer.alloc(12)
const KEY_BYTES = 32

/** A seal being made, or being compared with one that was made before. */
export class Sealer {
  readonly #key: Uint8Array
  readonly #mac: CipherGCM

  /** @param made - the seal that the bytes will be compared with; without it a new one begins. */
  constructor(made?: Seal) {
    this.#key = made?.key ?? randomBytes(KEY_BYTES)
    this.#mac = createCipheriv('aes-256-gcm', this.#key, NONCE)
  }

  update(bytes: Uint8Array): void {
    // All of it is associated data: nothing is encrypted.
    this.#mac.setAAD(bytes)
  }

  /** The seal of all bytes so far; nothing can be added after it. */
  seal(): Seal {
    this.#mac.final()
    return { key: this.#key, tag: this.#mac.getAuthTag() }
  }
}

/** True when the bytes that `sealer` was given, begun with `made`, are those that `made` was made of. */
export function isSealed(sealer: Sealer, made: Seal): boolean {
  return timingSafeEqual(sealer.seal().tag, made.tag)
}
