/** Runs the contenders of a row in turn, round by round, until the row is steady enough to be told. */
import { type Command, dropCaches, Failed, type Measured, measure } from './measure.ts'
import { median, spread } from './statistics.ts'

/** A spread of ours or of a rival that decides above this makes the row run again, once. */
const UNSTEADY = 0.3
const USUAL_ROUNDS = 3

/** Stands in a bar for our own highest memory. */
const PEAK_MIB = 'MiB of memory'
export const MEMORY_BAR: Bar = { against: [PEAK_MIB], must: 200, record: 200 }

export interface Contender {
  readonly name: string
  /** Not measured: makes the target, clears the place. Gives the command. */
  prepare(): Promise<Command>
  /** Throws `Failed` when the work was not done in full. Figures are what else was counted. `round` counts from 0. */
  check(measured: Measured, round: number): Promise<Figures | undefined> | Figures | undefined
  clean?(): Promise<void> | void
}

export type Figures = Readonly<Record<string, number>>

export interface Bar {
  /** The fastest of these contenders is what ours is held against. One that is a figure of ours stands for itself. */
  readonly against: readonly string[]
  readonly must: number
  readonly record: number
}

export interface Row {
  readonly key: string
  readonly title: string
  /** The first is ours. */
  readonly contenders: readonly Contender[]
  readonly bars: readonly Bar[]
  /** In what the contenders' work is not equal to ours. */
  readonly unequal?: string
  /** Folders and files whose pages leave the cache before each run. */
  readonly cold: readonly string[]
  /** Other than the usual. */
  readonly rounds?: number
  /** To be called when the row is done, whatever came of it: ends what was started for all of its contenders. */
  close?(): Promise<void>
}

export interface Standing {
  readonly name: string
  readonly seconds: readonly number[]
  readonly median: number
  readonly spread: number
  readonly cpu: number
  /** The highest of all runs, in bytes. */
  readonly peak: number
  readonly figures: Figures
}

export interface Verdict {
  readonly against: string
  readonly ratio: number
  readonly must: number
  readonly record: number
}

export interface Result {
  readonly key: string
  readonly title: string
  readonly tls: boolean
  readonly unequal?: string
  readonly standings: readonly Standing[]
  readonly verdicts: readonly Verdict[]
  /** How many batches ran; the least favourable is told. */
  readonly batches: number
}

interface Batch {
  readonly standings: Standing[]
  readonly verdicts: Verdict[]
}

interface Outcome {
  readonly run: Measured
  readonly figures: Figures
}

async function once(contender: Contender, round: number, cold: readonly string[]): Promise<Outcome> {
  try {
    const command = await contender.prepare()
    await dropCaches(cold)
    const run = await measure(command)
    if (run.status !== 0) throw new Failed(`${contender.name} ended with ${run.status}: ${run.stderr.slice(-2000)}`)
    const figures = (await contender.check(run, round)) ?? {}
    process.stderr.write(`  ${contender.name} ${run.seconds.toFixed(2)} s\n`)
    return { run, figures }
  } finally {
    await contender.clean?.()
  }
}

function standing(name: string, outcomes: readonly Outcome[]): Standing {
  const seconds = outcomes.map(({ run }) => run.seconds)
  const names = Object.keys(outcomes[0]?.figures ?? {})
  return {
    name,
    seconds,
    median: median(seconds),
    spread: spread(seconds),
    cpu: median(outcomes.map(({ run }) => run.cpu)),
    peak: Math.max(...outcomes.map(({ run }) => run.peak)),
    figures: Object.fromEntries(
      names.map((name) => [name, median(outcomes.map(({ figures }) => figures[name] ?? NaN))]),
    ),
  }
}

function judge({ against, must, record }: Bar, standings: readonly Standing[]): Verdict {
  const [ours] = standings
  if (against.includes(PEAK_MIB)) return { against: PEAK_MIB, ratio: (ours?.peak ?? NaN) / 2 ** 20, must, record }
  const figure = ours?.figures[against[0] ?? '']
  if (figure !== undefined) return { against: against[0] ?? '', ratio: figure, must, record }
  const rivals = standings.filter(({ name }) => against.includes(name))
  const fastest = rivals.reduce((best, rival) => (rival.median < best.median ? rival : best))
  return { against: fastest.name, ratio: (ours?.median ?? NaN) / fastest.median, must, record }
}

async function batch(row: Row, rounds: number): Promise<Batch> {
  const outcomes = new Map<string, Outcome[]>(row.contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    // Each begins a round in its turn: what one leaves behind in memory and on the disk, the next one meets.
    const first = round % row.contenders.length
    for (const contender of [...row.contenders.slice(first), ...row.contenders.slice(0, first)]) {
      outcomes.get(contender.name)?.push(await once(contender, round, row.cold))
    }
  }
  const standings = [...outcomes].map(([name, runs]) => standing(name, runs))
  return { standings, verdicts: row.bars.map((bar) => judge(bar, standings)) }
}

/** Ours and each rival that a bar is measured by. */
function unsteady({ standings, verdicts }: Batch): boolean {
  const decides = new Set([standings[0]?.name, ...verdicts.map(({ against }) => against)])
  return standings.some((standing) => decides.has(standing.name) && standing.spread > UNSTEADY)
}

function worst({ verdicts, standings }: Batch): number {
  if (verdicts.length === 0) return standings[0]?.median ?? 0
  return Math.max(...verdicts.map(({ ratio, must }) => ratio / must))
}

/** The row's result: medians, spreads, ratios to the fastest rivals. Throws `Failed` when a contender fails. */
export async function contest(row: Row, wanted: number | undefined, tls: boolean): Promise<Result> {
  const rounds = wanted ?? row.rounds ?? USUAL_ROUNDS
  process.stderr.write(`${row.key}${tls ? ' over TLS' : ''}\n`)
  const batches = [await batch(row, rounds)]
  const [first] = batches
  if (first !== undefined && rounds > 1 && unsteady(first)) {
    process.stderr.write(`  spread over ${UNSTEADY * 100} %: again\n`)
    batches.push(await batch(row, rounds))
  }
  const { standings, verdicts } = batches.reduce((least, next) => (worst(next) > worst(least) ? next : least))
  const { key, title, unequal } = row
  return { key, title, tls, ...(unequal !== undefined && { unequal }), standings, verdicts, batches: batches.length }
}
