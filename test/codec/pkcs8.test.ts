import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { PBKDF2_ROUNDS, decodePem, derInteger, encodePem, isSealedPkcs8, sealPkcs8 } from '../../src/codec/index.ts'

describe('codec/pkcs8', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const info = privateKey.export({ format: 'der', type: 'pkcs8' })
  const sealed = sealPkcs8(info, 'open sesame', (n) => Buffer.alloc(n, 7))

  it('writes what node:crypto opens, with the full number of rounds', () => {
    const opened = createPrivateKey({ key: sealed, passphrase: 'open sesame' })
    assert.deepEqual(opened.export({ format: 'der', type: 'pkcs8' }), info)
    assert.equal(PBKDF2_ROUNDS, 600_000)
    assert.ok(decodePem('ENCRYPTED PRIVATE KEY', sealed)?.includes(derInteger(600_000)))
  })

  it('tells its own form from others', () => {
    assert.ok(isSealedPkcs8(sealed))
    const plain = encodePem('PRIVATE KEY', info)
    const relabelled = encodePem('ENCRYPTED PRIVATE KEY', info)
    const cut = encodePem('ENCRYPTED PRIVATE KEY', decodePem('ENCRYPTED PRIVATE KEY', sealed)?.subarray(0, -1) ?? info)
    for (const other of [plain, relabelled, cut, '', 'junk', `${sealed}${sealed}`])
      assert.equal(isSealedPkcs8(other), false)
  })
})
