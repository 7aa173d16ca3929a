/** `make demo` is believed as it stands, so it must notice a step that ends otherwise than it should. */
import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMPILE_CACHE, MAIN } from '../cli/program.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** The program, but for the one run that lies: `LIE` is its number, its exit status, and the word it says for another. */
const LIAR = `
import { spawnSync } from 'node:child_process'
import { appendFileSync, statSync } from 'node:fs'
const count = new URL('count', import.meta.url)
appendFileSync(count, '.')
const { status, stdout, stderr } = spawnSync(process.execPath, [${JSON.stringify(MAIN)}, ...process.argv.slice(2)])
const [number, told, word, other] = (process.env.LIE ?? '').split(' ')
const lies = Number(number) === statSync(count).size
process.stdout.write(stdout)
process.stderr.write(lies && word ? stderr.toString().replaceAll(word, other) : stderr)
process.exitCode = lies ? Number(told) : status
`

describe('docs/demo', function () {
  this.timeout(120_000)
  let dir: string

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-demo-'))
    for (const name of ['scripts', 'dist/cli']) mkdirSync(join(dir, name), { recursive: true })
    for (const name of ['fixtures', 'node_modules', 'src', 'package.json'])
      symlinkSync(join(ROOT, name), join(dir, name))
    copyFileSync(join(ROOT, 'scripts/demo.sh'), join(dir, 'scripts/demo.sh'))
    writeFileSync(join(dir, 'dist/cli/main.js'), LIAR)
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  function demo(lie = ''): SpawnSyncReturns<string> {
    const env = { ...process.env, ...COMPILE_CACHE, LIE: lie }
    return spawnSync('bash', [join(dir, 'scripts/demo.sh')], { env, encoding: 'utf8' })
  }

  it('shows the passage and two refusals in at most 40 lines', () => {
    const { status, stdout, stderr } = demo()
    assert.deepEqual([status, stderr], [0, ''], stdout)
    assert.ok(stdout.trimEnd().split('\n').length <= 40, stdout)
    for (const verb of ['export', 'approve', 'verify', 'import'])
      assert.ok(stdout.includes(`$ sallyport ${verb} `), verb)
    assert.deepEqual(stdout.match(/(?<=sallyport: )[A-Z_]+/g), ['DIGEST_MISMATCH', 'ROLLBACK'])
  })

  for (const [lie, what] of [
    ['1 3', 'first step ends with another status'],
    ['7 3', 'import leaves something out'],
    ['9 0', 'damaged copy is let in'],
    ['9 10 DIGEST_MISMATCH TAR_TRUNCATED', 'damaged copy is refused by another code'],
    ['13 0', 'replay is let in'],
  ] as const)
    it(`fails where the ${what}`, () => assert.equal(demo(lie).status, 1))
})
