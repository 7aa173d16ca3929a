/** Every row of the bench, once around at a hundredth of its size: that it runs to its end and its checks hold, never how fast. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMPILE_CACHE, MAIN } from '../cli/program.ts'
import { needPeers } from '../peers/setup/run.ts'
import type { Result } from './contest.ts'
import { ROWS, WITHOUT_NETWORK } from './rows.ts'

const BENCH = join(import.meta.dirname, 'bench.ts')
const LIMIT = 300_000

interface Told {
  results: Pick<Result, 'key' | 'tls' | 'standings'>[]
  failures: string[]
}

describe('bench', function () {
  this.timeout(LIMIT + 30_000)
  let dir: string
  let told: Told = { results: [], failures: [] }
  let said = ''

  before(async function () {
    needPeers(this)
    dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
    const json = join(dir, 'bench.json')
    const args = [BENCH, '--both', '--scale', '0.01', '--rounds', '1', '--main', MAIN, '--json', json]
    const env = { ...process.env, ...COMPILE_CACHE, SALLYPORT_BENCH: dir }
    // By SIGTERM it takes its registries along; what a row that hangs kept from running is missed below.
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: LIMIT })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(child, 'close')
    if (existsSync(json)) told = JSON.parse(readFileSync(json, 'utf8')) as Told
  })
  after(() => dir && rmSync(dir, { recursive: true }))

  it('says of no row that it failed', () => assert.deepEqual(told.failures, []))

  for (const row of Object.keys(ROWS))
    it(`runs ${row} to its end, each contender once`, () => {
      const results = told.results.filter(({ key }) => key === row)
      assert.equal(results.length, WITHOUT_NETWORK.test(row) ? 1 : 2, said.slice(-2000))
      for (const { standings } of results) for (const { seconds } of standings) assert.equal(seconds.length, 1)
    })
})
