/** Times as our documents carry them: UTC, to the second, `2026-02-03T04:05:06Z`. */

/** The text of a time; what is below a second is cut off. */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

/** True for a time that exists, in this one spelling. */
export function isTimeText(text: string): boolean {
  const time = new Date(text)
  // Date takes 30 February for 2 March; two readers would then disagree on the day.
  return !Number.isNaN(time.getTime()) && timeText(time) === text
}

/** The time as such a text carries it, so that what is compared is what is written. */
export function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1000) * 1000)
}
