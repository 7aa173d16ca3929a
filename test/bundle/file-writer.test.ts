import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileWriter, layOut, memoryInput, promise, type BundleLayout, type PlacedBlob } from '../../src/bundle/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { BUNDLES, judging, prove, readExpectations } from './corpus.ts'

const NAME = 'accept/multi-platform.tar'

describe('bundle/file-writer', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-writer-'))
  const whole = readFileSync(join(BUNDLES, NAME))
  let layout: BundleLayout
  let output: string
  let n = 0

  before(async () => {
    const judge = readExpectations().accept[NAME] ?? assert.fail()
    const { head, files, census } = await prove(memoryInput([Buffer.from(whole)]), judging(judge))
    const made = promise(files.transfer, census.repositories, census.content)
    layout = layOut({ ...head, roots: [...head.roots.values()] }, made.files, census.content)
  })
  beforeEach(() => void (output = join(dir, `${n++}.tar`)))
  after(() => rmSync(dir, { recursive: true }))

  /** Fills the places of these blobs. */
  function fill(writer: FileWriter, blobs: Iterable<PlacedBlob> = layout.blobs): void {
    for (const blob of blobs) {
      const { fd, offset } = writer.slot(blob, 0)
      writeSync(fd, whole, offset, blob.descriptor.size, offset)
    }
  }

  it('gives the same bytes in whichever order blobs arrive, under its name only when whole', async () => {
    const writer = new FileWriter(output, layout, false)
    writer.writeReady()
    fill(writer, [...layout.blobs].toReversed())
    assert.equal(existsSync(output), false)
    await writer.finish()
    assert.ok(readFileSync(output).equals(whole))
    assert.equal(existsSync(writer.part), false)
  })

  it('goes on with what a stopped run left, and believes only what it hashes', async () => {
    const [first, second, ...rest] = layout.blobs
    if (first === undefined || second === undefined) assert.fail()
    const stopped = new FileWriter(output, layout, false)
    stopped.writeReady()
    fill(stopped, [first, second])
    writeSync(stopped.fd, Buffer.of((whole[second.offset] ?? 0) ^ 1), 0, 1, second.offset)
    await stopped.close()
    const writer = new FileWriter(output, layout, true)
    writer.writeReady()
    assert.deepEqual([writer.holds(first), writer.holds(second)], [true, false])
    for (const blob of rest) assert.equal(writer.holds(blob), blob.descriptor.size === 0)
    fill(writer, [second, ...rest])
    await writer.finish()
    assert.ok(readFileSync(output).equals(whole))
  })

  it('tells of a part that can not be read', () => {
    const first = [...layout.blobs].find(({ descriptor }) => descriptor.size > 0)
    if (first === undefined) assert.fail()
    const writer = new FileWriter(join(dir, 'unread.tar'), layout, false)
    closeSync(writer.fd)
    assert.throws(
      () => writer.holds(first),
      (error) => isFault(error, 'OUTPUT_FAILED'),
    )
  })

  it('refuses what does not fit before anything is written', () => {
    assert.throws(
      () => new FileWriter(output, { ...layout, size: 2 ** 52 }, false),
      (error) => isFault(error, 'DISK_FULL'),
    )
  })

  it('names a folder that it cannot write to', () => {
    assert.throws(
      () => new FileWriter(join(dir, 'absent', 'x.tar'), layout, false),
      (error) => isFault(error, 'OUTPUT_FAILED'),
    )
  })

  it('writes through no link, and waits for no pipe, that lies where its part belongs', () => {
    const place = join(dir, 'planted.tar')
    const victim = join(dir, 'victim')
    writeFileSync(victim, 'precious')
    const planted: ((part: string) => void)[] = [
      (part) => symlinkSync(victim, part),
      (part) => linkSync(victim, part),
      (part) => symlinkSync(join(dir, 'nowhere'), part),
      (part) => mkdirSync(part),
      (part) => execFileSync('mkfifo', [part]),
    ]
    for (const plant of planted) {
      plant(`${place}.part`)
      for (const resume of [false, true])
        assert.throws(
          () => new FileWriter(place, layout, resume),
          (error) => isFault(error, 'OUTPUT_FAILED'),
        )
      rmSync(`${place}.part`, { recursive: true })
    }
    assert.equal(readFileSync(victim, 'utf8'), 'precious')
    assert.equal(existsSync(join(dir, 'nowhere')), false)
  })
})
