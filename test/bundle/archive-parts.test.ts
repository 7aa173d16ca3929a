import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { MAX_MEMBERS } from '../../src/bundle/archive-index.ts'
import { ArchiveParts, fileIn } from '../../src/bundle/archive-parts.ts'
import { encodeSums, encodeSums512, SUMS_CAP } from '../../src/bundle/sums.ts'
import { DigestTable, type Algorithm, type Digest } from '../../src/oci/index.ts'

function digest(algorithm: Algorithm, of: number): Digest {
  return `${algorithm}:${hash(algorithm, String(of))}`
}

describe('bundle/archive-parts', () => {
  it('finds each file in its place, and none that was not there', () => {
    const parts = new ArchiveParts()
    const files = ['oci-layout', 'index.json', ...lots('sha256', 3000), ...lots('sha512', 3000)] as const
    const place = (i: number): { offset: number; size: number } => ({ offset: 2 ** 40 + i * 512, size: i })
    for (const [i, file] of files.entries()) assert.ok(parts.add(file, place(i)))
    for (const [i, file] of files.entries()) {
      assert.ok(!parts.add(file, { offset: 0, size: 0 }))
      const name = file.includes(':') ? `blobs/${file.replace(':', '/')}` : file
      assert.deepEqual(parts.get(name), place(i))
    }
    for (const of of [...lots('sha256', 1, 'other'), ...lots('sha512', 1, 'other')])
      assert.equal(parts.get(`blobs/${of.replace(':', '/')}`), undefined)
    for (const name of ['blobs/sha256/', '../index.json', '', 'transfer.json']) assert.equal(parts.get(name), undefined)
  })

  it('takes a member for the layout file that it stands for, and no other', () => {
    const of = digest('sha256', 1)
    const name = `blobs/sha256/${of.slice(7)}`
    assert.deepEqual([fileIn(name), fileIn(`./${name}`)], [of, of])
    assert.deepEqual([fileIn('oci-layout'), fileIn('./index.json')], ['oci-layout', 'index.json'])
    for (const other of [
      `/${name}`,
      `././${name}`,
      `${name}0`,
      name.toUpperCase(),
      `blobs/sha512/${of.slice(7)}`,
      'oci',
    ])
      assert.equal(fileIn(other), undefined)
  })

  it('takes as many members as a bundle may have', () => {
    const fixed: [string, string, string] = ['0'.repeat(64), '0'.repeat(64), '0'.repeat(64)]
    const none = encodeSums(fixed, new DigestTable('sha256')).length
    const line = encodeSums(fixed, DigestTable.of('sha256', [digest('sha256', 1)])).length - none
    const line512 = encodeSums512(DigestTable.of('sha512', [digest('sha512', 1)])).length
    assert.ok(SUMS_CAP / line + SUMS_CAP / line512 + 17 * 300 < MAX_MEMBERS)
  })
})

function lots(algorithm: Algorithm, count: number, salt = ''): Digest[] {
  return Array.from({ length: count }, (_, i) => `${algorithm}:${hash(algorithm, `${salt} ${i}`)}` as const)
}
