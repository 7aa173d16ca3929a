/** Which tags the finished bundles of a channel brought to which sites, folded from the rows of its log. */
import { runsOf } from '../../state/index.ts'

/** Repository → tags. */
export type TagsByRepository = Record<string, string[]>

/** One row of a bundle's tags, or all of them. */
export interface TagsRow {
  sequence: number
  tags: TagsByRepository
}

/** Tag → the lowest sequence that brought it. */
type Brought = Map<string, number>

export class BroughtTags {
  /** Sequence → rows of a bundle that is not known to be finished: a run may have been killed behind them. */
  readonly #begun = new Map<number, TagsByRepository[]>()
  /** Site → repository → what it was sent. */
  readonly #bySite = new Map<string, Map<string, Brought>>()

  learn({ sequence, tags }: TagsRow): void {
    const rows = this.#begun.get(sequence)
    if (rows === undefined) this.#begun.set(sequence, [tags])
    else rows.push(tags)
  }

  /** What was learned of this bundle counts from now on. */
  finished(sequence: number, audience: readonly string[]): void {
    const bound = (this.#begun.get(sequence) ?? []).flatMap((tags) => Object.entries(tags))
    this.#begun.delete(sequence)
    for (const site of audience) {
      const repositories = this.#bySite.get(site) ?? new Map<string, Brought>()
      this.#bySite.set(site, repositories)
      for (const [repository, tags] of bound) {
        const brought = repositories.get(repository) ?? new Map<string, number>()
        repositories.set(repository, brought)
        for (const tag of tags) brought.set(tag, Math.min(sequence, brought.get(tag) ?? sequence))
      }
    }
  }

  /** The same whatever the site was sent since. */
  #sent(site: string, repository: string, before: number): Set<string> {
    const brought = this.#bySite.get(site)?.get(repository) ?? new Map<string, number>()
    return new Set([...brought].filter(([, sequence]) => sequence < before).map(([tag]) => tag))
  }

  /** Tags of the repository that bundles below `before` brought to one of the sites or more. */
  toAny(sites: readonly string[], repository: string, before: number): ReadonlySet<string> {
    return new Set(sites.flatMap((site) => [...this.#sent(site, repository, before)]))
  }

  /** The rows that a log must be given for this bundle: of its tags those that not every one of the sites had before. */
  rowsFor(sequence: number, sites: readonly string[], bound: TagsByRepository): TagsRow[] {
    const told = Object.entries(bound).flatMap(([repository, tags]) => {
      const had = sites.map((site) => this.#sent(site, repository, sequence))
      return tags.filter((tag) => !had.every((of) => of.has(tag))).map((tag) => [repository, tag] as const)
    })
    return runsOf(told).map((run) => {
      const byRepository = Map.groupBy(run, ([repository]) => repository)
      return {
        sequence,
        tags: Object.fromEntries(
          [...byRepository].map(([repository, pairs]) => [repository, pairs.map(([, tag]) => tag)]),
        ),
      }
    })
  }
}
