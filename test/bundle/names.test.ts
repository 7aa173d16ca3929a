import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  aboardName,
  blobDigest,
  blobName,
  isChannelName,
  isMemberName,
  metadataName,
  parseMetadataName,
} from '../../src/bundle/names.ts'
import { digestOf } from '../../src/oci/index.ts'
import { isChannelName as signedName } from '../../src/tuf/index.ts'

const near = fc.string({ unit: fc.constantFrom(...Array.from('ab09._-/A\u00e9')), maxLength: 70 })

describe('bundle/names', () => {
  it('takes the same channel names as the signed metadata', () => {
    fc.assert(
      fc.property(fc.oneof(near, fc.string(), fc.string({ unit: 'binary' })), (text) => {
        assert.equal(isChannelName(text), signedName(text), JSON.stringify(text))
      }),
      { seed: 20261124, numRuns: 5000 },
    )
    for (const text of ['a', 'a'.repeat(63), 'vendor-a', 'a.b_c-d'])
      assert.deepEqual([isChannelName(text), signedName(text)], [true, true])
    for (const text of ['', 'a'.repeat(64), 'a..b', '-a', 'a-', 'A', 'a/b', 'a\n'])
      assert.deepEqual([isChannelName(text), signedName(text)], [false, false], JSON.stringify(text))
  })

  it('gives every blob a name from which its digest is read again', () => {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digest = digestOf(Buffer.from('a blob'), algorithm)
      assert.equal(blobDigest(blobName(digest)), digest)
      assert.ok(isMemberName(blobName(digest)))
    }
  })

  it('reads the parts of metadata names', () => {
    assert.deepEqual(parseMetadataName(metadataName('a.b', '12.root')), { channel: 'a.b', part: '12.root', root: 12 })
    for (const part of ['timestamp', 'snapshot', 'targets'])
      assert.deepEqual(parseMetadataName(metadataName('vendor-a', part)), { channel: 'vendor-a', part })
    for (const name of [
      'metadata/a/0.root.json',
      'metadata/a/01.root.json',
      'metadata/a/1000000.root.json',
      'metadata/a/root.json',
    ])
      assert.equal(parseMetadataName(name), undefined, name)
  })

  it('knows the members of passengers, and no others below their folder', () => {
    for (const name of ['transfer.json', 'SHA256SUMS', 'SHA512SUMS', 'index.json'])
      assert.ok(isMemberName(aboardName('a.b', name)))
    for (const name of [
      'a/oci-layout',
      'a/1.root.json',
      'A/index.json',
      'a..b/index.json',
      'a/b/index.json',
      'index.json',
    ])
      assert.equal(isMemberName(`passengers/${name}`), false, name)
  })

  it('knows no name that leads out of a folder, or that two systems read differently', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          near,
          fc.string(),
          near.map((text) => `blobs/${text}`),
          near.map((text) => `metadata/${text}`),
          near.map((text) => `passengers/${text}/index.json`),
        ),
        (name) => {
          if (!isMemberName(name)) return
          assert.match(name, /^[A-Za-z0-9][A-Za-z0-9._/-]*$/)
          assert.ok(name.split('/').every((part) => part !== '' && part !== '.' && part !== '..'))
        },
      ),
      { seed: 20261124, numRuns: 5000 },
    )
  })
})
