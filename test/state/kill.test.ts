import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkState, State } from '../../src/state/index.ts'
import { COMPILE_CACHE } from '../cli/program.ts'
import { digest, initState, NOW, pinOf, removeFolders, REPOSITORY, TARGET } from './folder.ts'
import { seeded } from '../seed.ts'

const WRITER = join(import.meta.dirname, 'writer-process.ts')
const KILLS = Number(process.env['STATE_KILLS'] ?? 40)

/** Lets a writer work from a number on, kills it some time after its first word, and gives back what it acknowledged. */
async function killedWriter(dir: string, from: number, after: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, dir, String(from)], {
    env: { ...process.env, ...COMPILE_CACHE },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => (said += text))
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  await sleep(after)
  assert.equal(child.exitCode, null, 'the writer ended by itself')
  child.kill('SIGKILL')
  await closed
  return said.split('\n').slice(0, -1)
}

describe('state/kill', () => {
  after(removeFolders)

  it('loses nothing that was acknowledged when its writer is killed, time and again', async function () {
    this.timeout(300_000)
    const chance = seeded(`${KILLS} kills`)
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.close()
    const { dir } = state
    let next = 1
    let acknowledged = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const said = await killedWriter(dir, next, chance() * 60)
      acknowledged += said.length
      const reader = await State.open(dir, { write: false, now: NOW })
      const writer = await State.open(dir, { write: true, now: NOW })
      let newest = next - 1
      for (const line of said) {
        const [what, number = ''] = line.split(' ')
        const at = Number(number)
        newest = Math.max(newest, at)
        if (what === 'head') assert.ok((writer.channel('vendor-a')?.last?.sequence ?? 0) >= at)
        if (what === 'held')
          for (const held of [digest(at), digest(-at)]) {
            assert.ok(await writer.heldIn(TARGET, REPOSITORY, held), line)
            assert.ok(await reader.heldIn(TARGET, REPOSITORY, held), line)
          }
        if (what === 'tag') assert.equal((await writer.tagHistory(TARGET, REPOSITORY, `v${at}`)).length, 1, line)
      }
      const recorded = writer.channel('vendor-a')?.last?.sequence ?? 0
      assert.ok(recorded - newest <= 1, `row of sequence ${recorded} is there, ${newest} was the last one said`)
      assert.ok(writer.openIntents().length <= 1)
      await writer.close()
      assert.equal((await checkState(dir, { now: NOW })).count, 0)
      next = recorded + 1
    }
    console.log(`      ${acknowledged} acknowledged, 0 lost`)
    assert.ok(acknowledged > KILLS)
  })
})
