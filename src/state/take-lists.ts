/** How lists come into force: refused where they would set a place back, then their bytes, then their rows. */
import type { Committer, Drafting } from './committer.ts'
import { listDigest, placeLists, sweepLists } from './list-files.ts'
import type { Ledger } from './ledger.ts'
import { listEntry, type ListRow, type Origin, type ProvenList } from './revocation-entry.ts'

/**
 * See {@link State.takeLists}. Two of these must not run at a time: what a killed run placed and no row names is swept
 * first.
 * @param now - no row raises the floor above it
 */
export async function takeLists(
  dir: string,
  committer: Committer,
  lists: readonly ProvenList[],
  from: Origin,
  now: string,
): Promise<void> {
  const rows = lists.map((list) => rowOf(list, from))
  for (const row of rows) committer.ledger.revocation.demandForward(row)
  if (lists.length === 0) return
  await sweepLists(dir, committer.ledger.revocation.files())
  await placeLists(dir, bytesOf(lists))
  await committer.submit(draftLists(lists, from, now))
}

/** All that is kept of these, a file each. */
export function bytesOf(lists: readonly ProvenList[]): Uint8Array[] {
  return lists.flatMap(({ bytes, issuerCertificate, kept }) => [bytes, issuerCertificate, kept ?? []].flat())
}

/** The rows of those that are not in force yet. */
export function draftLists(lists: readonly ProvenList[], from: Origin, now: string): Drafting {
  const rows = lists.map((list) => rowOf(list, from))
  return (ledger) =>
    rows
      .filter((row) => !isInForce(ledger, row))
      .map((row) => listEntry(row, row.thisUpdate > now ? now : row.thisUpdate))
}

function rowOf({ bytes, kept, issuerCertificate, ...list }: ProvenList, from: Origin): ListRow {
  return {
    ...list,
    digest: listDigest(bytes),
    ...(kept === undefined ? {} : { kept: listDigest(kept) }),
    issuerCertificate: listDigest(issuerCertificate),
    from,
  }
}

function isInForce({ revocation }: Ledger, row: ListRow): boolean {
  const held = revocation.list(row)
  // An older list that was seen may add to what is kept, under the list that stays in force; the same list without a
  // word of it takes nothing away.
  return held !== undefined && held.digest === row.digest && (row.kept === undefined || held.kept === row.kept)
}
