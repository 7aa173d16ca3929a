import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { isGone, thisProcess, type ProcessMark } from '../../src/content/process-mark.ts'
import { needHiddenProc, withoutProc } from '../without-proc.ts'
import { scratch } from './scratch.ts'
import { need } from '../need.ts'

const FREE = 4194303
const NOBODY = 65534

function fieldsOf(pid: number): { state: string | undefined; start: string } {
  const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return { state, start: rest[18] ?? '' }
}

describe('content/process-mark', () => {
  const path = scratch()
  const me = thisProcess()
  let file = ''

  before(() => {
    file = path('held')
    writeFileSync(file, '')
  })

  const gone = (other: Partial<ProcessMark>): boolean => isGone({ ...me, ...other }, me, file)

  it('knows this process by pid, start, boot, host and namespace', () => {
    assert.equal(me.pid, process.pid)
    assert.equal(me.host, hostname())
    assert.match(me.start, /^[1-9]\d*$/)
    assert.match(me.boot, /^[0-9a-f-]{36}$/)
    assert.match(me.space, /^pid:\[\d+\]$/)
    assert.deepEqual(thisProcess(), me)
  })

  it('proves one gone whose pid is free or another process, or that ran before the machine was booted', () => {
    for (const other of [{ pid: FREE }, { start: '1' }, { boot: 'another' }]) assert.ok(gone(other))
  })

  it('proves a zombie gone, and not before it is one', async () => {
    // The shell's child ends, and nobody asks for its end: exec made of its parent what knows of no child.
    const child = spawn('bash', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const pid = Number(said)
      const { start } = fieldsOf(pid)
      assert.ok(!isGone({ ...me, pid, start }, me, file))
      while (fieldsOf(pid).state !== 'Z') await new Promise((resolve) => setTimeout(resolve, 20))
      assert.ok(isGone({ ...me, pid, start }, me, file))
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('proves nothing of one that runs, on another host, in another container, or of which too little is known', () => {
    const free = { pid: FREE }
    for (const other of [
      {},
      { host: 'another', boot: 'another' },
      { space: 'pid:[1]', ...free },
      { boot: '', ...free },
      { pid: 0 },
    ])
      assert.ok(!gone(other), JSON.stringify(other))
  })

  it('proves nothing where its own boot is not known', () => {
    for (const other of [{}, { pid: FREE }, { boot: 'another' }])
      assert.ok(!isGone({ ...me, ...other }, { ...me, boot: '' }, file))
  })

  it('takes a pid that it can not see for free only where no other user may have it', function () {
    need(this, process.getuid?.() === 0, 'only root can become other users')
    chmodSync(dirname(file), 0o755)
    const script = `import { isGone, thisProcess } from './src/content/process-mark.ts'
      const me = thisProcess()
      const [file, uid] = process.argv.slice(1)
      process.setuid(Number(uid))
      console.log(isGone({ ...me, pid: ${FREE} }, me, file))`
    const seen = (owner: number, uid: number): string => {
      chownSync(file, owner, owner)
      const node = ['--input-type=module-typescript', '-e', script, file, String(uid)]
      return execFileSync(process.execPath, node, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' }).trim()
    }
    assert.deepEqual([seen(NOBODY, NOBODY), seen(0, NOBODY), seen(NOBODY, 0)], ['true', 'false', 'true'])
  })

  it('knows nothing without /proc, and proves nothing', function () {
    needHiddenProc(this)
    const said = withoutProc(`import { isGone, thisProcess } from './src/content/process-mark.ts'
      const me = thisProcess()
      const other = { ...${JSON.stringify(me)}, pid: ${FREE} }
      console.log(JSON.stringify([me, isGone(other, me, ${JSON.stringify(file)})]))`)
    assert.deepEqual(JSON.parse(said), [{ pid: 0, start: '', boot: '', host: hostname(), space: '' }, false])
  })
})
