import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { planFor, Stage } from '../transfer/stage.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

interface Ended {
  exit: number | null
  /** What it died of, when it did not end by itself. */
  signal: NodeJS.Signals | null
  out: string
  err: string
}

function run(
  args: string[],
  stdin: number | 'pipe',
): { ended: Promise<Ended>; kill: (signal: NodeJS.Signals) => void } {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: [stdin, 'pipe', 'pipe'] })
  const text = { out: '', err: '' }
  child.stdout?.on('data', (chunk: Buffer) => (text.out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (text.err += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => child.on('close', (exit, signal) => resolve({ exit, signal, ...text })))
  return { ended, kill: (signal) => void child.kill(signal) }
}

describe('review: - for a pipe', () => {
  let stage: Stage
  let bundle: string
  before(async () => {
    stage = await Stage.make()
    const demo = stage.path('demo')
    await buildDemoLayout(demo)
    bundle = stage.path('june.tar')
    await stage.export({ plan: planFor(`oci:${demo}`), output: bundle, now: new Date() })
  })
  after(() => stage.close())

  it('is read from standard input by inspect, verify and import', async () => {
    const state = await stage.site('site-a', new Date())
    for (const args of [
      ['inspect', '-'],
      ['verify', '-', '--state', state],
      ['verify', '--state', state, '-'],
      ['import', '-', '--to', `oci:${stage.path('out')}`, '--state', state],
    ]) {
      const fd = openSync(bundle, 'r')
      const { exit, err } = await run(args, fd).ended
      closeSync(fd)
      assert.equal(exit, 0, `${args.join(' ')}: ${err}`)
    }
  })

  it('cannot be approved', async () => {
    const { exit, err } = await run(['approve', '-', '--key', join(stage.keys, 'alice.pem')], 'pipe').ended
    assert.equal(exit, 2)
    assert.match(err, /APPROVAL_STREAM/)
  })

  for (const verb of ['inspect', 'verify', 'import']) {
    it(`ends at a signal while ${verb} waits for bytes that do not come`, async () => {
      const state = await stage.site('site-a', new Date())
      const more = { inspect: [], verify: ['--state', state], import: ['--state', state, '--to', 'oci:nowhere'] }[verb]
      const { ended, kill } = run([verb, '-', ...(more ?? [])], 'pipe')
      await sleep(1500)
      kill('SIGTERM')
      await sleep(500)
      kill('SIGTERM')
      const stuck = sleep(4000).then(() => kill('SIGKILL'))
      const { exit, signal } = await ended
      // A shell reports either as more than 128; what may not be is that only SIGKILL ends it.
      assert.ok(exit === 130 || signal === 'SIGINT' || signal === 'SIGTERM', `exit ${exit}, signal ${signal}`)
      void stuck
    })
  }
})
