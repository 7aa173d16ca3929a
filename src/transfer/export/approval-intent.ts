/**
 * What `approve` is about to write into a bundle. A write of a few hundred bytes can be cut in two by a kill: until the
 * bundle has it, it stands in `NAME.approving` beside it, so that the same command, run again, completes it.
 * Whoever can write that folder can write this file too. So nothing in it is believed: it is written only over the
 * targets slot of what reads as a bundle, and may change nothing there but signatures.
 */
import { closeSync, fstatSync, fsyncSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { BundleReader, fileInput, type Head } from '../../bundle/index.ts'
import { isJsonObject, parseJson } from '../../codec/index.ts'
import { syncFolder, writeAll, writeNew } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { inspectHead } from '../../tuf/index.ts'
import { alone } from '../run/alone.ts'

const CAP = 8 * 1024 * 1024

function intentFile(bundle: string): string {
  return `${bundle}.approving`
}

interface Opened {
  head: Head
  /** Tells the file that was read from one that has taken its name since. */
  identity: string
}

function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd)
  return `${dev} ${ino}`
}

async function openHead(bundle: string): Promise<Opened> {
  const input = fileInput(bundle)
  try {
    return { head: await new BundleReader(input).head(), identity: identityOf(input.fd) }
  } finally {
    await input.close()
  }
}

function replaced(bundle: string, detail: string): SallyportError {
  return new SallyportError('BUNDLE_REPLACED', { side: 'bundle', subject: bundle, detail })
}

/** Writes the slot where it stands in the file that was read. */
function writeSlot(bundle: string, { head, identity }: Opened, slot: Buffer): void {
  try {
    const fd = openSync(bundle, 'r+')
    try {
      if (identityOf(fd) !== identity) throw replaced(bundle, 'another file has its name since it was read')
      writeAll(fd, slot, head.targetsAt)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : writeFault(cause, 'OUTPUT_FAILED', bundle)
  }
}

function writeIntent(file: string, { head }: Opened, slot: Buffer): void {
  try {
    // Never through a link that was laid under the name: it is made, or the run ends.
    writeNew(file, JSON.stringify({ at: head.targetsAt, bytes: slot.toString('base64') }), 0o644)
    // Else the power could leave half a slot and no name for what completes it.
    syncFolder(dirname(file))
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}

/**
 * The targets slot as `sign` leaves it, which is given the slot as it stands by now: other people may have signed since the
 * bundle was shown. Written at a kill wholly or after {@link completeIntent}; not at all when it is left as it is.
 * Throws BUNDLE_REPLACED for another bundle than `id`, FOLDER_LOCKED, OUTPUT_FAILED, DISK_FULL, and what `sign` throws.
 */
export async function signSlot(bundle: string, id: Digest, sign: (slot: Buffer) => Buffer): Promise<SignedSlot> {
  return alone(dirname(bundle), async () => {
    await complete(bundle)
    const opened = await openHead(bundle)
    const { head } = opened
    const there = inspectHead(head).id
    // Stops a bundle that was put in the place of the one that was shown.
    if (there !== id) throw replaced(bundle, `its id is ${there}, shown was ${id}`)
    const slot = sign(head.targets)
    if (slot.equals(head.targets)) return { slot, added: false }
    const file = intentFile(bundle)
    writeIntent(file, opened, slot)
    writeSlot(bundle, opened, slot)
    remove(file)
    return { slot, added: true }
  })
}

export interface SignedSlot {
  slot: Buffer
  /** False when it was left as it is. */
  added: boolean
}

function remove(file: string): void {
  try {
    rmSync(file)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}

/** The slot that the file asks to write, when it changes nothing but signatures. */
function slotIn(text: Buffer, file: string, head: Head): Buffer | undefined {
  try {
    const intent = parseJson(text, 'state', file)
    if (!isJsonObject(intent) || typeof intent['bytes'] !== 'string' || intent['at'] !== head.targetsAt)
      return undefined
    const slot = Buffer.from(intent['bytes'], 'base64')
    inspectHead({ ...head, targets: slot })
    const signed = slot.lastIndexOf(',"signatures":[')
    const same =
      slot.length === head.targets.length && slot.subarray(0, signed).equals(head.targets.subarray(0, signed))
    return same ? slot : undefined
  } catch (error) {
    // Cut off while it was written: then the bundle was not touched yet.
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** Completes what a killed run began; an intent that is none of this bundle's is thrown away. Throws as {@link signSlot}. */
export async function completeIntent(bundle: string): Promise<void> {
  if (lstatSync(intentFile(bundle), { throwIfNoEntry: false }) !== undefined)
    await alone(dirname(bundle), () => complete(bundle))
}

async function complete(bundle: string): Promise<void> {
  const file = intentFile(bundle)
  const stat = lstatSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isFile()) throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file })
  const opened = await openHead(bundle)
  const slot = stat.size > CAP ? undefined : slotIn(readFileSync(file), file, opened.head)
  if (slot !== undefined) writeSlot(bundle, opened, slot)
  remove(file)
}
