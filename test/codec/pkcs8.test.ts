import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import {
  PBKDF2_ROUNDS,
  decodePem,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derSequence,
  encodePem,
  isSealedPkcs8,
  openSealedKey,
  sealPkcs8,
} from '../../src/codec/index.ts'
import { openPkcs8 } from '../../src/codec/pkcs8.ts'
import { fault } from '../fault.ts'

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

  it('opens what it writes, and leaves every other form to node:crypto', async () => {
    assert.deepEqual(await openPkcs8(sealed, 'open sesame'), info)
    assert.deepEqual(await openPkcs8(sealed, Buffer.from('open sesame')), info)
    const cipher = { format: 'pem', type: 'pkcs8', passphrase: 'open sesame' } as const
    assert.deepEqual(await openPkcs8(privateKey.export({ ...cipher, cipher: 'aes-256-cbc' }), 'open sesame'), info)
    assert.equal(await openPkcs8(privateKey.export({ ...cipher, cipher: 'aes-128-cbc' }), 'open sesame'), undefined)
    for (const other of [encodePem('PRIVATE KEY', info), '', 'junk', `${sealed}${sealed}`])
      assert.equal(await openPkcs8(other, 'open sesame'), undefined)
  })

  it('takes no file for its own that differs in one octet of the scheme, but for salt, rounds and vector', async () => {
    const bytes = decodePem('ENCRYPTED PRIVATE KEY', sealed) ?? Buffer.alloc(0)
    const [salt, vector] = [bytes.indexOf(Buffer.alloc(16, 7)), bytes.lastIndexOf(Buffer.alloc(16, 7))]
    const rounds = bytes.indexOf(derInteger(PBKDF2_ROUNDS)) + 2
    // Any value is a salt; other rounds are a number still, which would only be counted to.
    const free = [...span(salt, 16), ...span(vector, 16), ...span(rounds, 3)]
    for (let at = 0; at < vector; at += 1) {
      if (free.includes(at)) continue
      const other = Buffer.from(bytes)
      other[at] = (other[at] ?? 0) ^ 1
      assert.equal(await openPkcs8(encodePem('ENCRYPTED PRIVATE KEY', other), 'open sesame'), undefined, `octet ${at}`)
    }
  })

  it('refuses what would be counted to for minutes, and what OpenSSL alone can read', async function () {
    this.timeout(10_000)
    const at = { side: 'state', subject: 'key.pem' } as const
    const wanting = (rounds: Buffer, digest = '1.2.840.113549.2.9'): string => {
      const terms = derSequence(derOctets(Buffer.alloc(16)), rounds, derSequence(derOid(digest), derNull()))
      const kdf = derSequence(derOid('1.2.840.113549.1.5.12'), terms)
      const cipher = derSequence(derOid('2.16.840.1.101.3.4.1.42'), derOctets(Buffer.alloc(16)))
      const scheme = derSequence(derOid('1.2.840.113549.1.5.13'), derSequence(kdf, cipher))
      return encodePem('ENCRYPTED PRIVATE KEY', derSequence(scheme, derOctets(Buffer.alloc(64))))
    }
    await assert.rejects(openSealedKey(wanting(derInteger(1000)), 'x', at), fault('KEY_PASSPHRASE', 'key.pem'))
    const overlong = Buffer.of(0x02, 0x05, 0x00, 0x7f, 0xff, 0xff, 0xff)
    for (const rounds of [derInteger(10_000_001), derInteger(2 ** 31 - 1), derInteger(2 ** 40), overlong])
      for (const digest of ['1.2.840.113549.2.9', '1.2.840.113549.2.7'])
        await assert.rejects(openSealedKey(wanting(rounds, digest), 'x', at), fault('KEY_MALFORMED', 'key.pem'))
  })

  it('opens a sealed key of either form, and refuses a wrong passphrase', async () => {
    const at = { side: 'state', subject: 'key.pem' } as const
    const cipher = { format: 'pem', type: 'pkcs8', passphrase: 'open sesame', cipher: 'aes-128-cbc' } as const
    for (const pem of [sealed, privateKey.export(cipher)]) {
      assert.ok((await openSealedKey(pem, 'open sesame', at)).equals(privateKey))
      await assert.rejects(openSealedKey(pem, 'open simsim', at), fault('KEY_PASSPHRASE', 'key.pem'))
    }
    const plain = encodePem('PRIVATE KEY', info)
    await assert.rejects(openSealedKey(plain, 'open sesame', at), fault('KEY_MALFORMED', 'key.pem'))
  })
})

function span(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i)
}
