/** A secret as it is typed, byte by byte: in memory that is wiped, never in a string. */

/** Far above any passphrase. */
const CAP = 64 * 1024

export class TypedLine {
  readonly #bytes = Buffer.alloc(CAP)
  #length = 0

  /** False when the line is full; then the byte is not in it. */
  add(byte: number): boolean {
    if (this.#length === CAP) return false
    this.#bytes[this.#length++] = byte
    return true
  }

  /**
   * Takes the last character back, with all its bytes of UTF-8: one left over would be in a passphrase that nobody can
   * type again. What is no UTF-8, as of an old terminal, goes by the byte.
   */
  back(): void {
    const to = Math.max(0, this.#length - this.#lastWidth())
    this.#bytes.fill(0, to, this.#length)
    this.#length = to
  }

  #lastWidth(): number {
    for (let width = 1; width <= Math.min(4, this.#length); width++) {
      const byte = this.#bytes[this.#length - width] ?? 0
      if ((byte & 0xc0) === 0x80) continue
      return width === widthOf(byte) ? width : 1
    }
    return 1
  }

  /** The bytes that were typed, which the caller wipes; those in here are wiped. */
  take(): Buffer {
    const line = Buffer.from(this.#bytes.subarray(0, this.#length))
    this.wipe()
    return line
  }

  wipe(): void {
    this.#bytes.fill(0)
    this.#length = 0
  }
}

/** Bytes of the character of UTF-8 that begins with this one. */
function widthOf(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}
