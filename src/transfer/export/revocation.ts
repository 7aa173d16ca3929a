/** What an export carries on revocation: for the chains of all that it gathered, and for those that the plan names. */
import type { Denial } from '../../revocation/index.ts'
import { chainsIn } from '../trust/carried-chains.ts'
import type { ExportOptions } from './terms.ts'
import { envelopesOf } from '../trust/found-signatures.ts'
import type { GatheredRepository } from '../place/gather.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import { collectMode } from '../place/plan-file.ts'
import { packRevocation } from '../collect/cargo.ts'
import { collectRevocation } from '../collect/collect.ts'
import { folderSource } from '../collect/folder.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import type { KeptRevocation } from '../collect/kept.ts'
import { networkSource } from '../collect/network.ts'
import type { Collected } from '../collect/proof.ts'
import { lackingReports, collectedReport, type CollectedReport } from '../collect/report.ts'
import { anchorsFor, anchorsKey, demandedOf, type Anchors } from '../collect/demanded.ts'
import { revocableIn, type CollectedChain, type RevocableCertificate } from '../collect/wants.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { scopesBelow } from '../place/scope.ts'
import { addDays, tell } from '../run/run.ts'

/** What goes into the bundle, and what is said of it. */
export interface CarriedRevocation {
  repositories: GatheredRepository[]
  report: CollectedReport
  /** For a run that is stopped. */
  kept: KeptRevocation
}

export interface CarryTerms {
  channel: string
  now: Date
  denials: readonly Denial[]
  /** Had before, by a stopped run or in an approved head: taken as it is, so that the same bundle comes out. */
  had: KeptRevocation | undefined
}

type From = 'network' | 'folder' | 'none'

/**
 * Where lists come from. Whoever exports from a registry has a network, and expects a bundle that can be judged where
 * there is none; a plan of layouts alone may be packed on a machine without.
 */
function modeOf({ plan: { revocation, artifacts }, revocationOnly }: ExportOptions): From {
  if (revocation !== undefined) return collectMode(revocation)
  if (revocationOnly !== undefined) return 'network'
  return artifacts.some(({ ref }) => !ref.startsWith('oci:')) ? 'network' : 'none'
}

/** The pieces of an approved head, whose bytes must come out again. */
export function piecesOf({ lists, answers }: RevocationInformation): KeptRevocation {
  const collected: Collected[] = [
    ...lists.map(({ url, issuer, list }): Collected => {
      const kind = list.deltaBase === undefined ? 'list' : 'delta'
      return { kind, url, issuer, list }
    }),
    ...answers.map(({ url, issuer, serial, answer }): Collected => ({ kind: 'answer', url, issuer, serial, answer })),
  ]
  return { collected, lacking: [], warnings: [] }
}

/** What is collected, as the judge of a site asks it that holds nothing yet. */
export async function knownFrom({ collected }: KeptRevocation, now: Date): Promise<KnownRevocations> {
  const known = new KnownRevocations()
  const lists = collected.flatMap((piece) => (piece.kind === 'answer' ? [] : [piece]))
  const answers = collected.flatMap((piece) => (piece.kind === 'answer' ? [piece] : []))
  await known.offer(lists, answers, now, 'left out')
  return known
}

/** Repositories with one policy are looked at together: each signature and each certificate is then opened once. */
function byAnchors(
  gathered: readonly GatheredRepository[],
  { policy, destination }: ExportOptions,
): { anchors: Anchors | undefined; of: GatheredRepository[] }[] {
  if (policy === undefined) return [{ anchors: undefined, of: [...gathered] }]
  const material = openPolicy(policy)
  const scopeOf = scopesBelow(destination)
  const groups = new Map<string, { anchors: Anchors; of: GatheredRepository[] }>()
  for (const repository of gathered) {
    const anchors = anchorsFor(material, scopeOf(repository.to))
    const group = groups.get(anchorsKey(anchors)) ?? { anchors, of: [] }
    groups.set(anchorsKey(anchors), group)
    group.of.push(repository)
  }
  return [...groups.values()]
}

async function certificatesOf(
  gathered: readonly GatheredRepository[],
  unasked: boolean,
  options: ExportOptions,
): Promise<RevocableCertificate[]> {
  const found: CollectedChain[] = []
  let lost = 0
  for (const { anchors, of } of byAnchors(gathered, options)) {
    const graphs = of.map(({ graph, source }) => ({ graph, read: envelopesOf(source) }))
    const { chains, unreadable } = await chainsIn(graphs, options)
    lost += unreadable
    for (const chain of chains)
      found.push(...(anchors === undefined ? [{ ...chain, demanded: chain.chain.length }] : demandedOf(chain, anchors)))
  }
  if (lost > 0 && !unasked)
    tell(options, { type: 'note', text: `${lost} signatures could not be opened for their chain` })
  return revocableIn(found, options.plan.revocation?.chains ?? [])
}

async function collected(
  from: From,
  certificates: readonly RevocableCertificate[],
  now: Date,
  options: ExportOptions,
): Promise<KeptRevocation> {
  const { revocation } = options.plan
  if (from === 'none') return { collected: [], lacking: [], warnings: [] }
  const named = certificates.filter(({ crlUrls, ocspUrls }) => crlUrls.length + ocspUrls.length > 0)
  if (named.length > 0) tell(options, { type: 'phase', phase: 'collecting revocation lists' })
  const { caPem } = options.registry
  const { signal, concurrency } = options
  const source =
    from === 'folder'
      ? folderSource(revocation?.from ?? '', now)
      : networkSource({ now, caPem, allowPrivate: revocation?.allowPrivate === true })
  const accept = revocation?.accept ?? []
  const alone = options.revocationOnly !== undefined
  const policy = options.policy !== undefined
  const found = await collectRevocation(named, { now, signal, concurrency, source, accept, alone, policy })
  const lacking = lackingReports(found.lacking)
  const used = new Set(found.lacking.flatMap(({ url, issuer }) => [url, issuer, `sha256:${issuer}`]))
  // An absence that was accepted once hides the next one.
  const idle = accept.filter((name) => !used.has(name)).map((name) => `accepted, and not lacking: ${name}`)
  const untold =
    found.untold === 0
      ? []
      : [`${found.untold} more lists and answers, of signers that the policy does not believe, were not asked for`]
  return { collected: found.pieces, lacking, warnings: [...source.warnings(), ...idle, ...untold] }
}

function daysOf(span: string): number {
  return Number(span.slice(0, -1)) / (span.endsWith('h') ? 24 : 1)
}

/** Collects and packs. Throws as `collectRevocation`, `packRevocation` and reading signatures and files does. */
export async function carryRevocation(
  gathered: readonly GatheredRepository[],
  { channel, now, denials, had }: CarryTerms,
  options: ExportOptions,
): Promise<CarriedRevocation> {
  const { plan, concurrency, signal } = options
  const from = modeOf(options)
  // Asked for none, nothing is opened that nobody looks at.
  const unasked = plan.revocation === undefined && from === 'none'
  const certificates = from === 'none' && !unasked ? [] : await certificatesOf(gathered, unasked, options)
  if (unasked && certificates.some(({ crlUrls, ocspUrls }) => crlUrls.length + ocspUrls.length > 0))
    tell(options, {
      type: 'note',
      text: 'certificates of the signatures name revocation lists; from layouts none is collected unless --revocation or the plan asks for it',
    })
  const kept = had ?? (await collected(from, certificates, now, options))
  const { repositories, pieces } = await packRevocation(kept.collected, denials, {
    channel,
    map: plan.map,
    concurrency,
    signal,
  })
  const report = collectedReport({
    from: had === undefined ? from : 'kept',
    certificates,
    collected: kept.collected,
    pieces,
    lacking: kept.lacking,
    warnings: kept.warnings,
    nextBundle: addDays(now, daysOf(plan.revocation?.nextBundle ?? '7d')),
  })
  for (const warning of report.warnings) tell(options, { type: 'note', text: warning })
  return { repositories, report, kept }
}
