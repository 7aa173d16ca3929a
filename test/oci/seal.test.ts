/** A seal is OpenSSL's GMAC of the bytes, and nothing but the same bytes matches it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { isSealed, Sealer, type Seal } from '../../src/oci/index.ts'
import { seededBelow } from '../seed.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function sealed(bytes: Buffer): Seal {
  const sealer = new Sealer()
  sealer.update(bytes)
  return sealer.seal()
}

function matches(made: Seal, ...chunks: Buffer[]): boolean {
  const sealer = new Sealer(made)
  for (const chunk of chunks) sealer.update(chunk)
  return isSealed(sealer, made)
}

describe('oci/seal', () => {
  const bytes = randomBytes(100_003)

  it('is the GMAC that OpenSSL makes of the same bytes', () => {
    const { key, tag } = sealed(bytes)
    const options = ['-cipher', 'AES-256-GCM', '-macopt', `hexkey:${hex(key)}`, '-macopt', `hexiv:${'00'.repeat(12)}`]
    const made = execFileSync('openssl', ['mac', ...options, '-in', '-', 'GMAC'], { input: bytes })
    assert.equal(made.toString().trim().toLowerCase(), hex(tag))
  })

  it('matches however the bytes are cut', () => {
    const below = seededBelow('oci/seal cuts')
    const made = sealed(bytes)
    for (let i = 0; i < 50; i++) {
      const a = below(bytes.length)
      const b = a + below(bytes.length - a)
      assert.ok(matches(made, bytes.subarray(0, a), bytes.subarray(a, b), bytes.subarray(b)), `${a} ${b}`)
    }
  })

  it('does not match a bit, a byte or an order that is another (T10)', () => {
    const below = seededBelow('oci/seal damage')
    const made = sealed(bytes)
    for (let i = 0; i < 200; i++) {
      const other = Buffer.from(bytes)
      const at = below(other.length)
      other[at] = (other[at] ?? 0) ^ (1 << below(8))
      assert.ok(!matches(made, other), `a bit of byte ${at}`)
    }
    assert.ok(!matches(made, bytes.subarray(1)), 'a byte too few')
    assert.ok(!matches(made, bytes, Buffer.of(0)), 'a zero too many')
    assert.ok(!matches(made, bytes.subarray(16), bytes.subarray(0, 16)), 'another order')
    assert.ok(!matches(made), 'nothing')
  })

  it('draws a key for each content', () => {
    const seals = Array.from({ length: 20 }, () => sealed(bytes))
    assert.equal(new Set(seals.map(({ key }) => hex(key))).size, 20)
    assert.equal(new Set(seals.map(({ tag }) => hex(tag))).size, 20)
  })
})
