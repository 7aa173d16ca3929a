/** Expiry dates: exactly `YYYY-MM-DDTHH:MM:SSZ` (TUF 4.2.1); python-tuf refuses a fraction of a second. */
import { isTimeText } from '../codec/index.ts'
import { malformed, refusal, type Place } from './fault.ts'

/** True for a time that exists, in the one accepted form. */
export function isExpiry(text: unknown): text is string {
  return typeof text === 'string' && isTimeText(text)
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
