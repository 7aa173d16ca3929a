import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { isFault, type Code } from '../../src/errors/index.ts'
import {
  localSigner,
  openEnvelope,
  readTarget,
  sealEnvelope,
  targetPayload,
  type SealTerms,
  type Signer,
} from '../../src/signature/index.ts'
import { COSE, JWS } from '../../src/signature/envelope.ts'
import {
  ALGORITHMS,
  EXPIRY,
  SCHEME,
  SIGNED_AT,
  SIGNING_TIME,
  TARGET,
  cbor,
  jwsDocument,
  oddParties,
  party,
  protectedPairs,
  refuses,
  rootAsSigner,
} from './envelope-fixture.ts'

const signingTime = new Date('2026-01-02T03:04:05.678Z')
const expiry = new Date('2027-01-02T03:04:05.999Z')
const signerOf = (name?: (typeof ALGORITHMS)[number]): Signer => {
  const { key, chain } = party(name)
  return localSigner(key, chain)
}
const payload = targetPayload(TARGET, { 'io.sallyport.origin': 'registry.example/app' })
const seal = (terms: Partial<SealTerms> = {}): Promise<Buffer> =>
  sealEnvelope({ format: 'jws', payload, signer: signerOf(), signingTime, ...terms })

async function refusesToSeal(code: Code, terms: Partial<SealTerms>): Promise<void> {
  for (const format of ['jws', 'cose'] as const)
    await assert.rejects(seal({ ...terms, format }), (error) => {
      assert.ok(isFault(error, code), `${code} wanted, not ${String(error)}`)
      return true
    })
}

describe('signature/seal', () => {
  for (const format of ['jws', 'cose'] as const) {
    for (const algorithm of ALGORITHMS) {
      it(`seals ${format} by ${algorithm} and opens it again`, async () => {
        const bytes = await seal({ format, signer: signerOf(algorithm), expiry, agent: 'sallyport/1' })
        const opened = openEnvelope(format === 'jws' ? JWS : COSE, bytes)
        assert.equal(opened.algorithm, algorithm)
        assert.equal(opened.scheme, 'notary.x509')
        assert.equal(opened.signingTime?.toISOString(), '2026-01-02T03:04:05.000Z')
        assert.equal(opened.expiry?.toISOString(), '2027-01-02T03:04:05.000Z')
        assert.equal(opened.signingAgent, 'sallyport/1')
        assert.equal(opened.timestamp, undefined)
        assert.deepEqual(opened.payload, payload)
        assert.deepEqual(readTarget(opened.payload), {
          ...TARGET,
          annotations: { 'io.sallyport.origin': 'registry.example/app' },
        })
        const length = { ES256: 64, ES384: 96, ES512: 132, PS256: 256, PS384: 384, PS512: 512 }[algorithm]
        assert.equal(opened.signature.length, length)
      })
    }

    it(`seals ${format} of the signing authority, without an agent or expiry`, async () => {
      const bytes = await seal({ format, scheme: 'notary.x509.signingAuthority' })
      const opened = openEnvelope(format === 'jws' ? JWS : COSE, bytes)
      assert.equal(opened.authenticSigningTime?.toISOString(), '2026-01-02T03:04:05.000Z')
      assert.equal(opened.signingTime, undefined)
      assert.equal(opened.expiry, undefined)
      assert.equal(opened.signingAgent, undefined)
    })

    it(`asks for a timestamp over the primitive signature of ${format}, after it has verified`, async () => {
      const asked: Buffer[] = []
      const timestamp = async (signature: Buffer): Promise<Buffer> => {
        asked.push(signature)
        return Buffer.from('token')
      }
      const opened = openEnvelope(format === 'jws' ? JWS : COSE, await seal({ format, timestamp }))
      assert.deepEqual(asked, [opened.signature])
      assert.deepEqual(opened.timestamp, Buffer.from('token'))
    })
  }

  it('writes the members of a JWS in the order of notation', async () => {
    const bytes = await seal({ expiry, agent: 'sallyport/1', timestamp: async () => Buffer.from('token') })
    const { protected: header } = jwsDocument(bytes)
    assert.equal(
      Buffer.from(String(header), 'base64url').toString(),
      JSON.stringify({
        alg: 'ES256',
        crit: [SCHEME, EXPIRY],
        cty: 'application/vnd.cncf.notary.payload.v1+json',
        [EXPIRY]: '2027-01-02T03:04:05Z',
        [SCHEME]: 'notary.x509',
        [SIGNING_TIME]: '2026-01-02T03:04:05Z',
      }),
    )
    assert.match(
      bytes.toString(),
      /^\{"payload":"[\w-]+","protected":"[\w-]+","header":\{"io\.cncf\.notary\.timestampSignature":"[^"]+","x5c":\[[^\]]+\],"io\.cncf\.notary\.signingAgent":"sallyport\/1"\},"signature":"[\w-]+"\}$/,
    )
  })

  it('writes the protected header of COSE byte by byte as go-cose does', async () => {
    const bytes = await seal({ format: 'cose' })
    // Bytewise order: 1, 2, 3, then the shorter text, whose head is smaller.
    const { alg, crit, cty, time, scheme } = protectedPairs()
    assert.ok(alg && crit && cty && time && scheme)
    const header = cbor.bytes(cbor.map(alg, crit, cty, time, scheme))
    assert.deepEqual(bytes.subarray(0, 2 + header.length), Buffer.concat([Buffer.from([0xd2, 0x84]), header]))
    assert.ok(header.includes(Buffer.from(`c11a${SIGNED_AT.toString(16)}`, 'hex')))
  })

  it('refuses terms that make no signature', async () => {
    await refusesToSeal('USAGE', { expiry: signingTime })
    await refusesToSeal('USAGE', { expiry: new Date('2026-01-02T03:04:05.999Z') })
    await refusesToSeal('USAGE', { expiry: new Date(0) })
    await refusesToSeal('USAGE', { scheme: 'notary.x509.signingAuthority', timestamp: async () => Buffer.from('x') })
    await refusesToSeal('ENVELOPE_MALFORMED', { payload: Buffer.from('{}') })
    await refusesToSeal('ENVELOPE_MALFORMED', { timestamp: async () => Buffer.alloc(0) })
  })

  it('refuses to sign when a certificate is not valid at the signing time', async () => {
    await refusesToSeal('CERTIFICATE_EXPIRED', { signingTime: new Date('2019-12-31T23:59:59Z') })
    await refusesToSeal('CERTIFICATE_EXPIRED', { signingTime: new Date('2050-01-01T00:00:00Z') })
  })

  it('signs in the first and the last second of a certificate', async () => {
    for (const time of ['2020-01-01T00:00:00Z', '2049-01-01T00:00:00Z'])
      assert.equal(
        openEnvelope(JWS, await seal({ signingTime: new Date(time) })).signingTime?.getTime(),
        Date.parse(time),
      )
  })

  it('checks the chain of a signer that it does not know, before it is asked to sign', async () => {
    const signer = signerOf()
    const sign = (): Promise<Buffer> => assert.fail('it was asked')
    await refusesToSeal('CHAIN_INVALID', { signer: { ...signer, chain: signer.chain.slice(0, 1), sign } })
  })

  it('gives no envelope and asks for no timestamp when the signer did not sign', async () => {
    const signer = signerOf()
    const timestamp = (): Promise<Buffer> => assert.fail('a timestamp of nothing')
    const wrong: Signer['sign'][] = [
      async () => Buffer.alloc(64),
      () => signerOf().sign(Buffer.from('other bytes')),
      async (bytes) => localSigner(party('ES256', 'mallory').key, party('ES256', 'mallory').chain).sign(bytes),
    ]
    for (const sign of wrong) await refusesToSeal('ENVELOPE_SIGNATURE', { signer: { ...signer, sign }, timestamp })
    await refusesToSeal('ENVELOPE_MALFORMED', { signer: { ...signer, algorithm: 'ES384' }, timestamp })
  })

  it('hands on what the signer and the timestamp throw', async () => {
    const fail = (): Promise<Buffer> => Promise.reject(new RangeError('x'))
    await assert.rejects(seal({ signer: { ...signerOf(), sign: fail } }), RangeError)
    await assert.rejects(seal({ timestamp: fail }), RangeError)
  })
})

describe('signature/signer', () => {
  it('refuses a key and a chain that are not of each other', () => {
    refuses('CHAIN_FILE', () => localSigner(party().key, []))
    refuses('CHAIN_FILE', () => localSigner(party().key, party('ES256', 'mallory').chain))
    refuses('CHAIN_FILE', () => localSigner(party().key, party().chain.toReversed()))
    refuses('CHAIN_FILE', () => localSigner(generateKeyPairSync('ed25519').privateKey, party().chain))
  })

  it('refuses a key that no signature may use', () => {
    for (const { key, chain } of oddParties) refuses('ALGORITHM_REFUSED', () => localSigner(key, chain))
  })

  it('refuses a chain that breaks the rules', () => {
    const { key, chain } = rootAsSigner()
    refuses('CHAIN_INVALID', () => localSigner(key, chain))
    refuses('CHAIN_INVALID', () => localSigner(party().key, party().chain.slice(0, 1)))
  })
})
