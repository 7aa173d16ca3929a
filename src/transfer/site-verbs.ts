/** The site's own verbs: state, pinned channels, status and log. */
import { existsSync } from 'node:fs'
import { SallyportError } from '../errors/index.ts'
import { repositoryName, parseReference } from '../oci/index.ts'
import {
  backup,
  checkState,
  rebuildIndex,
  restore,
  State,
  type CheckReport,
  type JournalRow,
  type Restored,
} from '../state/index.ts'
import { fingerprint as fingerprintOf, type Purpose } from '../tuf/index.ts'
import { openChannelFolder } from './channel-folder.ts'
import type { RunOptions } from './run.ts'
import { readGivenRoot } from './site.ts'

export interface StateRunOptions extends RunOptions {
  state: string
}

export interface InitReport {
  state: string
  site: string
}

const SITE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

function nowOf(options: RunOptions): Date {
  return options.now ?? new Date()
}

/** Makes an empty state, on purpose: a lost disk must not look like a new site. */
export async function stateInit(options: StateRunOptions & { site: string; reason: string }): Promise<InitReport> {
  const { state: dir, site, reason } = options
  if (!SITE.test(site))
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: site.slice(0, 100),
      detail: 'a site is 1 to 64 letters, digits, dots, hyphens or underscores',
    })
  if (reason.trim() === '')
    throw new SallyportError('USAGE', { side: 'state', subject: '--reason', detail: 'it is empty' })
  const state = await State.init(dir, { now: nowOf(options), site, reason })
  await state.close()
  return { state: dir, site }
}

/** Proves the journal's chain, and that the index says the same. */
export async function stateCheck({ state, ...options }: StateRunOptions): Promise<CheckReport> {
  return checkState(state, { now: nowOf(options) })
}

export async function stateRebuild({ state, ...options }: StateRunOptions): Promise<{ state: string; rows: number }> {
  await rebuildIndex(state, { now: nowOf(options) })
  return { state, rows: (await lastRow(state)) ?? 0 }
}

async function lastRow(dir: string): Promise<number | undefined> {
  let last: number | undefined
  const opened = await State.open(dir, { now: new Date(0), write: false })
  for await (const row of opened.rows()) last = row.n
  await opened.close()
  return last
}

export async function stateBackup({
  state,
  file,
}: StateRunOptions & { file: string }): Promise<{ state: string; file: string; rows: number; head: string }> {
  if (existsSync(file)) throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file })
  const head = await backup({ dir: state }, file)
  return { state, file, rows: head.n, head: head.hash }
}

export async function stateRestore(
  options: StateRunOptions & { file: string; reason: string },
): Promise<Restored & { state: string }> {
  const { state, file, reason } = options
  return { state, ...(await restore(state, file, { now: nowOf(options), reason })) }
}

export interface PinReport {
  channel: string
  purpose: Purpose
  fingerprint: string
  rootVersion: number
  expires?: string
}

/** Pins a channel's root, against the fingerprint that a person was told by another way. */
export async function channelPin(
  options: StateRunOptions & {
    channel: string
    root: string
    fingerprint: string | undefined
    purpose: Purpose
    dryRun?: boolean
  },
): Promise<PinReport> {
  const { channel, root: file, fingerprint, purpose } = options
  // No trust on first use: without a fingerprint there is nothing to hold the file against.
  if (fingerprint === undefined) throw new SallyportError('FINGERPRINT_MISSING', { side: 'bundle', subject: file })
  const root = readGivenRoot({ file, fingerprint })
  if (root.channel !== channel)
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'bundle',
      subject: file,
      detail: `it is the root of ${root.channel}`,
    })
  if (root.purpose !== purpose)
    throw new SallyportError('PURPOSE_MISMATCH', { side: 'bundle', subject: file, detail: `it is for ${root.purpose}` })
  const state = await State.open(options.state, { now: nowOf(options), write: options.dryRun !== true })
  try {
    if (state.channel(channel) !== undefined)
      throw new SallyportError('CHANNEL_PINNED', { side: 'state', subject: channel })
    if (options.dryRun !== true)
      await state.pin({ channel, purpose, fingerprint, root: root.bytes, rootVersion: root.version })
    return { channel, purpose, fingerprint, rootVersion: root.version }
  } finally {
    await state.close()
  }
}

export async function channelUnpin(
  options: StateRunOptions & { channel: string; reason: string },
): Promise<{ channel: string }> {
  const state = await State.open(options.state, { now: nowOf(options), write: true })
  try {
    await state.unpin(options.channel, options.reason)
    return { channel: options.channel }
  } finally {
    await state.close()
  }
}

export interface ChannelShowReport {
  channels: (PinReport & { lastSequence: number | null; lastId: string | null })[]
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
    const { dir, channel, purpose, roots, root, keys } = openChannelFolder(options.dir)
    const people = keys.filter(({ role }) => role === 'targets').map(({ holder }) => holder)
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
      },
    }
  }
  const state = await State.open(options.state ?? '', { now: nowOf(options), write: false })
  return {
    channels: state.channels().map(({ channel, purpose, fingerprint, rootVersion, last }) => ({
      channel,
      purpose,
      fingerprint,
      rootVersion,
      lastSequence: last?.sequence ?? null,
      lastId: last?.id ?? null,
    })),
  }
}

export interface StatusReport {
  site: string
  state: string
  floor: string | null
  rows: number
  channels: ChannelShowReport['channels']
  bundles: { channel: string; sequence: number; id: string; time: string; phase: string; target?: string }[]
  openTags: { target: string; repository: string; tag: string }[]
}

/** What the site holds: channels, the last bundle of each, imports that are not done. */
export async function status(options: StateRunOptions): Promise<StatusReport> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const bundles = new Map<string, StatusReport['bundles'][number]>()
  let rows = 0
  for await (const row of state.rows()) {
    rows = row.n
    if (row.kind !== 'head' && row.kind !== 'import') continue
    const [channel, sequence, id] = [String(row['channel']), Number(row['sequence']), String(row['id'])]
    const entry = {
      channel,
      sequence,
      id,
      time: row.time,
      phase: row.kind === 'head' ? 'accepted' : String(row['phase']),
    }
    bundles.set(`${channel} ${sequence}`, row.kind === 'head' ? entry : { ...entry, target: String(row['target']) })
  }
  const { channels } = await channelShow({ state: options.state, now: nowOf(options) })
  return {
    site: state.site,
    state: options.state,
    floor: state.floor ?? null,
    rows,
    channels,
    bundles: [...bundles.values()],
    openTags: state.openIntents().map(({ target, repository, tag }) => ({ target, repository, tag })),
  }
}

export interface LogReport {
  rows: JournalRow[]
}

/**
 * The journal, or the part of it that speaks of one reference `[host/]repository[:tag]` or digest.
 * Large members (roots, lists of digests) are in it as they were written.
 */
export async function log(options: StateRunOptions & { ref?: string | undefined }): Promise<LogReport> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const speaks = options.ref === undefined ? (): boolean => true : matcher(options.ref)
  const rows: JournalRow[] = []
  for await (const row of state.rows()) if (speaks(row)) rows.push(row)
  return { rows }
}

function matcher(ref: string): (row: JournalRow) => boolean {
  if (/^sha(?:256|512):[0-9a-f]+$/.test(ref)) {
    return (row) =>
      [row['digest'], row['id'], row['old'], row['new']].includes(ref) ||
      (Array.isArray(row['digests']) && row['digests'].includes(ref))
  }
  const { host, path, tag } = parseReference(ref, 'target')
  const names = new Set([path, repositoryName({ host, path }), ref.replace(/:[^/:]*$/, ''), ref])
  return (row) =>
    names.has(String(row['repository'])) && (tag === undefined || row['tag'] === undefined || row['tag'] === tag)
}
