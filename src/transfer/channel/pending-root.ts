/**
 * A root that waits for signatures: the folder `next/` in the channel's own. It appears whole, and goes when the root is
 * in force; the new keys stand in it until then, so that nobody signs bundles with them before their time.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { canonicalJson, parseJson, shapeFault, type Json } from '../../codec/index.ts'
import { placeFile, syncFolder, writeNew } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { CAPS } from '../../tuf/index.ts'
import { holder, LISTING_CAP, listingText, rootFileName, type ChannelFolder, type KeyEntry } from './folder.ts'
import type { RotationChange } from './rotation-plan.ts'
import { readOwn } from '../run/small-file.ts'

const NEXT = 'next'
const SCRATCH = '.next.new'
/** What was taken back, behind a random name: one that can't be removed is in nobody's way. */
const OLD = '.next.old-'
const ROOT = 'root.json'
/** Made last and removed last: with it the rotation is there, without it there is none. */
const RECORD = 'rotation.json'

const names = z.array(z.string().max(64)).max(1000)
const schema = z.strictObject({
  format: z.literal('sallyport-rotation/1'),
  version: z.int().min(2),
  change: z.strictObject({
    renew: z.boolean(),
    replace: names,
    add: names,
    remove: names,
    threshold: z.int().min(1).nullable(),
    days: z.int().min(1).nullable(),
    kind: z.enum(['ed25519', 'p384']).nullable(),
  }),
  made: z.array(holder),
})

export interface PendingRoot {
  readonly version: number
  readonly change: RotationChange
  readonly made: readonly KeyEntry[]
  /** With the signatures it has by now. */
  readonly bytes: Buffer
}

/** Where the waiting root stands. */
export function pendingFile(dir: string): string {
  return join(dir, NEXT, ROOT)
}

/** The root that the waiting one follows. */
export function previousOf({ roots }: ChannelFolder, { version }: PendingRoot): Buffer {
  return roots[version - 2] ?? Buffer.alloc(0)
}

/** What waits is not to be believed, let alone signed. */
export function damaged(dir: string, detail: string, cause?: unknown): SallyportError {
  return new SallyportError('ROTATION_DAMAGED', { side: 'source', subject: join(dir, NEXT), detail, cause })
}

/** True when a rotation is under way, or what is left of one lies there. */
export function isUnderWay(dir: string): boolean {
  return lstatSync(join(dir, NEXT), { throwIfNoEntry: false }) !== undefined
}

/** The rotation that is under way; undefined when there is none. Throws ROTATION_DAMAGED. */
export function readPending({ dir, roots }: ChannelFolder): PendingRoot | undefined {
  const next = lstatSync(join(dir, NEXT), { throwIfNoEntry: false })
  if (next === undefined) return undefined
  if (!next.isDirectory()) throw damaged(dir, 'it is not a folder')
  const file = join(dir, NEXT, RECORD)
  try {
    // A run that died at its very end leaves an empty folder.
    if (readdirSync(join(dir, NEXT)).length === 0) return undefined
    const parsed = schema.safeParse(parseJson(readOwn(file, LISTING_CAP), 'source', file))
    if (!parsed.success) throw damaged(dir, `${RECORD}: ${shapeFault(parsed.error)}`)
    const { version, change, made } = parsed.data
    if (version !== roots.length && version !== roots.length + 1)
      throw damaged(dir, `version ${version} does not follow the roots here`)
    // In force already, when the last run died while it tidied up.
    const bytes = roots[version - 1] ?? readOwn(pendingFile(dir), CAPS.root)
    return { version, change, made, bytes }
  } catch (cause) {
    if (cause instanceof SallyportError && cause.code === 'ROTATION_DAMAGED') throw cause
    throw damaged(dir, (cause as Error).message, cause)
  }
}

/** The file of a key that was made, before or after it has got to its place. Throws ROTATION_DAMAGED. */
export function readMade(dir: string, file: string): Buffer {
  const waiting = join(dir, NEXT, file)
  try {
    return readOwn(existsSync(waiting) ? waiting : join(dir, file), LISTING_CAP)
  } catch (cause) {
    throw damaged(dir, `${file} can't be read`, cause)
  }
}

/** Lays the folder down: the root, and the sealed keys by the names they will have. Throws DISK_FULL, OUTPUT_FAILED. */
export function layPending(dir: string, pending: PendingRoot, sealed: ReadonlyMap<string, string>): void {
  const scratch = join(dir, SCRATCH)
  const { version, change, made, bytes } = pending
  const record: Json = {
    format: 'sallyport-rotation/1',
    version,
    change: { ...change, replace: [...change.replace], add: [...change.add], remove: [...change.remove] },
    made: made.map((entry) => ({ ...entry })),
  }
  try {
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { mode: 0o700 })
    for (const [file, text] of sealed) writeNew(join(scratch, file), text)
    writeNew(join(scratch, ROOT), bytes, 0o644)
    writeNew(join(scratch, RECORD), `${canonicalJson(record)}\n`, 0o644)
    syncFolder(scratch)
    // Only an empty folder gives way to it.
    renameSync(scratch, join(dir, NEXT))
    syncFolder(dir)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', join(dir, NEXT))
  }
}

/** Keeps the root with the signatures it has by now. */
export function keepPending(dir: string, bytes: Buffer): void {
  placeFile(pendingFile(dir), bytes, 0o644)
}

/**
 * Puts the root in force: keys and listing first, then `N.root.json`, at which all turns. Every step can be done again.
 * The listing keeps who held retired keys: old roots and logs name them.
 */
export function putInForce(folder: ChannelFolder, { version, bytes, made }: PendingRoot): void {
  const { dir, channel, purpose, keys } = folder
  try {
    for (const { file } of made) {
      const waiting = join(dir, NEXT, file)
      if (existsSync(waiting)) renameSync(waiting, join(dir, file))
    }
    const known = new Set(keys.map(({ keyid }) => keyid))
    const more = made.filter(({ keyid }) => !known.has(keyid))
    if (more.length > 0)
      placeFile(join(dir, 'channel.json'), listingText({ channel, purpose, keys: [...keys, ...more] }), 0o644)
    if (folder.root.version < version) placeFile(join(dir, rootFileName(version)), bytes, 0o644)
    placeFile(join(dir, 'root.json'), bytes, 0o644)
    tidy(dir)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
}

/** Takes away whatever stands there, keys too. */
export function removePending(dir: string): void {
  try {
    // In one step, and without a look inside: it may be a link, or anything that somebody put there.
    renameSync(join(dir, NEXT), join(dir, `${OLD}${randomBytes(4).toString('hex')}`))
    syncFolder(dir)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', join(dir, NEXT))
  }
  for (const name of readdirSync(dir))
    if (name.startsWith(OLD) || name === SCRATCH)
      try {
        rmSync(join(dir, name), { recursive: true, force: true })
      } catch {
        // It is no rotation any more, whatever is left of it.
      }
}

/** The record goes last: while it is there, the next run ends what this one began. */
function tidy(dir: string): void {
  const next = join(dir, NEXT)
  for (const name of readdirSync(next)) if (name !== RECORD) rmSync(join(next, name), { recursive: true })
  rmSync(join(next, RECORD))
  rmdirSync(next)
  syncFolder(dir)
}
