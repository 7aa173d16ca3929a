import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { algorithmOf, digestOf, hasherFor, hexOf, isDigest, parseDescriptor } from '../../src/oci/index.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(128)

// Answers of FIPS 180-4's own examples.
const KNOWN: readonly (readonly [text: string, sha256: string, sha512: string])[] = [
  [
    '',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
  [
    'abc',
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
]

/** O2: what would go unchecked, or be another name for the same bytes. */
const REFUSED: readonly unknown[] = [
  ['', 'sha256', 'sha256:', ':', A, `:${A}`, `sha256:${A.slice(1)}`, `sha256:${A}a`, `sha256:${B}`, `sha512:${A}`],
  [`sha256:${A.toUpperCase()}`, `SHA256:${A}`, `Sha256:${A}`, `sha256:A${A.slice(1)}`, `sha256:${A.slice(1)}g`],
  [`sha1:${'a'.repeat(40)}`, `sha224:${'a'.repeat(56)}`, `sha384:${'a'.repeat(96)}`, `md5:${'a'.repeat(32)}`],
  [`sha3-256:${A}`, `sha512/256:${A}`, `sha256+b64u:${A}`, `blake3:${A}`, `multihash+base58:${A}`, `none:${A}`],
  [` sha256:${A}`, `sha256:${A} `, `sha256: ${A}`, `sha256:${A}\n`, `\nsha256:${A}`, `sha256:${A}\0`, `sha256-${A}`],
  [`sha256:${A}sha256:${A}`, `sha256:sha256:${A}`, `sha256:../${A.slice(3)}`, `sha256:${'a'.repeat(62)}/b`],
  [`sha256:${'０'.repeat(64)}`, `ſha256:${A}`, `sha256:${'а'.repeat(64)}`, `sha256:${'+'.repeat(64)}`],
  [undefined, null, 0, true, {}, [], [`sha256:${A}`], { toString: () => `sha256:${A}` }],
].flat()

/** Where digests come from: a descriptor in a document. */
const read = (text: unknown) =>
  parseDescriptor({ mediaType: 'a/b', size: 1, digest: text as string }, 'target', 'the subject')

describe('oci/digest', () => {
  it('takes sha256 and sha512 in lower-case hex of full length', () => {
    for (const text of [`sha256:${A}`, `sha512:${B}`, `sha256:${'0123456789abcdef'.repeat(4)}`]) {
      assert.equal(isDigest(text), true)
      assert.equal(read(text).digest, text)
    }
  })

  for (const text of REFUSED)
    it(`refuses ${(JSON.stringify(text) ?? String(text)).slice(0, 90)}`, () => {
      assert.equal(isDigest(text), false)
      assert.throws(
        () => read(text),
        (error) => isFault(error, 'DIGEST_MALFORMED') && error.side === 'target' && error.subject === 'the subject',
      )
    })

  it('keeps a giant text out of its error', () => {
    assert.throws(
      () => read('x'.repeat(1e6)),
      (error: Error) => error.message.length < 400,
    )
  })

  it('gives the known answers, at once and piece by piece', () => {
    for (const [text, sha256, sha512] of KNOWN) {
      assert.equal(digestOf(Buffer.from(text)), `sha256:${sha256}`)
      assert.equal(digestOf(Buffer.from(text), 'sha512'), `sha512:${sha512}`)
      for (const digest of [`sha256:${sha256}`, `sha512:${sha512}`] as const) {
        const hasher = hasherFor(digest)
        for (const letter of text) hasher.update(letter)
        assert.equal(hasher.digest('hex'), hexOf(digest))
      }
    }
  })

  it('tells the parts of a digest', () => {
    assert.deepEqual([algorithmOf(`sha256:${A}`), hexOf(`sha256:${A}`)], ['sha256', A])
    assert.deepEqual([algorithmOf(`sha512:${B}`), hexOf(`sha512:${B}`)], ['sha512', B])
  })
})
