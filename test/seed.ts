/** Chance that a seed gives again. */

/** Numbers from 0 to 1 (mulberry32). */
export function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** As {@link mulberry32}. The seed is logged, so that a failure can be had again; SEED in the environment chooses another run. */
export function seeded(name: string): () => number {
  const seed = Number(process.env['SEED'] ?? 20261124)
  console.log(`      ${name}: SEED=${seed}`)
  return mulberry32(seed)
}

/** Whole numbers below a bound; logged as {@link seeded}. */
export function seededBelow(name: string): (bound: number) => number {
  const random = seeded(name)
  return (bound) => Math.floor(random() * bound)
}
