/** Fallback lists that were united and are to be looked at again, within bounds of number and memory. */
import { descriptorJson, type Descriptor, type Digest } from '../oci/index.ts'
import type { Wanted } from './fallback.ts'

const MAX_LISTS = 10_000
/** Somebody else may have put 26,000 entries into each list; all of them are kept to be put back. */
const MAX_WEIGHT = 32 * 1024 * 1024
const ENTRY_WEIGHT = 256

function weightOf(wanted: Wanted): number {
  let weight = 0
  for (const entry of wanted.values()) weight += ENTRY_WEIGHT + JSON.stringify(descriptorJson(entry)).length
  return weight
}

export class Unsettled {
  readonly #lists = new Map<Digest, { wanted: Wanted; weight: number }>()
  #weight = 0

  /** What must stand in the subject's list: these referrers, and what was wanted or seen there before. */
  add(subject: Digest, referrers: readonly Descriptor[]): Wanted {
    const known = this.#lists.get(subject) ?? { wanted: new Map<Digest, Descriptor>(), weight: 0 }
    for (const referrer of referrers) known.wanted.set(referrer.digest, referrer)
    this.#lists.delete(subject)
    this.#lists.set(subject, known)
    return known.wanted
  }

  /** To be called when the list was united: it holds by now what others have there. The oldest are given up beyond the bounds. */
  weigh(subject: Digest): void {
    const list = this.#lists.get(subject)
    if (list !== undefined) {
      this.#weight -= list.weight
      list.weight = weightOf(list.wanted)
      this.#weight += list.weight
    }
    for (const [oldest, { weight }] of this.#lists) {
      if (this.#lists.size <= MAX_LISTS && this.#weight <= MAX_WEIGHT) return
      // What was listed so long ago has been read back, and a second look is for those who write at the same time.
      this.#lists.delete(oldest)
      this.#weight -= weight
    }
  }

  /** All lists, which are forgotten. */
  take(): Map<Digest, Wanted> {
    const lists = new Map(Array.from(this.#lists, ([subject, { wanted }]) => [subject, wanted]))
    this.#lists.clear()
    this.#weight = 0
    return lists
  }
}
