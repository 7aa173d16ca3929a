/**
 * Lists that one row can't take: they stand in `more` rows right before the row they belong to, which says how many those
 * are. In that order a kill between two of them leaves lists that belong to nothing, and no row without a part of its own.
 */
import type { JsonObject } from '../codec/index.ts'
import { countOf, textOf, textsOf } from './fields.ts'
import { ROW_CAP, type Entry, type JournalRow } from './journal-row.ts'

/** The members of a row that may be moved out of it, whole. */
const LISTS = ['tags', 'within'] as const

/** Bytes of a list of things in one row; the rest of a row is small. */
const LIST_BYTES = ROW_CAP / 4
/** Bytes of lists that stay in their row, so that a program from before `more` rows reads all that it could write itself. */
const OWN_BYTES = (ROW_CAP / 4) * 3

/** In runs that fit a row each, in order; none for nothing. An item that is larger than `cap` has a run of its own. */
export function runsOf<T>(items: readonly T[], cap = LIST_BYTES, sizeIn: (item: T) => number = sizeOf): T[][] {
  const runs: T[][] = []
  let room = 0
  for (const item of items) {
    const size = sizeIn(item)
    if (size > room) {
      runs.push([])
      room = cap
    }
    runs.at(-1)?.push(item)
    room -= size
  }
  return runs
}

function sizeOf(item: unknown): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1
}

/** The entry alone where its lists fit a row, as nearly all do; else with those lists in `more` entries before it. */
export function withMore(entry: Entry): Entry[] {
  const lists = LISTS.flatMap((name) => {
    const items = entry.body[name]
    return Array.isArray(items) && items.length > 0 ? [{ name, items }] : []
  })
  const bytes = lists.flatMap(({ items }) => items).reduce<number>((sum, item) => sum + sizeOf(item), 0)
  if (bytes <= OWN_BYTES) return [entry]
  const { target, path, repository, digest, ...rest } = entry.body
  // So that who reads the journal, or asks it for this artifact or tag, sees whose lists they are.
  const whose = Object.entries({ target, path, repository, digest }).filter(([, value]) => value !== undefined)
  const more = lists.flatMap(({ name, items }) =>
    runsOf(items).map((run) => ({
      kind: 'more',
      body: { ...Object.fromEntries(whose), of: entry.kind, [name]: run } as JsonObject,
    })),
  )
  const body = { ...Object.fromEntries(whose), ...rest, more: more.length } as JsonObject
  for (const { name } of lists) delete body[name]
  return [...more, { kind: entry.kind, body }]
}

/** How many `more` rows before it belong to a row. Throws TypeError. */
export function moreOf(row: JournalRow): number {
  return row['more'] === undefined ? 0 : countOf(row, 'more')
}

/**
 * The row as it would be if one row took everything.
 * Throws TypeError where the `more` rows that it names are not the ones right before it, or say what it says itself.
 * @param before - the rows before it, the last one last; more than belong to it may be given
 */
export function wholeRow(row: JournalRow, before: readonly JournalRow[]): JournalRow {
  const count = moreOf(row)
  if (count === 0) return row
  const parts = before.slice(-count)
  if (parts.length < count) throw new TypeError(`${count} rows before it should belong to it`)
  const { more: _more, ...whole } = row
  const lists = new Map<string, string[]>()
  for (const [i, part] of parts.entries()) {
    demandMore(part)
    if (part.n !== row.n - count + i || part['of'] !== row.kind || part['digest'] !== row['digest'])
      throw new TypeError(`row ${part.n} belongs to another row`)
    for (const name of LISTS) {
      if (part[name] === undefined) continue
      if (row[name] !== undefined) throw new TypeError(`${name} stand in the row and before it`)
      const items = lists.get(name) ?? []
      lists.set(name, items)
      for (const item of textsOf(part, name)) items.push(item)
    }
  }
  return { ...whole, ...Object.fromEntries(lists) } as JournalRow
}

/** Throws TypeError for a row that is none of these. */
export function demandMore(row: JournalRow): void {
  if (row.kind !== 'more') throw new TypeError(`row ${row.n} is of kind ${row.kind}`)
  textOf(row, 'of')
  const names = LISTS.filter((name) => row[name] !== undefined)
  if (names.length !== 1) throw new TypeError('a row of more has one list')
  for (const name of names) textsOf(row, name)
}
