import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import {
  generateKey,
  issuerKey,
  KEY_ALGORITHMS,
  keyAlgorithmOf,
  openSigningKey,
  sealSigningKey,
} from '../../src/ca/index.ts'
import { sealPkcs8 } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'

const PASSPHRASE = Buffer.from('open sesame')

async function refuses(run: () => unknown, code: Code): Promise<void> {
  await assert.rejects(
    async () => run(),
    (error) => isFault(error, code) && !error.message.includes('sesame'),
  )
}

describe('ca/key-file', () => {
  for (const algorithm of KEY_ALGORITHMS) {
    it(`makes a key for ${algorithm} that it and openssl open`, async function () {
      this.timeout(60_000)
      const key = await generateKey(algorithm)
      assert.deepEqual([keyAlgorithmOf(key), keyAlgorithmOf(createPublicKey(key))], [algorithm, algorithm])
      const pem = sealSigningKey(key, PASSPHRASE, 'key.pem')
      assert.ok((await openSigningKey(pem, PASSPHRASE, 'key.pem')).equals(key))
      const args = ['pkey', '-passin', 'fd:3', '-pubout', '-outform', 'DER']
      const stdio = ['pipe', 'pipe', 'pipe', 'pipe'] as const
      const openssl = spawnSync('bash', ['-c', `openssl ${args.join(' ')} 3< <(printf 'open sesame')`], {
        input: pem,
        stdio: [...stdio],
      })
      assert.deepEqual(openssl.stdout, issuerKey(key)?.publicKey, String(openssl.stderr))
    })
  }

  it('refuses an empty passphrase, and a wrong one without repeating it', async () => {
    const key = await generateKey('ES256')
    await refuses(() => sealSigningKey(key, Buffer.alloc(0), 'key.pem'), 'KEY_PASSPHRASE')
    const pem = sealSigningKey(key, PASSPHRASE, 'key.pem')
    await refuses(() => openSigningKey(pem, Buffer.from('open sesamE'), 'key.pem'), 'KEY_PASSPHRASE')
  })

  it('refuses a key that lies open', async () => {
    const plain = (await generateKey('ES256')).export({ format: 'pem', type: 'pkcs8' })
    await refuses(() => openSigningKey(plain, PASSPHRASE, 'key.pem'), 'KEY_MALFORMED')
    await refuses(() => openSigningKey('junk', PASSPHRASE, 'key.pem'), 'KEY_MALFORMED')
  })

  const others = {
    Ed25519: generateKeyPairSync('ed25519').privateKey,
    'RSA of 1024 bits': generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    'RSA of 2050 bits': generateKeyPairSync('rsa', { modulusLength: 2050 }).privateKey,
    'RSA of exponent 3': generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey,
    'RSA for PSS alone': generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    secp256k1: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  }
  for (const [what, key] of Object.entries(others)) {
    it(`refuses a key of another kind: ${what}`, async () => {
      assert.equal(keyAlgorithmOf(key), undefined)
      assert.equal(issuerKey(key), undefined)
      const pem = sealPkcs8(key.export({ format: 'der', type: 'pkcs8' }), PASSPHRASE, (n) => Buffer.alloc(n, 7))
      await refuses(() => openSigningKey(pem, PASSPHRASE, 'key.pem'), 'KEY_MALFORMED')
    })
  }
})
