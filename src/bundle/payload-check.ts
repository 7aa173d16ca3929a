/** Proves the whole payload of a bundle file, on every core, before anything acts on it. */
import { readFault, SallyportError } from '../errors/index.ts'
import { verifying } from '../oci/index.ts'
import type { FileInput } from './input.ts'
import type { PlacedBlob, PlacedBlobs } from './layout.ts'
import { MemberReader } from './member-reader.ts'
import { blobName } from './names.ts'
import { failing, RangeProver, type FailedBlob } from './payload-range.ts'
import { headAlone } from './reader.ts'
import { WORTH_THREADS, type ProveOptions, type RunOrder } from './provers.ts'

const RUN_BYTES = 8 * 1024 * 1024

/** Large ones may come first, the largest ahead: one that came last would leave the other processors idle for as long as it takes. */
function* runs(blobs: PlacedBlobs, order: RunOrder): Generator<PlacedBlob[]> {
  const large: number[] = []
  const ahead = (i: number): boolean => order === 'largest first' && blobs.sizeAt(i) >= RUN_BYTES
  for (let i = 0; i < blobs.length; i++) if (ahead(i)) large.push(i)
  for (const i of large.sort((a, b) => blobs.sizeAt(b) - blobs.sizeAt(a))) yield [blobs.at(i)]
  let run: PlacedBlob[] = []
  let bytes = 0
  for (let i = 0; i < blobs.length; i++) {
    if (ahead(i)) continue
    run.push(blobs.at(i))
    bytes += blobs.sizeAt(i)
    if (bytes < RUN_BYTES && run.length < 256) continue
    yield run
    run = []
    bytes = 0
  }
  if (run.length > 0) yield run
}

// By the same reader as a pipe, so that both say the same of the same damage.
async function checkEnd(input: FileInput, end: number): Promise<void> {
  input.seek(end)
  await new MemberReader(input, end).finish()
}

/** Reads one member through the strict screen; throws what is wrong with it. */
async function explain(input: FileInput, blob: PlacedBlob, isFirst: boolean): Promise<never> {
  const { descriptor, headerAt } = blob
  input.seek(headerAt)
  const reader = new MemberReader(input, headerAt)
  const member = await reader.next()
  const name = blobName(descriptor.digest)
  if (member === undefined && isFirst) throw headAlone(name)
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

function here(fd: number, blobs: PlacedBlobs, { onBytes, onSeal }: ProveOptions): FailedBlob[] {
  const prover = new RangeProver(fd)
  for (const blob of blobs) {
    const { digest, size } = blob.descriptor
    const failed = failing(prover, blob, onSeal && ((seal) => onSeal(digest, seal)))
    if (failed !== undefined) return [failed]
    onBytes?.(size)
  }
  return []
}

async function proveAll(input: FileInput, blobs: PlacedBlobs, options: ProveOptions): Promise<FailedBlob[]> {
  if (blobs.bytes >= WORTH_THREADS) return input.provers.prove((order) => runs(blobs, order), options)
  // They may have been started for a file whose manifests are what is large.
  await input.provers.end()
  return here(input.fd, blobs, options)
}

/**
 * Kept when every payload member and the end mark stand as the judged manifests say.
 * Throws the code of the first damaged member, as reading front to back would; MEDIUM_UNREADABLE.
 */
export async function checkPayload(input: FileInput, blobs: PlacedBlobs, options: ProveOptions = {}): Promise<void> {
  const failed = await proveAll(input, blobs, options)
  if (options.signal?.aborted === true) throw new SallyportError('INTERRUPTED', { side: 'state' })
  const first = failed.toSorted((a, b) => a.blob.offset - b.blob.offset)[0]
  if (first?.errno !== undefined)
    throw readFault({ code: first.errno }, 'bundle', blobName(first.blob.descriptor.digest))
  if (first !== undefined) await explain(input, first.blob, first.blob.headerAt === blobs.at(0).headerAt)
  await checkEnd(input, blobs.end)
}
