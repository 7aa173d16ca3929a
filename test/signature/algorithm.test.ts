import assert from 'node:assert/strict'
import { constants, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import {
  algorithmFor,
  hashFor,
  signPrimitive,
  verifyPrimitive,
  type SignatureAlgorithm,
} from '../../src/signature/index.ts'
import { verifyPrimitiveAsync } from '../../src/signature/algorithm.ts'
import { curveKey, rsaKey, type Key } from './hand-made.ts'

const KEYS: Readonly<Record<SignatureAlgorithm, Key>> = {
  PS256: rsaKey(2048),
  PS384: rsaKey(3072),
  PS512: rsaKey(4096),
  ES256: curveKey('P-256'),
  ES384: curveKey('P-384'),
  ES512: curveKey('P-521'),
}
const ALL = Object.entries(KEYS) as [SignatureAlgorithm, Key][]
const SIZES = { PS256: 256, PS384: 384, PS512: 512, ES256: 64, ES384: 96, ES512: 132 }
const data = Buffer.from('the bytes that are signed')

function pss(key: Key, hash: string, saltLength: number, mgf?: string): Buffer {
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return sign(hash, data, { key: key.privateKey, padding, saltLength, ...(mgf !== undefined && { mgf1Hash: mgf }) })
}

describe('signature/algorithm', () => {
  it('gives each key its one algorithm, public or private', () => {
    for (const [algorithm, key] of ALL) {
      assert.equal(algorithmFor(key.publicKey), algorithm)
      assert.equal(algorithmFor(key.privateKey), algorithm)
      assert.equal(hashFor(algorithm), `sha${algorithm.slice(2)}`)
    }
  })

  it('gives other keys none', () => {
    const others = [
      ...[1024, 2047, 2056, 4104].map((bits) => rsaKey(bits).publicKey),
      ...['P-224', 'secp256k1', 'brainpoolP256r1'].map((curve) => curveKey(curve).publicKey),
      generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey,
      generateKeyPairSync('ed25519').publicKey,
      generateKeyPairSync('x25519').publicKey,
    ]
    assert.deepEqual(
      others.map(algorithmFor),
      others.map(() => undefined),
    )
  })

  it('gives none to an RSA key that everybody can sign for, or whose exponent no other verifier takes', () => {
    const { n } = KEYS.PS256.publicKey.export({ format: 'jwk' })
    const withExponent = (hex: string) =>
      createPublicKey({
        key: { kty: 'RSA', n: n ?? '', e: Buffer.from(hex, 'hex').toString('base64url') },
        format: 'jwk',
      })
    for (const hex of ['01', '02', '010000', '0080000001', '0100000001'])
      assert.equal(algorithmFor(withExponent(hex)), undefined, hex)
    for (const hex of ['03', '010001', '7fffffff']) assert.equal(algorithmFor(withExponent(hex)), 'PS256', hex)
  })

  it('signs what it verifies, in the length of the key', () => {
    for (const [algorithm, key] of ALL) {
      const signature = signPrimitive(algorithm, key.privateKey, data)
      assert.equal(signature.length, SIZES[algorithm])
      assert.equal(verifyPrimitive(algorithm, key.publicKey, data, signature), true)
      assert.equal(verifyPrimitive(algorithm, key.publicKey, Buffer.concat([data, data]), signature), false)
      for (const [other, stranger] of ALL) {
        if (other === algorithm) continue
        assert.equal(verifyPrimitive(other, key.publicKey, data, signature), false)
        assert.equal(verifyPrimitive(algorithm, stranger.publicKey, data, signature), false)
      }
    }
  })

  it('says the same on a thread of the pool as on its own', async () => {
    for (const [algorithm, key] of ALL) {
      const good = signPrimitive(algorithm, key.privateKey, data)
      const changed = Buffer.from(good)
      changed[7] = (changed[7] ?? 0) ^ 1
      const bad = [
        changed,
        Buffer.alloc(good.length),
        Buffer.alloc(good.length, 0xff),
        good.subarray(1),
        Buffer.alloc(0),
      ]
      assert.equal(await verifyPrimitiveAsync(algorithm, key.publicKey, data, good), true)
      for (const wrong of bad) assert.equal(await verifyPrimitiveAsync(algorithm, key.publicKey, data, wrong), false)
      for (const [other, stranger] of ALL) {
        if (other === algorithm) continue
        assert.equal(await verifyPrimitiveAsync(other, key.publicKey, data, good), false)
        assert.equal(await verifyPrimitiveAsync(algorithm, stranger.publicKey, data, good), false)
      }
    }
    const odd = pss(KEYS.PS256, 'sha256', 20)
    assert.equal(await verifyPrimitiveAsync('PS256', KEYS.PS256.publicKey, data, odd), false)
    assert.equal(await verifyPrimitiveAsync('PS256', KEYS.PS256.publicKey, data, odd, 'auto'), true)
  })

  it('refuses to sign with a key of another algorithm, or a public one', () => {
    const refused = { code: 'ALGORITHM_REFUSED' }
    assert.throws(() => signPrimitive('PS384', KEYS.PS256.privateKey, data), refused)
    assert.throws(() => signPrimitive('ES256', KEYS.ES384.privateKey, data), refused)
    assert.throws(() => signPrimitive('ES256', KEYS.ES256.publicKey, data), refused)
  })

  it('refuses signatures with a changed bit or of another length, without an exception', () => {
    for (const [algorithm, key] of ALL) {
      const good = signPrimitive(algorithm, key.privateKey, data)
      const changed = Buffer.from(good)
      changed[7] = (changed[7] ?? 0) ^ 1
      const zeros = Buffer.alloc(good.length)
      const ones = Buffer.alloc(good.length, 0xff)
      const lengths = [Buffer.alloc(0), good.subarray(1), good.subarray(0, -1), Buffer.concat([Buffer.alloc(1), good])]
      for (const bad of [changed, zeros, ones, ...lengths, Buffer.concat([good, good])])
        assert.equal(verifyPrimitive(algorithm, key.publicKey, data, bad), false)
    }
  })

  it('refuses ECDSA in DER, also where the length would fit', () => {
    for (let tries = 0; tries < 50; tries += 1)
      assert.equal(
        verifyPrimitive('ES256', KEYS.ES256.publicKey, data, sign('sha256', data, KEYS.ES256.privateKey)),
        false,
      )
  })

  it('refuses PSS with another salt length unless it may be any', () => {
    for (const length of [0, 20, 31, 33, 222]) {
      const signature = pss(KEYS.PS256, 'sha256', length)
      assert.equal(verifyPrimitive('PS256', KEYS.PS256.publicKey, data, signature), false)
      assert.equal(verifyPrimitive('PS256', KEYS.PS256.publicKey, data, signature, 'auto'), true)
    }
    const own = signPrimitive('PS256', KEYS.PS256.privateKey, data)
    assert.equal(verifyPrimitive('PS256', KEYS.PS256.publicKey, data, own, 'auto'), true)
  })

  it('refuses RSA with another hash or padding', () => {
    const { privateKey, publicKey } = KEYS.PS256
    const bad = [pss(KEYS.PS256, 'sha384', 32), pss(KEYS.PS256, 'sha1', 20), sign('sha256', data, privateKey)]
    for (const signature of bad)
      for (const salt of ['digest', 'auto'] as const)
        assert.equal(verifyPrimitive('PS256', publicKey, data, signature, salt), false)
  })
})
