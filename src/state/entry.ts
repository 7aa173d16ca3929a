/** The rows of a state's journal, each with what it promises. What a row may not say, the ledger refuses. */
import type { JsonObject } from '../codec/index.ts'
import { isDigest, type Digest } from '../oci/index.ts'
import type { Counters, Purpose } from './channel-record.ts'
import { ROW_CAP, type Entry } from './journal-row.ts'
import { runsOf } from './more-rows.ts'

/** `init`: the operator made this state on purpose; `audience` of a bundle must hold `site`. */
export interface Init {
  site: string
  reason: string
}

/** `pin`: a person compared the fingerprint of this root, got by another way, and trusts the channel for `purpose`. */
export interface Pin {
  channel: string
  purpose: Purpose
  /** `sha256:` and the hex SHA-256 of `root`. */
  fingerprint: string
  root: Uint8Array
  rootVersion: number
  reason?: string | undefined
  /** Of a root that the channel had here: what its keys made passes under this one too, so that counters go on. */
  continues?: string | undefined
}

/**
 * `head`: head, audience and channel of this bundle were judged and accepted; all it changes stands in this one row, but
 * for roots that are too large for it.
 */
export interface JudgedHead {
  channel: string
  /** The roots verified beyond the one that is recorded, in order. */
  roots: readonly Uint8Array[]
  rootVersion: number
  counters: Counters
  /** The new root that replaced timestamp or snapshot keys: only then may counters fall. */
  reset?: { rootVersion: number } | undefined
  sequence: number
  /** The bundle id. */
  id: string
  /** Keyids of the people who approved it; rows of before this was written down have none. */
  signers?: readonly string[] | undefined
  /** The channel's last bundle once more, to say what its first row doesn't: how far it came stays as it is. */
  repeat?: true | undefined
  /** The newest time that is signed in this head, `YYYY-MM-DDTHH:MM:SSZ`, never an expiry. */
  floor: string
}

/** `roots`: these roots verified from the recorded one, whatever becomes of the head that they came with. */
export type VerifiedRoots = Pick<JudgedHead, 'channel' | 'roots' | 'rootVersion' | 'reset'>

/** `verdict`: what the site's policy said of an artifact of bundle `id` before anything of it was pushed. */
export interface Verdict {
  id: string
  repository: string
  digest: Digest
  verdict: 'trusted' | 'rejected' | 'inconclusive'
  /** `CHANNEL` when no policy was asked, `POLICY` when it trusts, else the code of the reason. */
  why: string
  /** What the reason was about. */
  detail?: string | undefined
  /** What the policy calls the repository. */
  scope?: string | undefined
  /** Digest of the trust material that judged. */
  policy?: Digest | undefined
  /** The trusted signatures it rests on. */
  signatures?: readonly RecordedSignature[] | undefined
  /** Those that were judged and do not count: one of them may count again when a hold ends. */
  refused?: readonly RefusedSignature[] | undefined
  /**
   * Where it lies, or will: the newest verdict of target, path and digest is what the site thinks of it there.
   * Every certificate of its chains must be known to the state then.
   */
  target?: string | undefined
  /** The repository's path at the target. */
  path?: string | undefined
  /** That the bundle gives it. */
  tags?: readonly string[] | undefined
  /** The manifests within it, of an index: a denial may name one of them. */
  within?: readonly Digest[] | undefined
  /** Of what the policy asks of its repository; while it stays, a change of the policy elsewhere changes nothing here. */
  basis?: Digest | undefined
}

/** The chains of a signature: SHA-256 of each certificate in hex, leaf first. */
export interface SignatureChains {
  chain: readonly string[]
  /** Of the authority that timestamped it. */
  timestampChain?: readonly string[] | undefined
}

export interface RecordedSignature extends SignatureChains {
  manifest: Digest
  algorithm: string
  statement: string
}

export interface RefusedSignature extends SignatureChains {
  manifest: Digest
  /** The code of what is wrong with it. */
  code: string
}

/** `import`: the bundle's content begins to go to `target`, or all of it is there, read back, with its tags. */
export interface Import {
  id: string
  channel: string
  sequence: number
  target: string
  phase: 'start' | 'done'
  counts?: Record<string, number> | undefined
}

/** `held`: the target gave these digests back after the push. */
export interface Held {
  target: string
  repository: string
  digests: readonly Digest[]
}

export interface TagName {
  target: string
  repository: string
  tag: string
}

/** `confine`: content of the channel may go to these paths of repositories, or below them; null: anywhere. */
export interface Confine {
  channel: string
  into: readonly string[] | null
}

/** `tag-intent`: the tag is about to move; written before the request that moves it. */
export interface TagIntent extends TagName {
  old: Digest | null
  /** Null: it is taken away. */
  new: Digest | null
  /** Absent where a bundle moves it: then the import says which. */
  cause?: TagCause | undefined
}

/** Why a tag moves that no bundle moves: a measure against what it names, or an operator who takes that back. */
export interface TagCause {
  by: 'measure' | 'release' | 'restore'
  reason: string
}

/**
 * `tag-done`: how the intent ended. `moved`: the target says the tag names `new`. `kept`: it named `new` already.
 * `settled-old`: a later start found that it does not name `new`, so it never moved or was moved on by another.
 */
export interface TagDone extends TagName {
  outcome: 'moved' | 'kept' | 'settled-old'
}

/** Digests of one `held` row: 4,000 of the longest are half a MiB. */
const HELD_ROW = 4000
/** Bytes of the roots in one row, a third more in base64: a bundle may bring more than a row takes, one root never is more. */
const ROOTS_ROW = ROW_CAP / 2

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function given(members: Record<string, JsonObject[string] | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
}

export function demandDigest(digest: string | null): void {
  if (digest !== null && !isDigest(digest)) throw new TypeError(`no digest: ${digest}`)
}

export function initEntry({ site, reason }: Init): Entry {
  return { kind: 'init', body: { site, reason } }
}

export function pinEntry({ root, reason, ...pin }: Pin): Entry {
  return { kind: 'pin', body: given({ ...pin, root: base64(root), reason }) }
}

export function unpinEntry(channel: string, reason: string): Entry {
  return { kind: 'unpin', body: { channel, reason } }
}

export function confineEntry({ channel, into }: Confine): Entry {
  return { kind: 'confine', body: { channel, into: into === null ? null : [...into] } }
}

/** One `head` entry; roots that do not fit its row stand in `roots` entries before it. */
export function headEntries({ roots, reset, counters, signers, ...head }: JudgedHead): Entry[] {
  const { channel, rootVersion } = head
  const apart = roots.reduce((sum, { length }) => sum + length, 0) > ROOTS_ROW
  const own = apart ? { roots: [] } : { roots: roots.map(base64), reset }
  const entry = { kind: 'head', body: given({ ...head, ...own, counters: { ...counters }, signers: signers?.slice() }) }
  return apart ? [...rootsEntries({ channel, roots, rootVersion, reset }), entry] : [entry]
}

/**
 * One entry for each run of roots that fits a row. The one with the root of `reset` says so: counters begin again there.
 * A kill between two rows leaves roots that verified, and the next run goes on from the last of them.
 */
export function rootsEntries({ channel, roots, rootVersion, reset }: VerifiedRoots): Entry[] {
  const runs = roots.length === 0 ? [[]] : runsOf(roots, ROOTS_ROW, ({ length }) => length)
  let version = rootVersion - roots.length
  return runs.map((run, i) => {
    const before = version
    version += run.length
    // One that no root here stands for goes along with the first or the last of them, for the ledger to refuse.
    const follows = reset !== undefined && (i === 0 || reset.rootVersion > before)
    const own = follows && (i === runs.length - 1 || reset.rootVersion <= version)
    const body = { channel, roots: run.map(base64), rootVersion: version, reset: own ? reset : undefined }
    return { kind: 'roots', body: given(body) }
  })
}

/** @param numberOf - the number of a known certificate, which stands for it where the verdict has its place */
export function verdictEntry(verdict: Verdict, numberOf: (sha256: string) => number | undefined): Entry {
  demandDigest(verdict.digest)
  const { signatures, refused, tags, within, ...body } = verdict
  const known = (sha256: string): number => {
    const number = numberOf(sha256)
    if (number === undefined) throw new TypeError(`the certificate ${sha256} is not known to the state`)
    return number
  }
  const placed = verdict.target !== undefined && verdict.path !== undefined
  const chains = ({ chain, timestampChain }: SignatureChains): JsonObject =>
    given({ chain: references(chain), timestampChain: timestampChain && references(timestampChain) })
  const references = (chain: readonly string[]): (string | number)[] => (placed ? chain.map(known) : [...chain])
  return {
    kind: 'verdict',
    body: given({
      ...body,
      signatures: signatures?.map(({ manifest, algorithm, statement, ...signature }) => ({
        manifest,
        algorithm,
        statement,
        ...chains(signature),
      })),
      refused: refused?.map(({ manifest, code, ...signature }) => ({ manifest, code, ...chains(signature) })),
      tags: tags?.slice(),
      within: within === undefined || within.length === 0 ? undefined : within.slice(),
    }),
  }
}

export function importEntry(done: Import): Entry {
  return { kind: 'import', body: given({ ...done }) }
}

/** One entry for each run of digests that fits a row. */
export function heldEntries({ target, repository, digests }: Held): Entry[] {
  digests.forEach(demandDigest)
  const entries: Entry[] = []
  for (let at = 0; at < digests.length; at += HELD_ROW)
    entries.push({ kind: 'held', body: { target, repository, digests: digests.slice(at, at + HELD_ROW) } })
  return entries
}

export function intentEntry(intent: TagIntent): Entry {
  demandDigest(intent.old)
  demandDigest(intent.new)
  const { cause, ...body } = intent
  return { kind: 'tag-intent', body: given({ ...body, cause: cause === undefined ? undefined : { ...cause } }) }
}

export function doneEntry(
  { target, repository, tag, outcome }: TagDone,
  old: string | null,
  next: string | null,
): Entry {
  return { kind: 'tag-done', body: { target, repository, tag, old, new: next, outcome } }
}

/** `restore`: counters and holdings are from here on those of the backup whose head is `from`. */
export function restoreEntry(reason: string, from: { n: number; hash: string }): Entry {
  return { kind: 'restore', body: { reason, from: { ...from } } }
}
