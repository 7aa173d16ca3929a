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

/** Of a `head` row. */
function signersOf(row: JournalRow): string[] | undefined {
  const { signers } = row
  return Array.isArray(signers) ? signers.filter((signer) => typeof signer === 'string') : undefined
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
    const signers = signersOf(row) ?? this.#accepted.get(key)?.signers ?? null
    const end = { channel, sequence, id, time: row.time, signers }
    if (row.kind === 'head') this.#accepted.set(key, { ...end, phase: 'accepted' })
    else {
      const target = String(row['target'])
      targets.set(target, { ...end, phase: String(row['phase']), target })
    }
  }

  /** In the order in which they were accepted. What was begun at a forgotten target alone waits for nobody. */
  list(isForgotten: (target: string) => boolean): BundleEnd[] {
    return [...this.#targets].flatMap(([key, targets]) => {
      const ends = [...targets.values()].filter(({ phase, target = '' }) => phase !== 'start' || !isForgotten(target))
      const accepted = this.#accepted.get(key)
      return ends.length > 0 || accepted === undefined ? ends : [accepted]
    })
  }
}
