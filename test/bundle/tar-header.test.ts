import assert from 'node:assert/strict'
import fc from 'fast-check'
import { pack } from 'tar-stream'
import { forgeHeader, resum } from '../../bundles/vectors/tar.ts'
import {
  blocksAfter,
  BLOCK,
  decodeHeader,
  encodeHeader,
  headerLength,
  OCTAL_END,
  padded,
} from '../../src/bundle/tar-header.ts'
import { isFault, type Code } from '../../src/errors/index.ts'

const SHORT = `blobs/sha256/${'5a'.repeat(32)}`
const LONG = `blobs/sha512/${'a5'.repeat(64)}`

/** The header bytes that tar-stream writes. */
async function theirs(name: string, size: number): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name, size, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'file' }).on('error', () => undefined)
  const length = headerLength(name)
  const chunks: Uint8Array[] = []
  for await (const chunk of tar) {
    chunks.push(chunk as Uint8Array)
    if (chunks.reduce((sum, part) => sum + part.length, 0) >= length) break
  }
  return Buffer.concat(chunks).subarray(0, length)
}

const refusing = (bytes: Buffer, code: Code): void =>
  assert.throws(
    () => decodeHeader(bytes, 7),
    (error) => isFault(error, code) && error.subject === 'offset 7',
  )

describe('bundle/tar-header', () => {
  const sizes = [0, 1, 511, 512, 1024 ** 2, OCTAL_END - 1]
  const large = [OCTAL_END, 9 * 1024 ** 3, 2 ** 40, 2 ** 52]

  it('writes what tar-stream writes', async () => {
    for (const size of sizes)
      assert.deepEqual(encodeHeader({ name: SHORT, size }), await theirs(SHORT, size), `${size}`)
  })

  it('writes what tar-stream writes from 8 GiB on, in base-256 and without a PAX record', async () => {
    for (const size of large) {
      const header = encodeHeader({ name: SHORT, size })
      assert.deepEqual(header, await theirs(SHORT, size), `${size}`)
      assert.equal(header.length, BLOCK)
      assert.equal(header[124], 0x80)
    }
  })

  it('writes what tar-stream writes for the long name of a sha512 blob', async () => {
    for (const size of [...sizes, ...large]) {
      const header = encodeHeader({ name: LONG, size })
      assert.deepEqual(header, await theirs(LONG, size), `${size}`)
      assert.deepEqual([header.length, headerLength(LONG), blocksAfter(header)], [3 * BLOCK, 3 * BLOCK, 2])
    }
  })

  it('reads every header it writes', () => {
    const size = fc.oneof(fc.nat(), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), fc.constantFrom(...large))
    fc.assert(
      fc.property(fc.constantFrom(SHORT, LONG, 'oci-layout', 'metadata/a/1.root.json'), size, (name, bytes) => {
        assert.deepEqual(decodeHeader(encodeHeader({ name, size: bytes }), 0), { name, size: bytes })
      }),
      { seed: 20261124 },
    )
  })

  it('reads no other spelling of what it writes', () => {
    const honest = encodeHeader({ name: SHORT, size: 300 })
    fc.assert(
      fc.property(fc.nat({ max: BLOCK - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        if (at >= 148 && at < 156) return
        const block = Buffer.from(honest)
        block[at] = (block[at] ?? 0) ^ change
        resum(block)
        try {
          assert.deepEqual(encodeHeader(decodeHeader(block, 0)), block)
        } catch (error) {
          assert.ok(isFault(error, 'TAR_HEADER', 'TAR_TYPE', 'TAR_NAME', 'TAR_SIZE'), String(error))
        }
      }),
      { seed: 20261124, numRuns: 2000 },
    )
  })

  it('refuses sizes in any other form', () => {
    const base256 = (hex: string): Buffer => forgeHeader(0, { name: SHORT, size: Buffer.from(hex, 'hex') })
    // Below 8 GiB, negative, beyond 2^53-1, with a stray bit before the number.
    for (const hex of [
      '800000000000000000000400',
      'ffffffffffffffffffffffff',
      '800000000020000000000000',
      '800001000000000200000000',
    ])
      refusing(base256(hex), 'TAR_SIZE')
    for (const text of ['-0000000001 ', '0000000030\0 ', '           1', '00000000009 ', '1'])
      refusing(forgeHeader(0, { name: SHORT, size: text }), 'TAR_SIZE')
  })

  it('refuses a PAX record that says more or less than the name', () => {
    const honest = encodeHeader({ name: LONG, size: 5 })
    const record = honest.toString('latin1', BLOCK, 2 * BLOCK).replace(/\0+$/, '')
    const changed = (text: string): Buffer => {
      const header = Buffer.from(honest)
      header.fill(0, BLOCK, 2 * BLOCK)
      header.write(text, BLOCK, 'latin1')
      return header
    }
    refusing(changed(`${record}10 size=9\n`), 'TAR_HEADER')
    refusing(changed(`9 size=9\n${record}`), 'TAR_HEADER')
    refusing(changed(record.replace('path', 'linkpath')), 'TAR_TYPE')
    refusing(changed(record.replace('sha512', 'sha256')), 'TAR_TYPE')
    refusing(changed(''), 'TAR_TYPE')
  })

  it('rounds up to whole blocks', () => {
    assert.deepEqual([0, 1, 511, 512, 513].map(padded), [0, 512, 512, 512, 1024])
    assert.equal(padded(9 * 1024 ** 3 + 1), 9 * 1024 ** 3 + 512)
  })
})
