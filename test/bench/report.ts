/** The bench's results as a table to be read. */
import type { Result, Standing, Verdict } from './contest.ts'

function reached({ ratio, must, record }: Verdict): string {
  if (ratio <= record) return 'record'
  return ratio <= must ? 'must' : 'MISSED'
}

function verdictLine(verdict: Verdict): string {
  const { against, ratio, must, record } = verdict
  return `  → ${ratio.toFixed(2)} × ${against} (must ≤ ${must}, record ≤ ${record}): ${reached(verdict)}`
}

function standingLine({ name, median, spread, cpu, peak, figures }: Standing, ours: number): string {
  const counted = Object.entries(figures).map(([what, value]) => `${what} ${Number(value.toFixed(3))}`)
  return [
    `  ${name.padEnd(24)}`,
    `${median.toFixed(2).padStart(7)} s`,
    `±${(spread * 100).toFixed(0).padStart(3)} %`,
    `${(ours / median).toFixed(2).padStart(6)} ×`,
    `${cpu.toFixed(1).padStart(5)} s cpu`,
    `${Math.round(peak / 2 ** 20)
      .toString()
      .padStart(5)} MiB`,
    counted.length === 0 ? '' : `  ${counted.join(', ')}`,
  ].join(' ')
}

function resultLines({ key, title, tls, standings, verdicts, batches, unequal }: Result): string[] {
  const ours = standings[0]?.median ?? NaN
  return [
    `${key}${tls ? ' (TLS)' : ''}: ${title}${batches > 1 ? ' — the less favourable of two batches' : ''}`,
    ...standings.map((each) => standingLine(each, ours)),
    ...verdicts.map(verdictLine),
    ...(unequal === undefined ? [] : [`  unequal: ${unequal}`]),
  ]
}

/** Medians, (max − min) / median, ours over theirs, processor time, highest memory of the tree of processes. */
export function table(results: readonly Result[]): string {
  return results.map((result) => `${resultLines(result).join('\n')}\n`).join('\n')
}

export function missed(results: readonly Result[]): string[] {
  return results.flatMap(({ key, tls, verdicts }) =>
    verdicts
      .filter((verdict) => reached(verdict) === 'MISSED')
      .map(({ against }) => `${key}${tls ? ' (TLS)' : ''} against ${against}`),
  )
}
