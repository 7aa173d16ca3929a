/** What a stopped export leaves beside its output, so that the next run makes the same bundle and goes on in it. */
import { closeSync, constants, existsSync, readSync, rmSync, writeSync } from 'node:fs'
import * as z from 'zod'
import { isTimeText, parseJson, shapedList, shapedTable, sortedJson } from '../../codec/index.ts'
import { openUnlinked, placeFile } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { DigestNumbers, isDigest, type Descriptor, type Digest } from '../../oci/index.ts'
import type { Resolved } from '../place/gather.ts'
import { readOwn } from '../run/small-file.ts'

const descriptor = z.strictObject({ mediaType: z.string(), digest: z.custom<Digest>(isDigest), size: z.int().min(0) })
const schema = z.strictObject({
  format: z.literal('sallyport-part/1'),
  /** Digest over all that the run was asked for; another one means another bundle. */
  inputs: z.string(),
  created: z.string().refine(isTimeText),
  sequence: z.int().min(1),
  /** The bundle id, once the head is made. */
  id: z.string().nullable(),
  resolved: shapedTable(z, z.string(), descriptor),
  /** By repository. */
  removed: shapedTable(z, z.string(), shapedList(z, z.string())).default({}),
})

/** A quarter of a million tags. */
const RECORD_CAP = 64 * 1024 * 1024
/** Of those a quarter of a million tags have half. */
const RECORD_VALUES = 2 * 1024 * 1024
/** What is claimed behind it is hashed or fetched anew. */
const PROGRESS_CAP = 1024 * 1024 * 1024
/** Above any line of it. */
const LINE_CAP = 256
const CHUNK = 64 * 1024

export type StoppedExport = z.output<typeof schema>

export function partNames(output: string): { plan: string; progress: string; part: string; lists: string } {
  const part = `${output}.part`
  return { part, plan: `${part}.json`, progress: `${part}.log`, lists: `${part}.lists` }
}

/** The record of a stopped export at this output, or undefined. A damaged record counts as none. */
export function readStopped(output: string): StoppedExport | undefined {
  const { plan } = partNames(output)
  if (!existsSync(plan)) return undefined
  try {
    return schema.safeParse(parseJson(readOwn(plan, RECORD_CAP), 'source', plan, RECORD_VALUES)).data
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/**
 * Replaces the record in one step. Its name lasts before the number is taken: else that could be one of which nobody knows a
 * bundle. Throws LIMIT_EXCEEDED, DISK_FULL, OUTPUT_FAILED.
 */
export function writeStopped(output: string, record: StoppedExport): void {
  const { plan } = partNames(output)
  const text = sortedJson(record)
  // What the next run would not read, it could not go on with.
  if (text.length > RECORD_CAP)
    throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: plan, detail: 'too many tags' })
  placeFile(plan, text, 0o644)
}

export function removeStopped(output: string, withPart: boolean): void {
  const { plan, progress, part, lists } = partNames(output)
  for (const file of [progress, `${plan}.new`, ...(withPart ? [part] : []), plan, lists]) {
    try {
      rmSync(file, { force: true, recursive: file === lists })
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', file)
    }
  }
}

export function resolvedRecord(resolved: Resolved): Record<string, Descriptor> {
  return Object.fromEntries([...resolved].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const { O_APPEND, O_CREAT, O_RDWR } = constants

/**
 * How far each blob has come. It only says what is worth hashing again: a claim in it is never taken for content.
 */
export class Progress {
  private readonly file: string
  private readonly fd: number
  private readonly carried: (digest: Digest) => boolean
  /** As a run before this one left them. */
  private readonly lengths = new DigestNumbers()

  /** @param carried - true for the blobs of this bundle: what else is claimed is not held */
  constructor(output: string, carried: (digest: Digest) => boolean) {
    const { progress } = partNames(output)
    this.file = progress
    this.carried = carried
    this.fd = openUnlinked(progress, O_RDWR | O_APPEND | O_CREAT)
    try {
      this.read()
    } catch (cause) {
      closeSync(this.fd)
      throw writeFault(cause, 'OUTPUT_FAILED', progress)
    }
  }

  private read(): void {
    const chunk = Buffer.allocUnsafe(CHUNK)
    let rest = ''
    for (let at = 0; at < PROGRESS_CAP;) {
      const count = readSync(this.fd, chunk, 0, CHUNK, at)
      if (count === 0) break
      at += count
      const lines = `${rest}${chunk.toString('latin1', 0, count)}`.split('\n')
      rest = (lines.pop() ?? '').slice(-LINE_CAP)
      for (const line of lines) {
        const [digest, length] = line.split(' ')
        if (isDigest(digest) && /^\d{1,16}$/.test(length ?? '') && this.carried(digest))
          this.lengths.set(digest, Number(length))
      }
    }
  }

  claimed(digest: Digest): number {
    return this.lengths.get(digest) ?? 0
  }

  claim(digest: Digest, length: number): void {
    try {
      const line = Buffer.from(`${digest} ${length}\n`)
      for (let done = 0; done < line.length;) done += writeSync(this.fd, line, done)
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', this.file)
    }
  }

  close(): void {
    closeSync(this.fd)
  }
}
