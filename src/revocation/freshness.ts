/** When what is dated counts: not yet, now, or no more. */
import { SallyportError } from '../errors/index.ts'

/** What a list or an answer says of its own time. */
export interface Dated {
  thisUpdate: Date
  nextUpdate: Date
}

/**
 * How far ahead of our clock a list may be dated. Issuers date a list by their own clock and publish it at once, so one
 * that is fetched and judged within seconds would otherwise be refused by every site whose clock is a little slow. Only
 * the issuer can date a list, so the allowance gives an attacker nothing; five minutes is what clocks of a managed
 * network differ by at most (it is Kerberos's limit too). Beyond that one of the two clocks is wrong, which must be seen.
 */
const AHEAD_MS = 5 * 60 * 1000

/** True for a time that has not come yet, as far as clocks can tell. */
export function isAhead(time: Date, now: Date): boolean {
  return time.getTime() > now.getTime() + AHEAD_MS
}

/** Throws LIST_FUTURE for what is dated ahead. Stops a list that would outlast every later one, and a site's wrong clock. */
export function demandNotAhead(time: Date, now: Date, what: string): void {
  if (!isAhead(time, now)) return
  throw new SallyportError('LIST_FUTURE', {
    side: 'bundle',
    detail: `${what} is dated ${time.toISOString()}, and it is ${now.toISOString()} here`,
  })
}

export interface FreshnessTerms {
  now: Date
  /** Seconds beyond nextUpdate in which it still counts; each use of them is told. */
  maxStaleness?: number | undefined
}

/** What is wrong with its time, or what is to be known about it, or nothing. */
export type Freshness = { fault: string } | { note?: string }

/** @param what - names it in the text */
export function freshness({ thisUpdate, nextUpdate }: Dated, terms: FreshnessTerms, what: string): Freshness {
  const { now, maxStaleness = 0 } = terms
  if (isAhead(thisUpdate, now)) return { fault: `${what} is dated in the future: ${thisUpdate.toISOString()}` }
  if (now <= nextUpdate) return {}
  const told = `${what} is past its next update, ${nextUpdate.toISOString()}`
  if (now.getTime() - nextUpdate.getTime() > maxStaleness * 1000) return { fault: told }
  return { note: `${told}, and counts within the ${maxStaleness} seconds that the policy allows` }
}
