import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { planFor, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport, start } from './program.ts'

const EMPTY = { status: 0, stderr: '' }

describe('cli/watch', function () {
  this.timeout(120_000)
  let stage: Stage
  const bundles: string[] = []

  before(async () => {
    stage = await Stage.make()
    const demo = join(stage.dir, 'demo')
    await buildDemoLayout(demo)
    for (const hours of [2, 1]) {
      const output = stage.path('bundle.tar')
      await stage.export({ output, plan: planFor(`oci:${demo}`), now: new Date(Date.now() - hours * 3_600_000) })
      bundles.push(output)
    }
  })
  after(() => stage?.close())

  async function work(): Promise<{ inbox: string; state: string; args: string[] }> {
    const inbox = stage.path('inbox')
    mkdirSync(inbox)
    const state = await stage.site()
    const args = ['watch', inbox, '--to', `oci:${stage.path('out')}`, '--state', state, '--json']
    return { inbox, state, args }
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      assert.ok(tries < 1000, 'it never came')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  it('looks once, and ends with the status of what it met', async () => {
    const { inbox, args } = await work()
    const { status, stderr } = await sallyport([...args, '--once', '--quiet'])
    assert.deepEqual({ status, stderr }, EMPTY)
    copyFileSync(bundles[0] ?? '', join(inbox, 'a.tar'))
    writeFileSync(join(inbox, 'b.tar'), Buffer.alloc(4096))
    const ended = await sallyport([...args, '--once'])
    const { ok, report } = documentIn(ended.stdout)
    assert.deepEqual([ended.status, ok, report['imported'], report['rejected']], [10, false, 1, 1])
    const told = documentIn(readFileSync(join(inbox, 'rejected', 'b.tar.report.json'), 'utf8'))
    assert.deepEqual(
      [told.ok, told.verb, told.exit, told.error.code, told.error.side, typeof told.error.remedy],
      [false, 'import', 10, 'TAR_TRAILING', 'bundle', 'string'],
    )
    const done = documentIn(readFileSync(join(inbox, 'done', 'a.tar.report.json'), 'utf8'))
    assert.deepEqual([done.ok, done.verb, done.report['sequence']], [true, 'import', 1])
  })

  it('says in words what waits, for what, and which copies run', async () => {
    const { inbox, args } = await work()
    const whole = readFileSync(bundles[0] ?? '')
    writeFileSync(join(inbox, 'a.tar'), whole.subarray(0, whole.length - 512))
    copyFileSync(bundles[1] ?? '', join(inbox, 'b.tar'))
    writeFileSync(join(inbox, 'c.tar.part'), '')
    const { status, stdout } = await sallyport([...args.filter((arg) => arg !== '--json'), '--once'])
    assert.equal(status, 0)
    const lines = stdout.split('\n')
    for (const line of [/^waiting +a\.tar: \S/, /^waiting +b\.tar: a\.tar, /, /^left alone +c\.tar\.part: /])
      assert.equal(lines.filter((text) => line.test(text)).length, 1, stdout)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`takes what arrives while it runs, and ends with 0 at ${signal}`, async () => {
      const { inbox, args } = await work()
      const run = start([...args, '--interval', '1s'])
      await until(() => existsSync(join(inbox, 'rejected')))
      copyFileSync(bundles[0] ?? '', join(inbox, 'a.tar.part'))
      renameSync(join(inbox, 'a.tar.part'), join(inbox, 'a.tar'))
      await until(() => existsSync(join(inbox, 'done', 'a.tar.report.json')))
      run.child.kill(signal)
      const ended = await run.ended
      assert.deepEqual([ended.status, ended.signal], [0, null], ended.stderr)
      const { report } = documentIn(ended.stdout)
      assert.deepEqual([report['stopped'], report['imported']], [true, 1])
      // The lock went with it.
      assert.deepEqual(readdirSync(inbox).sort(), ['done', 'rejected'])
    })
  }

  it('ends with 130 when one look is stopped', async () => {
    const { inbox, args } = await work()
    copyFileSync(bundles[0] ?? '', join(inbox, 'a.tar'))
    const run = start([...args, '--once', '--settle', '1h'])
    await until(() => existsSync(join(inbox, 'rejected')))
    await new Promise((resolve) => setTimeout(resolve, 100))
    run.child.kill('SIGTERM')
    const ended = await run.ended
    assert.deepEqual([ended.status, documentIn(ended.stdout).error.code], [130, 'INTERRUPTED'])
    assert.ok(existsSync(join(inbox, 'a.tar')))
  })

  it('starts after a kill although the killed one could not give its lock back', async () => {
    const { inbox, args } = await work()
    const run = start(args)
    await until(() => existsSync(join(inbox, 'rejected')))
    const second = await sallyport([...args, '--once'])
    assert.deepEqual([second.status, documentIn(second.stdout).error.code], [22, 'FOLDER_LOCKED'])
    run.child.kill('SIGKILL')
    await run.ended
    assert.ok(readdirSync(inbox).some((name) => name.startsWith('.sallyport-lock-')))
    assert.equal((await sallyport([...args, '--once'])).status, 0)
    assert.deepEqual(readdirSync(inbox).sort(), ['done', 'rejected'])
  })

  it('tells of an overdue channel by status and by watch, with 15, until its bundle is here', async () => {
    const { inbox, state, args } = await work()
    const expecting = ['channel', 'expect', 'vendor-a', '--state', state]
    assert.equal((await sallyport([...expecting, '--every', '1s'])).status, 0)
    await new Promise((resolve) => setTimeout(resolve, 2100))
    const files = ['--status', join(inbox, '..', 'status.json'), '--textfile', join(inbox, '..', 'site.prom')]
    const commands: string[][] = [
      ['status', '--state', state, ...files],
      [...args, '--once', ...files],
    ]
    for (const command of commands) {
      const { status, stdout } = await sallyport(command)
      assert.equal(status, 15, command.join(' '))
      assert.match(stdout, /CHANNEL_OVERDUE/)
      assert.match(
        readFileSync(files[3] ?? '', 'utf8'),
        /^sallyport_channel_overdue\{channel="vendor-a",purpose="content"\} 1$/m,
      )
    }
    assert.equal((await sallyport([...expecting, '--every', '7d'])).status, 0)
    copyFileSync(bundles[0] ?? '', join(inbox, 'a.tar'))
    assert.equal((await sallyport([...args, '--once'])).status, 0)
    assert.equal((await sallyport(['status', '--state', state])).status, 0)
    const never = await sallyport([...expecting, '--never', '--json'])
    assert.deepEqual([never.status, documentIn(never.stdout).report['everySeconds']], [0, null])
  })

  for (const [what, args] of [
    ['no span', ['--interval', 'often']],
    ['a span of nothing', ['--settle', '0s']],
    ['a folder that is not there', []],
  ] as const)
    it(`refuses ${what}`, async () => {
      const { args: all } = await work()
      const command = args.length === 0 ? ['watch', stage.path('none'), ...all.slice(2)] : [...all, ...args]
      assert.equal((await sallyport([...command, '--once'])).status, 2)
    })
})
