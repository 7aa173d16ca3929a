import assert from 'node:assert/strict'
import { canonicalBytes, canonicalJson, signingBytes, sortedJson } from '../../src/codec/index.ts'

describe('codec/canonical-json: signingBytes and sortedJson', () => {
  const plain = { b: ['x"\\', 1, null], a: { é: true } }
  const pem = { z: 1, pem: '-----BEGIN\nline\n' }

  it('agree with the canonical form where that exists', () => {
    assert.deepEqual(signingBytes(plain), canonicalBytes(plain))
    assert.equal(sortedJson(plain), canonicalJson(plain))
  })

  it('keep line ends raw for signing and escaped for the file', () => {
    assert.throws(() => canonicalBytes(pem), TypeError)
    assert.equal(signingBytes(pem).toString(), '{"pem":"-----BEGIN\nline\n","z":1}')
    assert.equal(sortedJson(pem), '{"pem":"-----BEGIN\\nline\\n","z":1}')
    assert.deepEqual(JSON.parse(sortedJson(pem)), pem)
  })

  it('refuse fractions', () => {
    for (const write of [signingBytes, sortedJson]) assert.throws(() => write({ a: 1.5 }), TypeError)
  })
})
