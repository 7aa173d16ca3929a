import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Provers, THREADS, type RunOrder } from '../../src/bundle/provers.ts'
import { ReadAhead } from '../../src/bundle/read-ahead.ts'

const MIB = 1024 * 1024
const TIMES_AT = 16
const CHUNKS = 2

/** As a thread would have left it that has read so many chunks since, and reads on. */
function seen(chunks: number, millisecondsAgo: number, threads = 1): ReadAhead {
  const ahead = new ReadAhead(threads)
  new Int32Array(ahead.shared)[CHUNKS] = chunks
  const times = new Float64Array(ahead.shared, TIMES_AT)
  for (let at = 0; at < times.length; at += 2) times[at] = performance.timeOrigin + performance.now() - millisecondsAgo
  return ahead
}

const chunksRead = (ahead: ReadAhead): number => new Int32Array(ahead.shared)[CHUNKS] ?? NaN

describe('bundle/read-ahead', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-ahead-'))
  const file = join(dir, 'bundle')
  let fd: number
  before(() => {
    writeFileSync(file, 'x')
    truncateSync(file, 64 * MIB)
    fd = openSync(file, 'r')
  })
  after(() => {
    closeSync(fd)
    rmSync(dir, { recursive: true })
  })

  it('reads all of a small file, and nothing once it is told to stop', () => {
    const ahead = new ReadAhead(1)
    ahead.run(0, fd, 3 * MIB + 1, Buffer.alloc(MIB))
    assert.equal(chunksRead(ahead), 7)
    ahead.stop()
    ahead.run(0, fd, 64 * MIB, Buffer.alloc(MIB))
    assert.equal(chunksRead(ahead), 7)
  })

  it('shares one file among threads: each chunk is read once', async () => {
    const ahead = new ReadAhead(2)
    const module = new URL('../../src/bundle/read-ahead.ts', import.meta.url)
    const script = `const { workerData: d } = require('node:worker_threads')
      import(d.module).then(({ ReadAhead }) => new ReadAhead(d.shared).run(1, d.fd, d.size, Buffer.alloc(d.size)))`
    const size = 5 * MIB
    const worker = new Worker(script, {
      eval: true,
      workerData: { module: module.href, shared: ahead.shared, fd, size },
    })
    ahead.run(0, fd, size, Buffer.alloc(MIB))
    await new Promise((resolve) => worker.once('exit', resolve))
    assert.equal(chunksRead(ahead), 10)
  })

  it('ends at what can’t be read, for others to tell', () => {
    const ahead = new ReadAhead(1)
    const folder = openSync(dir, 'r')
    ahead.run(0, folder, 64 * MIB, Buffer.alloc(MIB))
    closeSync(folder)
    assert.equal(chunksRead(ahead), 0)
  })

  it('calls a medium slow by what it waits for, beyond what was read unasked', () => {
    assert.equal(seen(0, 1000).isSlow, true, 'nothing came in a second')
    assert.equal(seen(16 + 400, 1000).isSlow, true, '200 MiB a second')
    assert.equal(seen(16 + 1000, 1000).isSlow, false, '500 MiB a second')
    assert.equal(seen(16 + 1000, 1000, 8).isSlow, false, '500 MiB a second, by eight threads')
    assert.equal(seen(0, 10).isSlow, false, 'too short to tell')
    assert.equal(new ReadAhead(4).isSlow, false, 'no thread has begun')
  })

  it('takes no silence for a proof: of threads that were ended nothing is proven', async () => {
    const provers = new Provers(fd, 64 * MIB, seen(0, 5000, THREADS + 1))
    const proving = provers.prove(() => [][Symbol.iterator](), {})
    await Promise.all([assert.rejects(proving, /were ended/), provers.end()])
  })

  it('waits for no thread that ended before it was asked', async () => {
    const ahead = new ReadAhead(THREADS)
    // Too short for what it is to hold: each thread fails as it starts.
    Object.defineProperty(ahead, 'shared', { value: new SharedArrayBuffer(4) })
    const provers = new Provers(fd, 64 * MIB, ahead)
    const ended: Promise<void>[] = []
    const hear = (thread: Worker): void =>
      void ended.push(new Promise((resolve) => thread.once('exit', () => resolve())))
    process.on('worker', hear)
    provers.start()
    await turn()
    process.off('worker', hear)
    assert.equal(ended.length, THREADS)
    await Promise.all(ended)
    await assert.rejects(provers.prove(() => [][Symbol.iterator](), {}))
  })

  it('gives one thread the runs in the order of the file where the medium is slow', async () => {
    for (const [ahead, wanted] of [
      [seen(0, 5000, THREADS + 1), 'of the file'],
      [new ReadAhead(THREADS), 'largest first'],
    ] as const) {
      const provers = new Provers(fd, 64 * MIB, ahead)
      const orders: RunOrder[] = []
      const none = (order: RunOrder): Iterator<never[], void> => {
        orders.push(order)
        return [][Symbol.iterator]()
      }
      assert.deepEqual(await provers.prove(none, {}), [])
      assert.deepEqual(orders, [wanted])
    }
  })
})
