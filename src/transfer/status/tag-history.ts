/** Who moved a tag, when, from and to which digest, in which bundle, and under which signers: read out of the journal. */
import { isJsonObject, type Json, type JsonObject } from '../../codec/index.ts'
import type { JournalRow } from '../../state/index.ts'
import { TagCauses, textIn, type TagMove } from '../place/tag-causes.ts'

export interface TagSigner {
  /** SHA-256 of the signing certificate, hex. */
  certificate: string
  /** As it was known when the verdict was recorded; null where the journal is older than that. */
  subject: string | null
  statement: string
}

export interface TagMoveRecord extends TagMove {
  /** The row of the move. */
  n: number
  time: string
  /** What the site thought then of what the tag names since; null where it never judged it. */
  verdict: string | null
  /** The trusted signatures that verdict rested on. */
  signers: TagSigner[]
}

interface Opinion {
  verdict: string
  signers: TagSigner[]
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
  readonly #causes = new TagCauses()

  /** The move that the row ends, if it is one that took place. */
  take(row: JournalRow): TagMoveRecord | undefined {
    if (row.kind === 'certificates') this.#know(row)
    else if (row.kind === 'verdict') this.#judge(row)
    const move = this.#causes.take(row)
    if (move === undefined) return undefined
    const { target, path, new: now, cause } = move
    const opinion =
      this.#opinions.get(key(target, path, now ?? '')) ?? this.#opinions.get(key(cause.bundle ?? '', now ?? ''))
    return {
      n: row.n,
      time: row.time,
      ...move,
      verdict: opinion?.verdict ?? null,
      signers: opinion?.signers ?? [],
    }
  }

  #know(row: JsonObject): void {
    const listed = Array.isArray(row['certificates']) ? row['certificates'] : []
    for (const item of listed) {
      if (!isJsonObject(item)) continue
      const [sha256, subject] = [textIn(item, 'sha256'), textIn(item, 'subject')]
      this.#certificates.push({ sha256, subject })
      this.#subjects.set(sha256, subject)
    }
  }

  #judge(row: JsonObject): void {
    const signatures = Array.isArray(row['signatures']) ? row['signatures'].filter(isJsonObject) : []
    const opinion = { verdict: textIn(row, 'verdict'), signers: signatures.map((signature) => this.#signer(signature)) }
    const digest = textIn(row, 'digest')
    this.#opinions.set(key(textIn(row, 'id'), digest), opinion)
    if (row['path'] !== undefined) this.#opinions.set(key(textIn(row, 'target'), textIn(row, 'path'), digest), opinion)
  }

  #signer(signature: JsonObject): TagSigner {
    const [leaf] = Array.isArray(signature['chain']) ? signature['chain'] : []
    const { sha256, subject } = this.#certificate(leaf)
    return { certificate: sha256, subject, statement: textIn(signature, 'statement') }
  }

  /** A chain holds numbers of known certificates, or hashes in rows that are older. */
  #certificate(named: Json | undefined): { sha256: string; subject: string | null } {
    const known = typeof named === 'number' ? this.#certificates[named - 1] : undefined
    if (known !== undefined) return known
    const sha256 = typeof named === 'string' ? named : ''
    return { sha256, subject: this.#subjects.get(sha256) ?? null }
  }
}
