import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../../bundles/vectors/channels.ts'
import { fileInput, isFileInput, memoryInput, pipeInput, type ByteInput } from '../../src/bundle/input.ts'
import { isFault } from '../../src/errors/index.ts'

async function all(input: ByteInput): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let chunk = await input.next(); chunk !== undefined; chunk = await input.next()) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

describe('bundle/input', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-input-'))
  const file = join(dir, 'file')
  const bytes = seeded('input')(3 * 1024 * 1024 + 17)
  before(() => writeFileSync(file, bytes))
  after(() => rmSync(dir, { recursive: true }))

  it('gives a file whole, and again from any offset', async () => {
    const input = fileInput(file)
    assert.ok(isFileInput(input))
    assert.equal(input.size, bytes.length)
    assert.ok((await all(input)).equals(bytes))
    input.seek(bytes.length - 5)
    assert.ok((await all(input)).equals(bytes.subarray(-5)))
    await input.close()
  })

  for (const waiting of [false, true])
    it(`gives a pipe whole, ${waiting ? 'waiting for' : 'blocking on'} a writer that pauses`, async () => {
      const fifo = join(dir, `fifo-${waiting}`)
      execFileSync('mkfifo', [fifo])
      const writer = spawn('sh', ['-c', `{ head -c 100000 ${file}; sleep 0.2; tail -c +100001 ${file}; } > ${fifo}`])
      const fd = openSync(fifo, 'r')
      const input = pipeInput(fd, waiting)
      assert.equal(isFileInput(input), false)
      assert.ok((await all(input)).equals(bytes))
      assert.equal(await input.next(), undefined)
      closeSync(fd)
      writer.kill()
    })

  it('takes nothing out of a pipe any more once it is closed', async () => {
    const fifo = join(dir, 'fifo-left')
    execFileSync('mkfifo', [fifo])
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    const stop = new AbortController()
    const input = pipeInput(fd, true, stop.signal)
    const coming = input.next()
    stop.abort()
    await assert.rejects(coming, (error) => isFault(error, 'INTERRUPTED'))
    await input.close()
    // A read that was under way then has found the pipe empty.
    await sleep(50)
    writeSync(fd, 'for whoever comes next')
    await sleep(50)
    assert.equal(readSync(fd, Buffer.alloc(64)), 22)
    closeSync(fd)
  })

  it('refuses a pipe in the place of a file, and waits for nobody who writes into it', () => {
    const fifo = join(dir, 'fifo-alone')
    execFileSync('mkfifo', [fifo])
    assert.throws(
      () => fileInput(fifo),
      (error) => isFault(error, 'FILE_UNREADABLE'),
    )
  })

  it('names a file that cannot be read', () => {
    assert.throws(
      () => fileInput(join(dir, 'absent')),
      (error) => isFault(error, 'FILE_UNREADABLE') && error.side === 'bundle',
    )
  })

  it('gives chunks of memory one by one', async () => {
    assert.ok((await all(memoryInput([bytes.subarray(0, 9), Buffer.alloc(0), bytes.subarray(9)]))).equals(bytes))
  })
})

describe('bundle/input kinds', () => {
  it('refuses as a file what has no size of its own', () => {
    assert.throws(() => fileInput('/dev/null'), { code: 'FILE_UNREADABLE' })
    assert.throws(() => fileInput('/'), { code: 'FILE_UNREADABLE' })
    const remedies = ['/dev/null', '/'].map((name) => {
      try {
        fileInput(name)
      } catch (error) {
        return isFault(error, 'FILE_UNREADABLE') ? error.remedy : undefined
      }
      return undefined
    })
    // A folder can't be given through standard input.
    assert.notEqual(remedies[0], remedies[1])
  })
})
