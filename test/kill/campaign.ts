/** Kills one command at many of its steps, and asks after each kill whether the next run makes everything good. */
import { rmSync } from 'node:fs'
import { LANES, tally, type Ended, type Program, type RunOptions, type Step } from './program.ts'
import { mulberry32 } from '../seed.ts'

/** How often each command is killed: a number, or `all` for every step and every torn write. */
const KILLS = process.env['KILLS'] ?? '25'
const SEED = Number(process.env['SEED'] ?? 20261124)

/** One way to end a run. */
export interface Kill {
  /** What ends it; with `under`, that program does and `at` is 0. */
  run: Pick<RunOptions, 'at' | 'tear' | 'under'>
  /** Kills the run after it as well, at this step of its own. */
  again?: number
}

export interface Job<W extends { dir: string }> {
  name: string
  /** A work folder, ready for the command; `name` is unlike all others. */
  prepare(name: string): Promise<W>
  args(work: W): string[]
  run?(work: W): RunOptions
  /** What must be true while the killed run lies there. */
  atKill(work: W, died: Step | undefined): Promise<void>
  /** What must be true when the rerun has ended, whatever its status. */
  after(work: W, rerun: Ended): Promise<void>
}

export interface Outcome {
  steps: Step[]
  /** Kills that were asked for. */
  wanted: number
  killed: number
  /** Killed runs whose next run was killed as well. */
  twice: number
  byKind: Map<string, number>
}

/** Numbers from 0 to 1 that a seed and this name give again. */
export function seeded(name: string): () => number {
  let state = SEED
  for (const char of name) state = (Math.imul(state, 31) + char.charCodeAt(0)) | 0
  return mulberry32(state)
}

/** Whether the tools of others look at this work too: at every one, but at each eighth where every step is swept. */
export function thorough(name: string): boolean {
  return KILLS !== 'all' || Number(/\d*$/.exec(name)?.[0]) % 8 === 0
}

/** A kill before the first step or after the last is none: before step 2 at the earliest. */
function chosen(steps: readonly Step[], count: number, name: string): Kill[] {
  const writes = new Set(steps.filter(({ kind }) => kind === 'write').map(({ n }) => n))
  const ordinals = steps.map(({ n }) => n).filter((n) => n > 1)
  if (KILLS === 'all')
    return ordinals.flatMap((at) => [{ run: { at } }, ...(writes.has(at) ? [{ run: { at, tear: true } }] : [])])
  const chance = seeded(name)
  const picked = ordinals
    .map((at) => ({ at, order: chance() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
  return picked.map(({ at }, i) => ({
    run: { at, tear: chance() < 0.5 },
    ...(i % 5 === 0 ? { again: 2 + Math.floor(chance() * (ordinals.length - at + 10)) } : {}),
  }))
}

/** Kills one run of the job and asks after it; undefined when it was not killed, and then it must have come through. */
export async function killOne<W extends { dir: string }>(
  program: Program,
  job: Job<W>,
  kill: Kill,
  name: string,
): Promise<{ died: Step | undefined; twice: boolean } | undefined> {
  const work = await job.prepare(name)
  let died: Step | undefined
  let ended: Ended | undefined
  try {
    const options = { ...job.run?.(work), watch: [work.dir] }
    ended = await program.run(job.args(work), { ...options, ...kill.run })
    died = ended.steps.at(-1)
    // Steps under way together come in no fixed order, and there may be one less: then the run came through.
    if (ended.status !== 'SIGKILL') {
      await job.after(work, ended)
      return undefined
    }
    await job.atKill(work, died)
    let twice = false
    if (kill.again !== undefined) {
      ended = await program.run(job.args(work), { ...options, at: kill.again })
      twice = ended.status === 'SIGKILL'
      if (twice) await job.atKill(work, ended.steps.at(-1))
    }
    if (ended.status === 'SIGKILL') ended = await program.run(job.args(work), options)
    await job.after(work, ended)
    return { died, twice }
  } catch (error) {
    const step = `step ${died?.n} (${died?.kind} ${died?.subject})`
    const where = `${job.name}, ${JSON.stringify(kill)}, SEED=${SEED}, before ${step}`
    throw new Error(`killed: ${where}\n${(error as Error).message}\n${ended?.text}`, { cause: error })
  } finally {
    rmSync(work.dir, { recursive: true, force: true })
  }
}

/** Counts the steps of an undisturbed run, then kills it `count` times. Throws with all that went wrong. */
export async function campaign<W extends { dir: string }>(
  program: Program,
  job: Job<W>,
  count: number,
): Promise<Outcome> {
  const begun = Date.now()
  const work = await job.prepare('undisturbed')
  const whole = await program.run(job.args(work), { ...job.run?.(work), watch: [work.dir] })
  await job.after(work, whole)
  rmSync(work.dir, { recursive: true, force: true })
  const kills = chosen(whole.steps, KILLS === 'all' ? 0 : Math.min(count, Number(KILLS)), job.name)
  const outcome: Outcome = { steps: whole.steps, wanted: kills.length, killed: 0, twice: 0, byKind: new Map() }
  const failures: Error[] = []
  const queue = kills.map((kill, i) => ({ kill, name: `k${i}` }))
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        const done = await killOne(program, job, next.kill, next.name)
        if (done === undefined) continue
        outcome.killed++
        if (done.twice) outcome.twice++
        const kind = done.died?.kind ?? 'none'
        outcome.byKind.set(kind, (outcome.byKind.get(kind) ?? 0) + 1)
      } catch (error) {
        failures.push(error as Error)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const seconds = Math.round((Date.now() - begun) / 1000)
  console.log(`      ${job.name}: ${whole.steps.length} steps (${tally(whole.steps)}), ${seconds} s`)
  const kinds = [...outcome.byKind].map(([kind, n]) => `${n} ${kind}`).join(', ')
  console.log(`      killed ${outcome.killed} times, ${outcome.twice} of them twice, before ${kinds}; SEED=${SEED}`)
  if (failures.length > 0) {
    const shown = failures.slice(0, 5).map(({ message }) => message)
    throw new Error(`${failures.length} of ${kills.length} kills were not made good\n${shown.join('\n\n')}`)
  }
  return outcome
}
