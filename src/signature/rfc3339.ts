/** Times as JWS envelopes and annotations write them (RFC 3339), in whole seconds. */

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:Z|[+-](\d{2}):(\d{2}))$/

/**
 * The moment of a text, or undefined when it is none.
 * Fractions are not accepted (the Notary Project advises against them), nor lower case, second 60, or hour 24.
 */
export function readRfc3339(text: unknown): Date | undefined {
  const [, local, hours = '0', minutes = '0'] = (typeof text === 'string' ? TIME.exec(text) : null) ?? []
  if (local === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  const time = new Date(`${local}Z`)
  // Stops the 30th of February, which readers move to March or refuse.
  if (Number.isNaN(time.getTime()) || rfc3339(time) !== `${local}Z`) return undefined
  const date = new Date(text as string)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** `2026-02-03T04:05:06Z`: what is below a second is cut off. */
export function rfc3339(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
