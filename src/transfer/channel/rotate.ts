/**
 * `channel rotate`: the next root of a channel, signed by the root keys of the one before and by its own. Those who hold
 * them need not meet: the root waits in the folder until enough have signed.
 */
import { join } from 'node:path'
import { SallyportError } from '../../errors/index.ts'
import {
  buildRoot,
  generateKey,
  judgeRoots,
  openKey,
  readUnsignedRoot,
  sealKey,
  signRoot,
  type ChannelKey,
  type KeyKind,
  type Role,
  type RootPlan,
} from '../../tuf/index.ts'
import { addDays, nowOf, timeText, type RunOptions } from '../run/run.ts'
import { ExportLog } from './export-log.ts'
import {
  openChannelFolder,
  openEntry,
  presentKeys,
  readSmall,
  rootFileName,
  type AskPassphrase,
  type ChannelFolder,
} from './folder.ts'
import {
  isUnderWay,
  keepPending,
  layPending,
  pendingFile,
  putInForce,
  readPending,
  removePending,
  type PendingRoot,
} from './pending-root.ts'
import { isPlanned, isUnchanged, planRotation, sameChange, type RotationChange } from './rotation-plan.ts'
import {
  approvalsOf,
  inForceReport,
  pendingReport,
  planReport,
  previousOf,
  type ChannelRotateReport,
} from './rotation-report.ts'

export interface ChannelRotateOptions extends RunOptions {
  dir: string
  change: RotationChange
  /** Of new keys; undefined: as the channel's root keys are. */
  kind?: KeyKind | undefined
  /** Days until the new root expires. */
  rootDays: number
  /** Files of the root keys that sign now; none: those that lie in the folder and have not signed. */
  keys: readonly string[]
  passphrase: AskPassphrase
  /** Asked for the keys that are made. */
  newPassphrase: AskPassphrase
  /** Told what waits, before a key is opened: a person decides by it. */
  onWaiting?: ((report: ChannelRotateReport) => void) | undefined
  /** Takes back the root that waits. */
  abandon?: boolean | undefined
  dryRun?: boolean | undefined
  /** A seeded source of bytes is for fixtures only. */
  random?: (count: number) => Uint8Array
}

function usage(subject: string, detail: string, remedy?: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail, remedy })
}

/**
 * Begins a rotation, or goes on with the one that waits. When enough have signed, the root is proven as sites will prove it
 * and put in force; exports carry it from then on, and sites follow it. May be killed anywhere: the next run goes on.
 * Throws USAGE for a change that can't be or that is not the one under way, KEY_MISSING, KEY_MALFORMED, KEY_PASSPHRASE,
 * KEY_REFUSED for a key that decides about neither root, STATE_LOCKED, DISK_FULL, OUTPUT_FAILED.
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
    checkSame(folder, waiting, options)
    if (waiting === undefined) return finish(folder, await begin(folder, options))
    if (folder.root.version < waiting.version) {
      checkPlanned(folder, waiting)
      options.onWaiting?.(pendingReport(folder, waiting, 'waiting'))
      for (const key of await signers(folder, waiting, options)) addSignature(folder, waiting, key)
    }
    return finish(folder, waiting)
  } finally {
    await log.close()
  }
}

function checkSame({ dir }: ChannelFolder, waiting: PendingRoot | undefined, { change }: ChannelRotateOptions): void {
  if (waiting === undefined || isUnchanged(change) || sameChange(change, waiting.change)) return
  throw usage(
    pendingFile(dir),
    `another rotation, to root ${waiting.version}, waits for signatures`,
    'go on with it by channel rotate without a change, or take it back with --abandon',
  )
}

/** Throws KEY_MALFORMED when the waiting root says more or else than the rotation's record. */
function checkPlanned({ dir, root, keys }: ChannelFolder, { bytes, change, made }: PendingRoot): void {
  const subject = pendingFile(dir)
  const next = readUnsignedRoot(bytes, { side: 'source', subject })
  if (isPlanned(next, planRotation(root, keys, change), root, made)) return
  throw new SallyportError('KEY_MALFORMED', {
    side: 'source',
    subject,
    detail: 'it is not the root that rotation.json tells of',
    remedy: 'sign nothing; find out who wrote there, and take it back with --abandon',
  })
}

function expiryOf(options: ChannelRotateOptions): string {
  return timeText(addDays(nowOf(options), options.rootDays))
}

function dryRun(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  if (options.abandon === true) return abandon(folder, options)
  const waiting = readPending(folder)
  checkSame(folder, waiting, options)
  if (waiting === undefined) return planned(folder, options)
  if (folder.root.version < waiting.version) checkPlanned(folder, waiting)
  return pendingReport(folder, waiting, 'waiting')
}

function planned(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  return planReport(folder, planRotation(folder.root, folder.keys, options.change), expiryOf(options))
}

function abandon(folder: ChannelFolder, options: ChannelRotateOptions): ChannelRotateReport {
  if (!isUnchanged(options.change)) throw usage('--abandon', 'it goes without a change')
  if (!isUnderWay(folder.dir)) throw usage('--abandon', 'no rotation is under way')
  let report: ChannelRotateReport
  let complete = false
  try {
    const waiting = readPending(folder)
    complete = waiting !== undefined && isComplete(folder, waiting)
    report = waiting === undefined ? planned(folder, options) : pendingReport(folder, waiting, 'abandoned')
  } catch (error) {
    // What is damaged, or tampered with, must still be got rid of.
    if (!(error instanceof SallyportError)) throw error
    report = planned(folder, options)
  }
  if (complete)
    throw usage('--abandon', `enough have signed root ${report.version}`, 'put it in force by channel rotate')
  if (options.dryRun !== true) removePending(folder.dir)
  return { ...report, phase: 'abandoned' }
}

async function begin(folder: ChannelFolder, options: ChannelRotateOptions): Promise<PendingRoot> {
  const { dir, root, channel, purpose } = folder
  const { change, random } = options
  const { version, roles, make } = planRotation(root, folder.keys, change)
  // Before anything is made: a wrong passphrase then leaves nothing behind.
  const deciders = await signers(folder, undefined, options)
  const kind = options.kind ?? [...root.roles.root.keys.values()][0]?.kind ?? 'ed25519'
  const fresh = make.map((entry) => ({ ...entry, key: generateKey(kind, random) }))
  const sealed = new Map<string, string>()
  for (const { file, key } of fresh)
    sealed.set(file, sealKey(key, await options.newPassphrase(join(dir, file)), random))
  const role = (name: Role): RootPlan['roles'][Role] => {
    const { kept, threshold } = roles[name]
    const stay = kept.flatMap((keyid) => root.roles[name].keys.get(keyid)?.tufKey ?? [])
    return { keys: [...stay, ...fresh.filter((made) => made.role === name).map(({ key }) => key.tufKey)], threshold }
  }
  const previous = previousOf(folder, { version })
  let bytes = buildRoot({
    channel,
    purpose,
    expires: expiryOf(options),
    roles: { root: role('root'), targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') },
    previous,
  })
  const own = fresh.filter((made) => made.role === 'root').map(({ key }) => key)
  for (const key of [...own, ...deciders]) bytes = signRoot(bytes, key, previous)
  const made = fresh.map(({ role, holder, file, key }) => ({ role, holder, file, keyid: key.keyid }))
  const pending = { version, change, made, bytes }
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
  const made = new Set((waiting?.made ?? []).map(({ keyid }) => keyid))
  const keys: ChannelKey[] = []
  for (const file of options.keys) {
    const key = openKey(readSmall(file).toString('latin1'), await options.passphrase(file), file)
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

function addSignature(folder: ChannelFolder, waiting: PendingRoot, key: ChannelKey): void {
  const bytes = signRoot(waiting.bytes, key, previousOf(folder, waiting))
  if (bytes.equals(waiting.bytes)) return
  keepPending(folder.dir, bytes)
  waiting.bytes = bytes
}

function isComplete(folder: ChannelFolder, waiting: PendingRoot): boolean {
  return Object.values(approvalsOf(folder, waiting)).every(({ signed, threshold }) => signed.length >= threshold)
}

function finish(folder: ChannelFolder, waiting: PendingRoot): ChannelRotateReport {
  if (!isComplete(folder, waiting)) return pendingReport(folder, waiting, 'waiting')
  const { channel, purpose, roots } = folder
  const last = waiting.version - 1
  const chain = [...roots.slice(0, last), waiting.bytes]
  // By the eyes of a site that has followed so far: what it would refuse must not be put in force.
  const { reset } = judgeRoots({
    channel,
    purpose,
    trusted: { rootBytes: previousOf(folder, waiting), version: last },
    roots: new Map(chain.map((bytes, i) => [i + 1, bytes])),
  })
  putInForce(folder, waiting)
  return inForceReport(folder, waiting, rootFileName(waiting.version), reset !== undefined)
}
