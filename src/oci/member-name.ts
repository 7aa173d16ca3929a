/** Names of members that another reader takes for one of ours: Go's matches without regard to case, and takes the last. */
import type { JsonObject } from '../codec/index.ts'

// To upper case first: it alone turns U+017F into S; to lower case next, which turns U+212A into k. So does Go's folding.
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}

/** The names of a document's form, and how to find the others that could pass for one of them. */
export class MemberNames {
  private readonly exact: ReadonlySet<string>
  private readonly folded: ReadonlySet<string>

  constructor(...names: string[]) {
    this.exact = new Set(names)
    this.folded = new Set(names.map(fold))
  }

  /** A member spelled otherwise than one of the names and equal to it for a reader that folds case; else undefined. */
  twinIn(document: JsonObject): string | undefined {
    return Object.keys(document).find((name) => !this.exact.has(name) && this.folded.has(fold(name)))
  }
}
