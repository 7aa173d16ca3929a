/** One exit status over several; that of each is decided beside what it tells of. */

/** The lowest but 0 and 3, which only stand where there is no other. */
export function lowestExit(exits: readonly number[]): number {
  const met = exits.filter((exit) => exit !== 0 && exit !== 3)
  return met.length > 0 ? Math.min(...met) : exits.includes(3) ? 3 : 0
}
