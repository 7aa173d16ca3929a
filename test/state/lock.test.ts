import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openLevel } from '../../src/state/engine.ts'
import { Lock, State } from '../../src/state/index.ts'
import { needHiddenProc, withoutProc } from '../without-proc.ts'
import { fault, initState, makeFolder, NOW, removeFolders } from './folder.ts'

const HOLDER = join(import.meta.dirname, 'lock-holder-process.ts')

async function holder(path: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  assert.ok(child.stdout)
  const [said] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, said }
}

async function end(child: ChildProcess, signal?: 'SIGKILL'): Promise<void> {
  const exit = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  if (signal === undefined) child.stdin?.end()
  else child.kill(signal)
  await exit
}

function lockIn(folder: string): string {
  return join(folder, 'journal.lock')
}

describe('state/lock', () => {
  after(removeFolders)

  it('refuses a second holder in this process and is free after release', async () => {
    const path = lockIn(makeFolder())
    const lock = await Lock.take(path, NOW)
    await assert.rejects(
      Lock.take(path, NOW),
      fault('STATE_LOCKED', new RegExp(`process ${process.pid} .*2026-11-24T`)),
    )
    await lock.release()
    assert.ok(!existsSync(path))
    await (await Lock.take(path, NOW)).release()
  })

  it('refuses while another process holds it and names that process', async () => {
    const path = lockIn(makeFolder())
    const { child, said } = await holder(path)
    assert.equal(said, 'taken')
    await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED', new RegExp(`process ${child.pid} `)))
    await end(child)
    await (await Lock.take(path, NOW)).release()
  })

  it('is taken over from a holder that was killed, and nothing is left beside it', async () => {
    const folder = makeFolder()
    const path = lockIn(folder)
    const { child } = await holder(path)
    await end(child, 'SIGKILL')
    assert.ok(existsSync(path))
    const lock = await Lock.take(path, NOW)
    await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED'))
    assert.deepEqual(readdirSync(folder), ['journal.lock'])
    await lock.release()
  })

  it('goes to exactly one of many that find the holder dead at once', async function () {
    this.timeout(120_000)
    for (let round = 0; round < 4; round++) {
      const folder = makeFolder()
      const path = lockIn(folder)
      await end((await holder(path)).child, 'SIGKILL')
      const rivals = await Promise.all(Array.from({ length: 6 }, () => holder(path)))
      assert.deepEqual(rivals.map(({ said }) => said).sort(), [
        ...Array.from({ length: 5 }, () => 'STATE_LOCKED'),
        'taken',
      ])
      await Promise.all(rivals.map(({ child }) => end(child)))
      await (await Lock.take(path, NOW)).release()
      assert.deepEqual(readdirSync(folder), [])
    }
  })

  it('goes to at most one of many in one process', async () => {
    const path = lockIn(makeFolder())
    const stale = { ...(await holderOf()), pid: 4194303 }
    for (let round = 0; round < 10; round++) {
      writeFileSync(path, JSON.stringify(stale))
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => Lock.take(path, NOW)))
      const won = tries.filter((result) => result.status === 'fulfilled')
      assert.equal(won.length, 1)
      await won[0]?.value.release()
    }
  })

  it('never lets one who saw the dead holder too late throw out the new one', async () => {
    const path = lockIn(makeFolder())
    const stale = { ...(await holderOf()), pid: 4194303 }
    for (let lead = 0; lead < 150; lead++) {
      writeFileSync(path, JSON.stringify(stale))
      const first = Lock.take(path, NOW)
      for (let turn = 0; turn < lead; turn++) await new Promise((resolve) => setImmediate(resolve))
      const tries = await Promise.allSettled([first, Lock.take(path, NOW)])
      const won = tries.filter((result) => result.status === 'fulfilled')
      assert.equal(won.length, 1, `the second started ${lead} turns later`)
      await won[0]?.value.release()
    }
  })

  it('judges a holder by pid, start, boot, namespace and host', async () => {
    const path = lockIn(makeFolder())
    const me = await holderOf()
    const gone = [
      { ...me, pid: 4194303 },
      { ...me, start: '1' },
      { ...me, boot: '00000000-0000-0000-0000-000000000000' },
    ]
    const unknown = [
      me,
      { ...me, host: `${hostname()}-other`, boot: 'x', pid: 4194303 },
      { ...me, space: 'pid:[1]', pid: 4194303 },
      { ...me, boot: '', pid: 4194303 },
      { ...me, pid: 'x' },
      { ...me, nonce: '../../../etc/x' },
      [],
    ]
    for (const holder of gone) {
      writeFileSync(path, JSON.stringify(holder))
      await (await Lock.take(path, NOW)).release()
    }
    for (const holder of unknown) {
      writeFileSync(path, JSON.stringify(holder))
      await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED'), JSON.stringify(holder))
    }
    writeFileSync(path, 'damaged')
    await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED'))
  })

  it('gives way to every holder where it has no /proc, and every one gives way to it', async function () {
    needHiddenProc(this)
    const path = lockIn(makeFolder())
    const asked = (): string =>
      withoutProc(`import { Lock } from './src/state/index.ts'
        await Lock.take(${JSON.stringify(path)}, new Date()).then(() => console.log('taken'), ({ code }) => console.log(code))`)
    writeFileSync(path, JSON.stringify({ ...(await holderOf()), pid: 4194303 }))
    assert.equal(asked(), 'STATE_LOCKED')
    rmSync(path)
    assert.deepEqual([asked(), asked()], ['taken', 'STATE_LOCKED'])
    await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED'))
  })

  it('goes on when a process died while it took over', async () => {
    const folder = makeFolder()
    const path = lockIn(folder)
    const dead = { ...(await holderOf()), pid: 4194303 }
    writeFileSync(path, JSON.stringify(dead))
    writeFileSync(`${path}.gone-${dead.nonce}`, JSON.stringify({ ...dead, nonce: '0123456789abcdef' }))
    writeFileSync(`${path}.fedcba9876543210`, JSON.stringify({ ...dead, nonce: 'fedcba9876543210' }))
    const lock = await Lock.take(path, NOW)
    assert.deepEqual(readdirSync(folder), ['journal.lock'])
    await lock.release()
  })

  it('leaves a lock alone that another one took after removal by hand', async () => {
    const path = lockIn(makeFolder())
    const first = await Lock.take(path, NOW)
    rmSync(path)
    const second = await Lock.take(path, NOW)
    await first.release()
    await assert.rejects(Lock.take(path, NOW), fault('STATE_LOCKED'))
    await second.release()
  })

  it('keeps one state to one writer, while readers pass', async () => {
    const state = await initState()
    await assert.rejects(State.open(state.dir, { write: true, now: NOW }), fault('STATE_LOCKED'))
    const reader = await State.open(state.dir, { write: false, now: NOW })
    assert.equal(reader.site, 'site-a')
    await reader.close()
    await state.close()
    await (await State.open(state.dir, { write: true, now: NOW })).close()
  })

  it('never opens one LevelDB twice, so that its own lock stays whole', async () => {
    const state = await initState()
    const index = join(state.dir, 'index')
    rmSync(lockIn(state.dir))
    await assert.rejects(State.open(state.dir, { write: true, now: NOW }), fault('STATE_LOCKED', /this process/))
    const script = `import { openLevel } from ${JSON.stringify(join(import.meta.dirname, '../../src/state/engine.ts'))}
      await openLevel(${JSON.stringify(index)}).then(() => console.log('open'), (error) => console.log(error.code))`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(createInterface(child.stdout), 'line')) as [string]
    assert.equal(said, 'STATE_LOCKED')
    await state.close()
    await (await openLevel(index)).close()
  })
})

async function holderOf(): Promise<Record<string, unknown> & { nonce: string }> {
  const path = lockIn(makeFolder())
  const lock = await Lock.take(path, NOW)
  const holder = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown> & { nonce: string }
  await lock.release()
  return holder
}
