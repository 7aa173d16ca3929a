/** A pipe's large blobs are hashed by a second thread out of a ring: whatever the reads bring, it must say what one thread says. */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { hash } from 'node:crypto'
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seeded } from '../../bundles/vectors/channels.ts'
import { BundleReader, fileInput, isPipeInput, pipeInput, type ByteInput } from '../../src/bundle/index.ts'
import { RingFiller, sharedRing, SLOT, SLOTS, type SharedRing } from '../../src/bundle/hash-ring.ts'
import { HashThread } from '../../src/bundle/hash-thread.ts'
import { encodeBlobHeader, layOutPayload } from '../../src/bundle/layout.ts'
import { SallyportError } from '../../src/errors/index.ts'
import { DescriptorTable, digestOf, type Algorithm, type Descriptor } from '../../src/oci/index.ts'
import type { Passage } from '../../src/transfer/passage/passage.ts'
import { provePayload } from '../../src/transfer/passage/payload.ts'

const MIB = 1024 * 1024
const random = seeded('hash-thread')
const upTo = (limit: number): number => 1 + (random(4).readUInt32BE() % limit)

function described(bytes: Buffer, algorithm: Algorithm = 'sha256'): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes, algorithm), size: bytes.length }
}

/** What a producer wrote a piece at a time, as the thread has it. */
async function hashed(thread: HashThread, bytes: Buffer, algorithm: Algorithm, piece: () => number): Promise<string> {
  const hasher = thread.hasherFor(described(bytes, algorithm)) ?? assert.fail('no thread')
  for (let at = 0; at < bytes.length;) {
    const slot = await thread.slot()
    const count = bytes.copy(slot, 0, at, at + Math.min(slot.length, piece()))
    at += count
    // Two members may share a slot, so a piece may begin anywhere in it.
    const cut = count >> 1
    hasher.update(slot.subarray(0, cut))
    hasher.update(slot.subarray(cut, count))
    slot.fill(0, count)
  }
  return hasher.digest('hex')
}

async function threaded<T>(use: (thread: HashThread) => Promise<T>, shared?: SharedRing): Promise<T> {
  const thread = new HashThread(new RingFiller(0, shared))
  thread.start()
  try {
    return await use(thread)
  } finally {
    await thread.end()
  }
}

describe('bundle/hash-thread', function () {
  this.timeout(120_000)
  const bytes = random(5 * MIB + 123)

  it('hashes one blob after the other, whatever the size of the pieces', async () => {
    await threaded(async (thread) => {
      for (const limit of [SLOT, SLOT - 1, 4096, 511])
        for (const algorithm of ['sha256', 'sha512'] as const) {
          const blob = bytes.subarray(0, MIB + upTo(4 * MIB))
          const piece = (): number => upTo(limit)
          assert.equal(await hashed(thread, blob, algorithm, piece), hash(algorithm, blob), `${algorithm} ${limit}`)
        }
    })
  })

  it('goes on where the count of orders runs over', async () => {
    await threaded(
      async (thread) => assert.equal(await hashed(thread, bytes, 'sha256', () => 9999), hash('sha256', bytes)),
      sharedRing(2 ** 31 - 300),
    )
  })

  it('begins anew after a blob that was left half read', async () => {
    await threaded(async (thread) => {
      const slot = await thread.slot()
      thread.hasherFor(described(bytes))?.update(slot)
      assert.equal(await hashed(thread, bytes, 'sha256', () => SLOT), hash('sha256', bytes))
    })
  })

  for (const ahead of [0, 1] as const)
    it(`never hands a slot out while it is still to be hashed, ${ahead} being read beforehand`, () => {
      const filler = new RingFiller(ahead)
      filler.turn()
      let lent = filler.slot
      filler.begin('sha256')
      for (let i = 1; i < SLOTS - ahead; i++) {
        filler.turn()
        assert.equal(filler.settled(false, 0), true, `slot ${i}`)
        filler.update(lent)
        lent = filler.slot
      }
      filler.turn()
      // No thread follows, so nothing of it is hashed.
      assert.equal(filler.settled(false, 1), false)
      assert.throws(() => filler.update(Buffer.alloc(1)), /not in the ring/)
    })

  it('fails when the thread does, instead of waiting for it', async () => {
    const broken = { ...sharedRing(), result: new SharedArrayBuffer(0) }
    await assert.rejects(
      threaded((thread) => hashed(thread, bytes, 'sha256', () => SLOT), broken),
      RangeError,
    )
  })

  it('takes no blob before it is started, after its end, or below the size that is worth it', async () => {
    const thread = new HashThread()
    assert.equal(thread.hasherFor(described(bytes)), undefined)
    thread.start()
    assert.equal(thread.hasherFor(described(bytes.subarray(0, 1000))), undefined)
    assert.notEqual(thread.hasherFor(described(bytes)), undefined)
    await thread.end()
    assert.equal(thread.hasherFor(described(bytes)), undefined)
  })
})

describe('bundle/hash-thread behind a pipe', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-ring-'))
  const sound = join(dir, 'sound')
  const file = join(dir, 'payload')
  const first = random(7 * MIB + 77)
  // Two of the second size follow each other: its small neighbours are hashed by the reading thread.
  const contents = [
    first,
    random(1000),
    random(3 * MIB),
    random(3 * MIB),
    Buffer.alloc(0),
    Buffer.alloc(62 * MIB, random(4096)),
  ]
  const blobs = contents.map((content, i) => described(content, i === 5 ? 'sha512' : 'sha256'))
  const payload = layOutPayload(DescriptorTable.of(blobs), 0)
  const { end } = payload
  const placed = [...payload]
  const children: ChildProcess[] = []
  // Closed at the end: a read that is left behind would take bytes of whatever is opened under the same number next.
  const left: number[] = []

  before(() => {
    const fd = openSync(sound, 'w')
    for (const [i, { descriptor, headerAt, offset }] of placed.entries()) {
      const header = encodeBlobHeader(descriptor)
      writeSync(fd, header, 0, header.length, headerAt)
      const content = contents[i] ?? assert.fail()
      writeSync(fd, content, 0, content.length, offset)
    }
    closeSync(fd)
    truncateSync(sound, end + 1024)
  })
  after(() => {
    // With what the shells started: a silent writer would keep a read of ours, and so this process, waiting.
    for (const { pid, exitCode } of children) if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL')
    for (const fd of left) closeSync(fd)
    rmSync(dir, { recursive: true })
  })

  /** The fault, all of it; undefined when the payload is proven. */
  async function faultOf(input: ByteInput, signal?: AbortSignal): Promise<object | undefined> {
    const passage = { payload, reader: new BundleReader(input) } as unknown as Passage
    try {
      await provePayload(input, passage, { signal })
      return undefined
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      const { code, side, subject, message } = error
      return { code, side, subject, message }
    } finally {
      await input.close()
    }
  }

  /** What one thread says of the file, front to back. */
  async function plainly(): Promise<object | undefined> {
    const input = fileInput(file)
    return faultOf({ name: file, next: () => input.next(), close: () => input.close() })
  }

  /** What is said of the file's bytes as a pipe, read in full slots. */
  async function ringed(waiting: boolean): Promise<object | undefined> {
    const fd = openSync(file, 'r')
    left.push(fd)
    return faultOf(pipeInput(fd, waiting))
  }

  /** The same through a real pipe that this program, a shell's, fills. */
  async function produced(waiting: boolean, script: string, signal?: AbortSignal): Promise<object | undefined> {
    const fifo = join(dir, `fifo-${children.length}`)
    children.push(spawn('sh', ['-c', `mkfifo ${fifo}; { ${script}; } > ${fifo}`], { stdio: 'ignore', detached: true }))
    const fd = await opened(fifo)
    left.push(fd)
    return faultOf(pipeInput(fd, waiting, signal), signal)
  }

  async function opened(fifo: string): Promise<number> {
    for (;;) {
      try {
        return openSync(fifo, 'r')
      } catch {
        await new Promise((done) => setTimeout(done, 10))
      }
    }
  }

  function spoiled(at: number): void {
    const fd = openSync(file, 'r+')
    const [was = 0] = fileByte(at)
    writeSync(fd, Buffer.of(was ^ 1), 0, 1, at)
    closeSync(fd)
  }

  function fileByte(at: number): Buffer {
    const place = placed.findLast(({ offset, descriptor }) => offset <= at && at < offset + descriptor.size)
    const content = contents[placed.indexOf(place ?? assert.fail())] ?? assert.fail()
    return content.subarray(at - (place?.offset ?? 0))
  }

  beforeEach(() => copyFileSync(sound, file))

  for (const waiting of [false, true]) {
    const how = waiting ? 'waiting' : 'blocking'
    it(`accepts what is sound, from a fast producer and from one in pieces that pauses, ${how}`, async () => {
      assert.equal(await ringed(waiting), undefined)
      assert.equal(await produced(waiting, `cat ${file}`), undefined)
      assert.equal(await produced(waiting, `head -c 9000000 ${file}; sleep 0.5; tail -c +9000001 ${file}`), undefined)
      assert.equal(await produced(waiting, `dd if=${file} bs=1777 status=none`), undefined)
    })

    it(`tells damage on either side of every slot of the ring, as one thread does, ${how}`, async () => {
      for (let slot = 1; slot <= SLOTS + 2; slot++) {
        const at = slot * SLOT - (slot & 1)
        spoiled(at)
        const said = await ringed(waiting)
        assert.equal((said as { code?: string } | undefined)?.code, 'DIGEST_MISMATCH', `offset ${at}`)
        if (slot % 16 === 0) assert.deepEqual(said, await plainly())
        const fd = openSync(file, 'r+')
        writeSync(fd, fileByte(at), 0, 1, at)
        closeSync(fd)
      }
      assert.equal(await ringed(waiting), undefined)
    })

    it(`says of an end anywhere what one thread says, ${how}`, async () => {
      const [, second, third] = placed
      const ends = [
        0,
        100,
        512,
        3 * SLOT,
        SLOTS * SLOT,
        SLOTS * SLOT + 1,
        second?.headerAt,
        third?.offset,
        end,
        end + 1023,
      ]
      for (const length of ends.map((at = assert.fail()) => at).toSorted((a, b) => b - a)) {
        truncateSync(file, length)
        const said = await ringed(waiting)
        assert.equal((said as { code?: string } | undefined)?.code, 'TAR_TRUNCATED', `at ${length}`)
        assert.deepEqual(said, await plainly(), `at ${length}`)
      }
    })

    it(`tells the first of two damages, although the second is read meanwhile, ${how}`, async () => {
      const [one, , , fourth] = placed
      spoiled((one?.offset ?? 0) + first.length - 1)
      truncateSync(file, fourth?.headerAt)
      const said = await ringed(waiting)
      assert.equal((said as { code?: string } | undefined)?.code, 'DIGEST_MISMATCH')
      assert.deepEqual(said, await plainly())
    })

    it(`tells a damaged blob when its last byte has come, whoever is silent then, ${how}`, async () => {
      spoiled(SLOT)
      const started = performance.now()
      const said = await produced(waiting, `head -c ${placed[1]?.headerAt ?? assert.fail()} ${file}; sleep 60`)
      assert.equal((said as { code?: string } | undefined)?.code, 'DIGEST_MISMATCH')
      assert.ok(performance.now() - started < 30_000)
    })

    it(`ends when it is told to, and its thread with it, ${how}`, async () => {
      const stop = new AbortController()
      const size = placed[2]?.offset ?? assert.fail()
      setTimeout(() => stop.abort(), 300)
      // Who blocks on a pipe hears of it at the next blob, who waits for one while nothing comes.
      const pause = waiting ? 60 : 1
      const said = await produced(
        waiting,
        `head -c ${size} ${file}; sleep ${pause}; tail -c +${size + 1} ${file}`,
        stop.signal,
      )
      assert.equal((said as { code?: string } | undefined)?.code, 'INTERRUPTED')
    })
  }

  it('starts no thread for a small bundle', async () => {
    const fd = openSync(file, 'r')
    const input = pipeInput(fd, false)
    assert.ok(isPipeInput(input))
    const few = layOutPayload(DescriptorTable.of(blobs.slice(0, 3)), 0)
    const passage = { payload: few, reader: new BundleReader(input) } as unknown as Passage
    await assert.rejects(provePayload(input, passage, {}), { code: 'TAR_END' })
    assert.equal(input.hashing.hasherFor(blobs[0] ?? assert.fail()), undefined)
    closeSync(fd)
  })
})
