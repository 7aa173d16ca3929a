/** What a watch did since it began, as the status of its site tells it too. */
import type { Code } from '../../errors/index.ts'

/** `waiting`: it stays in the inbox and is tried again. */
export const WATCH_OUTCOMES = ['imported', 'duplicate', 'rejected', 'waiting'] as const
export type WatchOutcome = (typeof WATCH_OUTCOMES)[number]

export interface WatchedBundle {
  /** In the inbox. */
  name: string
  /** Where it lies now, below the inbox. */
  at: string
  outcome: WatchOutcome
  /** As an import of it alone would have ended. */
  exit: number
  code?: Code
  why?: string
  /** The name of the older bundle of its channel that it waits for. */
  waitsFor?: string
  channel?: string
  sequence?: number
  time: string
}

/** What a watch did since it began. */
export interface WatchRun {
  /** When it looked last. */
  time: string
  imported: number
  duplicate: number
  rejected: number
  /** In the inbox now: bundles, and what is none. */
  waiting: number
  strange: number
  /** The bundle that was handled last; null before the first. */
  last: WatchedBundle | null
}
