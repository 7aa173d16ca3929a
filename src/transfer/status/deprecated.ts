/** What hangs on signature algorithms that the site's policy deprecates or refuses by now. */
import type { JsonObject } from '../../codec/index.ts'
import { SIGNATURE_ALGORITHMS } from '../../signature/index.ts'
import type { JournalRow } from '../../state/index.ts'
import { deprecatedSince, explainPolicy, type PolicyExplanation, type TrustMaterial } from '../../trust/index.ts'
import { openPolicy } from '../trust/policy-folder.ts'

export interface DeprecatedArtifact {
  repository: string
  digest: string
  scope: string
  /** Where it lies; null in rows of the time before places were written down. */
  target: string | null
  /** Of the bundle that brought it last, and when it was judged. */
  id: string
  time: string
  /** The algorithms it would be left without; `since` is null where the policy refuses one. */
  algorithms: { algorithm: string; since: string | null }[]
  /** Statements that a signature of another algorithm meets, of so many that the scope asks for. */
  standing: string[]
  needed: number
}

type Retired = ReadonlyMap<string, string | null>

interface Signature {
  algorithm: string
  statement: string
}

function retired({ site }: TrustMaterial, now: Date): Retired {
  const found = new Map<string, string | null>()
  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const since = deprecatedSince(site?.algorithms, algorithm, now)
    if (since !== undefined) found.set(algorithm, since.toISOString().slice(0, 10))
    else if (site?.algorithms[algorithm] === 'refused') found.set(algorithm, null)
  }
  return found
}

function signaturesOf(row: JournalRow): Signature[] {
  const listed = row['signatures']
  if (!Array.isArray(listed)) return []
  return (listed as JsonObject[]).map(({ algorithm, statement }) => ({
    algorithm: String(algorithm),
    statement: String(statement),
  }))
}

function keyOf(...parts: readonly unknown[]): string {
  return parts.map(String).join('\0')
}

/** Gathers verdicts as the journal gives them, and says at the end which stand on sand. */
export class Deprecated {
  readonly #material: TrustMaterial
  readonly #newest = new Map<string, JournalRow>()

  /** @param policy - the folder; throws as reading a policy does */
  constructor(policy: string) {
    this.#material = openPolicy(policy)
  }

  /** Takes a row of the journal; of each artifact the newest verdict at each place counts. */
  take(row: JournalRow): void {
    if (row.kind !== 'verdict') return
    // By the channel alone: nobody looked at its signatures, so what was said of them stands.
    if (row['verdict'] === 'trusted' && row['signatures'] === undefined) return
    // Not by scope: a denial, and what is found to be gone, have none, and must end what was said before.
    const unplaced = keyOf(row['repository'], row['digest'])
    const key = row['target'] === undefined ? unplaced : keyOf(row['target'], row['path'], row['digest'])
    // Of the time before places were written down: the first row with a place says where it was.
    if (key !== unplaced) this.#newest.delete(unplaced)
    this.#newest.set(key, row)
  }

  /**
   * The artifacts that the policy of today would not trust any more without these algorithms, in journal order.
   *
   * @param isForgotten - whether the site has let go of a target: nothing there is asked after
   */
  artifacts(now: Date, isForgotten: (target: string) => boolean): DeprecatedArtifact[] {
    const material = this.#material
    const old = retired(material, now)
    if (old.size === 0) return []
    const policies = new Map<string, PolicyExplanation>()
    const policyFor = (scope: string): PolicyExplanation => {
      const policy = policies.get(scope) ?? explainPolicy(material, scope)
      policies.set(scope, policy)
      return policy
    }
    return [...this.#newest.values()].flatMap((row) => {
      if (row['target'] !== undefined && isForgotten(String(row['target']))) return []
      const signatures = signaturesOf(row)
      const met = signatures.filter(({ algorithm }) => old.has(algorithm))
      if (row['verdict'] !== 'trusted' || met.length === 0) return []
      const scope = String(row['scope'] ?? row['repository'])
      const standing = [
        ...new Set(signatures.filter(({ algorithm }) => !old.has(algorithm)).map(({ statement }) => statement)),
      ].sort()
      const needed = Math.max(1, policyFor(scope).count)
      if (standing.length >= needed) return []
      const names = [...new Set(met.map(({ algorithm }) => algorithm))].sort()
      return [
        {
          repository: String(row['repository']),
          digest: String(row['digest']),
          scope,
          target: row['target'] === undefined ? null : String(row['target']),
          id: String(row['id']),
          time: row.time,
          algorithms: names.map((algorithm) => ({ algorithm, since: old.get(algorithm) ?? null })),
          standing,
          needed,
        },
      ]
    })
  }
}
