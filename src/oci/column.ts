/** Many numbers, packed: eight or four bytes each. */

const FIRST_ROOM = 64

/** Zeros until something else is put there. */
export class Column<T extends Float64Array | Uint32Array> {
  #values: T
  readonly #make: (length: number) => T

  constructor(make: (length: number) => T) {
    this.#make = make
    this.#values = make(FIRST_ROOM)
  }

  at(i: number): number {
    return this.#values[i] ?? 0
  }

  put(i: number, value: number): void {
    if (i >= this.#values.length) {
      const more = this.#make(this.#values.length * 2)
      more.set(this.#values)
      this.#values = more
    }
    this.#values[i] = value
  }
}
