/** Times as JWS envelopes write them (RFC 3339), in whole seconds. */
import { isTimeText } from '../codec/index.ts'

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:Z|[+-](\d{2}):(\d{2}))$/

/**
 * The moment of a text, or undefined when it is none.
 * Fractions are not accepted (the Notary Project advises against them), nor lower case, second 60, or hour 24.
 */
export function readRfc3339(text: unknown): Date | undefined {
  const [, local, hours = '0', minutes = '0'] = (typeof text === 'string' ? TIME.exec(text) : null) ?? []
  if (local === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  // Stops the 30th of February, which readers move to March or refuse.
  if (!isTimeText(`${local}Z`)) return undefined
  const date = new Date(text as string)
  return Number.isNaN(date.getTime()) ? undefined : date
}
