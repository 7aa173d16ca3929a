/** Who moved a tag, when, from and to which digest, in which bundle, and under which signers: read out of the journal. */
import { isJsonObject, type Json, type JsonObject } from '../../codec/index.ts'
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

export interface TagSigner {
  /** SHA-256 of the signing certificate, hex. */
  certificate: string
  /** As it was known when the verdict was recorded; null where the journal is older than that. */
  subject: string | null
  statement: string
}

export interface TagMoveRecord {
  /** The row of the move. */
  n: number
  time: string
  target: string
  path: string
  tag: string
  old: string | null
  /** Null: it was taken away. */
  new: string | null
  cause: TagMoveCause
  /** What the site thought then of what the tag names since; null where it never judged it. */
  verdict: string | null
  /** The trusted signatures that verdict rested on. */
  signers: TagSigner[]
}

interface Opinion {
  verdict: string
  signers: TagSigner[]
}

const OURS = ['measure', 'release', 'restore'] as const

function text(row: JsonObject, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}

function key(...parts: string[]): string {
  return parts.join('\0')
}

/** Takes the rows of a journal in their order. */
export class TagHistory {
  readonly #certificates: { sha256: string; subject: string }[] = []
  readonly #subjects = new Map<string, string>()
  /** By place and digest; by bundle and digest for rows of the time before places were written down. */
  readonly #opinions = new Map<string, Opinion>()
  /** By target: the import that is under way. */
  readonly #imports = new Map<string, TagMoveCause & { bundle: string }>()
  readonly #intents = new Map<string, TagMoveCause>()

  /** The move that the row ends, if it is one that took place. */
  take(row: JournalRow): TagMoveRecord | undefined {
    if (row.kind === 'certificates') this.#know(row)
    else if (row.kind === 'verdict') this.#judge(row)
    else if (row.kind === 'import') this.#passage(row)
    else if (row.kind === 'tag-intent') this.#intents.set(this.#tag(row), this.#cause(row))
    else if (row.kind === 'tag-done') return this.#done(row)
    return undefined
  }

  #tag(row: JsonObject): string {
    return key(text(row, 'target'), text(row, 'repository'), text(row, 'tag'))
  }

  #know(row: JsonObject): void {
    const listed = Array.isArray(row['certificates']) ? row['certificates'] : []
    for (const item of listed) {
      if (!isJsonObject(item)) continue
      const [sha256, subject] = [text(item, 'sha256'), text(item, 'subject')]
      this.#certificates.push({ sha256, subject })
      this.#subjects.set(sha256, subject)
    }
  }

  #judge(row: JsonObject): void {
    const signatures = Array.isArray(row['signatures']) ? row['signatures'].filter(isJsonObject) : []
    const opinion = { verdict: text(row, 'verdict'), signers: signatures.map((signature) => this.#signer(signature)) }
    const digest = text(row, 'digest')
    this.#opinions.set(key(text(row, 'id'), digest), opinion)
    if (row['path'] !== undefined) this.#opinions.set(key(text(row, 'target'), text(row, 'path'), digest), opinion)
  }

  #signer(signature: JsonObject): TagSigner {
    const [leaf] = Array.isArray(signature['chain']) ? signature['chain'] : []
    const { sha256, subject } = this.#certificate(leaf)
    return { certificate: sha256, subject, statement: text(signature, 'statement') }
  }

  /** A chain holds numbers of known certificates, or hashes in rows that are older. */
  #certificate(named: Json | undefined): { sha256: string; subject: string | null } {
    const known = typeof named === 'number' ? this.#certificates[named - 1] : undefined
    if (known !== undefined) return known
    const sha256 = typeof named === 'string' ? named : ''
    return { sha256, subject: this.#subjects.get(sha256) ?? null }
  }

  #passage(row: JsonObject): void {
    const target = text(row, 'target')
    const started = {
      by: 'import' as const,
      channel: text(row, 'channel'),
      sequence: Number(row['sequence']),
      bundle: text(row, 'id'),
    }
    if (row['phase'] === 'start') this.#imports.set(target, started)
    else this.#imports.delete(target)
  }

  #cause(row: JsonObject): TagMoveCause {
    const { cause } = row
    const by = isJsonObject(cause) ? OURS.find((one) => one === cause['by']) : undefined
    if (isJsonObject(cause) && by !== undefined) return { by, reason: text(cause, 'reason') }
    return this.#imports.get(text(row, 'target')) ?? { by: 'unknown' }
  }

  #done(row: JournalRow): TagMoveRecord | undefined {
    const tag = this.#tag(row)
    const cause = this.#intents.get(tag) ?? { by: 'unknown' }
    this.#intents.delete(tag)
    if (row['outcome'] !== 'moved') return undefined
    const [target, path] = [text(row, 'target'), text(row, 'repository')]
    const now = row['new'] === null ? null : text(row, 'new')
    const opinion =
      this.#opinions.get(key(target, path, now ?? '')) ?? this.#opinions.get(key(cause.bundle ?? '', now ?? ''))
    return {
      n: row.n,
      time: row.time,
      target,
      path,
      tag: text(row, 'tag'),
      old: row['old'] === null ? null : text(row, 'old'),
      new: now,
      cause,
      verdict: opinion?.verdict ?? null,
      signers: opinion?.signers ?? [],
    }
  }
}
