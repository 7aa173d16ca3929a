/** Canonical JSON as TUF uses it (OLPC form): sorted members, no space, integers only, minimal escapes. */
import type { Json } from './strict-json.ts'

function strict(value: string): string {
  // OLPC form escapes only the quote and the backslash, so a control character would not parse as JSON again.
  if (/\p{Cc}/u.test(value)) throw new TypeError('no canonical form for a control character')
  return olpc(value)
}

function olpc(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`no canonical form for ${value}`)
  return String(value)
}

interface Scalars {
  text(value: string): string
  number(value: number): string
}

const CANONICAL: Scalars = { text: strict, number: integer }
const SIGNED: Scalars = { text: olpc, number: integer }
const SORTED: Scalars = { text: (value) => JSON.stringify(value), number: integer }

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function write(value: Json, scalars: Scalars): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return scalars.text(value)
  if (typeof value === 'number') return scalars.number(value)
  if (Array.isArray(value)) return `[${value.map((item) => write(item, scalars)).join(',')}]`
  const members = Object.entries(value).sort(([x], [y]) => byCodeUnit(x, y))
  return `{${members.map(([key, item]) => `${scalars.text(key)}:${write(item, scalars)}`).join(',')}}`
}

/**
 * The canonical text of a value. Equal values give equal text.
 * A fraction, or an integer beyond 2^53-1, has no canonical form: throws TypeError (a programmer's mistake).
 */
export function canonicalJson(value: Json): string {
  return write(value, CANONICAL)
}

/** The canonical text as UTF-8 bytes. */
export function canonicalBytes(value: Json): Buffer {
  return Buffer.from(canonicalJson(value), 'utf8')
}

/**
 * The OLPC bytes that TUF hashes and signs: as {@link canonicalBytes}, but a control character (the line ends of a PEM
 * key) stands as it is. With one inside they are not JSON again: to be hashed and signed, never stored.
 */
export function signingBytes(value: Json): Buffer {
  return Buffer.from(write(value, SIGNED), 'utf8')
}

/**
 * JSON text with sorted members, no space and JSON's own escapes: {@link canonicalJson} unless a string needs them. A
 * fraction throws TypeError here, too: journal and bundle hold none, and read by this what has one spelling.
 */
export function sortedJson(value: Json): string {
  return write(value, SORTED)
}
