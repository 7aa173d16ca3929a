/** Times as documents of ours spell them: UTC, to the second. */

/** True for `YYYY-MM-DDTHH:MM:SSZ` of a second that there is: Date takes the 30th of February, and gives another day. */
export function isSecond(text: unknown): text is string {
  if (typeof text !== 'string') return false
  const time = new Date(text)
  return !Number.isNaN(time.getTime()) && `${time.toISOString().slice(0, 19)}Z` === text
}
