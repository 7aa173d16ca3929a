/** The rows from which the corpus is made. */
import type { Code } from '../../src/errors/index.ts'
import type { Channel } from './channels.ts'
import type { PassengerExpectation } from './expect.ts'
import type { Packed } from './pack.ts'

export const NOW = '2026-06-02T00:00:00Z'

/** Who judges; the site that pinned the channel's first root, by default. */
export interface Situation {
  pinned: Channel
  site?: string
  now?: string
  /** Name of the accepted bundle that came before. */
  before?: string
  /** Channels that the site has pinned too, each with the name of the accepted bundle of it that came before. */
  also?: readonly { pinned: Channel; before?: string }[]
}

export interface AcceptVector extends Situation {
  name: string
  packed: Packed
  sequence: number
  signers?: number
  badSignatures?: number
  omitted?: number
  /** The version of the root that the site trusts afterwards. */
  rootVersionAfter?: number
  /** What becomes of those that ride along. */
  passengers?: readonly PassengerExpectation[]
}

export interface RejectVector extends Situation {
  code: Code
  /** What is wrong, in a few words joined by hyphens; the file is `<code>-<reason>.tar`. */
  reason: string
  tar: Buffer
  subject: string
  /** Name of an accepted bundle that the same site takes afterwards. */
  next: string
  tuf?: 'refuses' | 'beyond'
}
