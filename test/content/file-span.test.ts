import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileBody, readSpan } from '../../src/content/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { need } from '../need.ts'

const fault = (code: Code) => (error: unknown) =>
  isFault(error, code) && error.side === 'bundle' && error.subject === 'offset 4'

describe('content/file-span', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-span-'))
  after(() => rmSync(dir, { recursive: true }))

  async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of stream) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  /** Both ways of reading a blob of so many bytes that begins at offset 4. */
  async function reading(
    file: string,
    size: number,
    check: (run: () => Promise<Buffer>) => Promise<void>,
  ): Promise<void> {
    const fd = openSync(file, 'r')
    try {
      await check(() => all(fileBody({ fd, offset: 4 }, size).open(0)))
      await check(async () => {
        const buffer = Buffer.alloc(size)
        readSpan({ fd, offset: 4 }, 0, buffer)
        return buffer
      })
    } finally {
      closeSync(fd)
    }
  }

  it('gives the bytes of the blob, and none beside it', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '....the blob....')
    await reading(file, 8, async (run) => assert.equal((await run()).toString(), 'the blob'))
  })

  it('says that the file was cut short', async () => {
    const file = join(dir, 'short')
    writeFileSync(file, '....')
    await reading(file, 8, (run) => assert.rejects(run(), fault('TAR_TRUNCATED')))
  })

  it('says that the medium cannot be read', async function () {
    // A real EIO of the kernel's: nothing is mapped at the beginning of a process.
    need(this, process.platform === 'linux', 'only Linux has /proc')
    await reading('/proc/self/mem', 8, (run) => assert.rejects(run(), fault('MEDIUM_UNREADABLE')))
  })

  it('says of what is no file that it is none', async () => {
    await reading(dir, 8, (run) => assert.rejects(run(), fault('FILE_UNREADABLE')))
  })
})
