/** `approve`: adds a further person's signature to a bundle file, in place. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { BundleReader, fileInput } from '../bundle/index.ts'
import { parseJson } from '../codec/index.ts'
import { isFault, SallyportError, writeFault } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { addSignature, approvals, inspectHead, openKey, readRoot } from '../tuf/index.ts'
import { readSmall, type AskPassphrase } from './channel-folder.ts'
import { readLaw } from './passage.ts'
import type { RunOptions } from './run.ts'
import { summarize, type BundleSummary } from './summary.ts'

export interface ApproveOptions extends RunOptions {
  bundle: string
  /** The person's key file. */
  key: string
  passphrase: AskPassphrase
  /** The bundle id that the person means to approve; any other is refused. */
  id?: string | undefined
  dryRun?: boolean | undefined
}

export interface ApproveReport {
  bundle: string
  id: Digest
  keyid: string
  /** False when this person had signed already. */
  added: boolean
  signed: number
  threshold: number
  summary: BundleSummary
}

// A write of a few hundred bytes can be cut in two by a kill. What was meant stands in a file beside the bundle until
// the bundle has it, so that the same command, run again, completes it.
function intentFile(bundle: string): string {
  return `${bundle}.approving`
}

function writeAt(file: string, bytes: Uint8Array, at: number, flag: 'r+' | 'w'): void {
  try {
    const fd = openSync(file, flag)
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

function completeIntent(bundle: string): void {
  const file = intentFile(bundle)
  if (!existsSync(file)) return
  try {
    const intent = parseJson(readFileSync(file), 'state', file) as { at: number; bytes: string }
    writeAt(bundle, Buffer.from(String(intent.bytes), 'base64'), Number(intent.at), 'r+')
  } catch (error) {
    // Cut off while it was written: then the bundle was not touched yet.
    if (!isFault(error, 'JSON_MALFORMED')) throw error
  }
  rmSync(file)
}

/**
 * Signs what the bundle promises, after proving that head, promise and law agree; payload is bound by them.
 * The root is the bundle's own newest: whether it leads to the pinned one is for the receiver to say.
 * Throws KEY_REFUSED for a key that the root does not name, and the codes of reading.
 */
export async function approveBundle(options: ApproveOptions): Promise<ApproveReport> {
  const { bundle } = options
  if (bundle === '-') throw new SallyportError('APPROVAL_STREAM', { side: 'bundle', subject: '-' })
  if (options.dryRun !== true) completeIntent(bundle)
  const input = fileInput(bundle)
  try {
    const reader = new BundleReader(input)
    const head = await reader.head()
    const { id, targets } = inspectHead(head)
    if (options.id !== undefined && options.id !== id) {
      throw new SallyportError('USAGE', {
        side: 'bundle',
        subject: bundle,
        detail: `its id is ${id}, you asked for ${options.id}`,
      })
    }
    const files = await reader.promise(targets)
    await readLaw(reader, files, options)
    const rootBytes = head.roots.get(head.roots.size) ?? Buffer.alloc(0)
    const root = readRoot(rootBytes, { side: 'bundle', subject: `${head.roots.size}.root.json` })
    const key = openKey(readSmall(options.key).toString('latin1'), await options.passphrase(options.key), options.key)
    const signed = addSignature(head.targets, rootBytes, key)
    const added = !signed.equals(head.targets)
    if (added && options.dryRun !== true) {
      const intent = JSON.stringify({ at: head.targetsAt, bytes: signed.toString('base64') })
      writeAt(intentFile(bundle), Buffer.from(intent), 0, 'w')
      writeAt(bundle, signed, head.targetsAt, 'r+')
      rmSync(intentFile(bundle))
    }
    const count = approvals(signed, rootBytes).signed.length
    return {
      bundle,
      id,
      keyid: key.keyid,
      added,
      signed: count,
      threshold: root.roles.targets.threshold,
      summary: summarize(files, id),
    }
  } finally {
    input.close()
  }
}
