/** `export`: resolve → walk → promise → sign → lay down. */
import { existsSync } from 'node:fs'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { ExportLog } from '../channel/export-log.ts'
import type { CollectedReport } from '../collect/report.ts'
import type { GatheredRepository } from '../place/gather.ts'
import { movedTags } from '../place/moved-tags.ts'
import { Sources } from '../place/sources.ts'
import { informingRepositories } from '../revocation/path.ts'
import { nowOf, tell, timeText } from '../run/run.ts'
import { layOutHead, readApprovedHead, withApprovals } from './approved-head.ts'
import { gatherCargo, settledBefore, type ExportCargo, type Settled } from './cargo.ts'
import { judgeCargo } from './judge-cargo.ts'
import { layDown } from './lay-down.ts'
import { exportReport, makeBundle, type ExportReport, type MadeBundle } from './made.ts'
import { beginAt, demandSame, openOutput, type Begun } from './output-place.ts'
import { partNames, removeStopped } from './stopped-export.ts'
import { removedIn } from './removed-tags.ts'
import { readTerms, type ExportOptions, type ExportTerms } from './terms.ts'

/** Writes one bundle, or its head. Every refusal comes before the output has its name; a stopped run is gone on with. */
export async function exportBundle(options: ExportOptions): Promise<ExportReport> {
  const now = nowOf(options)
  const terms = await readTerms(options)
  const place = openOutput(terms, options)
  const { dir } = terms.folder
  const log = await (options.dryRun === true ? ExportLog.read(dir) : ExportLog.open(dir, now))
  const sources = new Sources(options.registry, options.signal)
  try {
    // The record lies where the output does, and its id covers all it says. Unless the channel's own log knows that id,
    // someone else may have written it, to bind tags and the sequence as it suits him.
    const stopped = place.found !== undefined && log.gave(place.found) ? place.found : undefined
    const approved =
      options.approved === undefined ? undefined : await readApprovedHead(options.approved, terms, log, options)
    const fresh: Begun = { created: timeText(options.created ?? now), sequence: options.sequence ?? log.next() }
    const resolving = stopped === undefined ? 'resolving' : 'going on with a stopped export: resolving'
    tell(options, { type: 'phase', phase: resolving })
    const selections = await sources.select(options.plan, options.planName)
    const bring = async (settled: Settled, { sequence }: Begun): Promise<ExportCargo> => {
      const brought = await gatherCargo(selections, settled, { log, sequence }, terms, options)
      await judgeCargo(brought, terms, options)
      return brought
    }
    const make = (brought: ExportCargo, begun: Begun): MadeBundle => {
      const made = makeBundle(terms, log, brought, begun, options)
      if (options.headOnly === true) return { ...made, layout: layOutHead(made, terms, brought.content) }
      return approved === undefined ? made : withApprovals(made, approved, terms, brought.content)
    }
    let settled = await settledBefore(approved, stopped, place, options)
    let begun: Begun = stopped ?? approved ?? fresh
    let cargo = await bring(settled, begun)
    let made = make(cargo, begun)
    // The sources list something else by now, or another bundle has the number: what was begun can't be finished.
    const same = stopped?.id === made.head.id
    demandSame(place, same, made.layout.size)
    if (stopped !== undefined && !same) {
      // What made another bundle than the log knows may have been changed: its bindings are worth nothing.
      settled = { ...settled, resolved: new Map(), removed: undefined, had: undefined }
      begun = fresh
      cargo = await bring(settled, begun)
      made = make(cargo, begun)
    }
    const issued = { sequence: begun.sequence, id: made.head.id }
    if (!same) log.demand(issued)
    const report = exportReport(options, terms, begun, made, cargo, approved?.signed)
    if (options.dryRun === true) return report
    const { resolved } = settled
    const removed = removedIn(cargo.repositories)
    if (!same) await beginAt(place, { ...begun, resolved, removed, id: made.head.id }, cargo.revocation)
    // The record comes first: it is what tells the next run which bundle the number was taken for.
    await log.take(issued)
    const { file, written } = place
    report.resumed = same && file !== undefined && (written || existsSync(partNames(file).part))
    await layDown(made, cargo, terms, place, report.resumed, options)
    const pieces = options.revocationOnly === undefined ? undefined : piecesByTag(cargo.revocation?.report)
    if (options.headOnly !== true) await log.exported(issued, terms.audience, boundTags(cargo, terms), pieces)
    report.moved = await lookAgain(cargo.repositories, options)
    // Last of all: as long as it lies there, the same command completes a killed run instead of finding its own output in the way.
    if (file !== undefined) removeStopped(file, false)
    return report
  } finally {
    await log.close()
    await sources.close()
  }
}

// What informs on trust and revocation has new tags each time, and nobody misses one.
function boundTags({ repositories }: ExportCargo, { folder: { channel } }: ExportTerms): Record<string, string[]> {
  const informing = informingRepositories(channel)
  const content = repositories.filter(({ graph }) => !informing.includes(graph.repository))
  return Object.fromEntries(content.map(({ graph, bindings }) => [graph.repository, [...bindings.keys()].sort()]))
}

function piecesByTag(report: CollectedReport | undefined): Record<string, Digest> {
  return Object.fromEntries((report?.pieces ?? []).map(({ tag, digest }) => [tag, digest]))
}

/** The bundle is whole by now: a source that no longer answers is worth a note, and no more. */
async function lookAgain(
  repositories: readonly GatheredRepository[],
  options: ExportOptions,
): Promise<string[] | null> {
  try {
    return await movedTags(repositories, options.concurrency)
  } catch (error) {
    const stopped = options.signal?.aborted === true
    if (!stopped && !(error instanceof SallyportError)) throw error
    const why = error instanceof SallyportError && !stopped ? error.message : 'interrupted'
    tell(options, { type: 'note', text: `whether tags moved meanwhile is not known: ${why}` })
    return null
  }
}
