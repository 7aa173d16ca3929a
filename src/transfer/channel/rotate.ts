/**
 * `channel rotate`: the next root of a channel, signed by the root keys of the one before and by its own. Those who hold
 * them need not meet: the root waits in the folder until enough have signed.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../errors/index.ts'
import { generateKey, judgeRoots, openKey, sealKey, signRoot, type ChannelKey } from '../../tuf/index.ts'
import { addDays, nowOf, timeText, type RunOptions } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import { ExportLog } from './export-log.ts'
import {
  byVersion,
  openChannelFolder,
  openEntry,
  presentKeys,
  type AskPassphrase,
  type ChannelFolder,
} from './folder.ts'
import {
  isUnderWay,
  keepPending,
  layPending,
  pendingFile,
  previousOf,
  putInForce,
  readPending,
  removePending,
  type PendingRoot,
} from './pending-root.ts'
import { checkFresh, checkKeyFiles, checkPlanned, checkWanted } from './rotation-check.ts'
import {
  isUnchanged,
  plannedRoot,
  planRotation,
  ROOT_DAYS,
  sameChange,
  type RotationChange,
  type RotationPlan,
} from './rotation-plan.ts'
import { approvalsOf, inForceReport, pendingReport, planReport, type ChannelRotateReport } from './rotation-report.ts'
import { usage } from './usage.ts'

export interface ChannelRotateOptions extends RunOptions {
  dir: string
  /** Nothing: what waits is gone on with. */
  change: RotationChange
  /** Files of the root keys that sign now; none: those that lie in the folder and have not signed. */
  keys: readonly string[]
  /** The waiting root that the person means to sign; any other is refused. */
  id?: string | undefined
  passphrase: AskPassphrase
  /** Asked for the keys that are made. */
  newPassphrase: AskPassphrase
  /** Told what is to be signed, before a key is opened: a person decides by it. */
  onRoot?: ((report: ChannelRotateReport) => void) | undefined
  /** Takes back the root that waits. */
  abandon?: boolean | undefined
  dryRun?: boolean | undefined
  /** A seeded source of bytes is for fixtures only. */
  random?: (count: number) => Uint8Array
}

/**
 * Begins a rotation, or goes on with the one that waits. When enough have signed, the root is proven as sites will prove it
 * and put in force; exports carry it from then on, and sites follow it. May be killed anywhere: the next run goes on.
 * Throws USAGE for a change that can't be, for none, and for one that is not under way; CHANNEL_FOLDER_DAMAGED and
 * ROTATION_DAMAGED before anything is signed that is not shown; EXPIRED, KEY_MISSING, KEY_EXISTS, KEY_MALFORMED,
 * KEY_PASSPHRASE, KEY_REFUSED for a key that decides about neither root, STATE_LOCKED, DISK_FULL, OUTPUT_FAILED.
 */
export async function channelRotate(options: ChannelRotateOptions): Promise<ChannelRotateReport> {
  const { dir } = options
  const seen = openChannelFolder(dir)
  if (options.dryRun === true) return dryRun(seen, options)
  // An export's lock: none runs half by the old keys and half by the new.
  const log = await ExportLog.open(dir, nowOf(options))
  try {
    const folder = openChannelFolder(dir)
    if (options.abandon === true) return abandon(folder, options)
    const waiting = readPending(folder)
    if (waiting === undefined) return finish(folder, await begin(folder, options), options)
    checkPlanned(folder, waiting)
    if (waiting.version === folder.root.version) return tidyUp(folder, waiting, options)
    checkWanted(dir, waiting, options)
    options.onRoot?.(pendingReport(folder, waiting, 'waiting'))
    checkFresh(dir, waiting, nowOf(options))
    return finish(folder, await sign(folder, waiting, options), options)
  } finally {
    await log.close()
  }
}

/** What waits, with the signatures of this run, which are kept. */
async function sign(folder: ChannelFolder, waiting: PendingRoot, options: ChannelRotateOptions): Promise<PendingRoot> {
  const keys = await signers(folder, waiting, options)
  const bytes = keys.reduce((root, key) => signRoot(root, key, previousOf(folder, waiting)), waiting.bytes)
  if (bytes.equals(waiting.bytes)) return waiting
  // Stops a root that somebody else began, with keys of their own, from being signed by the words that were meant to begin
  // one. A run that was killed has signed what it laid down: said again, its words add nothing.
  if (!isUnchanged(options.change) && options.id === undefined) {
    const { id } = pendingReport(folder, waiting, 'waiting')
    throw usage(
      pendingFile(folder.dir),
      `root ${waiting.version} with the id ${id} waits already, begun by another run`,
      'compare the id with who began it and say it with --id, or take it back with --abandon',
    )
  }
  keepPending(folder.dir, bytes)
  return { ...waiting, bytes }
}

/** Ends what a run began that died behind the moment at which its root came in force. */
function tidyUp(folder: ChannelFolder, done: PendingRoot, options: ChannelRotateOptions): ChannelRotateReport {
  checkKeyFiles(folder.dir, done)
  putInForce(folder, done)
  const report = inForceReport(folder, done, null)
  if (isUnchanged(options.change) || sameChange(options.change, done.change))
    return { ...report, phase: 'was in force' }
  throw usage(
    report.root,
    `root ${done.version} had come in force, by another change; nothing else was done`,
    'say it again',
  )
}

function expiryOf(options: ChannelRotateOptions): string {
  return timeText(addDays(nowOf(options), options.change.days ?? ROOT_DAYS))
}

function dryRun(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  if (options.abandon === true) return abandon(folder, options)
  const waiting = readPending(folder)
  if (waiting === undefined) return planned(folder, options)
  checkPlanned(folder, waiting)
  if (waiting.version === folder.root.version) return planned(folder, options)
  checkWanted(folder.dir, waiting, options)
  checkFresh(folder.dir, waiting, nowOf(options))
  return pendingReport(folder, waiting, 'waiting')
}

function planned(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  return planReport(folder, planOf(folder, options), expiryOf(options))
}

function planOf(folder: ChannelFolder, { change, id }: ChannelRotateOptions): RotationPlan {
  if (isUnchanged(change))
    throw usage(
      pendingFile(folder.dir),
      'no root waits for signatures',
      'to begin a rotation say --replace, --add, --remove, --threshold or --renew',
    )
  if (id !== undefined) throw usage('--id', 'no root waits that has one')
  return planRotation(folder.root, folder.keys, change)
}

function abandon(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  if (!isUnchanged(options.change)) throw usage('--abandon', 'it goes without a change')
  if (!isUnderWay(folder.dir)) throw usage('--abandon', 'no rotation is under way')
  let report = planned(folder, { ...options, id: undefined, change: { ...options.change, renew: true } })
  let good: PendingRoot | undefined
  try {
    const waiting = readPending(folder)
    if (waiting !== undefined) {
      checkPlanned(folder, waiting)
      if (waiting.version > folder.root.version) checkFresh(folder.dir, waiting, nowOf(options))
      if (isComplete(folder, waiting)) good = waiting
      report = pendingReport(folder, waiting, 'abandoned')
    }
  } catch {
    // What is damaged, expired or tampered with must be got rid of, whatever it is.
  }
  if (good?.version === folder.root.version && options.dryRun !== true) putInForce(folder, good)
  if (good !== undefined)
    throw usage('--abandon', `enough have signed root ${report.version}`, 'put it in force by channel rotate')
  if (options.dryRun !== true) removePending(folder.dir)
  return { ...report, phase: 'abandoned' }
}

async function begin(folder: ChannelFolder, options: ChannelRotateOptions): Promise<PendingRoot> {
  const { dir, root } = folder
  const { change, random } = options
  const plan = planOf(folder, options)
  const expires = expiryOf(options)
  for (const { file } of plan.make)
    if (existsSync(join(dir, file)))
      throw new SallyportError('KEY_EXISTS', { side: 'source', subject: join(dir, file), remedy: 'move it away first' })
  options.onRoot?.(planReport(folder, plan, expires))
  // Before anything is made: a wrong passphrase then leaves nothing behind.
  const deciders = await signers(folder, undefined, options)
  const kind = change.kind ?? [...root.roles.root.keys.values()][0]?.kind ?? 'ed25519'
  const fresh = plan.make.map((entry) => ({ ...entry, key: generateKey(kind, random) }))
  const sealed = new Map<string, string>()
  for (const { file, key } of fresh)
    sealed.set(file, sealKey(key, await options.newPassphrase(join(dir, file)), random))
  let bytes = plannedRoot(
    root,
    plan,
    fresh.map(({ key }) => key.tufKey),
    expires,
  )
  const own = fresh.filter((made) => made.role === 'root').map(({ key }) => key)
  for (const key of [...own, ...deciders]) bytes = signRoot(bytes, key, root.bytes)
  const made = fresh.map(({ role, holder, file, key }) => ({ role, holder, file, keyid: key.keyid }))
  const pending = { version: plan.version, change, made, bytes }
  layPending(dir, pending, sealed)
  return pending
}

/** The root keys that sign in this run: those named, else what lies here and has not signed. */
async function signers(
  folder: ChannelFolder,
  waiting: PendingRoot | undefined,
  options: ChannelRotateOptions,
): Promise<ChannelKey[]> {
  const before = folder.root.roles.root.keys
  const made = new Set((waiting?.made ?? []).filter(({ role }) => role === 'root').map(({ keyid }) => keyid))
  const keys: ChannelKey[] = []
  for (const file of options.keys) {
    const key = await openKey(readSmall(file).toString('latin1'), await options.passphrase(file), file)
    if (!before.has(key.keyid) && !made.has(key.keyid))
      throw new SallyportError('KEY_REFUSED', { side: 'source', subject: file, detail: 'it is no root key here' })
    keys.push(key)
  }
  if (options.keys.length > 0) return keys
  // Those that were made for this root have signed it when it was made.
  const done = new Set(waiting === undefined ? [] : approvalsOf(folder, waiting).before.signed)
  for (const entry of presentKeys(folder, 'root'))
    if (!done.has(entry.keyid)) keys.push(await openEntry(folder, entry, options.passphrase))
  return keys
}

function isComplete(folder: ChannelFolder, waiting: PendingRoot): boolean {
  return Object.values(approvalsOf(folder, waiting)).every(({ signed, threshold }) => signed.length >= threshold)
}

function finish(folder: ChannelFolder, waiting: PendingRoot, options: ChannelRotateOptions): ChannelRotateReport {
  if (!isComplete(folder, waiting)) return pendingReport(folder, waiting, 'waiting')
  checkFresh(folder.dir, waiting, nowOf(options))
  checkKeyFiles(folder.dir, waiting)
  const { channel, purpose, roots } = folder
  const last = waiting.version - 1
  // By the eyes of a site that has followed so far: what it would refuse must not be put in force.
  const { reset } = judgeRoots({
    channel,
    purpose,
    trusted: { rootBytes: previousOf(folder, waiting), version: last },
    roots: byVersion([...roots.slice(0, last), waiting.bytes]),
  })
  putInForce(folder, waiting)
  return inForceReport(folder, waiting, reset !== undefined)
}
