import assert from 'node:assert/strict'
import {
  fallbackTag,
  isReservedTag,
  isTag,
  parseSignatureTag,
  signatureTag,
  SIGNATURE_SUFFIXES,
  type Digest,
} from '../../src/oci/index.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(128)
const short: Digest = `sha256:${A}`
const long: Digest = `sha512:${B}`
const DIGESTS: readonly Digest[] = [short, long]

describe('oci/signature-tag', () => {
  it('names the signature tags and the fallback tag of a digest, and reads them again', () => {
    for (const suffix of SIGNATURE_SUFFIXES)
      for (const digest of DIGESTS) {
        const tag: string = signatureTag(digest, suffix)
        assert.equal(tag, `${digest.replace(':', '-')}.${suffix}`)
        assert.deepEqual(parseSignatureTag(tag), { subject: digest, suffix })
        assert.ok(isReservedTag(tag))
      }
    assert.equal(fallbackTag(short), `sha256-${A}`)
    assert.deepEqual(parseSignatureTag(fallbackTag(short)), { subject: short, suffix: null })
  })

  it('cuts the fallback tag of sha512 at 64 digits, as the schema says, which no digest can be read from', () => {
    const tag = fallbackTag(long)
    assert.equal(tag, `sha512-${B.slice(0, 64)}`)
    assert.ok(isTag(tag))
    assert.equal(parseSignatureTag(tag), undefined)
    assert.ok(isReservedTag(tag))
  })

  it('keeps a signature tag of sha512 within what a tag may be, or says that none is', () => {
    // 7 + 128 + 4 characters: registries take 128. cosign has no such tag either.
    assert.equal(isTag(signatureTag(long, 'sig')), false)
    assert.equal(isTag(signatureTag(short, 'sbom')), true)
  })

  /** A bundle that bound one of the reserved as its own tag would overwrite others' signatures. */
  const OTHERS: Record<string, boolean> = {
    latest: false,
    '1.0': false,
    [`sha256-${A}`]: true,
    [`sha256-${A}.sig`]: true,
    [`sha256-${A}.att`]: true,
    [`sha256-${A}.sbom`]: true,
    [`sha512-${A}`]: true,
    [`sha512-${B}`]: true,
    [`sha256-${B}.sig`]: true,
    [`sha256-${A}.SIG`]: false,
    [`sha256-${A}.sigs`]: false,
    [`sha256-${A}.sig.sig`]: false,
    [`sha256-${A}.`]: false,
    [`sha256-${A}.cosign`]: false,
    [`sha256-${A.toUpperCase()}.sig`]: false,
    [`sha256-${A.slice(1)}.sig`]: false,
    [`sha256-${A}a.sig`]: false,
    [`sha256:${A}.sig`]: false,
    [`sha256_${A}.sig`]: false,
    [`SHA256-${A}.sig`]: false,
    [`sha1-${'a'.repeat(40)}.sig`]: false,
    [`xsha256-${A}.sig`]: false,
    [`sha256-${A}.sig\n`]: false,
    [`\nsha256-${A}.sig`]: false,
    '': false,
  }
  for (const [tag, reserved] of Object.entries(OTHERS))
    it(`${reserved ? 'reserves' : 'leaves free'} ${JSON.stringify(tag).slice(0, 90)}`, () => {
      assert.equal(isReservedTag(tag), reserved)
      const parsed = parseSignatureTag(tag)
      // What is read as another manifest's is reserved; the converse fails for cut digests alone.
      if (parsed !== undefined) assert.ok(reserved)
      if (!reserved) assert.equal(parsed, undefined)
    })
})
