import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { backup, checkState, rebuildIndex, State } from '../../src/state/index.ts'
import { COMPILE_CACHE } from '../cli/program.ts'
import { fault, initState, makeFolder, NOW, removeFolders } from './folder.ts'
import { answerOf, denialOf, FROM, listOf } from './lists.ts'

const WRITER = join(import.meta.dirname, 'list-writer-process.ts')
/** Numbers the steps of a process that leave a trace on the disk, and kills it before the one it is told. */
const KILLER = join(import.meta.dirname, '..', 'kill', 'killer.ts')
/** Kills at once: two cores. */
const LANES = 2

interface Step {
  n: number
  kind: string
  subject: string
}

interface Ended {
  steps: Step[]
  said: string[]
  killed: boolean
}

/** Runs the writer; `at` 0 lets it live, `tear` does half of a write that it is killed in. */
async function run(args: readonly string[], watch: string, at = 0, tear = false): Promise<Ended> {
  const log = join(makeFolder(), 'steps')
  const SALLYPORT_KILL = JSON.stringify({ folders: [watch], log, at, tear })
  const env = { PATH: process.env['PATH'] ?? '', ...COMPILE_CACHE, SALLYPORT_KILL }
  const child = spawn(process.execPath, ['--import', KILLER, WRITER, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text))
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  const steps = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [n = '', kind = '', ...subject] = line.split(' ')
      return { n: Number(n), kind, subject: subject.join(' ') }
    })
  return { steps, said: said.split('\n').slice(0, -1), killed: signal === 'SIGKILL' }
}

/** Every step of a run, torn as well where it is a write, on a few lanes. */
async function sweep(steps: readonly Step[], kill: (at: number, tear: boolean) => Promise<void>): Promise<number> {
  const kills = steps.flatMap(({ n, kind }) =>
    [false, ...(kind === 'write' ? [true] : [])].map((tear) => ({ n, tear })),
  )
  const { length } = kills
  const lane = async (): Promise<void> => {
    for (let next = kills.shift(); next !== undefined; next = kills.shift()) await kill(next.n, next.tear)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return length
}

/** Whatever is in force has its bytes, and journal, index and lists agree. */
async function sound(dir: string): Promise<State> {
  const reader = await State.open(dir, { write: false, now: NOW })
  for (const { digest, kept, issuerCertificate } of reader.heldLists())
    for (const named of [digest, issuerCertificate, kept])
      if (named !== undefined) assert.ok(await reader.listBytes(named), named)
  await (await State.open(dir, { write: true, now: NOW })).close()
  const report = await checkState(dir, { now: NOW })
  assert.deepEqual([report.count, report.lists], [0, []])
  return reader
}

async function endOf(dir: string): Promise<unknown> {
  const state = await State.open(dir, { write: false, now: NOW })
  const lists = state.heldLists().map(({ n: _n, ...list }) => list)
  await rebuildIndex(dir, { now: NOW })
  return {
    lists,
    denials: state.denials().map(({ n: _n, ...denial }) => denial),
    pending: [state.pending().lists, state.pending().denials],
    floor: state.floor,
    files: readdirSync(join(dir, 'lists')).sort(),
  }
}

describe('state/list kill', function () {
  this.timeout(600_000)
  after(removeFolders)

  it('has the bytes of a list on the disk before the row that names it', async () => {
    const state = await initState()
    await state.close()
    const { dir } = state
    const { steps, said } = await run(['take', dir], dir)
    assert.deepEqual(said, ['lists', 'denials', 'newer lists', 'rejudged'])
    const lists = join(dir, 'lists')
    const rows = steps.filter(({ kind, subject }) => kind === 'write' && subject === join(dir, 'journal.jsonl'))
    assert.equal(rows.length, 4)
    const renames = steps.filter(({ kind, subject }) => kind === 'rename' && subject.startsWith(`${lists}/`))
    // Two lists, what is kept, and one certificate; then another list and an answer.
    assert.equal(renames.length, 6)
    for (const [i, { n, subject }] of renames.entries()) {
      const row = rows[i < 4 ? 0 : 2]?.n ?? 0
      const of = (kind: string, what: string): number[] =>
        steps.filter((step) => step.kind === kind && step.subject === what).map((step) => step.n)
      const [written, synced] = [of('write', subject)[0] ?? Infinity, of('fsync', subject)[0] ?? Infinity]
      assert.ok(written < synced && synced < n && n < row, subject)
      assert.ok(
        of('fsync', lists).some((named) => named > n && named < row),
        'its name is durable too',
      )
    }
    const made = steps.find(({ kind, subject }) => kind === 'mkdir' && subject === lists)?.n ?? Infinity
    assert.ok(
      steps.some(({ n, kind, subject }) => kind === 'fsync' && subject === dir && n > made && n < (rows[0]?.n ?? 0)),
    )
  })

  it('ends the same when it is killed at any step of taking lists and denials, and run again', async () => {
    const start = await initState()
    await start.takeLists([listOf(4)], FROM)
    await start.close()
    const work = (): string => {
      const dir = join(makeFolder(), 'state')
      cpSync(start.dir, dir, { recursive: true })
      return dir
    }
    const whole = work()
    const { steps } = await run(['take', whole], whole)
    const wanted = await endOf(whole)
    const swept = await sweep(steps, async (at, tear) => {
      const dir = work()
      const { said, killed } = await run(['take', dir], dir, at, tear)
      assert.ok(killed, `step ${at}`)
      const reader = await sound(dir)
      if (said.includes('lists')) assert.ok(reader.heldLists().length >= 2)
      if (said.includes('denials')) assert.equal(reader.denials().length, 2)
      if (said.includes('newer lists')) assert.equal(reader.heldLists().length, 3)
      const again = await State.open(dir, { write: true, now: NOW })
      const newest = again.heldLists().find(({ form }) => form === 'base')?.number
      // The same command again: what a later step brought in force already is not set back by it.
      if (newest === '6') await assert.rejects(again.takeLists([listOf(5)], FROM), fault('LIST_ROLLBACK'))
      else await again.takeLists([listOf(5, { kept: Buffer.from('kept') }), listOf(5, { form: 'delta' })], FROM)
      await again.addDenials([denialOf(1), denialOf(2)], FROM)
      await again.takeLists([listOf(6), answerOf('a1', 6)], FROM)
      await again.markRejudged(again.head.n)
      await again.close()
      assert.deepEqual(await endOf(dir), wanted, `step ${at}`)
    })
    console.log(`      ${swept} kills, ${steps.length} steps`)
  })

  it('counts as empty or as restored when a restore is killed at any step', async () => {
    const start = await initState()
    await start.takeLists([listOf(4), listOf(4, { form: 'delta' })], FROM)
    await start.close()
    const file = join(makeFolder(), 'state.backup')
    await backup(start, file)
    const whole = makeFolder()
    const { steps } = await run(['restore', join(whole, 'state'), file], whole)
    let empty = 0
    // Every third: what it has in common with other writes is swept elsewhere.
    const third = steps.filter(({ n }) => n % 3 === 0)
    const swept = await sweep(third, async (at, tear) => {
      const folder = makeFolder()
      const dir = join(folder, 'state')
      const { killed } = await run(['restore', dir, file], folder, at, tear)
      assert.ok(killed, `step ${at}`)
      if (!existsSync(join(dir, 'journal.jsonl'))) {
        empty++
        await assert.rejects(State.open(dir, { write: true, now: NOW }), fault('STATE_EMPTY'))
        const { said } = await run(['restore', dir, file], folder)
        assert.deepEqual(said, ['restored'])
      }
      assert.deepEqual((await sound(dir)).heldLists(), start.heldLists())
      rmSync(folder, { recursive: true })
    })
    console.log(`      ${swept} kills, ${empty} times empty`)
    assert.ok(empty > 0 && empty < swept)
  })
})
