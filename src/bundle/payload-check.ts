/** Proves the whole payload of a bundle file, on every core, before anything acts on it. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { SallyportError } from '../errors/index.ts'
import { verifying } from '../oci/index.ts'
import type { FileInput } from './input.ts'
import type { PlacedBlob } from './layout.ts'
import { MemberReader } from './member-reader.ts'
import { blobName } from './names.ts'
import { RangeProver } from './payload-range.ts'

const RUN_BYTES = 8 * 1024 * 1024
// Below this the start of a worker costs more than it saves.
const WORTH_WORKERS = 64 * 1024 * 1024

export interface PayloadCheckOptions {
  onBytes?: (count: number) => void
  signal?: AbortSignal | undefined
}

interface Answer {
  bytes: number
  failed?: PlacedBlob
}

function runs(blobs: readonly PlacedBlob[]): PlacedBlob[][] {
  const out: PlacedBlob[][] = []
  let run: PlacedBlob[] = []
  let bytes = 0
  for (const blob of blobs) {
    run.push(blob)
    bytes += blob.descriptor.size
    if (bytes < RUN_BYTES && run.length < 256) continue
    out.push(run)
    run = []
    bytes = 0
  }
  if (run.length > 0) out.push(run)
  return out
}

// By the same reader as a pipe, so that both say the same of the same damage.
async function checkEnd(input: FileInput, end: number): Promise<void> {
  input.seek(end)
  await new MemberReader(input, end).finish()
}

/** Reads one member through the strict screen; throws what is wrong with it. */
async function explain(input: FileInput, blob: PlacedBlob): Promise<never> {
  const { descriptor, headerAt } = blob
  input.seek(headerAt)
  const reader = new MemberReader(input, headerAt)
  const member = await reader.next()
  const name = blobName(descriptor.digest)
  if (member === undefined || member.name !== name)
    throw new SallyportError('TAR_ORDER', {
      side: 'bundle',
      subject: member?.name ?? name,
      detail: `where ${name} belongs`,
    })
  if (member.size !== descriptor.size)
    throw new SallyportError('TAR_SIZE', {
      side: 'bundle',
      subject: name,
      detail: `${member.size} bytes, ${descriptor.size} promised`,
    })
  const stream = verifying(reader.body(member), descriptor, 'bundle', `${name} at offset ${member.bodyAt}`)
  while ((await stream.next()).done !== true);
  // It was damaged a moment ago and is not now: the file changes under us (T10), so nothing in it can be relied on.
  throw new SallyportError('DIGEST_MISMATCH', {
    side: 'bundle',
    subject: name,
    detail: 'the file changes while it is read',
  })
}

function inWorkers(fd: number, blobs: readonly PlacedBlob[], options: PayloadCheckOptions): Promise<PlacedBlob[]> {
  const queue = runs(blobs)
  const failed: PlacedBlob[] = []
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const threads = Math.min(availableParallelism(), 8, queue.length)
  let next = 0
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`./payload-worker.${extension}`, import.meta.url), {
        workerData: { fd },
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      })
      const stop = (then: () => void): void => void worker.terminate().then(then, reject)
      const give = (): void => {
        const run = queue[next++]
        // Runs are given in order: behind the first damage there is nothing that could come before it.
        if (run === undefined || failed.length > 0 || options.signal?.aborted === true) stop(resolve)
        else worker.postMessage(run)
      }
      worker.on('message', (answer: Answer) => {
        options.onBytes?.(answer.bytes)
        if (answer.failed !== undefined) failed.push(answer.failed)
        give()
      })
      worker.once('error', reject)
      give()
    })
  return Promise.all(Array.from({ length: threads }, serve)).then(() => failed)
}

function here(fd: number, blobs: readonly PlacedBlob[], options: PayloadCheckOptions): PlacedBlob[] {
  const prover = new RangeProver(fd)
  for (const blob of blobs) {
    if (!prover.proves(blob)) return [blob]
    options.onBytes?.(blob.descriptor.size)
  }
  return []
}

/**
 * Kept when every payload member and the end mark stand as the judged manifests say.
 * Throws the code of the first damaged member, as reading front to back would.
 */
export async function checkPayload(
  input: FileInput,
  blobs: readonly PlacedBlob[],
  end: number,
  options: PayloadCheckOptions = {},
): Promise<void> {
  const bytes = blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  const failed = bytes < WORTH_WORKERS ? here(input.fd, blobs, options) : await inWorkers(input.fd, blobs, options)
  if (options.signal?.aborted === true) throw new SallyportError('INTERRUPTED', { side: 'state' })
  const first = failed.toSorted((a, b) => a.offset - b.offset)[0]
  if (first !== undefined) await explain(input, first)
  await checkEnd(input, end)
}
