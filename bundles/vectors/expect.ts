/** `expect.json`: for every bundle of the corpus who judges it, when, knowing what, and what must come out. */
import type { Code } from '../../src/errors/index.ts'
import type { Counters, Purpose } from '../../src/tuf/index.ts'

/** Who judges a bundle: a site that pinned a root and may have accepted a bundle of the channel before. */
export interface Judge {
  /** File of the pinned root, below `bundles/`. */
  root: string
  channel: string
  purpose: Purpose
  rootVersion: number
  site: string
  now: string
  /** What the site has accepted from the channel; null for nothing. */
  before: null | { bundle: string; counters: Counters; lastId: string; floor: string }
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
