/** Repeats what may pass by itself: backoff with seeded jitter, `Retry-After` obeyed up to a cap. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Transient } from './errors.ts'
import type { Settings } from './options.ts'

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])
const MAX_BACKOFF_MS = 20_000

/** True for a status that a repeat may change. */
export function isPassing(status: number): boolean {
  return PASSING.has(status)
}

/** What `Retry-After` asks for, in milliseconds from `now`; undefined when it says nothing usable. */
export function retryAfter(header: string | string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** Waits; rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : error
  }
}

/** The wait before the repeat number `attempt` (from 0). */
export function waitFor(settings: Settings, attempt: number, asked: number | undefined): number {
  const { backoffMs, waitCapMs } = settings.timing
  const own = Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** attempt) * (0.5 + settings.random())
  // A registry that asks for a day does not stop us for a day; nor do all clients come back in the same moment.
  return asked === undefined ? own : Math.min(asked, waitCapMs) + settings.random() * backoffMs
}

/** What `attempt` gives, repeated while it throws {@link Transient}; then the fault inside is thrown. */
export async function repeating<T>(
  settings: Settings,
  signal: AbortSignal | undefined,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 0; ; number++) {
    try {
      signal?.throwIfAborted()
      return await attempt(number)
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (!(error instanceof Transient)) throw error
      if (number >= settings.retries) throw error.fault
      await pause(waitFor(settings, number, error.waitMs), signal)
    }
  }
}
