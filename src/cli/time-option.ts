/** Times as options spell them: UTC, to the second. */
import { usage } from './context.ts'

function secondIn(text: string): Date | undefined {
  const time = new Date(text)
  // Date takes the 30th of February, and gives another day.
  return !Number.isNaN(time.getTime()) && `${time.toISOString().slice(0, 19)}Z` === text ? time : undefined
}

/** The second that an option names. Throws USAGE. */
export function secondOf(option: string, text: string): Date {
  const time = secondIn(text)
  if (time === undefined) throw usage(option, 'a time is YYYY-MM-DDTHH:MM:SSZ')
  return time
}

/** The second that an option names, or midnight UTC, when the day begins that it names. Throws USAGE. */
export function momentOf(option: string, text: string): Date {
  const time = secondIn(text.length === 10 ? `${text}T00:00:00Z` : text)
  if (time === undefined) throw usage(option, 'a day, 2026-01-31, or a second of it, 2026-01-31T12:00:00Z')
  return time
}
