/** What goes into a bundle: what the plan selects, what is known of keys and revocation with it, and what rides along. */
import { arrange, withPassengers, type Content } from '../../bundle/index.ts'
import { isSignatureType, type Manifest } from '../../oci/index.ts'
import type { Denial } from '../../revocation/index.ts'
import type { ExportLog } from '../channel/export-log.ts'
import type { KeptRevocation } from '../collect/kept.ts'
import { gather, united, type GatheredRepository, type Resolved } from '../place/gather.ts'
import type { Selection } from '../place/sources.ts'
import { demandUsed } from '../place/naming.ts'
import { placeOfMapping } from '../place/plan-place.ts'
import { informingRepositories, refuseKeptNames } from '../revocation/path.ts'
import { keepHeapSmall } from '../run/heap.ts'
import { checkInterrupted, nowOf } from '../run/run.ts'
import type { ApprovedHead } from './approved-head.ts'
import type { OutputPlace } from './output-place.ts'
import type { CarriedRevocation, CarryTerms } from './revocation.ts'
import { removedTags, type Removed } from './removed-tags.ts'
import { partNames, type StoppedExport } from './stopped-export.ts'
import type { ExportOptions, ExportTerms } from './terms.ts'

export interface ExportCargo {
  repositories: GatheredRepository[]
  content: Content
  /** Undefined when nothing is signed and the plan does not speak of it. */
  revocation: CarriedRevocation | undefined
}

/** What a run before this one settled, so that the same bundle comes out. */
export interface Settled {
  /** Tags that are not asked for again; filled with those that are. */
  resolved: Resolved
  /** By repository, the tags that the source had no more; undefined for a run that begins. */
  removed: Removed | undefined
  had: KeptRevocation | undefined
  denials: readonly Denial[]
}

/** The number that a bundle is to have, and what its channel sent before. */
export interface Numbered {
  log: ExportLog
  sequence: number
}

/** Resolves and walks all that the plan selects, and adds what is carried on trust and revocation. Writes nothing. */
export async function gatherCargo(
  selections: readonly Selection[],
  { resolved, removed, had, denials }: Settled,
  { log, sequence }: Numbered,
  { folder: { channel }, audience, passengers }: ExportTerms,
  options: ExportOptions,
): Promise<ExportCargo> {
  const { trust, map } = options.plan
  const selected = await gather(selections, { ...options, map, resolved })
  const gone = removed ?? (await removedTags(selected, log, { audience, sequence }, options))
  const gathered = selected.map((one) => ({ ...one, removed: gone[one.graph.repository] ?? [] }))
  refuseKeptNames(gathered)
  const revocation = await revocationOf(gathered, { channel, now: nowOf(options), had, denials }, options)
  const carried = revocation?.repositories ?? []
  const informing =
    trust === undefined
      ? []
      : await (await import('./trust-cargo.ts')).gatherTrust(trust, channel, gathered, { ...options, map })
  checkInterrupted(options)
  const names = gathered.map(({ graph }) => graph.repository)
  demandUsed(map, names, informingRepositories(channel), (mapping) => placeOfMapping(options.plan, mapping))
  const repositories = options.revocationOnly === undefined ? united(gathered, [...informing, ...carried]) : carried
  const riding = passengers.map(({ passenger }) => passenger)
  const content = withPassengers(arrange(repositories, 'source'), riding, 'source')
  keepHeapSmall(content.payload.length)
  return { repositories, content, revocation }
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

/** What an approved head or a stopped run settled; nothing for a run that begins. */
export async function settledBefore(
  approved: ApprovedHead | undefined,
  stopped: StoppedExport | undefined,
  place: OutputPlace,
  options: ExportOptions,
): Promise<Settled> {
  if (approved !== undefined)
    return {
      resolved: approved.resolved,
      removed: approved.removed,
      had: await piecesIn(approved),
      denials: approved.revocation?.denials ?? [],
    }
  return {
    resolved: new Map(Object.entries(stopped?.resolved ?? {})),
    removed: stopped?.removed,
    had: stopped === undefined ? undefined : await keptFor(place, options),
    denials: options.revocationOnly?.denials ?? [],
  }
}

async function piecesIn({ revocation }: ApprovedHead): Promise<KeptRevocation> {
  if (revocation === undefined) return { collected: [], lacking: [], warnings: [] }
  return (await import('./revocation.ts')).piecesOf(revocation)
}

/** What was collected when the bundle was begun. */
async function keptFor(
  { file, written }: OutputPlace,
  { revocationOnly, policy }: ExportOptions,
): Promise<KeptRevocation | undefined> {
  // A bundle of lists alone is small, and what was denied since must be in it; one that has its name is only to be booked.
  if (file === undefined || (revocationOnly !== undefined && !written)) return undefined
  const kept = (await import('../collect/kept.ts')).readKept(partNames(file).lists)
  // What a policy let be lacking is demanded by a run that names none.
  return policy === undefined && kept?.lacking.some(({ accepted }) => accepted === 'by policy') ? undefined : kept
}
