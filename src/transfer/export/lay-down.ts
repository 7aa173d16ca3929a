/** Writes a bundle that is promised and signed: to a file from many sources at once, to a stream in order. */
import { FileWriter, type Content } from '../../bundle/index.ts'
import type { Source } from '../../content/index.ts'
import { DigestNumbers, type Digest } from '../../oci/index.ts'
import type { GatheredRepository } from '../place/gather.ts'
import { tell } from '../run/run.ts'
import type { ExportCargo } from './cargo.ts'
import { fetchBlobs } from './fetch.ts'
import type { MadeBundle } from './made.ts'
import type { OutputPlace } from './output-place.ts'
import { Progress } from './stopped-export.ts'
import { streamBundle, type ByteOutput } from './stream-out.ts'
import type { ExportOptions, ExportTerms } from './terms.ts'

function sourceFinder(repositories: readonly GatheredRepository[], content: Content): (digest: Digest) => Source {
  const numbers = new Map(repositories.map(({ graph }, i) => [graph.repository, i]))
  const holders = new DigestNumbers()
  // From behind, so that the first that has a blob is the one that stays.
  for (const { repository, blobs } of content.artifacts.toReversed()) {
    const number = numbers.get(repository)
    for (const { digest } of number === undefined ? [] : blobs) holders.set(digest, number ?? 0)
  }
  return (digest) => {
    const source = repositories[holders.get(digest) ?? -1]?.source
    if (source === undefined) throw new TypeError(`no source for ${digest}`)
    return source
  }
}

/**
 * Kept when the bundle is whole and, in a file, has its name.
 * @param goesOn - a stopped run's part lies there
 * Throws the codes of the sources, DISK_FULL, OUTPUT_FAILED.
 */
export async function layDown(
  { layout }: MadeBundle,
  { repositories, content }: ExportCargo,
  { passengers }: ExportTerms,
  { file, written }: OutputPlace,
  goesOn: boolean,
  options: ExportOptions,
): Promise<void> {
  tell(options, { type: 'phase', phase: 'fetching' })
  tell(options, { type: 'total', bytes: layout.blobs.bytes, blobs: layout.blobs.length })
  const own = sourceFinder(repositories, content)
  const aboard =
    passengers.length === 0 ? undefined : new (await import('./passenger-cargo.ts')).PassengerBlobs(passengers)
  const sourceOf = (digest: Digest): Source => aboard?.sourceOf(digest) ?? own(digest)
  try {
    await aboard?.open()
    if (file === undefined) await streamBundle(options.output as ByteOutput, layout, sourceOf, options)
    else if (!written) await writeFile(new FileWriter(file, layout, goesOn), file, layout.blobs, sourceOf, options)
  } finally {
    aboard?.close()
  }
}

async function writeFile(
  writer: FileWriter,
  file: string,
  blobs: MadeBundle['layout']['blobs'],
  sourceOf: (digest: Digest) => Source,
  options: ExportOptions,
): Promise<void> {
  try {
    const progress = new Progress(file, (digest) => blobs.has(digest))
    try {
      writer.writeReady()
      await fetchBlobs(writer, blobs, sourceOf, progress, options)
    } finally {
      progress.close()
    }
  } catch (error) {
    await writer.close()
    throw error
  }
  await writer.finish()
}
