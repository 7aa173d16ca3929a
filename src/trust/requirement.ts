/** Thresholds: how many of the wanted statements are met, each by a signer of its own. */

/** That a signer (by the digest of his public key) meets a statement (by its number). */
export interface Meeting {
  statement: number
  signer: string
}

/**
 * For each statement the signer who meets it, in a choice that meets as many statements as can be met at once while
 * every signer counts for one statement only. Stops one signature, or one key in several certificates or manifests,
 * from being counted as two people. The choice is the same for the same input.
 */
export function assignSigners(statements: number, meetings: readonly Meeting[]): Map<number, string> {
  const signers = Array.from({ length: statements }, (_, statement) =>
    meetings.filter((meeting) => meeting.statement === statement).map(({ signer }) => signer),
  )
  const taken = new Map<string, number>()
  // Bipartite matching by augmenting paths (Kuhn): a signer who is taken is asked whether his statement has another.
  const place = (statement: number, tried: Set<string>): boolean => {
    for (const signer of signers[statement] ?? []) {
      if (tried.has(signer)) continue
      tried.add(signer)
      const holder = taken.get(signer)
      if (holder !== undefined && !place(holder, tried)) continue
      taken.set(signer, statement)
      return true
    }
    return false
  }
  for (let statement = 0; statement < statements; statement++) place(statement, new Set())
  return new Map([...taken].map(([signer, statement]) => [statement, signer]))
}
