/** What moved a tag: an import of some channel, or this site's own hand; read out of the rows of a journal in their order. */
import { isJsonObject, type JsonObject } from '../../codec/index.ts'
import type { JournalRow } from '../../state/index.ts'

export interface TagMoveCause {
  /** `unknown`: no row says. */
  by: 'import' | 'measure' | 'release' | 'restore' | 'unknown'
  /** Of an import. */
  channel?: string
  sequence?: number
  bundle?: string
  /** Of all others. */
  reason?: string
}

/** A tag that now names `new`, or nothing. */
export interface TagMove {
  target: string
  /** The repository's path at the target. */
  path: string
  tag: string
  old: string | null
  new: string | null
  cause: TagMoveCause
}

const OURS = ['measure', 'release', 'restore'] as const

/** The member as a text; empty where it is none. */
export function textIn(row: JsonObject, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}

function nameOf(row: JsonObject): string {
  return [textIn(row, 'target'), textIn(row, 'repository'), textIn(row, 'tag')].join('\0')
}

function moveOf(row: JsonObject, cause: TagMoveCause): TagMove {
  return {
    target: textIn(row, 'target'),
    path: textIn(row, 'repository'),
    tag: textIn(row, 'tag'),
    old: row['old'] === null ? null : textIn(row, 'old'),
    new: row['new'] === null ? null : textIn(row, 'new'),
    cause,
  }
}

export class TagCauses {
  /** By target: the import that is under way. */
  readonly #imports = new Map<string, TagMoveCause>()
  readonly #intents = new Map<string, TagMove>()

  /** The move that the row ends, if it is one that took place. */
  take(row: JournalRow): TagMove | undefined {
    if (row.kind === 'import') this.#passage(row)
    else if (row.kind === 'tag-intent') this.#intents.set(nameOf(row), moveOf(row, this.#cause(row)))
    else if (row.kind === 'tag-done') return this.#done(row)
    return undefined
  }

  /** The moves that were announced, and of which no row so far says whether they took place. */
  open(): Iterable<TagMove> {
    return this.#intents.values()
  }

  #passage(row: JsonObject): void {
    const target = textIn(row, 'target')
    const started: TagMoveCause = {
      by: 'import',
      channel: textIn(row, 'channel'),
      sequence: Number(row['sequence']),
      bundle: textIn(row, 'id'),
    }
    if (row['phase'] === 'start') this.#imports.set(target, started)
    else this.#imports.delete(target)
  }

  #cause(row: JsonObject): TagMoveCause {
    const { cause } = row
    const by = isJsonObject(cause) ? OURS.find((one) => one === cause['by']) : undefined
    if (isJsonObject(cause) && by !== undefined) return { by, reason: textIn(cause, 'reason') }
    return this.#imports.get(textIn(row, 'target')) ?? { by: 'unknown' }
  }

  #done(row: JsonObject): TagMove | undefined {
    const name = nameOf(row)
    const cause = this.#intents.get(name)?.cause ?? { by: 'unknown' }
    this.#intents.delete(name)
    return row['outcome'] === 'moved' ? moveOf(row, cause) : undefined
  }
}
