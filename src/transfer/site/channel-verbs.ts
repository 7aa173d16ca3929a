/** The verbs about channels on the far side: pin, unpin, show. */
import { isFault, SallyportError } from '../../errors/index.ts'
import { State } from '../../state/index.ts'
import { fingerprint as fingerprintOf, readRoot, replacesHost, type Purpose, type Root } from '../../tuf/index.ts'
import { openChannelFolder, type ChannelFolder } from '../channel/folder.ts'
import { readPending } from '../channel/pending-root.ts'
import { checkPlanned } from '../channel/rotation-check.ts'
import { demandReason } from '../run/reason.ts'
import { nowOf, tell, type RunOptions } from '../run/run.ts'
import { tooFewApprovers } from './approvers.ts'
import { readGivenRoot } from './pinned.ts'
import type { StateRunOptions } from './state-verbs.ts'

interface Pin {
  channel: string
  purpose: Purpose
  fingerprint: string
  rootVersion: number
  /** Its newest root does; from then on nothing of the channel is taken. */
  expires: string
}

export interface PinReport extends Pin {
  dryRun: boolean
}

export interface UnpinReport {
  channel: string
  dryRun: boolean
}

/** Pins a channel's root, against the fingerprint that a person was told by another way. */
export async function channelPin(
  options: StateRunOptions & {
    channel: string
    root: string
    fingerprint: string | undefined
    purpose: Purpose
  },
): Promise<PinReport> {
  const { channel, root: file, fingerprint, purpose, dryRun = false } = options
  // No trust on first use: without a fingerprint there is nothing to hold the file against.
  if (fingerprint === undefined) throw new SallyportError('FINGERPRINT_MISSING', { side: 'bundle', subject: file })
  const root = readGivenRoot({ file, fingerprint })
  if (root.channel !== channel)
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'bundle',
      subject: file,
      detail: `it is the root of ${root.channel}`,
      remedy: `name the root of ${channel}, or pin this one as ${root.channel}`,
    })
  if (root.purpose !== purpose)
    throw new SallyportError('PURPOSE_MISMATCH', {
      side: 'bundle',
      subject: file,
      detail: `it is for ${root.purpose}`,
      remedy: `if that is what it is to be trusted for, say --for ${root.purpose}`,
    })
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    if (state.channel(channel) !== undefined)
      throw new SallyportError('CHANNEL_PINNED', { side: 'state', subject: channel })
    const whole = readRoot(root.bytes, { side: 'bundle', subject: file })
    const warning = tooFewApprovers(whole)
    if (warning !== undefined) tell(options, { type: 'note', text: warning })
    const continues = continuedBy(state, whole)
    if (!dryRun)
      await state.pin({ channel, purpose, fingerprint, root: root.bytes, rootVersion: root.version, continues })
    return { channel, purpose, fingerprint, rootVersion: root.version, expires: root.expires, dryRun }
  } finally {
    await state.close()
  }
}

/**
 * The root of a chain that this channel had here whose heads pass under another root as well. Stops older bundles from
 * being taken anew once a later root was pinned by hand: counters fall with the keys that made them, and no otherwise.
 */
function continuedBy(state: State, next: Root): string | undefined {
  return state
    .rootsOf(next.channel)
    .find(({ root }) => !replacesHost(next, readRoot(root, { side: 'state', subject: next.channel })))?.fingerprint
}

/** Trusts a channel no longer; its counters stay, and go on when a known root of it is pinned again. Throws CHANNEL_NOT_PINNED, USAGE. */
export async function channelUnpin(
  options: StateRunOptions & { channel: string; reason: string },
): Promise<UnpinReport> {
  const { channel, reason, dryRun = false } = options
  demandReason(reason)
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    if (state.channel(channel) === undefined)
      throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'state', subject: channel })
    if (!dryRun) await state.unpin(channel, reason)
    return { channel, dryRun }
  } finally {
    await state.close()
  }
}

export interface ChannelShowReport {
  channels: (Pin & {
    lastSequence: number | null
    lastId: string | null
    /** How often a bundle is expected; null: it is not. */
    everySeconds: number | null
    /** Where its content may go at any target; null: anywhere. */
    into: string[] | null
  })[]
  /** A folder of keys, when one was named. */
  folder?: {
    dir: string
    channel: string
    purpose: Purpose
    fingerprint: string
    rootVersion: number
    expires: string
    people: string[]
    threshold: number
    /** The version of the root that waits for signatures; null: none does. */
    waiting: number | 'damaged' | null
  }
}

function waitingIn(folder: ChannelFolder): number | 'damaged' | null {
  try {
    const pending = readPending(folder)
    if (pending === undefined) return null
    checkPlanned(folder, pending)
    return pending.version > folder.root.version ? pending.version : null
  } catch (error) {
    if (isFault(error, 'ROTATION_DAMAGED')) return 'damaged'
    throw error
  }
}

/** What the site has pinned, or what a channel's own folder holds. */
export async function channelShow(
  options: RunOptions & {
    state?: string | undefined
    dir?: string | undefined
  },
): Promise<ChannelShowReport> {
  if (options.dir !== undefined) {
    const folder = openChannelFolder(options.dir)
    const { dir, channel, purpose, roots, root, keys } = folder
    const approvers = keys.filter(({ role, keyid }) => role === 'targets' && root.roles.targets.keys.has(keyid))
    const people = approvers.map(({ holder }) => holder)
    const waiting = waitingIn(folder)
    const fingerprint = fingerprintOf(roots.at(-1) ?? Buffer.alloc(0))
    return {
      channels: [],
      folder: {
        dir,
        channel,
        purpose,
        fingerprint,
        rootVersion: root.version,
        expires: root.expires,
        people,
        threshold: root.roles.targets.threshold,
        waiting,
      },
    }
  }
  const state = await State.open(options.state ?? '', { now: nowOf(options), write: false })
  const every = new Map(state.expectations().map((expected) => [expected.channel, expected.every]))
  return {
    channels: state.channels().map(({ channel, purpose, fingerprint, root, rootVersion, last }) => ({
      channel,
      purpose,
      fingerprint,
      rootVersion,
      expires: readRoot(root, { side: 'state', subject: channel }).expires,
      lastSequence: last?.sequence ?? null,
      lastId: last?.id ?? null,
      everySeconds: every.get(channel) ?? null,
      into: state.confinedTo(channel)?.slice() ?? null,
    })),
  }
}
