import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault } from '../../../src/errors/index.ts'
import type { Digest } from '../../../src/oci/index.ts'
import {
  partNames,
  Progress,
  readStopped,
  writeStopped,
  type StoppedExport,
} from '../../../src/transfer/export/stopped-export.ts'
import { inSmallRoom } from '../../small-room.ts'

describe('transfer/export/stopped-export', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-stopped-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  const record: StoppedExport = {
    format: 'sallyport-part/1',
    inputs: 'x',
    created: '2026-11-24T00:00:00Z',
    sequence: 1,
    id: null,
    resolved: {},
    removed: {},
  }

  it('keeps the record that was there when a part alone of the next finds room, and no file open', () => {
    const output = join(dir, 'june.tar')
    writeStopped(output, record)
    const said = inSmallRoom(
      2,
      `import { readdirSync } from 'node:fs'
      import { writeStopped } from './src/transfer/export/stopped-export.ts'
      const record = { ...${JSON.stringify(record)}, sequence: 2, inputs: 'x'.repeat(3000) }
      const open = () => readdirSync('/proc/self/fd').length
      const before = open()
      try {
        writeStopped(${JSON.stringify(output)}, record)
        console.log('written')
      } catch (error) {
        console.log(error.code, open() - before)
      }`,
    )
    assert.equal(said, 'DISK_FULL 0')
    assert.deepEqual(readStopped(output), record)
  })

  it('takes a record that somebody else wrote for none', () => {
    const output = join(dir, 'may.tar')
    const { plan } = partNames(output)
    writeStopped(output, record)
    assert.deepEqual(readStopped(output), record)
    // The time goes into the bundle, and one that is none ended the run.
    for (const other of [
      { created: 'x' },
      { created: '2026-02-30T00:00:00Z' },
      { sequence: 0.5 },
      { resolved: { a: 0 } },
    ]) {
      writeFileSync(plan, JSON.stringify({ ...record, ...other }))
      assert.equal(readStopped(output), undefined, JSON.stringify(other))
    }
    writeFileSync(plan, `[${'{},'.repeat(3_000_000)}{}]`)
    assert.equal(readStopped(output), undefined)
  })

  const any = (): boolean => true
  const blob = (n: number): Digest => `sha256:${n.toString(16).padStart(64, '0')}`

  it('gives back what was claimed, the last claim of each, over lines that are none', () => {
    const output = join(dir, 'july.tar')
    const { progress } = partNames(output)
    const first = new Progress(output, any)
    // Lines that lie across the chunks that are read.
    for (let n = 0; n < 2000; n += 1) first.claim(blob(n), n)
    first.claim(blob(7), 70)
    first.close()
    appendFileSync(progress, `junk\n${blob(8)} -1\n${blob(9)} 99999999999999999\n${blob(10)} 1`)
    const second = new Progress(output, any)
    assert.deepEqual(
      [7, 8, 9, 10, 1999, 2000].map((n) => second.claimed(blob(n))),
      [70, 8, 9, 10, 1999, 0],
    )
    second.close()
    const third = new Progress(output, (digest) => digest !== blob(7))
    assert.deepEqual([third.claimed(blob(7)), third.claimed(blob(8))], [0, 8])
    third.close()
  })

  it('reads what has no lines in little memory', () => {
    const output = join(dir, 'august.tar')
    truncateSync(openAndClose(partNames(output).progress), 256 * 1024 ** 2)
    const before = process.memoryUsage.rss()
    new Progress(output, any).close()
    assert.ok(process.memoryUsage.rss() - before < 128 * 1024 ** 2)
  })

  it('adds to no link, and waits for no pipe, that lies where its progress belongs', () => {
    const output = join(dir, 'september.tar')
    const { progress, plan } = partNames(output)
    const victim = join(dir, 'victim')
    writeFileSync(victim, '')
    for (const plant of [
      () => symlinkSync(victim, progress),
      () => symlinkSync(join(dir, 'nowhere'), progress),
      () => linkSync(victim, progress),
      () => execFileSync('mkfifo', [progress]),
    ]) {
      plant()
      assert.throws(
        () => new Progress(output, any),
        (error) => isFault(error, 'OUTPUT_FAILED'),
      )
      rmSync(progress)
    }
    assert.equal(existsSync(join(dir, 'nowhere')), false)
    execFileSync('mkfifo', [plan])
    assert.equal(readStopped(output), undefined)
  })
})

function openAndClose(file: string): string {
  writeFileSync(file, '')
  return file
}
