/** `channel init`: makes a channel's keys and its first root. */
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { makeFolder, syncFolder, writeNew } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import {
  buildRoot,
  fingerprint,
  generateKey,
  isChannelName,
  sealKey,
  signRoot,
  type ChannelKey,
  type KeyKind,
  type Purpose,
  type Role,
} from '../../tuf/index.ts'
import { listingText, rootFileName, type AskPassphrase, type KeyEntry } from './folder.ts'
import { isPersonName } from './person.ts'
import { usage } from './usage.ts'
import { isFree } from '../run/new-folder.ts'
import { addDays, nowOf, timeText, type RunOptions } from '../run/run.ts'

export interface ChannelInitOptions extends RunOptions {
  channel: string
  purpose: Purpose
  dir: string
  /** Names of the people, each with a key of their own; at least `threshold`. */
  people: readonly string[]
  threshold: number
  kind: KeyKind
  /** Days until the root expires. */
  rootDays: number
  passphrase: AskPassphrase
  /** Checks the options and makes nothing. */
  dryRun?: boolean | undefined
  /** A seeded source of bytes is for fixtures only. */
  random?: (count: number) => Uint8Array
}

export interface ChannelInitReport {
  channel: string
  purpose: Purpose
  /** Null after a dry run, since there is no root yet. */
  fingerprint: string | null
  root: string
  threshold: number
  people: string[]
  keys: KeyEntry[]
  rootExpires: string
  dryRun: boolean
}

function check(options: ChannelInitOptions): void {
  const { channel, people, threshold, dir } = options
  if (!isChannelName(channel)) throw usage(channel, 'not a channel name')
  const odd = people.find((person, i) => !isPersonName(person) || people.indexOf(person) !== i)
  if (odd !== undefined) throw usage(odd, 'people are named once each, with a-z, 0-9 and hyphens')
  if (threshold < 1 || threshold > people.length) throw usage('--threshold', `${threshold} of ${people.length} people`)
  if (!isFree(dir)) throw new SallyportError('KEY_EXISTS', { side: 'source', subject: dir })
}

/**
 * Makes the keys and the root. The folder appears whole or not at all, and lasts when the fingerprint is told.
 * Each person gets two keys: one that approves bundles, and one that decides about the root, to be kept offline.
 * Throws USAGE, KEY_EXISTS, DISK_FULL, OUTPUT_FAILED.
 */
export async function channelInit(options: ChannelInitOptions): Promise<ChannelInitReport> {
  check(options)
  const { channel, purpose, dir, people, threshold, kind } = options
  const expires = timeText(addDays(nowOf(options), options.rootDays))
  if (options.dryRun === true)
    return {
      channel,
      purpose,
      fingerprint: null,
      root: join(dir, 'root.json'),
      threshold,
      people: [...people],
      keys: [],
      rootExpires: expires,
      dryRun: true,
    }
  const entries: KeyEntry[] = []
  const made = new Map<Role, ChannelKey[]>([
    ['root', []],
    ['targets', []],
    ['snapshot', []],
    ['timestamp', []],
  ])
  const beside = dirname(dir)
  const scratch = join(beside, `.${basename(dir)}.new`)
  try {
    await makeFolder(beside, 0o700)
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { mode: 0o700 })
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
  const lay = (file: string, text: string | Uint8Array, mode: number): void => {
    try {
      writeNew(join(scratch, file), text, mode)
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', join(dir, file))
    }
  }
  const add = async (role: Role, holder: string, file: string): Promise<void> => {
    const key = generateKey(kind, options.random)
    made.get(role)?.push(key)
    entries.push({ role, holder, keyid: key.keyid, file })
    lay(file, sealKey(key, await options.passphrase(join(dir, file)), options.random), 0o600)
  }
  for (const person of people) await add('targets', person, `${person}.pem`)
  for (const person of people) await add('root', person, `root-${person}.pem`)
  await add('snapshot', 'host', 'snapshot.pem')
  await add('timestamp', 'host', 'timestamp.pem')
  const role = (name: Role, needed: number): { keys: ChannelKey['tufKey'][]; threshold: number } => ({
    keys: (made.get(name) ?? []).map(({ tufKey }) => tufKey),
    threshold: needed,
  })
  let root = buildRoot({
    channel,
    purpose,
    expires,
    roles: {
      root: role('root', threshold),
      targets: role('targets', threshold),
      snapshot: role('snapshot', 1),
      timestamp: role('timestamp', 1),
    },
  })
  for (const key of made.get('root') ?? []) root = signRoot(root, key)
  lay(rootFileName(1), root, 0o644)
  lay('root.json', root, 0o644)
  lay('channel.json', listingText({ channel, purpose, keys: entries }), 0o644)
  try {
    syncFolder(scratch)
    // Only an empty one: people were asked for passphrases since it was looked at.
    if (existsSync(dir)) rmdirSync(dir)
    renameSync(scratch, dir)
    syncFolder(beside)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
  return {
    channel,
    purpose,
    fingerprint: fingerprint(root),
    root: join(dir, 'root.json'),
    threshold,
    people: [...people],
    keys: entries,
    rootExpires: expires,
    dryRun: false,
  }
}
