import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encodeSums, encodeSums512, parseSums, parseSums512 } from '../../src/bundle/sums.ts'
import { isFault } from '../../src/errors/index.ts'
import { DigestTable, type Algorithm, type Digest } from '../../src/oci/index.ts'

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length })
const digests = (algorithm: Algorithm, minLength: number) =>
  fc.uniqueArray(
    hex(algorithm === 'sha256' ? 64 : 128).map((text): Digest => `${algorithm}:${text}`),
    { minLength, maxLength: 12 },
  )
const fixed = fc.tuple(hex(64), hex(64), hex(64))
const all = (list: DigestTable): Digest[] => Array.from({ length: list.length }, (_, i) => list.at(i))

describe('bundle/sums', () => {
  it('reads the lists it writes', () => {
    fc.assert(
      fc.property(fixed, digests('sha256', 0), digests('sha512', 1), (names, short, long) => {
        const sums = parseSums(encodeSums(names, DigestTable.of('sha256', short)))
        assert.deepEqual([sums.fixed, all(sums.blobs)], [names, short])
        assert.deepEqual(all(parseSums512(encodeSums512(DigestTable.of('sha512', long)))), long)
      }),
      { seed: 20261124 },
    )
  })

  it('reads one spelling only: what it takes, it would write', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 9, 10, 13, 32, 42, 48, 65, 97, 255)), {
      maxLength: 3,
    })
    fc.assert(
      fc.property(fixed, digests('sha256', 1), damage, fc.nat({ max: 40 }), (names, blobs, changes, cut) => {
        const bytes = encodeSums(names, DigestTable.of('sha256', blobs))
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        const text = bytes.subarray(0, bytes.length - cut)
        try {
          const sums = parseSums(text)
          assert.deepEqual(encodeSums(sums.fixed, sums.blobs), text)
        } catch (error) {
          assert.ok(isFault(error, 'SUMS_MALFORMED'), String(error))
        }
      }),
      { seed: 20261124, numRuns: 2000 },
    )
  })

  it('names the line that is wrong', () => {
    const list = DigestTable.of('sha256', [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`])
    const text = encodeSums(['0'.repeat(64), '1'.repeat(64), '2'.repeat(64)], list).toString('latin1')
    const subjectOf = (changed: string): string | undefined => {
      try {
        parseSums(Buffer.from(changed, 'latin1'))
      } catch (error) {
        return isFault(error, 'SUMS_MALFORMED') ? error.subject : String(error)
      }
      return 'taken'
    }
    assert.equal(subjectOf(text), 'taken')
    assert.equal(subjectOf(text.replace('  transfer.json', ' *transfer.json')), 'SHA256SUMS line 2')
    assert.equal(subjectOf(text.replaceAll('b'.repeat(64), 'B'.repeat(64))), 'SHA256SUMS line 5')
    assert.equal(subjectOf(text.replaceAll('b'.repeat(64), 'a'.repeat(64))), 'SHA256SUMS line 5')
    assert.equal(subjectOf(`${text}\n`), 'SHA256SUMS line 6')
  })

  it('refuses an empty SHA512SUMS, which stands there only when needed', () => {
    assert.throws(
      () => parseSums512(Buffer.alloc(0)),
      (error) => isFault(error, 'SUMS_MALFORMED'),
    )
  })
})
