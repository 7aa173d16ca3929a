import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStopped, writeStopped, type StoppedExport } from '../../../src/transfer/export/stopped-export.ts'
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
})
