/** How a site stands: channels and lists with their ages, verdicts, and what somebody has to look at. */
import { exitOf, SallyportError, type Code } from '../../errors/index.ts'
import { readRoot, type Purpose } from '../../tuf/index.ts'
import type { State } from '../../state/index.ts'
import { clockDoubt } from '../run/clock.ts'
import { lowestExit } from '../run/exit.ts'
import { timeText } from '../run/run.ts'
import { spanOf } from '../site/schedule.ts'
import { listFacts, listStatus, type ListFacts, type ListStatus } from './lists.ts'

/** What a state says that stands still until its next row; ages are told from it at any time. */
export interface SiteFacts {
  site: string
  /** The newest signed time seen. */
  floor: string | null
  /** Rows of the journal. */
  rows: number
  channels: {
    channel: string
    purpose: Purpose
    /** Of the newest root that was followed: from then on no bundle of the channel is taken. */
    rootExpires: string
    sequence: number | null
    id: string | null
    /** When the last bundle was accepted, by the clock of then. */
    accepted: string | null
    expected: { everySeconds: number; since: string } | null
  }[]
  lists: ListFacts[]
  /** By the newest verdict of each in its place. */
  artifacts: { trusted: number; rejected: number; inconclusive: number }
  quarantined: number
}

export interface ChannelStatus extends Omit<SiteFacts['channels'][number], 'expected'> {
  ageSeconds: number | null
  everySeconds: number | null
  /** When the next bundle has to be here. */
  due: string | null
  overdue: boolean
}

export interface Alarm {
  code: Code
  subject: string
  detail: string
}

export interface SiteStatus extends Omit<SiteFacts, 'channels' | 'lists'> {
  format: 'sallyport-status/1'
  time: string
  channels: ChannelStatus[]
  lists: ListStatus[]
  alarms: Alarm[]
}

/** Reads them off an open state. */
export async function siteFacts(state: State): Promise<SiteFacts> {
  const expectations = new Map(state.expectations().map((expected) => [expected.channel, expected]))
  const artifacts = { trusted: 0, rejected: 0, inconclusive: 0 }
  for (const { target, verdict } of state.judgedArtifacts()) if (!state.isForgotten(target)) artifacts[verdict]++
  return {
    site: state.site,
    floor: state.floor ?? null,
    rows: state.head.n,
    channels: state.channels().map(({ channel, purpose, root, last }) => {
      const expected = expectations.get(channel)
      return {
        channel,
        purpose,
        rootExpires: readRoot(root, { side: 'state', subject: channel }).expires,
        sequence: last?.sequence ?? null,
        id: last?.id ?? null,
        accepted: state.heard(channel) ?? null,
        expected: expected === undefined ? null : { everySeconds: expected.every, since: expected.since },
      }
    }),
    lists: await listFacts(state),
    artifacts,
    quarantined: state.quarantined().length,
  }
}

const DAY = 86_400_000

function channelStatus(facts: SiteFacts['channels'][number], now: Date): ChannelStatus {
  const { expected, ...rest } = facts
  const { accepted } = facts
  const from = accepted ?? expected?.since
  const due = expected === null || from === undefined ? null : new Date(Date.parse(from) + expected.everySeconds * 1000)
  // A row that a fast clock wrote would keep the channel quiet until that hour comes.
  const ahead = expected !== null && from !== undefined && Date.parse(from) > now.getTime() + DAY
  return {
    ...rest,
    ageSeconds: accepted === null ? null : Math.floor((now.getTime() - Date.parse(accepted)) / 1000),
    everySeconds: expected?.everySeconds ?? null,
    due: due === null ? null : timeText(due),
    overdue: ahead || (due !== null && due.getTime() < now.getTime()),
  }
}

function channelAlarm({ channel, accepted, due, everySeconds }: ChannelStatus): Alarm {
  const last = accepted === null ? 'nothing came yet' : `the last came ${accepted}`
  const detail = `${last}, expected every ${spanOf(everySeconds ?? 0)}, due ${due ?? ''}`
  return { code: 'CHANNEL_OVERDUE', subject: channel, detail }
}

// Of a root that has expired it is the holders of root keys that have to act, however many new bundles are sent.
function rootAlarm({ channel, rootExpires }: ChannelStatus): Alarm {
  const detail = `its root expired ${rootExpires}: nothing of it is taken until a bundle brings the next root`
  return { code: 'EXPIRED', subject: channel, detail }
}

function listAlarm({ url, form, bytes, nextUpdate }: ListStatus): Alarm {
  if (bytes === 'lost')
    return { code: 'LIST_LOST', subject: url, detail: `${form}, its file in the state is missing or damaged` }
  return { code: 'LIST_STALE', subject: url, detail: `${form}, its next update was due ${nextUpdate}` }
}

/** @param built - as for `clockDoubt` */
export function siteStatus(facts: SiteFacts, now: Date, built?: Date): SiteStatus {
  const channels = facts.channels.map((one) => channelStatus(one, now))
  const lists = facts.lists.map((one) => listStatus(one, now))
  const doubt = clockDoubt(facts.floor ?? undefined, now, built)
  // By a clock that is known to be wrong nothing has expired.
  const expired = doubt?.certain === true ? [] : channels.filter(({ rootExpires }) => rootExpires <= timeText(now))
  return {
    format: 'sallyport-status/1',
    time: timeText(now),
    ...facts,
    channels,
    lists,
    alarms: [
      ...(doubt === undefined ? [] : [{ code: doubt.code, subject: timeText(now), detail: doubt.detail }]),
      ...expired.map(rootAlarm),
      ...channels.filter(({ overdue }) => overdue).map(channelAlarm),
      ...lists.filter(({ blind }) => blind).map(listAlarm),
    ],
  }
}

/** The exit status for these alarms: 0, or the lowest of theirs. */
export function alarmsExit(alarms: readonly Pick<Alarm, 'code'>[]): number {
  return lowestExit(alarms.map(({ code }) => exitOf(new SallyportError(code, { side: 'state' }))))
}
