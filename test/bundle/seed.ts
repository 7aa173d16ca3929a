/** Chance that a seed gives again; SEED in the environment chooses another run. */

/** Whole numbers below a bound (mulberry32). The seed is logged, so that a failure can be had again. */
export function seededBelow(name: string): (bound: number) => number {
  const seed = Number(process.env['SEED'] ?? 20261124)
  console.log(`      ${name}: SEED=${seed}`)
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * bound)
  }
}
