import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { placeFile, placeFileAside, syncFolder, writeAllAside, writeNew } from '../../src/content/durable-file.ts'
import { fault } from '../fault.ts'
import { inSmallRoom } from '../small-room.ts'
import { scratch } from './scratch.ts'

describe('content/durable-file', () => {
  const path = scratch()

  /** A file in a folder of its own. */
  function place(text?: string): string {
    const dir = path('folder')
    mkdirSync(dir)
    if (text !== undefined) writeFileSync(`${dir}/file`, text)
    return `${dir}/file`
  }

  function modeOf(file: string): number {
    return statSync(file).mode & 0o777
  }

  it('puts a file in the place of another, and leaves nothing beside it', async () => {
    const file = place('before')
    writeFileSync(`${file}.new`, 'left by a killed run')
    placeFile(file, 'after', 0o640)
    assert.equal(readFileSync(file, 'utf8'), 'after')
    assert.equal(modeOf(file), 0o640)
    await placeFileAside(file, (handle) => writeAllAside(handle, Buffer.from('later'), 0))
    assert.equal(readFileSync(file, 'utf8'), 'later')
    assert.equal(modeOf(file), 0o600)
    assert.deepEqual(readdirSync(dirname(file)), ['file'])
  })

  it('writes over nothing that is there, and through no link', () => {
    const file = place('before')
    assert.throws(() => writeNew(file, 'after'), { code: 'EEXIST' })
    const link = path('link')
    symlinkSync(path('nowhere'), link)
    assert.throws(() => writeNew(link, 'after'), { code: 'EEXIST' })
    assert.equal(readFileSync(file, 'utf8'), 'before')
  })

  it('keeps the file that was there when the next can not be made', async () => {
    const file = place('before')
    assert.throws(() => placeFile(file, 'after', 0o600, `${file}/below`), fault('OUTPUT_FAILED', file))
    const broken = placeFileAside(file, async (handle) => {
      await writeAllAside(handle, Buffer.from('half'), 0)
      throw new RangeError('no more')
    })
    await assert.rejects(broken, RangeError)
    assert.equal(readFileSync(file, 'utf8'), 'before')
    assert.deepEqual(readdirSync(dirname(file)), ['file'])
  })

  for (const [name, call] of [
    ['placeFile', 'placeFile(file, bytes, 0o600)'],
    ['placeFileAside', 'placeFileAside(file, (handle) => writeAllAside(handle, bytes, 0))'],
    ['writeAllAside', 'placeFileAside(file, (handle) => writeAllAside(handle.fd, bytes, 0))'],
  ] as const)
    it(`names no file of which a part alone found room: ${name}`, () => {
      const file = place('before')
      const said = inSmallRoom(
        2,
        `import { placeFile, placeFileAside, writeAllAside } from './src/content/durable-file.ts'
        const file = ${JSON.stringify(file)}
        const bytes = Buffer.alloc(3000, 'x')
        try {
          await ${call}
          console.log('placed')
        } catch (error) {
          console.log((error.cause ?? error).code)
        }`,
      )
      assert.equal(said, 'EFBIG')
      assert.equal(readFileSync(file, 'utf8'), 'before')
    })

  it('takes a file for no folder', () => {
    assert.throws(() => syncFolder(place('before')), { code: 'ENOTDIR' })
  })
})
