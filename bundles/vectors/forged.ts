/** Bundles whose heads are forged, each with the site that is offered them. */
import type { Code } from '../../src/errors/index.ts'
import { duo, solo, turning, type Channel } from './channels.ts'
import { oneImage } from './goods.ts'
import type { HeadForgery } from './head.ts'
import { pack, type Forgery } from './pack.ts'
import type { RejectVector, Situation } from './vector.ts'

export const TIMESTAMP = 'metadata/[a-z-]+/timestamp\\.json$'
export const SNAPSHOT = 'metadata/[a-z-]+/snapshot\\.json$'
export const TARGETS = 'metadata/[a-z-]+/targets\\.json$'
export const ROOT_2 = 'metadata/turning/2\\.root\\.json$'

type More = Partial<Pick<RejectVector, 'tuf' | 'next'>> & Partial<Situation>

/** A bundle of `solo` with sequence 8, for a site that has accepted 7; then 9 must still be welcome. */
export function eighth(code: Code, reason: string, subject: string, forgery: Forgery, more: More = {}): RejectVector {
  const { tar } = pack(solo, 8, oneImage(), forgery)
  return { code, reason, subject, tar, pinned: solo, before: 'sequence-7', next: 'sequence-9-after-7', ...more }
}

export function forged(code: Code, reason: string, subject: string, head: HeadForgery, more: More = {}): RejectVector {
  return eighth(code, reason, subject, { head }, more)
}

/** A bundle under a root 2 that is not genuine. */
export function rooted(code: Code, reason: string, subject: string, channel: Channel, more: More = {}): RejectVector {
  const { tar } = pack(channel, 1, oneImage(), { head: {} })
  return { code, reason, subject, tar, pinned: turning, next: 'root-1', ...more }
}

export function approved(code: Code, reason: string, head: HeadForgery, more: More = {}): RejectVector {
  const { tar } = pack(duo, 1, oneImage(), { head })
  return { code, reason, subject: TARGETS, tar, pinned: duo, next: 'two-of-three-p384', ...more }
}
