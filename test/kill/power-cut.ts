/** Takes the power from a job, call by call, and asks after each cut what must be true, as the campaign of kills does. */
import assert from 'node:assert/strict'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { seeded, type Job } from './campaign.ts'
import { readCalls, recording, type FileCall } from './file-calls.ts'
import { ALL_LOST, Disk, someLost } from './lost-power.ts'
import type { Ended, Program } from './program.ts'

const ALL = process.env['KILLS'] === 'all'
/** Cuts of a job after which it runs again, twice each; after the others it is only looked at. */
const RERUNS = ALL ? 40 : 2
/** One in so many of these others, where a job has more than a few. */
const LOOKS = ALL ? 1 : 3
const FEW = 20

export interface Recorded<W> {
  work: W
  /** As it was before the first run. */
  disk: Disk
  /** As it was after the last one, and nothing synced of itself. */
  end: Disk
  calls: FileCall[]
  /** Numbers of the calls that changed or synced something below the work's folder. */
  points: number[]
  runs: Ended[]
}

/** A lock that was given back may lie there again. Its holder is dead, and whoever comes next takes it away. */
export function dropLocks(dir: string): void {
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
    if (/\.sallyport-lock-[^/]*$/.test(name)) rmSync(join(dir, name))
}

/** Runs the job once for each step of `ats`, killed before it; 0 lets it live. */
export async function record<W extends { dir: string }>(
  program: Program,
  job: Job<W>,
  name: string,
  ...ats: number[]
): Promise<Recorded<W>> {
  const work = await job.prepare(name)
  const [disk, end] = [new Disk(work.dir), new Disk(work.dir)]
  const runs: Ended[] = []
  const calls: FileCall[] = []
  const log = join(program.root, 'calls')
  for (const at of ats) {
    const options = { ...job.run?.(work), watch: [work.dir], at, under: recording(log) }
    runs.push(await program.run(job.args(work), options))
    const before = calls.length
    for (const call of readCalls(log)) calls.push({ ...call, begun: call.begun + before })
    rmSync(log)
  }
  const points = calls.flatMap((call, n) => (end.apply(call, n) ? [n] : []))
  return { work, disk, end, calls, points, runs }
}

/**
 * Takes the power away after the calls of a run, and lets the next run begin after some of them.
 * @param kept - what must be there when the run has said that it is done
 */
export async function powerCuts<W extends { dir: string }>(
  program: Program,
  job: Job<W>,
  kept: (work: W, whole: Ended) => void | Promise<void>,
  look: (work: W) => void = () => undefined,
): Promise<Ended> {
  // An even number: an export is told no sequence, and has to find the one it had taken.
  const { work, disk, end, calls, points, runs } = await record(program, job, 'power-2', 0)
  const [whole] = runs
  assert.ok(whole)
  await job.after(work, whole)
  end.lose(ALL_LOST)
  dropLocks(work.dir)
  await kept(work, whole)
  const chance = seeded(`power ${job.name}`)
  const order = points.map((n) => ({ n, by: chance() })).sort((a, b) => a.by - b.by)
  const rerun = new Set(order.slice(0, RERUNS).map(({ n }) => n))
  const every = points.length > FEW ? LOOKS : 1
  let cuts = 0
  for (const [n, call] of calls.entries()) {
    if (!disk.apply(call, n)) continue
    if (!rerun.has(n) && n % every !== 0) continue
    for (const loss of [ALL_LOST, someLost(chance)]) {
      disk.lose(loss)
      cuts++
      const where = `${job.name}: power lost after call ${n} (${call.name} ${call.paths.join(' ')})`
      let again: Ended | undefined
      try {
        await job.atKill(work, undefined)
        look(work)
        if (!rerun.has(n)) continue
        again = await program.run(job.args(work), { ...job.run?.(work), watch: [work.dir] })
        await job.after(work, again)
      } catch (error) {
        throw new Error(`${where}\n${(error as Error).message}\n${again?.text}`, { cause: error })
      }
    }
  }
  console.log(`      ${job.name}: ${calls.length} calls, power lost ${cuts} times, ${rerun.size} of them run again`)
  assert.ok(cuts >= 6)
  return whole
}
