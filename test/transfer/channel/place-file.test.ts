import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inSmallRoom } from '../../small-room.ts'

describe('transfer/channel/place-file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-place-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('names no file of which a part alone found room', () => {
    const file = join(dir, 'channel.json')
    writeFileSync(file, 'before')
    const said = inSmallRoom(
      2,
      `import { placeFile } from './src/transfer/channel/place-file.ts'
      try {
        placeFile(${JSON.stringify(file)}, Buffer.alloc(3000, 'x'), 0o600)
        console.log('placed')
      } catch (error) {
        console.log(error.code)
      }`,
    )
    assert.equal(said, 'DISK_FULL')
    assert.equal(readFileSync(file, 'utf8'), 'before')
  })
})
