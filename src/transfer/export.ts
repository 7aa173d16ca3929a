/** `export`: resolve → walk → promise → sign → lay down. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { arrange, FileWriter, type BundleLayout, type Content } from '../bundle/index.ts'
import type { Source } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { ExportLog } from './export-log.ts'
import { exportReport, makeBundle, type ExportReport } from './export-made.ts'
import { inputsOf, readTerms, type ExportOptions } from './export-terms.ts'
import { fetchBlobs } from './fetch.ts'
import { gather, movedTags, type GatheredRepository, type Resolved } from './gather.ts'
import { checkInterrupted, tell, timeText } from './run.ts'
import { Sources } from './sources.ts'
import { partNames, Progress, readStopped, removeStopped, resolvedRecord, writeStopped } from './stopped-export.ts'
import { streamBundle, type ByteOutput } from './stream-out.ts'

function sourceFinder(repositories: readonly GatheredRepository[], content: Content): (digest: Digest) => Source {
  const sources = new Map(repositories.map(({ graph, source }) => [graph.repository, source]))
  const holders = new Map<Digest, Source>()
  for (const { repository, blobs } of content.artifacts) {
    const source = sources.get(repository)
    for (const { digest } of blobs) if (source !== undefined && !holders.has(digest)) holders.set(digest, source)
  }
  return (digest) => {
    const source = holders.get(digest)
    if (source === undefined) throw new TypeError(`no source for ${digest}`)
    return source
  }
}

/** Writes one bundle. Every refusal comes before the output has its name; a stopped run is gone on with. */
export async function exportBundle(options: ExportOptions): Promise<ExportReport> {
  const now = options.now ?? new Date()
  const terms = await readTerms(options)
  const file = typeof options.output === 'string' ? resolve(options.output) : undefined
  const inputs = inputsOf(terms, options)
  const stopped = file === undefined || options.dryRun === true ? undefined : readStopped(file)
  // A run that was stopped after the bundle had its name left its record: what remains is to book it.
  const written = file !== undefined && existsSync(file)
  if (written && stopped?.inputs !== inputs)
    throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
  if (stopped !== undefined && stopped.inputs !== inputs)
    throw new SallyportError('EXPORT_CHANGED', { side: 'state', subject: partNames(options.output as string).plan })
  const sources = new Sources(options.registry)
  const log = await ExportLog.open(terms.folder.dir, now)
  try {
    tell(options, {
      type: 'phase',
      phase: stopped === undefined ? 'resolving' : 'going on with a stopped export: resolving',
    })
    const resolved: Resolved = new Map(Object.entries(stopped?.resolved ?? {}))
    const repositories = await gather(await sources.select(options.plan, options.planName), {
      ...options,
      map: options.plan.map,
      resolved,
    })
    const content = arrange(repositories, 'source')
    checkInterrupted(options)
    if (options.dryRun === true) {
      const started = { created: timeText(options.created ?? now), sequence: log.peek(options.sequence) }
      return exportReport(
        options,
        terms,
        started,
        makeBundle(terms, log, repositories, content, started, options),
        content,
        repositories,
      )
    }
    let started = stopped
    let made = started && makeBundle(terms, log, repositories, content, started, options)
    // The sources list something else by now: what was begun can't be finished, so another bundle is begun.
    const same = started !== undefined && started.id === made?.head.id && file !== undefined
    if (written && !same)
      throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
    const goesOn = same && (written || existsSync(partNames(file).part))
    if (!goesOn || started === undefined || made === undefined) {
      if (file !== undefined) removeStopped(file, true)
      started = {
        format: 'sallyport-part/1',
        inputs,
        created: timeText(options.created ?? now),
        sequence: await log.take(options.sequence),
        id: null,
        resolved: resolvedRecord(resolved),
      }
      made = makeBundle(terms, log, repositories, content, started, options)
      if (file !== undefined) {
        mkdirSync(dirname(file), { recursive: true })
        writeStopped(file, { ...started, id: made.head.id })
      }
    }
    const done = exportReport(options, terms, started, made, content, repositories)
    done.resumed = goesOn
    tell(options, { type: 'phase', phase: 'fetching' })
    tell(options, {
      type: 'total',
      bytes: made.layout.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      blobs: made.layout.blobs.length,
    })
    const sourceOf = sourceFinder(repositories, content)
    if (file === undefined) await streamBundle(options.output as ByteOutput, made.layout, sourceOf, options)
    else if (!written) await writeFile(file, made.layout, goesOn, sourceOf, options)
    done.moved = await movedTags(repositories, options.concurrency)
    await log.exported({ sequence: started.sequence, id: made.head.id }, terms.audience)
    if (file !== undefined) removeStopped(file, false)
    return done
  } finally {
    await log.close()
    await sources.close()
  }
}

async function writeFile(
  file: string,
  layout: BundleLayout,
  resume: boolean,
  sourceOf: (digest: Digest) => Source,
  options: ExportOptions,
): Promise<void> {
  const writer = new FileWriter(file, layout, resume)
  const progress = new Progress(file)
  try {
    writer.writeReady()
    await fetchBlobs(writer, layout.blobs, sourceOf, progress, options)
  } catch (error) {
    progress.close()
    writer.close()
    throw error
  }
  progress.close()
  writer.finish()
}
