import assert from 'node:assert/strict'
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p384 } from '@noble/curves/nist.js'
import { isFault, type Code } from '../../src/errors/index.ts'
import { generateKey } from '../../src/tuf/key.ts'
import { keyidOf, readPublicKey, tufKeyOf } from '../../src/tuf/public-key.ts'
import { seeded } from './channel-fixture.ts'

const place = { side: 'bundle', subject: 'root.json' } as const
const message = Buffer.from('a message')
const ed = generateKey('ed25519', seeded('ed'))
const ec = generateKey('p384', seeded('ec'))

describe('tuf/public-key', () => {
  it('accepts signatures of both kinds, and none over another message', () => {
    for (const key of [ed, ec]) {
      const publicKey = readPublicKey(key.tufKey, place)
      const signature = key.sign(message)
      assert.equal(publicKey.kind, key.kind)
      assert.ok(publicKey.verify(message, signature))
      assert.ok(!publicKey.verify(Buffer.from('a massage'), signature))
      assert.ok(!publicKey.verify(message, signature.toUpperCase()))
      assert.ok(!publicKey.verify(message, `${signature}00`))
      assert.ok(!publicKey.verify(message, signature.slice(2)))
      assert.ok(!publicKey.verify(message, ''))
      assert.ok(!publicKey.verify(message, 'zz'))
    }
  })

  it('refuses a signature that only one of the two implementations takes', () => {
    const { Point } = ed25519
    const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
    const raw = ed.rawPublic()
    const torsion = Point.fromBytes(Buffer.from(`ec${'ff'.repeat(30)}7f`, 'hex'))
    assert.ok(torsion.isSmallOrder() && !torsion.is0())
    // A nonce point with a part of small order: noble multiplies by the cofactor and does not see it, OpenSSL does.
    const nonce = 12345n
    const commitment = Point.BASE.multiply(nonce).add(torsion).toBytes()
    const digest = Buffer.concat([commitment, raw, message])
    const challenge = Point.Fn.create(number(createHash('sha512').update(digest).digest()))
    const { scalar } = ed25519.utils.getExtendedPublicKey(ed.rawSecret())
    const s = Buffer.from(Point.Fn.toBytes(Point.Fn.add(nonce, Point.Fn.mul(challenge, scalar))))
    const signature = Buffer.concat([commitment, s])
    assert.ok(ed25519.verify(Uint8Array.from(signature), message, raw, { zip215: false }))
    assert.ok(!readPublicKey(ed.tufKey, place).verify(message, signature.toString('hex')))
  })

  it('accepts P-384 signatures made by OpenSSL, of high and of low s', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }) as string
    const key = readPublicKey({ keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384', keyval: { public: pem } }, place)
    const half = p384.Point.Fn.ORDER / 2n
    const seen = { high: 0, low: 0 }
    for (let i = 0; i < 200 && Math.min(seen.high, seen.low) < 3; i++) {
      const signature = sign('sha384', message, pair.privateKey)
      seen[p384.Signature.fromBytes(signature, 'der').s > half ? 'high' : 'low']++
      assert.ok(key.verify(message, signature.toString('hex')))
    }
    assert.ok(seen.high >= 3 && seen.low >= 3, JSON.stringify(seen))
  })

  it('refuses a compact P-384 signature, and SHA-256 in the place of SHA-384', () => {
    const key = readPublicKey(ec.tufKey, place)
    const secret = ec.rawSecret()
    assert.ok(!key.verify(message, Buffer.from(p384.sign(message, secret)).toString('hex')))
    const jwk = {
      kty: 'EC',
      crv: 'P-384',
      d: Buffer.from(secret).toString('base64url'),
      ...coordinates(ec.rawPublic()),
    }
    const other = sign('sha256', message, createPrivateKey({ key: jwk, format: 'jwk' }))
    assert.ok(!key.verify(message, other.toString('hex')))
  })

  it('writes the PEM and the keyid that OpenSSL and python-tuf write', () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    const { x = '', y = '' } = pair.publicKey.export({ format: 'jwk' })
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
    assert.equal(tufKeyOf('p384', point).keyval.public, pair.publicKey.export({ format: 'pem', type: 'spki' }))
    // The keyid of the key in the TUF specification's own style, as securesystemslib 1.6.0 computes it.
    const known = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(31) + '05' } }
    assert.equal(keyidOf(known), '2803edb9b41e943a2756ddd3f1c2ebbf72336cd74d96ad436029b42c8b448610')
  })

  const pem = ec.tufKey.keyval.public
  const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ format: 'pem', type: 'spki' })
  const ecdsa = (text: string) => ({ keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384', keyval: { public: text } })
  const edwards = (text: string) => ({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: text } })
  const order = ed25519.Point.Fp.ORDER
  const encode = (y: bigint): string => Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex')
  const cases: [title: string, code: Code, key: Parameters<typeof readPublicKey>[0]][] = [
    ['RSA', 'ALGORITHM_REFUSED', { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: pem } }],
    ['P-256', 'ALGORITHM_REFUSED', { ...ecdsa(pem), scheme: 'ecdsa-sha2-nistp256' }],
    ['ML-DSA', 'ALGORITHM_REFUSED', { keytype: 'ml-dsa', scheme: 'ml-dsa-87/1', keyval: { public: pem } }],
    ['a key type that names the scheme', 'ALGORITHM_REFUSED', { ...ecdsa(pem), keytype: 'ecdsa-sha2-nistp384' }],
    ['an Ed25519 scheme on an ECDSA key', 'ALGORITHM_REFUSED', { ...ecdsa(pem), scheme: 'ed25519' }],
    ['a P-256 point under P-384', 'METADATA_MALFORMED', ecdsa(p256)],
    ['a P-384 key in hex', 'METADATA_MALFORMED', ecdsa(Buffer.from(ec.rawPublic()).toString('hex'))],
    ['a private key in the place of a public one', 'METADATA_MALFORMED', ecdsa(pem.replaceAll('PUBLIC', 'PRIVATE'))],
    [
      'a point off the curve',
      'METADATA_MALFORMED',
      tufKeyOf('p384', Buffer.concat([Buffer.of(4), Buffer.alloc(96, 9)])),
    ],
    ['an Ed25519 key in upper case', 'METADATA_MALFORMED', edwards(ed.tufKey.keyval.public.toUpperCase())],
    ['a short Ed25519 key', 'METADATA_MALFORMED', edwards('00'.repeat(31))],
    ['an Ed25519 key of small order', 'METADATA_MALFORMED', edwards(encode(1n))],
    ['an Ed25519 key beyond the field', 'METADATA_MALFORMED', edwards(encode(order + 3n))],
    ['a key that is a text', 'METADATA_MALFORMED', 'key'],
    ['a key without a value', 'METADATA_MALFORMED', { keytype: 'ed25519', scheme: 'ed25519', keyval: {} }],
  ]
  for (const [title, code, key] of cases)
    it(`refuses ${title}: ${code}`, () => {
      assert.throws(
        () => readPublicKey(key, place),
        (error) => isFault(error, code),
      )
    })
})

function coordinates(point: Uint8Array): { x: string; y: string } {
  const part = (from: number): string => Buffer.from(point.subarray(from, from + 48)).toString('base64url')
  return { x: part(1), y: part(49) }
}
