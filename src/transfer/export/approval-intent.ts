/**
 * What `approve` is about to write into a bundle. A write of a few hundred bytes can be cut in two by a kill: until the
 * bundle has it, it stands in `NAME.approving` beside it, so that the same command, run again, completes it.
 * Whoever can write that folder can write this file too. So nothing in it is believed: it is written only over the
 * targets slot of what reads as a bundle, and may change nothing there but signatures.
 */
import { closeSync, constants, fsyncSync, lstatSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { BundleReader, fileInput, type Head } from '../../bundle/index.ts'
import { isJsonObject, parseJson } from '../../codec/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { inspectHead } from '../../tuf/index.ts'

const CAP = 8 * 1024 * 1024
// Stops a link that was laid under the name from making us write elsewhere.
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

function intentFile(bundle: string): string {
  return `${bundle}.approving`
}

function writeAt(file: string, bytes: Uint8Array, at: number, flags: number): void {
  try {
    const fd = openSync(file, flags, 0o644)
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}

/** Replaces the targets slot, at a kill wholly or after {@link completeIntent}. Throws OUTPUT_FAILED, DISK_FULL. */
export function replaceTargets(bundle: string, head: Head, targets: Buffer): void {
  const file = intentFile(bundle)
  writeAt(file, Buffer.from(JSON.stringify({ at: head.targetsAt, bytes: targets.toString('base64') })), 0, FRESH)
  writeAt(bundle, targets, head.targetsAt, constants.O_RDWR)
  rmSync(file)
}

async function headOf(bundle: string): Promise<Head> {
  const input = fileInput(bundle)
  try {
    return await new BundleReader(input).head()
  } finally {
    await input.close()
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

/** Completes what a killed run began; an intent that is none of this bundle's is thrown away. */
export async function completeIntent(bundle: string): Promise<void> {
  const file = intentFile(bundle)
  const stat = lstatSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isFile()) throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file })
  const head = await headOf(bundle)
  const slot = stat.size > CAP ? undefined : slotIn(readFileSync(file), file, head)
  if (slot !== undefined) writeAt(bundle, slot, head.targetsAt, constants.O_RDWR)
  rmSync(file)
}
