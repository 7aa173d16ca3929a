/** `export`: resolve → walk → promise → sign → lay down. */
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { arrange, FileWriter, withPassengers, type BundleLayout, type Content } from '../../bundle/index.ts'
import { makeFolder, type Source } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { DigestNumbers, isSignatureType, type Digest, type Manifest } from '../../oci/index.ts'
import type { Denial } from '../../revocation/index.ts'
import { demandApprovals, layOutHead, readApprovedHead, withApprovals, type ApprovedHead } from './approved-head.ts'
import { demandTrusted, placed, scopesBelow, type JudgedArtifact } from '../verdict/artifact-verdicts.ts'
import { judgingTime } from '../run/clock.ts'
import { ExportLog } from '../channel/export-log.ts'
import { exportReport, makeBundle, type ExportReport, type MadeBundle } from './made.ts'
import type { CarriedRevocation, CarryTerms } from './revocation.ts'
import { inputsOf, readTerms, type ExportOptions } from './terms.ts'
import { fetchBlobs } from './fetch.ts'
import type { ReadEnvelope } from '../trust/found-signatures.ts'
import { gather, movedTags, united, type GatheredRepository, type Resolved } from '../place/gather.ts'
import type { KeptRevocation } from '../collect/kept.ts'
import { refuseKeptNames, revocationRepository } from '../revocation/path.ts'
import type { CollectedReport } from '../collect/report.ts'
import { keepHeapSmall } from '../run/heap.ts'
import { checkInterrupted, nowOf, tell, timeText } from '../run/run.ts'
import { Sources } from '../place/sources.ts'
import {
  partNames,
  Progress,
  readStopped,
  removeStopped,
  resolvedRecord,
  writeStopped,
  type StoppedExport,
} from './stopped-export.ts'
import { streamBundle, type ByteOutput } from './stream-out.ts'
import { trustRepository } from '../trust/path.ts'

/** What two runs must share to make the same bundle of the same content. */
type Begun = Pick<StoppedExport, 'created' | 'sequence'>

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

/** What the far side would refuse is refused here, before the trip. */
async function judgeGathered(
  repositories: readonly GatheredRepository[],
  content: Content,
  policy: string,
  now: Date,
  options: ExportOptions,
  unjudged: readonly string[],
  revocation: CarriedRevocation | undefined,
): Promise<JudgedArtifact[]> {
  const [{ judgeArtifacts }, { envelopesOf }] = await Promise.all([
    import('../verdict/judge-carried.ts'),
    import('../trust/found-signatures.ts'),
  ])
  const byName = new Map(repositories.map((repository) => [repository.graph.repository, repository]))
  const graphs = new Map(repositories.map(({ graph }) => [graph.repository, graph]))
  const scopes = scopesBelow(options.destination)
  const read = (name: string): ReadEnvelope => {
    const source = byName.get(name)?.source
    if (source === undefined) throw new TypeError(`no source for ${name}`)
    return envelopesOf(source)
  }
  const scopeOf = (name: string): string => scopes(byName.get(name)?.to ?? name)
  // What this run packed to inform, or what proves itself, is not judged on the far side either.
  const judged = content.artifacts.filter(({ repository }) => !unjudged.includes(repository))
  // By what the far side will know at least: all that rides along.
  const known = revocation && (await (await import('./revocation.ts')).knownFrom(revocation.kept, now))
  const verdicts = await judgeArtifacts(judged, graphs, { ...options, policy, now, scopeOf, read, known })
  return placed(verdicts, options.destination)
}

async function makeOutputFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
}

/** Writes one bundle, or its head. Every refusal comes before the output has its name; a stopped run is gone on with. */
export async function exportBundle(options: ExportOptions): Promise<ExportReport> {
  const now = nowOf(options)
  const terms = await readTerms(options)
  const file = typeof options.output === 'string' ? resolve(options.output) : undefined
  const inputs = inputsOf(terms, options)
  const found = file === undefined || options.dryRun === true ? undefined : readStopped(file)
  // A run that was stopped after the bundle had its name left its record: what remains is to book it.
  const written = file !== undefined && existsSync(file)
  // One that was killed between its record and what it had collected has nothing left to do but this.
  if (written && options.dryRun !== true && !existsSync(partNames(file).plan)) removeStopped(file, false)
  if (written && (found?.inputs !== inputs || existsSync(partNames(file).part)))
    throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
  if (found !== undefined && found.inputs !== inputs)
    throw new SallyportError('EXPORT_CHANGED', { side: 'state', subject: partNames(options.output as string).plan })
  const { dir, channel } = terms.folder
  const streamed = file === undefined && options.dryRun !== true
  if (options.approved !== undefined ? file !== undefined : options.headOnly === true && file === undefined)
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: options.approved === undefined ? '--head' : '--approved',
      detail: 'a head is written to a file, and a bundle streamed behind it',
    })
  // A stream can't be signed any more: nobody could approve what went out.
  if (streamed && options.approved === undefined) demandApprovals(1, terms, '-')
  const { trust, map } = options.plan
  const log = await (options.dryRun === true ? ExportLog.read(dir) : ExportLog.open(dir, now))
  // The record lies where the output does, and its id covers all it says. Unless the channel's own log knows that id,
  // someone else may have written it, to bind tags and the sequence as it suits him.
  const stopped = found !== undefined && log.gave(found) ? found : undefined
  const sources = new Sources(options.registry)
  const aboard =
    terms.passengers.length === 0
      ? undefined
      : new (await import('./passenger-cargo.ts')).PassengerBlobs(terms.passengers)
  try {
    const approved =
      options.approved === undefined ? undefined : await readApprovedHead(options.approved, terms, log, options)
    tell(options, {
      type: 'phase',
      phase: stopped === undefined ? 'resolving' : 'going on with a stopped export: resolving',
    })
    const selections = await sources.select(options.plan, options.planName)
    let revocation: CarriedRevocation | undefined
    const collect = async (resolved: Resolved, had?: KeptRevocation): Promise<[GatheredRepository[], Content]> => {
      const gathered = await gather(selections, { ...options, map, resolved })
      refuseKeptNames(gathered)
      revocation = await revocationOf(gathered, { channel, now, had, denials: denied(options, approved) }, options)
      const carried = revocation?.repositories ?? []
      const informing =
        trust === undefined
          ? []
          : await (await import('./trust-cargo.ts')).gatherTrust(trust, channel, gathered, { ...options, map })
      checkInterrupted(options)
      const all = options.revocationOnly === undefined ? united(gathered, [...informing, ...carried]) : carried
      const passengers = terms.passengers.map(({ passenger }) => passenger)
      const content = withPassengers(arrange(all, 'source'), passengers, 'source')
      keepHeapSmall(content.payload.length)
      return [all, content]
    }
    let resolved: Resolved = approved?.resolved ?? new Map(Object.entries(stopped?.resolved ?? {}))
    let [repositories, content] = await collect(resolved, await hadBefore(approved, stopped && file, written, options))
    const make = (started: Begun): MadeBundle => {
      const made = makeBundle(terms, log, repositories, content, started, options)
      if (options.headOnly === true) return { ...made, layout: layOutHead(made, terms, content) }
      return approved === undefined ? made : withApprovals(made, approved, terms, content)
    }
    const signed = approved?.signed ?? 1
    let started: Begun = approved ?? {
      created: timeText(options.created ?? now),
      sequence: options.sequence ?? log.next(),
    }
    const judge = async (): Promise<void> => {
      if (options.policy === undefined) return
      const judgedAt = judgingTime(undefined, { ...options, now })
      const unjudged = [...(trust === undefined ? [] : [trustRepository(channel)]), revocationRepository(channel)]
      const verdicts = await judgeGathered(
        repositories,
        content,
        options.policy,
        judgedAt,
        options,
        unjudged,
        revocation,
      )
      demandTrusted(verdicts, 'source')
    }
    await judge()
    if (options.dryRun === true) {
      const made = make(started)
      log.demand({ sequence: started.sequence, id: made.head.id })
      return exportReport(options, terms, started, made, content, repositories, revocation?.report ?? null, signed)
    }
    let made = make(stopped ?? started)
    // The sources list something else by now, or another bundle has the number: what was begun can't be finished.
    const same = stopped?.id === made.head.id
    if (written && (!same || statSync(file).size !== made.layout.size))
      throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
    if (same) started = stopped
    else {
      if (stopped !== undefined) {
        // What made another bundle than the log knows may have been changed: its bindings are worth nothing.
        resolved = new Map()
        ;[repositories, content] = await collect(resolved)
        // Tags were resolved anew: what they name now is not what was judged.
        await judge()
        made = make(started)
      }
      log.demand({ sequence: started.sequence, id: made.head.id })
      if (file !== undefined) {
        await makeOutputFolder(dirname(file))
        removeStopped(file, true)
        await keep(file, revocation)
        writeStopped(file, {
          format: 'sallyport-part/1',
          inputs,
          ...started,
          id: made.head.id,
          resolved: resolvedRecord(resolved),
        })
      }
    }
    // The record comes first: it is what tells the next run which bundle the number was taken for.
    await log.take({ sequence: started.sequence, id: made.head.id })
    const goesOn = same && file !== undefined && (written || existsSync(partNames(file).part))
    const done = exportReport(options, terms, started, made, content, repositories, revocation?.report ?? null, signed)
    done.resumed = goesOn
    tell(options, { type: 'phase', phase: 'fetching' })
    tell(options, {
      type: 'total',
      bytes: made.layout.blobs.bytes,
      blobs: made.layout.blobs.length,
    })
    const own = sourceFinder(repositories, content)
    await aboard?.open()
    const sourceOf = (digest: Digest): Source => aboard?.sourceOf(digest) ?? own(digest)
    if (file === undefined) await streamBundle(options.output as ByteOutput, made.layout, sourceOf, options)
    else if (!written) await writeFile(file, made.layout, goesOn, sourceOf, options)
    const pieces = options.revocationOnly === undefined ? undefined : piecesByTag(revocation?.report)
    if (options.headOnly !== true)
      await log.exported({ sequence: started.sequence, id: made.head.id }, terms.audience, pieces)
    if (file !== undefined) removeStopped(file, false)
    done.moved = await lookAgain(repositories, options)
    return done
  } finally {
    await log.close()
    await sources.close()
    aboard?.close()
  }
}

/** What is carried on revocation. Loaded only where somebody signed, or the plan speaks of it. */
async function revocationOf(
  gathered: readonly GatheredRepository[],
  terms: CarryTerms,
  options: ExportOptions,
): Promise<CarriedRevocation | undefined> {
  const asked = options.plan.revocation !== undefined || options.revocationOnly !== undefined
  const kindOf = ({ artifactType, config }: Manifest): string => artifactType ?? config?.mediaType ?? ''
  const signed = gathered.some(({ graph }) =>
    [...graph.nodes.values()].some(({ manifest }) => isSignatureType(kindOf(manifest))),
  )
  if (!asked && !signed) return undefined
  return (await import('./revocation.ts')).carryRevocation(gathered, terms, options)
}

/** What was collected when the bundle was begun, for a run that is to make the same one. */
async function hadBefore(
  approved: ApprovedHead | undefined,
  stopped: string | undefined,
  written: boolean,
  { revocationOnly, policy }: ExportOptions,
): Promise<KeptRevocation | undefined> {
  if (approved !== undefined) {
    if (approved.revocation === undefined) return { collected: [], lacking: [], warnings: [] }
    return (await import('./revocation.ts')).piecesOf(approved.revocation)
  }
  // A bundle of lists alone is small, and what was denied since must be in it; one that has its name is only to be booked.
  if (stopped === undefined || (revocationOnly !== undefined && !written)) return undefined
  const kept = (await import('../collect/kept.ts')).readKept(partNames(stopped).lists)
  // What a policy let be lacking is demanded by a run that names none.
  return policy === undefined && kept?.lacking.some(({ accepted }) => accepted === 'by policy') ? undefined : kept
}

function denied({ revocationOnly }: ExportOptions, approved: ApprovedHead | undefined): readonly Denial[] {
  return approved === undefined ? (revocationOnly?.denials ?? []) : (approved.revocation?.denials ?? [])
}

async function keep(file: string, revocation: CarriedRevocation | undefined): Promise<void> {
  if (revocation === undefined || revocation.kept.collected.length === 0) return
  const { writeKept } = await import('../collect/kept.ts')
  writeKept(partNames(file).lists, revocation.kept)
}

function piecesByTag(report: CollectedReport | undefined): Record<string, Digest> {
  return Object.fromEntries((report?.pieces ?? []).map(({ tag, digest }) => [tag, digest]))
}

/** The bundle is whole by now: a source that no longer answers is worth a note, and no more. */
async function lookAgain(repositories: readonly GatheredRepository[], options: ExportOptions): Promise<string[]> {
  try {
    return await movedTags(repositories, options.concurrency)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    tell(options, { type: 'note', text: `whether tags moved meanwhile is not known: ${error.message}` })
    return []
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
  try {
    const progress = new Progress(file)
    try {
      writer.writeReady()
      await fetchBlobs(writer, layout.blobs, sourceOf, progress, options)
    } finally {
      progress.close()
    }
  } catch (error) {
    await writer.close()
    throw error
  }
  await writer.finish()
}
