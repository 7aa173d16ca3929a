import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { PASSPHRASE, Stage, tree } from '../transfer/stage.ts'
import { COMPILE_CACHE, documentIn, MAIN, sallyport } from './program.ts'
import { need } from '../need.ts'

describe('cli/pipes', function () {
  this.timeout(120_000)
  let stage: Stage
  let passphrase: string
  let file: string
  const created = `${new Date().toISOString().slice(0, 19)}Z`

  before(async () => {
    stage = await Stage.make()
    await buildDemoLayout(join(stage.dir, 'demo'))
    passphrase = stage.path('pw')
    // Only the first line counts, with the line end of any system.
    writeFileSync(passphrase, `${PASSPHRASE}\r\nnot this one\n`)
    file = stage.path('june.tar')
    const made = await sallyport(exporting(file, stage.forkKeys()))
    assert.equal(made.status, 0, made.stderr)
  })

  after(() => stage?.close())

  it('says so when standard output takes no more', async () => {
    const run = spawn('sh', ['-c', 'exec "$0" "$@" >/dev/full', process.execPath, MAIN, '--help'], {
      env: { PATH: process.env['PATH'], ...COMPILE_CACHE },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    run.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()))
    const [status] = (await once(run, 'close')) as [number]
    assert.equal(status, 22)
    assert.match(said, /^sallyport: DISK_FULL[\s\S]*standard output/)
  })

  it('says that no space is left where a bundle goes to standard output', async () => {
    const full = await sh(`$SALLYPORT ${quoted(exporting('-', stage.forkKeys()))} >/dev/full`)
    assert.equal(full.status, 22)
    assert.match(full.stderr, /^sallyport: DISK_FULL[\s\S]*standard output/m)
  })

  it('writes no bundle to a terminal', async function () {
    const keys = stage.forkKeys()
    const before = tree(keys)
    const line = [process.execPath, MAIN, ...exporting('-', keys)].map((part) => `'${part}'`).join(' ')
    const { stdout } = await sh(`command -v script >/dev/null || exit 0; script -qec "${line}" /dev/null || true`)
    need(this, stdout.length > 0, 'script is missing')
    assert.match(stdout.toString(), /USAGE[\s\S]*--output/)
    assert.deepEqual(tree(keys), before)
  })

  const exporting = (output: string, keys: string, ...more: string[]): string[] => {
    const layout = `oci:${join(stage.dir, 'demo')}`
    const given = ['--passphrase-file', passphrase, '--created', created, '--sequence', '5', ...more]
    return ['export', layout, '--for-site', 'site-a', '--keys', keys, '-o', output, ...given]
  }

  /** What a shell makes of a command line, with the program's name as `$SALLYPORT`. */
  const shell = promisify(execFile)
  const sh = (script: string) =>
    shell('bash', ['-c', `set -o pipefail; ${script}`], {
      env: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        SALLYPORT: `${process.execPath} ${MAIN}`,
        ...COMPILE_CACHE,
      },
      encoding: 'buffer',
      maxBuffer: 1 << 26,
    }).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr: stderr.toString() }),
      (error: { code: number; stdout: Buffer; stderr: Buffer }) => ({
        status: error.code,
        stdout: error.stdout,
        stderr: error.stderr.toString(),
      }),
    )
  const quoted = (args: string[]): string => args.map((arg) => `'${arg}'`).join(' ')

  it('writes the same bytes to a pipe as to a file, and its report beside them', async () => {
    const piped = await sh(`$SALLYPORT ${quoted(exporting('-', stage.forkKeys()))}`)
    assert.equal(piped.status, 0, piped.stderr)
    assert.ok(piped.stdout.equals(readFileSync(file)))
    assert.match(piped.stderr, /^bundle id sha256:/m)
    const json = await sh(`$SALLYPORT ${quoted(exporting('-', stage.forkKeys(), '--json'))}`)
    assert.ok(json.stdout.equals(readFileSync(file)))
    const report = json.stderr.trim().split('\n').map(documentIn)
    assert.deepEqual(
      report.filter(({ ok }) => ok).map(({ verb }) => verb),
      ['export'],
    )
  })

  it('brings the same from a pipe as from a file', async () => {
    const now = new Date()
    const [fileOut, pipeOut] = [stage.path('file'), stage.path('pipe')]
    const [one, other] = [await stage.site('site-a', now), await stage.site('site-a', now)]
    assert.equal((await sallyport(['import', file, '--to', `oci:${fileOut}`, '--state', one])).status, 0)
    const verified = await sh(`cat '${file}' | $SALLYPORT verify - --state '${other}' --json`)
    assert.deepEqual([verified.status, documentIn(verified.stdout.toString()).ok], [0, true])
    const inspected = await sh(`cat '${file}' | $SALLYPORT inspect - --json`)
    assert.equal(inspected.status, 0, inspected.stderr)
    // In small runs, with pauses: as a diode gives it out.
    const slow = `(head -c 30000; sleep 0.2; cat) <'${file}'`
    const imported = await sh(`${slow} | $SALLYPORT import - --to 'oci:${pipeOut}' --state '${other}'`)
    assert.equal(imported.status, 0, imported.stderr)
    assert.deepEqual(
      Object.entries(tree(pipeOut)).filter(([name]) => name !== 'index.json'),
      Object.entries(tree(fileOut)).filter(([name]) => name !== 'index.json'),
    )
  })

  it('goes from one pipe into the other', async () => {
    const state = await stage.site('site-a', new Date())
    const out = stage.path('through')
    const line = `$SALLYPORT ${quoted(exporting('-', stage.forkKeys()))} | $SALLYPORT import - --to 'oci:${out}' --state '${state}'`
    const { status, stderr, stdout } = await sh(line)
    assert.equal(status, 0, stderr)
    assert.match(stdout.toString(), /^DONE$/m)
  })

  it('says that a pipe ended early, and moves no tag', async () => {
    const state = await stage.site('site-a', new Date())
    const { status, stdout } = await sh(
      `head -c 60000 '${file}' | $SALLYPORT import - --to 'oci:${stage.path('short')}' --state '${state}' --json`,
    )
    const { error } = documentIn(stdout.toString())
    assert.deepEqual([status, error.code], [10, 'TAR_TRUNCATED'])
    assert.doesNotMatch(readFileSync(join(state, 'journal.jsonl'), 'utf8'), /"tag-done".*"tag":"1\.0"/)
  })

  it('prints no error into a bundle that goes to a pipe', async () => {
    const bad = ['export', `oci:${stage.dir}/nowhere`, '--for-site', 'site-a', '--keys', stage.keys]
    for (const args of [
      [...bad, '-o', '-', '--passphrase-file', passphrase],
      [...bad, '--output=-', '--passphrase-file', passphrase],
      [...bad, '-o', '-', '--no-such-option'],
      ['export', '-o', '-'],
    ]) {
      const { status, stdout, stderr } = await sallyport([...args, '--json'])
      assert.deepEqual([status, stdout], [2, ''], args.join(' '))
      assert.ok(
        stderr
          .trim()
          .split('\n')
          .map(documentIn)
          .some(({ ok }) => !ok),
        stderr,
      )
    }
  })

  it('names an output that takes no more, and reads on when nobody reads what it says', async () => {
    const cut = await sh(`$SALLYPORT ${quoted(exporting('-', stage.forkKeys(), '--json'))} | head -c 1000 >/dev/null`)
    assert.equal(cut.status, 22, cut.stderr)
    assert.match(cut.stderr, /"code":"OUTPUT_FAILED"/)
    const state = await stage.site('site-a', new Date())
    const log = await sh(`$SALLYPORT log --state '${state}' | true; echo \${PIPESTATUS[0]}`)
    assert.deepEqual([log.stdout.toString().trim(), log.stderr], ['0', ''])
    const deaf = await sh(`$SALLYPORT import '${file}' --to 'oci:${stage.path('deaf')}' --state '${state}' 2>&- | cat`)
    assert.equal(deaf.status, 0)
    assert.match(deaf.stdout.toString(), /^DONE/m)
  })

  it('hears that it is to stop while it waits for a pipe', async () => {
    const state = await stage.site('site-a', new Date())
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-silent-'))
    try {
      for (const args of [
        ['verify', '-'],
        ['import', '-', '--to', `oci:${folder}/out`],
      ]) {
        const child = spawn(process.execPath, [MAIN, ...args, ...(args[0] === 'inspect' ? [] : ['--state', state])], {
          stdio: ['pipe', 'pipe', 'pipe'],
        })
        // Long enough to be at its input; before that it must hear as well.
        await new Promise((resolve) => setTimeout(resolve, 2000))
        child.kill('SIGINT')
        const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
        const [status, signal] = (await once(child, 'exit')) as [number | null, string | null]
        clearTimeout(late)
        // Which a shell calls 130 as well.
        assert.deepEqual([status, signal], [null, 'SIGINT'], args.join(' '))
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    assert.equal((await sallyport(['import', file, '--to', `oci:${stage.path('free')}`, '--state', state])).status, 0)
  })
})
