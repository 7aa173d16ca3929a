/** A medium that fails where it is read: a real process, its reads of the bundle refused by the kernel (strace). */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { stateBackup } from '../../src/transfer/index.ts'
import { PASSPHRASE, planFor, Stage } from '../transfer/stage.ts'
import { refused } from './failing-call.ts'
import { COMPILE_CACHE, documentIn, MAIN, sallyport, type JsonResult } from './program.ts'
import { needStrace } from '../need.ts'

const CALLS = 'read,pread64,readv,preadv'

describe('cli/medium', function () {
  this.timeout(180_000)
  let stage: Stage
  let bundle: string
  let state: string

  before(async function () {
    needStrace(this)
    stage = await Stage.make()
    await buildDemoLayout(join(stage.dir, 'demo'))
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${join(stage.dir, 'demo')}`), now: new Date() })
    state = await stage.site('site-a', new Date())
  })
  after(() => stage?.close())

  /** Runs a command; `when` says which of its reads of the file fail, in strace's words. */
  async function run(
    args: readonly string[],
    file: string,
    when?: string,
    error = 'EIO',
  ): Promise<{ status: number | null; out: JsonResult; reads: number }> {
    const log = stage.path('strace.log')
    const inject = when === undefined ? [] : ['-e', `inject=${CALLS}:error=${error}:when=${when}`]
    const under = ['-f', '-qq', '-o', log, '-P', file, '-e', `trace=${CALLS}`, ...inject]
    const stdin = args.includes('-') ? openSync(file, 'r') : 'ignore'
    const child = spawn('strace', [...under, process.execPath, MAIN, ...args, '--json', '--quiet'], {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...COMPILE_CACHE },
      stdio: [stdin, 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (typeof stdin === 'number') closeSync(stdin)
    return { status, out: documentIn(text), reads: readFileSync(log, 'latin1').trim().split('\n').length }
  }

  function assertMedium({ status, out }: { status: number | null; out: JsonResult }, when: string): void {
    assert.deepEqual([out.error?.code, status, out.error?.side], ['MEDIUM_UNREADABLE', 10, 'bundle'], when)
    assert.match(out.error.message, /EIO/, when)
  }

  const verify = (): string[] => ['verify', bundle, '--state', state]

  it('is told from a damaged bundle and from a wrong name, whichever read fails, once or for good', async () => {
    const { status, reads } = await run(verify(), bundle)
    assert.equal(status, 0)
    assert.ok(reads > 3, String(reads))
    for (let read = 1; read <= reads; read++) {
      const whens = read % 3 === 0 ? [`${read}`] : [`${read}+`]
      for (const when of whens) assertMedium(await run(verify(), bundle, when), when)
    }
  })

  it('is told on a pipe too', async () => {
    const args = ['verify', '-', '--state', state]
    assert.equal((await run(args, bundle)).status, 0)
    for (const when of ['1', '2', '3+']) assertMedium(await run(args, bundle, when), when)
  })

  it('stops an import before anything is written, and the next one completes it', async () => {
    const out = stage.path('out')
    const importing = ['import', bundle, '--to', `oci:${out}`, '--state', state]
    const journal = readFileSync(join(state, 'journal.jsonl'))
    for (const when of ['1+', '2', '3', '4+']) {
      assertMedium(await run(importing, bundle, when), when)
      assert.ok(!existsSync(out))
      assert.ok(readFileSync(join(state, 'journal.jsonl')).equals(journal))
    }
    assert.equal((await run(importing, bundle)).status, 0)
  })

  it('keeps its code apart: what is not there or not ours to read is the operator’s', async () => {
    const { status, out } = await run(['verify', stage.path('none.tar'), '--state', state], bundle)
    assert.deepEqual([out.error.code, status], ['FILE_UNREADABLE', 2])
    const denied = await run(verify(), bundle, '1+', 'EACCES')
    assert.deepEqual([denied.out.error.code, denied.status], ['FILE_UNREADABLE', 2])
  })

  it('is told of a source in a folder as the source’s', async () => {
    const layout = join(stage.dir, 'demo')
    writeFileSync(join(stage.dir, 'pw'), PASSPHRASE)
    const given = ['--passphrase-file', join(stage.dir, 'pw'), '--for-site', 'site-a', '-o', stage.path('new.tar')]
    const args = ['export', `oci:${layout}`, '--keys', stage.forkKeys(), ...given]
    const { status, out } = await run(args, join(layout, 'index.json'), '1+')
    assert.deepEqual([out.error.code, out.error.side, status], ['MEDIUM_UNREADABLE', 'source', 20])
  })

  it('is told of the journal that is backed up, and not of the output', async () => {
    const journal = join(state, 'journal.jsonl')
    const backup = stage.path('state.backup')
    const args = ['state', 'backup', backup, '--state', state]
    const read = { calls: CALLS, path: journal, error: 'EIO' }
    for (const when of ['1', '2+']) {
      const { status, out } = await refused(args, { ...read, when })
      assert.deepEqual([status, out.error.code, out.error.subject], [22, 'MEDIUM_UNREADABLE', journal], when)
    }
    const { status, out } = await refused(args, { calls: 'open,openat', path: journal, error: 'EACCES' })
    assert.deepEqual([status, out.error.code, out.error.subject], [22, 'STATE_UNWRITABLE', journal])
    assert.equal(existsSync(backup), false)
  })

  it('is told of the backup that is restored, and not of the state', async () => {
    const backup = stage.path('state.backup')
    await stateBackup({ state, file: backup })
    const fresh = stage.path('restored')
    const args = ['state', 'restore', backup, '--state', fresh, '--reason', 'test']
    const calls = `${CALLS},copy_file_range,sendfile`
    const { status, out } = await refused(args, { calls, path: backup, error: 'EIO' })
    assert.deepEqual([status, out.error.code, out.error.subject], [22, 'MEDIUM_UNREADABLE', backup])
    assert.equal((await sallyport([...args, '--json'])).status, 0)
    assert.equal(statSync(join(fresh, 'journal.jsonl')).mode & 0o777, 0o600)
  })
})
