/** One exit status over several; that of each is decided beside what it tells of. */

/** The lowest but 0 and 3, which only stand where there is no other. */
export function lowestExit(exits: readonly number[]): number {
  const met = exits.filter((exit) => exit !== 0 && exit !== 3)
  // Not spread: a bundle may have more refused artifacts than a call may have arguments.
  return met.length > 0 ? met.reduce((low, exit) => Math.min(low, exit)) : exits.includes(3) ? 3 : 0
}
