/** `revocation status`: how long a site can still see what is revoked, and who goes blind with each list. */
import type { Digest } from '../../oci/index.ts'
import { State, type JudgedPlace, type KnownCertificate } from '../../state/index.ts'
import { judgingTime } from '../run/clock.ts'
import { nowOf, timeText } from '../run/run.ts'
import { bytesOf, isFetched, listFact, listKey, listStatus, speaksOf, type ListStatus } from './lists.ts'
import { siteFacts, siteStatus, type Alarm, type ChannelStatus } from './site.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'

export interface RevocationStatusOptions extends StateRunOptions {
  /** A list that goes stale within so many seconds is told as one that has. */
  warn?: number | undefined
}

export interface RevocationListStatus extends ListStatus {
  /** Of the issuer, when a certificate of it is known. */
  issuerName: string | null
  /** Whose chains hold a certificate that it speaks of. */
  artifacts: number
  /** `soon`: within the time that was asked for. */
  state: 'fresh' | 'soon' | 'stale'
}

/** A list that certificates name and that was never had. */
export interface MissingList {
  issuer: string
  issuerName: string | null
  url: string
  certificates: number
  artifacts: number
}

export interface RevocationStatusReport {
  site: string
  time: string
  lists: RevocationListStatus[]
  missing: MissingList[]
  denials: { artifact: Digest; signer: string | null; reason: string; since: string; channel: string | null }[]
  /** Lists and denials that came, and by which nobody has judged again yet. */
  pending: { lists: number; denials: number }
  /** Let in before places were written down: nothing judges them again until their bundles are imported once more. */
  unplaced: { repository: string; digest: Digest }[]
  overdue: ChannelStatus[]
  alarms: Alarm[]
}

/** Subjects of keys, by the SHA-256 of their SPKI. */
function namesIn(state: State): Map<string, string> {
  const names = new Map<string, string>()
  for (const issuer of state.issuers())
    for (const { spki, subject } of state.certificatesOf(issuer)) names.set(spki, subject)
  return names
}

/** A place is one object as long as no verdict replaces it. */
function artifactsBehind(state: State, certificates: readonly KnownCertificate[]): number {
  const places = certificates.flatMap(({ sha256 }): JudgedPlace[] => state.artifactsOf(sha256))
  return new Set(places.filter(({ target }) => !state.isForgotten(target))).size
}

function missingIn(state: State, names: ReadonlyMap<string, string>, now: Date): MissingList[] {
  const held = new Set(
    state.heldLists().flatMap(({ form, issuer, url }) => (form === 'base' ? [`${issuer} ${url}`] : [])),
  )
  const missing: MissingList[] = []
  for (const issuer of state.issuers()) {
    const lacking = new Map<string, KnownCertificate[]>()
    for (const certificate of state.certificatesInUse(issuer))
      if (certificate.notAfter >= timeText(now))
        for (const url of certificate.crlUrls.filter(isFetched))
          if (!held.has(`${issuer} ${url}`)) lacking.set(url, [...(lacking.get(url) ?? []), certificate])
    for (const [url, certificates] of lacking)
      missing.push({
        issuer,
        issuerName: names.get(issuer) ?? null,
        url,
        certificates: certificates.length,
        artifacts: artifactsBehind(state, certificates),
      })
  }
  return missing
}

/** The lists that certificates name and that were never had. */
export function missingLists(state: State, now: Date): MissingList[] {
  return missingIn(state, namesIn(state), now)
}

/** Nobody is asked. Throws as `State.open`, CLOCK_BEHIND, CLOCK_AHEAD. */
export async function revocationStatus(options: RevocationStatusOptions): Promise<RevocationStatusReport> {
  const { warn = 0 } = options
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const now = judgingTime(state, options)
  const names = namesIn(state)
  const { alarms, channels } = siteStatus(await siteFacts(state), now)
  const lists: RevocationListStatus[] = []
  for (const held of state.heldLists()) {
    const known = state.certificatesInUse(held.issuer)
    const status = listStatus(listFact(held, known, await bytesOf(state, held)), now)
    const needed = status.neededUntil !== null && status.neededUntil > timeText(now)
    const soon = needed && status.daysToBlind * 86_400 <= warn
    lists.push({
      ...status,
      issuerName: names.get(held.issuer) ?? null,
      artifacts: artifactsBehind(state, known.filter(speaksOf(held))),
      state: status.daysToBlind < 0 ? 'stale' : soon ? 'soon' : 'fresh',
    })
  }
  const pending = state.pending()
  return {
    site: state.site,
    time: timeText(now),
    lists: lists.sort((a, b) => (listKey(a) < listKey(b) ? -1 : 1)),
    missing: missingIn(state, names, now),
    denials: state.denials().map(({ artifact, signer = null, reason, since, from }) => {
      return { artifact, signer, reason, since, channel: from?.channel ?? null }
    }),
    pending: { lists: pending.lists.length, denials: pending.denials.length },
    unplaced: state.unplaced().map(({ repository, digest }) => ({ repository, digest })),
    overdue: channels.filter(({ overdue }) => overdue),
    alarms,
  }
}

/**
 * 15 when somebody has to act: a list that artifacts hang on is stale, soon stale, lost or was never had, a channel is
 * overdue, what came was not judged by yet, or something that was let in can't be; else 0.
 */
export function revocationStatusExit({ lists, missing, pending, unplaced, alarms }: RevocationStatusReport): 0 | 15 {
  const blind = lists.some(({ state, bytes, artifacts }) => artifacts > 0 && (state === 'soon' || bytes === 'lost'))
  const left = pending.lists + pending.denials > 0
  return blind || left || missing.length + unplaced.length + alarms.length > 0 ? 15 : 0
}
