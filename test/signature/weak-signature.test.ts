import assert from 'node:assert/strict'
import { der, derInteger, derNull, derOid, derSequence, parseDer } from '../../src/codec/index.ts'
import { isWeakSignature } from '../../src/signature/weak-signature.ts'

const weak = (...parts: Uint8Array[]): boolean => isWeakSignature(parseDer(derSequence(...parts)))

const SHA256 = '2.16.840.1.101.3.4.2.1'

function pss(hash?: string, ...more: Uint8Array[]): boolean {
  const named = hash === undefined ? [] : [der(0xa0, derSequence(derOid(hash)))]
  return weak(derOid('1.2.840.113549.1.1.10'), derSequence(...named, ...more))
}

describe('signature/weak-signature', () => {
  it('knows MD2, MD4, MD5 and SHA-1 under each name', () => {
    const rsa = [2, 3, 4, 5].map((last) => `1.2.840.113549.1.1.${last}`)
    for (const oid of [...rsa, '1.3.14.3.2.27', '1.3.14.3.2.29', '1.2.840.10040.4.3', '1.2.840.10045.4.1']) {
      assert.equal(weak(derOid(oid)), true, oid)
      assert.equal(weak(derOid(oid), derNull()), true, oid)
    }
  })

  it('leaves SHA-2 and Ed25519 alone', () => {
    const rsa = [11, 12, 13].map((last) => `1.2.840.113549.1.1.${last}`)
    for (const oid of [...rsa, '1.2.840.10045.4.3.2', '1.2.840.10045.4.3.4', '1.3.101.112'])
      assert.equal(weak(derOid(oid)), false, oid)
  })

  it('takes RSASSA-PSS for SHA-1 unless it names a hash of SHA-2', () => {
    for (const last of [1, 2, 3]) assert.equal(pss(`2.16.840.1.101.3.4.2.${last}`, der(0xa2, derInteger(32))), false)
    assert.equal(pss(), true)
    assert.equal(pss('1.3.14.3.2.26'), true)
    assert.equal(pss(undefined, der(0xa1, derSequence(derOid(SHA256)))), true)
    assert.equal(weak(derOid('1.2.840.113549.1.1.10')), true)
    assert.equal(weak(derOid('1.2.840.113549.1.1.10'), derNull()), true)
  })

  it('takes what names no algorithm for weak', () => {
    assert.equal(weak(), true)
  })
})
