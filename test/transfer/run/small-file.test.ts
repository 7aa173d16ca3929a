import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOwn, readSmall, SMALL_FILE_CAP } from '../../../src/transfer/run/small-file.ts'
import { fault } from '../../fault.ts'

describe('transfer/run/small-file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-small-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  function file(name: string, bytes: Uint8Array | string): string {
    const path = join(dir, name)
    writeFileSync(path, bytes)
    return path
  }

  for (const [name, read] of [
    ['readSmall', readSmall],
    ['readOwn', (path: string) => readOwn(path, SMALL_FILE_CAP)],
  ] as const)
    describe(name, () => {
      it('gives all bytes up to its cap', () => {
        for (const size of [0, 1, 64 * 1024, 200_000, SMALL_FILE_CAP]) {
          const bytes = Buffer.alloc(size, 'sallyport')
          assert.ok(read(file('whole', bytes)).equals(bytes), `${size}`)
        }
      })

      it('refuses what is larger, has no end, is a folder or is not there', () => {
        const large = file('large', '')
        truncateSync(large, SMALL_FILE_CAP + 1)
        for (const path of [large, '/dev/zero', dir, join(dir, 'nothing')])
          assert.throws(() => read(path), fault('FILE_UNREADABLE', path))
      })
    })

  it('reads a pipe that was named, to its end', () => {
    const some = '<(head -c 100000 /dev/zero; sleep 0.2; head -c 100000 /dev/zero)'
    const script = `import { readSmall } from './src/transfer/run/small-file.ts'
      console.log(readSmall(process.argv[1]).length)`
    const said = execFileSync(
      'bash',
      ['-c', `"$0" --input-type=module-typescript -e "$1" ${some}`, process.execPath, script],
      {
        cwd: join(import.meta.dirname, '../../..'),
        encoding: 'utf8',
      },
    )
    assert.equal(said, '200000\n')
  })

  it('waits for no pipe in a folder that is ours', () => {
    const pipe = join(dir, 'pipe')
    execFileSync('mkfifo', [pipe])
    assert.throws(() => readOwn(pipe, 10), fault('FILE_UNREADABLE', pipe))
  })

  it('reads no file of such a folder beyond the cap that it is given', () => {
    assert.equal(readOwn(file('ten', '0123456789'), 10).length, 10)
    assert.throws(() => readOwn(file('eleven', '0123456789a'), 10), fault('FILE_UNREADABLE'))
  })
})
