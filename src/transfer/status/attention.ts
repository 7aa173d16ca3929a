/** What of revocation waits for somebody, in short: each is told whole by a command of its own. */
import type { JournalRow, State } from '../../state/index.ts'
import { APPROVERS } from '../site/approvers.ts'
import { missingLists } from './revocation.ts'

/** A state that came back from a backup, and what may have been forgotten with it. */
export interface RestoredState {
  /** When, by the clock of then. */
  time: string
  reason: string
  /** Pinned channels of which nothing was accepted since, nor anything known brought again: what came after the backup would be taken as new, or not be known. */
  unheard: string[]
  /** The site judges artifacts by a policy, so that an import needs one. */
  policy: boolean
}

export interface Attention {
  /** Lists and denials that came, and by which nobody has judged again yet. */
  pending: { lists: number; denials: number }
  /** Lists that certificates name and that were never had. */
  missing: number
  /** Artifacts that were let in before places were written down, and that nothing judges again. */
  unplaced: number
  /** Artifacts that a measure stands against. */
  quarantined: number
  /** Null where the state was never restored, and once each pinned channel was heard since. */
  restored: RestoredState | null
}

/** Takes the rows of a journal in their order. */
export class Restores {
  #last: { time: string; reason: string } | undefined

  take(row: JournalRow): void {
    if (row.kind === 'restore') this.#last = { time: row.time, reason: String(row['reason']) }
  }

  /** A journal's counters can't say what was accepted behind a backup: only the newest bundle of a channel can. */
  standing(state: State): RestoredState | null {
    const unheard = state
      .channels()
      // Who only approves releases brings no bundle.
      .filter(
        ({ channel, last }) => !(channel === APPROVERS && last === undefined) && !state.isHeardSinceRestore(channel),
      )
      .map(({ channel }) => channel)
    if (this.#last === undefined || unheard.length === 0) return null
    return { ...this.#last, unheard, policy: state.policySince !== undefined }
  }
}

export function attentionOf(state: State, restores: Restores, now: Date): Attention {
  const { lists, denials } = state.pending()
  return {
    pending: { lists: lists.length, denials: denials.length },
    missing: missingLists(state, now).length,
    unplaced: state.unplaced().length,
    quarantined: state.quarantined().length,
    restored: restores.standing(state),
  }
}
