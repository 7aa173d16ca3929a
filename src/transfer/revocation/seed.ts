/**
 * `revocation seed`: gives a stock notation on this side of the gap what it needs to check revocation without a network.
 * Only lists that are valid now; what is stale or not whole is taken away, so that notation finds nothing and refuses.
 */
import { mkdirSync } from 'node:fs'
import { isForGood } from '../../codec/index.ts'
import { writeFault } from '../../errors/index.ts'
import { decimalOf, type ListEntry, type RevocationList } from '../../revocation/index.ts'
import { parseCertificate, type Certificate } from '../../signature/index.ts'
import { State, type HeldList } from '../../state/index.ts'
import { HeldLists, type InForce } from './held-lists.ts'
import {
  cacheFile,
  isCached,
  isSameCached,
  listFolder,
  readCached,
  removeCached,
  writeCached,
} from './notation-cache.ts'
import { copyPolicy, type CopiedFile } from './notation-config.ts'
import { isNewer, newestDelta, pairFault, type HeldPair, type SeedFault } from './notation-pair.ts'
import { alone } from '../run/alone.ts'
import { checkInterrupted, nowOf, timeText } from '../run/run.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'

export interface RevocationSeedOptions extends StateRunOptions {
  /** Notation's cache folder: `$XDG_CACHE_HOME/notation`. */
  cache: string
  /** The policy folder whose trust stores and trust policies notation shall have too. */
  policy?: string | undefined
  /** Notation's configuration folder: `$XDG_CONFIG_HOME/notation`. */
  config: string
  /** Also overwrites what was not written by an earlier seed. */
  replace?: boolean | undefined
}

export interface SeededList {
  url: string
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  issuer: string
  /** In decimal. */
  number: string | null
  delta: string | null
  /** When notation stops to go by it; null when it does not. */
  until: string | null
  /** `newer`: the cache has a newer one, which stays. `removed`: left out, and taken away. */
  outcome: 'written' | 'replaced' | 'unchanged' | 'newer' | 'left out' | 'removed'
  fault: SeedFault | null
}

/** A certificate known here of which notation will find out nothing, and so refuse. */
export interface BlindCertificate {
  subject: string
  serial: string
  issuer: string
  /** `answers alone`: it names no list, and notation has no place for OCSP answers. */
  why: 'no list' | 'answers alone'
}

export interface RevocationSeedReport {
  state: string
  cache: string
  lists: SeededList[]
  blind: BlindCertificate[]
  /** Of the policy; empty when none was named. */
  config: CopiedFile[]
  /** What notation goes by less strictly than this site. */
  notes: string[]
  dryRun: boolean
}

function certificateOf({ issuerCertificate }: InForce, { issuer }: HeldList): Certificate | undefined {
  if (issuerCertificate === undefined) return undefined
  const certificate = parseCertificate(issuerCertificate)
  return certificate.spkiSha256 === issuer ? certificate : undefined
}

function isForever(entry: ListEntry | undefined): boolean {
  return entry !== undefined && isForGood(entry.reason)
}

/**
 * Tells of a serial number whether notation, which goes by the pair alone, would take for good what this site holds to be
 * revoked for good. Asked of expired certificates too: their timestamped signatures outlive them.
 * @param all - of the issuer, at whatever address
 */
function forgets({ base, delta }: HeldPair, all: readonly InForce[]): (serial: string) => boolean {
  const pair = delta === undefined ? [base] : [base, delta]
  const names = (list: RevocationList | undefined, serial: string): boolean => isForever(list?.find(serial))
  return (serial) =>
    all.some(({ list, kept }) => kept?.find(serial) !== undefined || names(list, serial)) &&
    !pair.some((list) => names(list, serial))
}

interface Planned {
  row: HeldList
  pair: HeldPair | undefined
  fault: SeedFault | undefined
}

async function plan(state: State, lists: HeldLists, row: HeldList, now: Date): Promise<Planned> {
  const { issuer: spki, url } = row
  const held = await lists.load({ issuer: spki, url, form: 'base' })
  const issuer = held === undefined ? undefined : certificateOf(held, row)
  if (held?.list === undefined || issuer === undefined) return { row, pair: undefined, fault: 'lost' }
  const all: InForce[] = []
  const named: RevocationList[] = []
  for (const form of ['base', 'delta'] as const)
    for (const at of lists.urls(spki, form)) {
      const one = await lists.load({ issuer: spki, url: at, form })
      if (one !== undefined) all.push(one)
      if (form === 'delta' && one?.list !== undefined && held.list.freshest.includes(at)) named.push(one.list)
    }
  const pair = { base: held.list, delta: newestDelta(held.list, named, issuer), issuer }
  const known = state.certificatesOf(spki).filter(({ crlUrls }) => crlUrls.includes(url))
  const isForgotten = forgets(pair, all)
  const fault =
    pairFault(pair, now) ?? (known.some(({ serial }) => isForgotten(serial)) ? 'forgets a certificate' : undefined)
  return { row, pair, fault }
}

/** Of two issuers with one URL the one with the newer list; notation refuses the other's certificates. */
function oneEach(planned: readonly Planned[]): Planned[] {
  const best = new Map<string, Planned>()
  const rank = ({ fault, row }: Planned): string => `${fault === undefined ? 1 : 0} ${row.thisUpdate}`
  for (const one of planned) {
    const other = best.get(one.row.url)
    if (other === undefined || rank(one) > rank(other)) best.set(one.row.url, one)
  }
  return planned.map((one) => (best.get(one.row.url) === one ? one : { ...one, fault: 'another issuer has the URL' }))
}

function outcomeOf(cache: string, { row, pair, fault }: Planned, now: Date): SeededList['outcome'] {
  const file = cacheFile(cache, row.url)
  const there = pair === undefined || !isCached(file) ? undefined : readCached(file)
  const trusted =
    fault === undefined || fault === 'stale' || fault === 'without its delta' || fault === 'with a stale delta'
  // Somebody's notation was online since: what it fetched is the issuer's own, whole, and newer.
  if (pair !== undefined && there !== undefined && trusted && isNewer({ ...there, issuer: pair.issuer }, pair, now))
    return 'newer'
  // The file belongs to the other issuer of the URL.
  if (fault === 'another issuer has the URL') return 'left out'
  if (fault !== undefined || pair === undefined) return isCached(file) ? 'removed' : 'left out'
  if (isSameCached(file, pair)) return 'unchanged'
  return isCached(file) ? 'replaced' : 'written'
}

function carryOut(cache: string, { row, pair }: Planned, outcome: SeededList['outcome']): void {
  const file = cacheFile(cache, row.url)
  if (outcome === 'removed') removeCached(cache, file)
  if (pair !== undefined && (outcome === 'written' || outcome === 'replaced')) writeCached(file, pair)
}

function seeded({ row, pair, fault }: Planned, outcome: SeededList['outcome']): SeededList {
  const ends = [pair?.base.nextUpdate, pair?.delta?.nextUpdate].filter((end) => end !== undefined).map(timeText)
  const { url, issuer, number } = row
  return {
    url,
    issuer,
    number: number === undefined ? null : decimalOf(number),
    delta: pair?.delta === undefined ? null : decimalOf(pair.delta.number),
    until: fault === undefined ? (ends.toSorted()[0] ?? null) : null,
    outcome,
    fault: fault ?? null,
  }
}

function blindOf(state: State, lists: readonly SeededList[], now: Date): BlindCertificate[] {
  const at = timeText(now)
  const usable = new Set(
    lists
      .filter(({ fault, outcome }) => fault === null || outcome === 'newer')
      .map(({ issuer, url }) => `${issuer} ${url}`),
  )
  return state.issuers().flatMap((issuer) =>
    state
      .certificatesOf(issuer)
      .flatMap(({ spki, subject, serial, notAfter, crlUrls, ocspUrls }): BlindCertificate[] => {
        if (notAfter < at || spki === issuer) return []
        if (crlUrls.length === 0)
          return ocspUrls.length === 0 ? [] : [{ subject, serial, issuer, why: 'answers alone' }]
        return crlUrls.every((url) => usable.has(`${issuer} ${url}`))
          ? []
          : [{ subject, serial, issuer, why: 'no list' }]
      }),
  )
}

async function locked<T>(folder: string, work: () => T): Promise<T> {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', folder)
  }
  return alone(folder, work, { side: 'target' })
}

/**
 * Writes every whole list that the state holds, with its delta, into notation's cache, and takes out what may not be gone
 * by any more; with a policy also the trust stores and trust policies. To be run again after every import and before any
 * list ends: what notation was given it goes by until then.
 * Throws STATE_EMPTY and what opening a state throws, CLOCK_BEHIND, FOLDER_LOCKED, OUTPUT_EXISTS for a trust store or policy
 * that was not written by an earlier seed, POLICY_MALFORMED, TRUST_STORE_MALFORMED, FILE_UNREADABLE, DISK_FULL, OUTPUT_FAILED.
 */
export async function revocationSeed(options: RevocationSeedOptions): Promise<RevocationSeedReport> {
  const { state: dir, cache, dryRun = false } = options
  const state = await State.open(dir, { now: nowOf(options), write: false })
  const now = state.effectiveNow(nowOf(options))
  const lists = new HeldLists(state)
  const planned: Planned[] = []
  for (const row of state.heldLists()) {
    checkInterrupted(options)
    if (row.form === 'base') planned.push(await plan(state, lists, row, now))
  }
  const all = oneEach(planned)
  const run = (): SeededList[] =>
    // What is taken away goes first: a run that is stopped leaves nothing behind that it would have removed.
    all
      .map((one) => ({ one, outcome: outcomeOf(cache, one, now) }))
      .toSorted((a, b) => Number(b.outcome === 'removed') - Number(a.outcome === 'removed'))
      .map(({ one, outcome }) => {
        if (!dryRun) carryOut(cache, one, outcome)
        return seeded(one, outcome)
      })
  const copy = options.policy === undefined ? undefined : copyPolicy({ ...options, policy: options.policy })
  const done = dryRun ? run() : await locked(listFolder(cache), run)
  const config = copy === undefined || dryRun ? copy?.files : await locked(options.config, copy.write)
  const denials = state.denials().length
  return {
    state: dir,
    cache,
    lists: done.toSorted((a, b) => (a.url === b.url ? 0 : a.url < b.url ? -1 : 1)),
    blind: blindOf(state, done, now),
    config: config ?? [],
    notes: [
      ...(denials === 0 ? [] : [`${denials} denials are unknown to notation: it will take what this site denies`]),
      ...(copy?.notes ?? []),
    ],
    dryRun,
  }
}
