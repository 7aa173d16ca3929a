import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { SallyportError, isFault, type Code } from '../../src/errors/index.ts'
import { ChannelKey, generateKey } from '../../src/tuf/key.ts'
import { openKey, sealKey } from '../../src/tuf/key-file.ts'
import type { KeyKind } from '../../src/tuf/public-key.ts'
import { seeded } from './channel-fixture.ts'

const PASSPHRASE = 'correct horse battery staple ü'
const KINDS: KeyKind[] = ['ed25519', 'p384']
const keys = KINDS.map((kind) => generateKey(kind, seeded(kind)))
const sealed = keys.map((key) => sealKey(key, PASSPHRASE, seeded(`salt of ${key.kind}`)))

describe('tuf/key', () => {
  it('makes another key each time, and the same from the same seed', () => {
    for (const kind of KINDS) {
      assert.notEqual(generateKey(kind).keyid, generateKey(kind).keyid)
      assert.equal(generateKey(kind, seeded('s')).keyid, generateKey(kind, seeded('s')).keyid)
    }
  })

  it('signs equal messages with equal bytes', () => {
    for (const key of keys) assert.equal(key.sign(Buffer.from('m')), key.sign(Buffer.from('m')))
  })

  it('shows its secret in no log and no JSON', () => {
    for (const key of keys) {
      const secret = Buffer.from(key.rawSecret())
      const shown = `${inspect(key, { depth: 9, showHidden: true })}${JSON.stringify(key)}`
      assert.ok(!shown.includes(secret.toString('hex')) && !shown.includes('secret'))
    }
  })

  it('is not changed by what a caller does to the bytes it gave or got', () => {
    const secret = seeded('x')(32)
    const key = new ChannelKey('ed25519', secret)
    const before = key.sign(Buffer.from('m'))
    secret.fill(0)
    key.rawSecret().fill(0)
    assert.equal(key.sign(Buffer.from('m')), before)
  })
})

describe('tuf/key-file', () => {
  it('opens what it sealed, with a passphrase as text or bytes', async () => {
    for (const [i, key] of keys.entries()) {
      assert.equal((await openKey(sealed[i] ?? '', PASSPHRASE, 'k.pem')).keyid, key.keyid)
      assert.equal((await openKey(sealed[i] ?? '', Buffer.from(PASSPHRASE), 'k.pem')).keyid, key.keyid)
    }
  })

  it('keeps the leading zeros of a secret', async () => {
    const key = new ChannelKey('p384', Buffer.concat([Buffer.alloc(47), Buffer.of(9)]))
    assert.equal((await openKey(sealKey(key, PASSPHRASE), PASSPHRASE, 'k.pem')).keyid, key.keyid)
  })

  it('writes another file each time, and the same from the same salt', () => {
    const [key] = keys
    assert.ok(key !== undefined)
    assert.notEqual(sealKey(key, PASSPHRASE), sealKey(key, PASSPHRASE))
    assert.equal(sealKey(key, PASSPHRASE, seeded('salt of ed25519')), sealed[0])
  })

  it('writes what node:crypto and OpenSSL open', () => {
    for (const [i, key] of keys.entries()) {
      const pem = sealed[i] ?? ''
      const object = createPrivateKey({ key: pem, passphrase: PASSPHRASE })
      assert.equal(object.asymmetricKeyType, key.kind === 'ed25519' ? 'ed25519' : 'ec')
      const args = ['pkey', '-passin', 'env:PASSPHRASE', '-pubout', '-outform', 'DER']
      const der = execFileSync('openssl', args, { input: pem, env: { ...process.env, PASSPHRASE } })
      assert.ok(der.includes(Buffer.from(key.rawPublic())))
    }
  })

  it('opens a key that OpenSSL made', async () => {
    for (const [i, key] of keys.entries()) {
      const env = { ...process.env, PASSPHRASE }
      const args = ['pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passin', 'env:PASSPHRASE', '-passout', 'env:PASSPHRASE']
      const pem = execFileSync('openssl', args, { input: sealed[i], env, encoding: 'utf8' })
      assert.notEqual(pem, sealed[i])
      assert.equal((await openKey(pem, PASSPHRASE, 'k.pem')).keyid, key.keyid)
    }
  })

  const encrypt = (key: KeyObject): string =>
    key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }) as string
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  const ed448 = generateKeyPairSync('ed448').privateKey
  const odd = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
  const plain = generateKeyPairSync('ed25519').privateKey
  const cases: [title: string, code: Code, pem: string, passphrase?: string][] = [
    ['an unencrypted key', 'KEY_MALFORMED', plain.export({ format: 'pem', type: 'pkcs8' }) as string],
    ['a traditional EC key', 'KEY_MALFORMED', p256.export({ format: 'pem', type: 'sec1' }) as string],
    ['an RSA key', 'KEY_MALFORMED', encrypt(rsa)],
    ['a P-256 key', 'KEY_MALFORMED', encrypt(p256)],
    ['an Ed448 key', 'KEY_MALFORMED', encrypt(ed448)],
    ['a P-224 key', 'KEY_MALFORMED', encrypt(odd('secp224r1'))],
    ['a Brainpool key', 'KEY_MALFORMED', encrypt(odd('brainpoolP384r1'))],
    ['an empty file', 'KEY_MALFORMED', ''],
    ['a cut file', 'KEY_MALFORMED', (sealed[0] ?? '').slice(0, -40)],
    ['a wrong passphrase', 'KEY_PASSPHRASE', sealed[0] ?? '', 'hunter2hunter2'],
    ['an empty passphrase', 'KEY_PASSPHRASE', sealed[1] ?? '', ''],
  ]
  for (const [title, code, pem, passphrase = PASSPHRASE] of cases)
    it(`refuses ${title}: ${code}`, async () => {
      await assert.rejects(openKey(pem, passphrase, 'keys/alice.pem'), (error) => {
        assert.ok(isFault(error, code), String(error))
        assert.equal(error.subject, 'keys/alice.pem')
        if (passphrase.length > 0) assert.ok(!inspect(error, { depth: 9 }).includes(passphrase))
        return true
      })
    })

  it('calls every wrong passphrase wrong, also those that unpad by chance', async () => {
    // Few rounds, so that enough can be tried: one in 256 unpads.
    const pem = encrypt(plain)
    for (let i = 0; i < 700; i++)
      await assert.rejects(openKey(pem, `wrong ${i}`, 'k.pem'), (error) => isFault(error, 'KEY_PASSPHRASE'))
  })

  it('does the rounds of its own files on other threads', async () => {
    let ticks = 0
    const ticking = setInterval(() => (ticks += 1), 1)
    await Promise.all(sealed.map((pem) => openKey(pem, PASSPHRASE, 'k.pem')))
    clearInterval(ticking)
    assert.ok(ticks > 0)
  })

  it('seals nothing under an empty passphrase', () => {
    const [key] = keys
    assert.ok(key !== undefined)
    assert.throws(() => sealKey(key, ''), SallyportError)
  })
})
