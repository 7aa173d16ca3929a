/** `expect.json`: for every bundle of the corpus who judges it, when, knowing what, and what must come out. */
import type { Code } from '../../src/errors/index.ts'
import type { Counters, Purpose } from '../../src/tuf/index.ts'

/** What a site has pinned of a channel, and what it has accepted from it. */
export interface Pin {
  /** File of the pinned root, below `bundles/`. */
  root: string
  channel: string
  purpose: Purpose
  rootVersion: number
  /** What the site has accepted from the channel; null for nothing. */
  before: null | { bundle: string; counters: Counters; lastId: string; floor: string }
}

/** Who judges a bundle: a site that pinned a root and may have accepted a bundle of the channel before. */
export interface Judge extends Pin {
  site: string
  now: string
  /** The other channels that it has pinned, where passengers ask for them. */
  also?: Pin[]
}

export interface PassengerExpectation {
  channel: string
  outcome: 'accepted' | 'repeat' | 'skipped' | 'refused'
  /** Why it was skipped or refused. */
  code?: Code
}

export interface AcceptExpectation extends Judge {
  sequence: number
  /** The bundle id. */
  id: string
  rootVersionAfter: number
  /** How many people's signatures verify, and how many entries are no such thing. */
  signers: number
  badSignatures: number
  /** True when the site has accepted this very bundle before. */
  repeat: boolean
  /** `repository:tag`, signature tags too → digest of what lands at the target. */
  tags: Record<string, string>
  /** How many things are named as left out. */
  omitted: number
  /** What becomes of each that rides along; without passengers it is not there. */
  passengers?: PassengerExpectation[]
}

export interface RejectExpectation extends Judge {
  code: Code
  exit: number
  /** A regular expression that the error's subject matches. */
  subject: string
  /** A bundle that the same site accepts right afterwards. */
  next: string
  /** What a stock TUF client says: only where the class is trust. `beyond`: TUF cannot see it, only our checks do. */
  tuf?: 'refuses' | 'beyond'
}

export interface Expectations {
  format: 'sallyport-vectors/1'
  accept: Record<string, AcceptExpectation>
  reject: Record<string, RejectExpectation>
}
