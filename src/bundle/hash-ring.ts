/**
 * The memory that a pipe is read into and a second thread hashes from. One thread fills slots in turn and orders what is
 * to be hashed; the other one follows. Only the filling thread ever writes a byte of the slots.
 */
import type { Algorithm } from '../oci/index.ts'

/** As much as a pipe of Linux holds: one read never brings more. */
export const SLOT = 64 * 1024
export const SLOTS = 64
/** Orders that may wait; half of them may be of one slot. A power of two, so that counts may run over. */
const ORDERS = 4 * SLOTS
const QUARTER = SLOTS / 4
const WORDS = 3
const FIRST_ORDER = 2
const MADE = 0
const DONE = 1
const CONTROL_BYTES = 4 * (FIRST_ORDER + ORDERS * WORDS)

const UPDATE = 0
const FINISH = 1
const BEGIN: Readonly<Record<Algorithm, number>> = { sha256: 2, sha512: 3 }

/** Both threads hold this; it crosses to the second one as it is. */
export interface SharedRing {
  slots: SharedArrayBuffer
  control: SharedArrayBuffer
  /** The digest of the last finished blob. */
  result: SharedArrayBuffer
}

/** @param from - what the counts of orders begin with */
export function sharedRing(from = 0): SharedRing {
  const control = new SharedArrayBuffer(CONTROL_BYTES)
  new Int32Array(control).fill(from, 0, FIRST_ORDER)
  return { slots: new SharedArrayBuffer(SLOT * SLOTS), control, result: new SharedArrayBuffer(64) }
}

/** Counts run over at 2^31, which tiny reads reach in an hour: only their distance means something. */
function since(earlier: number, later: number): number {
  return (later - earlier) | 0
}

function later(one: number, other: number): number {
  return since(one, other) > 0 ? other : one
}

/** How the filling thread sees it. */
export class RingFiller {
  readonly shared: SharedRing
  readonly #bytes: Buffer
  readonly #result: Buffer
  readonly #control: Int32Array
  /** For each slot the count of orders that must be done before it may be filled again. */
  readonly #marks: Int32Array
  readonly #ahead: number
  /** The one that is lent. */
  #slot = 0
  #made: number

  /** @param ahead - how many slots in front of the lent one are being filled: none, or one that is read beforehand */
  constructor(ahead: 0 | 1 = 0, shared: SharedRing = sharedRing()) {
    this.#ahead = ahead
    this.shared = shared
    this.#bytes = Buffer.from(shared.slots)
    this.#result = Buffer.from(shared.result)
    this.#control = new Int32Array(shared.control)
    this.#made = Atomics.load(this.#control, MADE)
    this.#marks = new Int32Array(SLOTS).fill(this.#made)
  }

  /** The slot to fill next, once {@link settled} says so of it. */
  get slot(): Buffer {
    return this.#bytes.subarray(this.#filled * SLOT, (this.#filled + 1) * SLOT)
  }

  get #filled(): number {
    return (this.#slot + this.#ahead) % SLOTS
  }

  /** Ends the loan of the lent slot: what is ordered of it is hashed before its turn comes again. Lends the next one. */
  turn(): void {
    this.#marks[this.#slot] = this.#made
    this.#slot = (this.#slot + 1) % SLOTS
  }

  #order(kind: number, at = 0, length = 0): void {
    // An order written over would be bytes that nobody hashed.
    if (since(Atomics.load(this.#control, DONE), this.#made) >= ORDERS) throw new Error('the ring of orders is full')
    const word = FIRST_ORDER + (this.#made & (ORDERS - 1)) * WORDS
    this.#control[word] = kind
    this.#control[word + 1] = at
    this.#control[word + 2] = length
    this.#made = (this.#made + 1) | 0
    Atomics.store(this.#control, MADE, this.#made)
    Atomics.notify(this.#control, MADE)
  }

  begin(algorithm: Algorithm): void {
    this.#order(BEGIN[algorithm])
  }

  /** @param piece - of the lent slot */
  update(piece: Uint8Array): void {
    if (piece.buffer !== this.shared.slots) throw new Error('these bytes are not in the ring')
    this.#order(UPDATE, piece.byteOffset, piece.length)
  }

  finish(): void {
    this.#order(FINISH)
  }

  /** Of the blob that was finished last, once {@link settled}. */
  digest(length: number): string {
    return this.#result.toString('hex', 0, length)
  }

  /**
   * Waits, without giving the thread free, until the next slot may be filled, or `all` that was ordered is done; false
   * when that takes longer than `patience` in ms.
   */
  settled(all: boolean, patience: number): boolean {
    const done = Atomics.load(this.#control, DONE)
    const needed = all ? this.#made : later(this.#marks[this.#filled] ?? 0, (this.#made - ORDERS / 2) | 0)
    if (since(needed, done) >= 0) return true
    // When it must wait at all it waits for half of the ring: threads that wake each other for every slot are slower than one.
    const until = all ? needed : later(needed, (this.#made - SLOTS / 2) | 0)
    for (let now = done; since(until, now) < 0; now = Atomics.load(this.#control, DONE))
      if (Atomics.wait(this.#control, DONE, now, patience) === 'timed-out') return false
    return true
  }
}

/** What the hashing thread is to do next. */
export type Order =
  | { kind: 'begin'; algorithm: Algorithm }
  | { kind: 'update'; bytes: Uint8Array }
  | { kind: 'finish'; result: Uint8Array }

/** How the hashing thread sees it. An order is done when the next one is asked for. */
export function* ringOrders({ slots, control, result }: SharedRing): Generator<Order> {
  const words = new Int32Array(control)
  const bytes = Buffer.from(slots)
  for (let done = Atomics.load(words, DONE); ;) {
    while (Atomics.load(words, MADE) === done) {
      Atomics.notify(words, DONE)
      Atomics.wait(words, MADE, done)
    }
    const word = FIRST_ORDER + (done & (ORDERS - 1)) * WORDS
    const [kind, at = 0, length = 0] = words.subarray(word, word + WORDS)
    if (kind === UPDATE) yield { kind: 'update', bytes: bytes.subarray(at, at + length) }
    else if (kind === FINISH) yield { kind: 'finish', result: new Uint8Array(result) }
    else yield { kind: 'begin', algorithm: kind === BEGIN.sha512 ? 'sha512' : 'sha256' }
    done = (done + 1) | 0
    Atomics.store(words, DONE, done)
    if (done % QUARTER === 0) Atomics.notify(words, DONE)
  }
}
