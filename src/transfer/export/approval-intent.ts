/**
 * What `approve` is about to write into a bundle. A write of a few hundred bytes can be cut in two by a kill: until the
 * bundle has it, it stands in `NAME.approving` beside it, so that the same command, run again, completes it.
 * Whoever can write that folder can write this file too. So nothing in it is believed: it is written only over the
 * targets slot of what reads as a bundle, and may change nothing there but signatures.
 */
import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { BundleReader, fileInput, type Head } from '../../bundle/index.ts'
import { isJsonObject, parseJson } from '../../codec/index.ts'
import { syncFolder, writeAll, writeNew } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { inspectHead } from '../../tuf/index.ts'

const CAP = 8 * 1024 * 1024

function intentFile(bundle: string): string {
  return `${bundle}.approving`
}

/** Writes over the slot of a bundle. */
function writeSlot(bundle: string, slot: Buffer, at: number): void {
  try {
    const fd = openSync(bundle, 'r+')
    try {
      writeAll(fd, slot, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', bundle)
  }
}

/** Replaces the targets slot, at a kill wholly or after {@link completeIntent}. Throws OUTPUT_FAILED, DISK_FULL. */
export function replaceTargets(bundle: string, head: Head, targets: Buffer): void {
  const file = intentFile(bundle)
  try {
    // Never through a link that was laid under the name: it is made, or the run ends.
    writeNew(file, JSON.stringify({ at: head.targetsAt, bytes: targets.toString('base64') }), 0o644)
    // Else the power could leave half a slot and no name for what completes it.
    syncFolder(dirname(file))
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
  writeSlot(bundle, targets, head.targetsAt)
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
  if (slot !== undefined) writeSlot(bundle, slot, head.targetsAt)
  rmSync(file)
}
