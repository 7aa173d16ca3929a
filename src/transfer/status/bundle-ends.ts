/** How far each accepted bundle got at each target. */
import type { JournalRow } from '../../state/index.ts'

export interface BundleEnd {
  channel: string
  sequence: number
  id: string
  time: string
  /** `accepted`, or at a target `start` and `done`: what has a start alone was not finished. */
  phase: string
  target?: string
  /** Keyids of the people who approved it; null where the journal is older than that. */
  signers: string[] | null
}

/** With those of a `head` row. */
function signersWith(row: JournalRow, before: readonly string[] | null): string[] | null {
  const { signers } = row
  if (!Array.isArray(signers)) return before === null ? null : [...before]
  return [...new Set([...(before ?? []), ...signers.filter((signer) => typeof signer === 'string')])]
}

/** Takes the rows of a journal in their order. */
export class BundleEnds {
  readonly #accepted = new Map<string, BundleEnd>()
  readonly #targets = new Map<string, Map<string, BundleEnd>>()

  take(row: JournalRow): void {
    if (row.kind !== 'head' && row.kind !== 'import') return
    const [channel, sequence, id] = [String(row['channel']), Number(row['sequence']), String(row['id'])]
    const key = `${channel} ${sequence} ${id}`
    const targets = this.#targets.get(key) ?? new Map<string, BundleEnd>()
    this.#targets.set(key, targets)
    const end = { channel, sequence, id, time: row.time, signers: null }
    if (row.kind === 'head') {
      const before = this.#accepted.get(key)
      const time = row['repeat'] === true && before !== undefined ? before.time : row.time
      const signers = signersWith(row, before?.signers ?? null)
      this.#accepted.set(key, { ...end, time, signers, phase: 'accepted' })
    } else {
      const target = String(row['target'])
      targets.set(target, { ...end, phase: String(row['phase']), target })
    }
  }

  /** In the order in which they were accepted. What was begun at a forgotten target alone waits for nobody. */
  list(isForgotten: (target: string) => boolean): BundleEnd[] {
    return [...this.#targets].flatMap(([key, targets]) => {
      const ends = [...targets.values()].filter(({ phase, target = '' }) => phase !== 'start' || !isForgotten(target))
      const accepted = this.#accepted.get(key)
      // A person may have approved it after it was brought there.
      const signers = accepted?.signers ?? null
      return ends.length > 0 || accepted === undefined ? ends.map((end) => ({ ...end, signers })) : [accepted]
    })
  }
}
