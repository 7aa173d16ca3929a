/** Expiry dates: exactly `YYYY-MM-DDTHH:MM:SSZ` (TUF 4.2.1); python-tuf refuses a fraction of a second. */
import { malformed, refusal, type Place } from './fault.ts'

const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** The text of a time for an `expires` member; a fraction of a second is cut off. */
export function expiryText(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** True for a time that exists, in the one accepted form. */
export function isExpiry(text: unknown): text is string {
  if (typeof text !== 'string' || !FORM.test(text)) return false
  const time = new Date(text)
  // Date takes 30 February for 2 March; two readers would then disagree on the day.
  return !Number.isNaN(time.getTime()) && expiryText(time) === text
}

/** The text itself, when it is an expiry. Throws METADATA_MALFORMED. */
export function readExpiry(text: unknown, place: Place): string {
  if (isExpiry(text)) return text
  throw malformed(place, 'expires is not a time of the form YYYY-MM-DDTHH:MM:SSZ')
}

/**
 * Stops the freeze attack: someone keeps handing over an old state that was genuine once (TUF 5.3.10, 5.4.4, 5.5.6, 5.6.5).
 * Throws EXPIRED from the very second on.
 */
export function checkFresh(expires: string, now: Date, place: Place): void {
  // Written so that an invalid `now` is refused too.
  if (!(now.getTime() < new Date(expires).getTime())) throw refusal('EXPIRED', place, `since ${expires}`)
}
