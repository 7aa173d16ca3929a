/**
 * One line of a journal: canonical JSON and LF.
 *
 * `n` counts from 1. `prev` is the SHA-256 of the previous line with its LF (64 zeros before the first), so that
 * `sed -n 7p journal.jsonl | sha256sum` gives the `prev` of row 8. `sum` is the SHA-256 of the row's own text without
 * the `sum` member: the chain proves every row but the last, which has no follower.
 */
import { hash } from 'node:crypto'
import { isJsonObject, sortedJson, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'

/** Bytes of a row with its LF: more is neither written nor read. */
export const ROW_CAP = 4 * 1024 * 1024

/** What a caller wants written. The body must not hold a member that a row has anyway. */
export interface Entry {
  kind: string
  body: JsonObject
}

export type JournalRow = JsonObject & {
  n: number
  prev: string
  time: string
  tenant: string
  kind: string
  sum: string
}

/** The end of a chain: how many rows, and the SHA-256 of the last one's line. */
export interface JournalHead {
  n: number
  hash: string
}

/** The head of a journal without rows. */
export const NO_ROWS: JournalHead = { n: 0, hash: '0'.repeat(64) }

const OWN = ['n', 'prev', 'time', 'tenant', 'kind', 'sum']
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** True for a time as journal and metadata hold it: UTC, whole seconds, `Z`. Such texts sort as the times do. */
export function isSeconds(text: unknown): text is string {
  return typeof text === 'string' && TIME.test(text) && !Number.isNaN(Date.parse(text))
}

/** The time in that form; a fraction is dropped. */
export function secondsOf(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** A row that follows `head`, its line, and the head it makes. Throws LIMIT_EXCEEDED beyond {@link ROW_CAP}. */
export function encodeRow(
  entry: Entry,
  head: JournalHead,
  time: string,
): { row: JournalRow; line: Buffer; head: JournalHead } {
  for (const name of OWN) if (Object.hasOwn(entry.body, name)) throw new TypeError(`a body may not hold ${name}`)
  const bare = { ...entry.body, kind: entry.kind, n: head.n + 1, prev: head.hash, tenant: '-', time }
  const row = { ...bare, sum: hash('sha256', sortedJson(bare)) }
  const line = Buffer.from(`${sortedJson(row)}\n`, 'utf8')
  if (line.length > ROW_CAP)
    throw new SallyportError('LIMIT_EXCEEDED', { side: 'state', subject: `journal row of kind ${entry.kind}` })
  return { row, line, head: { n: row.n, hash: hash('sha256', line) } }
}

/**
 * The row of a line (with its LF) that must follow `head`.
 * Throws SyntaxError, with what is wrong, for anything that {@link encodeRow} would not have written there.
 */
export function decodeRow(line: Buffer, head: JournalHead): JournalRow {
  const row = decodeLine(line)
  if (row.n !== head.n + 1) throw new SyntaxError(`row ${row.n} stands where row ${head.n + 1} belongs`)
  if (row.prev !== head.hash) throw new SyntaxError('prev is not the hash of the row before')
  return row
}

/** The row of a line, proven by its own sum, wherever it belongs. Throws as {@link decodeRow}. */
export function decodeLine(line: Buffer): JournalRow {
  const text = line.toString('utf8', 0, line.length - 1)
  const row = JSON.parse(text) as Json
  if (!isRow(row)) throw new SyntaxError('not a journal row')
  if (sumOf(line, row.sum) !== row.sum) throw new SyntaxError('the row does not have its sum')
  // Stops a row that two readers could read differently, with a member twice for instance.
  if (!isCanonical(row, text)) throw new SyntaxError('not in canonical form')
  return row
}

/** As `sortedJson(row) === text`, at a third of its price for what we wrote: every start reads the whole journal. */
function isCanonical(row: JournalRow, text: string): boolean {
  return (isSorted(row) && JSON.stringify(row) === text) || sortedJson(row) === text
}

function isSorted(value: Json): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isSorted)
  let before = ''
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (key < before || member === undefined || !isSorted(member)) return false
    before = key
  }
  return true
}

function isRow(row: Json): row is JournalRow {
  if (!isJsonObject(row)) return false
  const { n, prev, time, tenant, kind, sum } = row as { [K in keyof JournalRow]?: Json }
  if (!Number.isSafeInteger(n) || typeof prev !== 'string' || typeof tenant !== 'string') return false
  return isSeconds(time) && typeof kind === 'string' && typeof sum === 'string'
}

/** Over the raw bytes: invalid UTF-8 would decode to the same text as other invalid UTF-8. */
function sumOf(line: Buffer, sum: string): string | undefined {
  // `sum` is never the last member, as `tenant` follows it, and an unescaped quote cannot stand within a string.
  const member = `"sum":"${sum}",`
  const at = line.indexOf(member)
  if (at < 0) return undefined
  // One call over a copy: a hash object for each row costs more than the copy.
  const bare = Buffer.allocUnsafe(line.length - member.length - 1)
  line.copy(bare, 0, 0, at)
  line.copy(bare, at, at + member.length, line.length - 1)
  return hash('sha256', bare)
}
