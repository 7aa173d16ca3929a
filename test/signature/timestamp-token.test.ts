/** Timestamp tokens from the real `openssl ts`, and tokens made by hand that are each bad for one reason. */
import assert from 'node:assert/strict'
import { randomInt, createHash } from 'node:crypto'
import { der, derInteger, derNull, derOctets, derOid, derSequence, readDer } from '../../src/codec/index.ts'
import { openTimestamp, timestampRequest, type Timestamp } from '../../src/signature/index.ts'
import { Authority, TIME_STAMPING, USAGE, type Made } from './authority.ts'
import * as maker from './token-maker.ts'
import { makeToken, type Attributes, type Recipe } from './token-maker.ts'

const DATA = Buffer.from('the primitive signature of an envelope')
const refused = { code: 'TIMESTAMP_INVALID' }
/** The ASCII of `01` and a fraction: an attribute nobody knows. */
const UNKNOWN = '1.2.840.113549.1.9.16.2.99'

describe('signature/timestamp-token', function () {
  this.timeout(60_000)
  let authority: Authority
  let rsa: Made
  let ec: Made
  before(() => {
    authority = new Authority()
    rsa = authority.signer('rsa', 'rsa')
    ec = authority.signer('ec', 'p256')
  })
  after(() => authority.remove())

  /** A token of the real tool over DATA. */
  function real(signer: Made, hash: 'sha256' | 'sha384' | 'sha512' = 'sha256', settings: string[] = []): Buffer {
    const reply = authority.reply(timestampRequest(DATA, hash).der, signer, settings)
    const inside = readDer(reply)?.contents ?? Buffer.alloc(0)
    return Buffer.from(readDer(inside)?.rest ?? Buffer.alloc(0))
  }

  function recipe(more: Partial<Recipe> = {}): Recipe {
    return { signer: ec, issuers: [authority.issuer, authority.root], data: DATA, ...more }
  }

  /** Edits attributes by name. */
  const without = (name: keyof Attributes) => (attributes: Attributes) => {
    const { [name]: _, ...rest } = attributes
    return rest as Attributes
  }

  const refuse = (token: Uint8Array): void => {
    assert.throws(() => openTimestamp(token, DATA), refused)
  }

  describe('of openssl ts', () => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      it(`accepts an RSA and an EC signer over ${hash}`, () => {
        for (const signer of [rsa, ec]) {
          const at = Date.now()
          const { genTime, accuracyMs, chain } = openTimestamp(real(signer, hash, [`signer_digest=${hash}`]), DATA)
          assert.ok(Math.abs(genTime.getTime() - at) < 60_000)
          assert.equal(accuracyMs, 0)
          const expected = [signer, authority.issuer, authority.root]
          assert.deepEqual(
            chain.map((certificate) => certificate.der.toString('hex')),
            expected.map((made) => made.der.toString('hex')),
          )
        }
      })
    }

    it('accepts P-384, P-521, a hash of its own for the certificate, and the whole chain in it', () => {
      for (const kind of ['p384', 'p521'] as const)
        openTimestamp(
          real(authority.signer(kind, kind), 'sha384', ['signer_digest=sha512', 'ess_cert_id_alg=sha512']),
          DATA,
        )
      openTimestamp(real(rsa, 'sha256', ['ess_cert_id_chain=yes', 'tsa_name=yes', 'ordering=yes']), DATA)
    })

    it('reads the accuracy that is stated, rounded up', () => {
      const settings = ['accuracy=secs:2, millisecs:500, microsecs:1']
      assert.equal(openTimestamp(real(ec, 'sha256', settings), DATA).accuracyMs, 2501)
    })

    it('takes a second where the baseline policy states no accuracy', () => {
      const settings = ['default_policy=0.4.0.2023.1.1']
      assert.equal(openTimestamp(real(ec, 'sha256', settings), DATA).accuracyMs, 1000)
    })

    it('refuses one over other bytes', () => {
      const token = real(rsa)
      assert.throws(() => openTimestamp(token, Buffer.concat([DATA, Buffer.alloc(1)])), refused)
      assert.throws(() => openTimestamp(token, DATA.subarray(1)), refused)
      assert.throws(() => openTimestamp(token, Buffer.alloc(0)), refused)
    })

    it('refuses one that binds its certificate by SHA-1 alone', () =>
      refuse(real(rsa, 'sha256', ['ess_cert_id_alg=sha1'])))

    it('refuses one signed with SHA-1', () => refuse(real(rsa, 'sha256', ['signer_digest=sha1'])))
  })

  describe('by hand', () => {
    it('accepts what openssl ts -verify accepts too', () => {
      for (const more of [{}, { signer: rsa }, { signer: rsa, pss: true }, { imprintHash: 'sha512' as const }]) {
        const token = makeToken(recipe(more))
        assert.equal(openTimestamp(token, DATA).genTime.toISOString(), '2026-06-14T12:00:00.000Z')
        assert.ok(authority.accepts(token, DATA) || 'pss' in more)
      }
    })

    it('accepts unsigned attributes, unknown signed ones, and a signer whose issuers are absent', () => {
      const unsigned = maker.attribute('1.2.840.113549.1.9.16.2.14', derSequence())
      openTimestamp(makeToken(recipe({ unsigned })), DATA)
      const more = (attributes: Attributes): Attributes => ({
        ...attributes,
        x: maker.attribute(UNKNOWN, derInteger(1)),
      })
      openTimestamp(makeToken(recipe({ attributes: more })), DATA)
      assert.equal(openTimestamp(makeToken(recipe({ issuers: [] })), DATA).chain.length, 1)
    })

    it('reads times with fractions, and widens the range by what a Date cannot hold', () => {
      const at = (text: string): Timestamp =>
        openTimestamp(makeToken(recipe({ info: { genTime: maker.generalizedTime(text) } })), DATA)
      assert.equal(at('20240229235959.5Z').genTime.toISOString(), '2024-02-29T23:59:59.500Z')
      assert.equal(at('20240229235959.123Z').accuracyMs, 0)
      assert.equal(at('20240229235959.123456Z').genTime.toISOString(), '2024-02-29T23:59:59.123Z')
      assert.equal(at('20240229235959.123456Z').accuracyMs, 1)
    })

    const TIMES =
      '20260614120000 20260614120000+0000 202606141200Z 20260614120000.Z 20260614120000.50Z 20260614120000,5Z ' +
      '20260231120000Z 20260614240000Z 20260614126000Z 20260614120060Z 260614120000Z 20261314120000Z ' +
      '20260600120000Z 20260614120000z 2026061412000٣Z'
    for (const text of [...TIMES.split(' '), '', ' 20260614120000Z'])
      it(`refuses the time "${text}"`, () =>
        refuse(makeToken(recipe({ info: { genTime: maker.generalizedTime(text) } }))))

    const accuracy = (...parts: Buffer[]): Partial<Recipe> => ({ info: { accuracy: derSequence(...parts) } })
    const extension = (...parts: Buffer[]): Partial<Recipe> => ({
      info: { extensions: der(0xa1, derSequence(derOid('1.2.3'), ...parts, derOctets(Buffer.alloc(2)))) },
    })
    const TRUE = der(1, Uint8Array.of(0xff))
    const INFO: Record<string, Partial<Recipe>> = {
      'another version': { info: { version: derInteger(2) } },
      'no policy': { info: { policy: undefined } },
      'a SHA-1 imprint': { imprintHash: 'sha1' },
      'a hash cut short': {
        info: {
          imprint: derSequence(maker.hashAlgorithm('sha256'), derOctets(maker.digest('sha256', DATA).subarray(1))),
        },
      },
      'SHA-384 called SHA-256': {
        info: { imprint: derSequence(maker.hashAlgorithm('sha256'), derOctets(maker.digest('sha384', DATA))) },
      },
      'a negative serial number': { info: { serial: der(2, Uint8Array.of(0x80)) } },
      'a UTCTime': { info: { genTime: der(0x17, Buffer.from('260614120000Z')) } },
      'a negative accuracy': accuracy(der(2, Uint8Array.of(0xff))),
      'a thousand milliseconds': accuracy(der(0x80, Uint8Array.of(3, 0xe8))),
      'accuracy in another order': accuracy(der(0x81, Uint8Array.of(1)), der(0x80, Uint8Array.of(1))),
      'a default written out': { info: { ordering: der(1, Uint8Array.of(0)) } },
      'a boolean that is not 255': { info: { ordering: der(1, Uint8Array.of(1)) } },
      'a critical extension': extension(TRUE),
      'a field after the last': { info: { extra: derNull() } },
    }
    for (const [name, more] of Object.entries(INFO))
      it(`refuses TSTInfo with ${name}`, () => refuse(makeToken(recipe(more))))

    it('accepts an extension of TSTInfo that is not critical', () => {
      openTimestamp(makeToken(recipe(extension())), DATA)
    })

    const edited = (edit: (attributes: Attributes) => Attributes): Partial<Recipe> => ({ attributes: edit })
    const CMS: Record<string, () => Partial<Recipe>> = {
      'another version': () => ({ signedDataVersion: 1 }),
      'another content type': () => ({ contentType: '1.2.840.113549.1.7.1' }),
      'no signer': () => ({ signers: () => [] }),
      'two signers': () => ({ signers: (info) => [info, info] }),
      'no certificates': () => ({ certificates: () => [] }),
      'the certificate of another signer': () => ({ certificates: () => [rsa.der] }),
      'a certificate that is none': () => ({ certificates: (list) => [...list, derSequence(derNull())] }),
      'an attribute certificate': () => ({ certificates: (list) => [...list, der(0xa2, derNull())] }),
      'thirty-three certificates': () => ({ certificates: (list) => Array.from({ length: 11 }, () => list).flat() }),
      'no contentType': () => edited(without('contentType')),
      'no messageDigest': () => edited(without('messageDigest')),
      'no signing-certificate-v2': () => edited(without('signingCertificate')),
      'another messageDigest': () =>
        edited((a) => ({ ...a, messageDigest: maker.attribute('1.2.840.113549.1.9.4', derOctets(Buffer.alloc(32))) })),
      'messageDigest twice': () => edited((a) => ({ ...a, again: a.messageDigest })),
      'messageDigest with two values': () => {
        const value = derOctets(Buffer.alloc(32))
        return edited((a) => ({ ...a, messageDigest: maker.attribute('1.2.840.113549.1.9.4', value, value) }))
      },
      'another contentType attribute': () =>
        edited((a) => ({ ...a, contentType: maker.attribute('1.2.840.113549.1.9.3', derOid('1.2.840.113549.1.7.1')) })),
      'signing-certificate-v2 of its issuer': () =>
        edited((a) => ({ ...a, signingCertificate: maker.signingCertificateV2(authority.issuer.der) })),
      'signing-certificate-v2 by SHA-1': () =>
        edited((a) => ({ ...a, signingCertificate: maker.signingCertificateV2(ec.der, 'sha1') })),
      'signing-certificate-v2 with the serial number of another': () => {
        const { issuer } = maker.issuerAndSerial(ec.der)
        const named = derSequence(derSequence(der(0xa4, issuer)), derInteger(1))
        return edited((a) => ({ ...a, signingCertificate: maker.signingCertificateV2(ec.der, 'sha256', named) }))
      },
      'attributes out of order': () => ({ unsorted: true }),
      'the hash of the signature changed': () => ({ signatureAlgorithm: derSequence(derOid('1.2.840.10045.4.3.3')) }),
      'RSA named over an EC key': () => ({
        signatureAlgorithm: derSequence(derOid('1.2.840.113549.1.1.1'), derNull()),
      }),
      'ECDSA named over an RSA key': () => ({
        signer: rsa,
        signatureAlgorithm: derSequence(derOid('1.2.840.10045.4.3.2')),
      }),
      'another salt than was used': () => ({ signer: rsa, pss: true, signatureAlgorithm: pssParameters(31) }),
    }
    for (const [name, more] of Object.entries(CMS)) it(`refuses ${name}`, () => refuse(makeToken(recipe(more()))))

    function pssParameters(salt: number): Buffer {
      const hash = maker.hashAlgorithm('sha256')
      const mask = derSequence(derOid('1.2.840.113549.1.1.8'), hash)
      const parameters = derSequence(der(0xa0, hash), der(0xa1, mask), der(0xa2, derInteger(salt)))
      return derSequence(derOid('1.2.840.113549.1.1.10'), parameters)
    }

    it('accepts signing-certificate-v2 with the right issuer and serial number', () => {
      const { issuer, serial } = maker.issuerAndSerial(ec.der)
      const named = derSequence(derSequence(der(0xa4, issuer)), serial)
      const attributes = (a: Attributes): Attributes => ({
        ...a,
        signingCertificate: maker.signingCertificateV2(ec.der, 'sha512', named),
      })
      openTimestamp(makeToken(recipe({ attributes })), DATA)
    })

    const SIGNERS: Record<string, string> = {
      'without extended key usage': USAGE,
      'whose extended key usage is not critical': `${USAGE}\nextendedKeyUsage=timeStamping`,
      'for code signing too': `${USAGE}\nextendedKeyUsage=critical,timeStamping,codeSigning`,
      'for code signing alone': `${USAGE}\nextendedKeyUsage=critical,codeSigning`,
      'for anything': `${USAGE}\nextendedKeyUsage=critical,anyExtendedKeyUsage`,
      'without key usage': TIME_STAMPING,
      'that may not sign': `keyUsage=critical,keyEncipherment\n${TIME_STAMPING}`,
      'that is an authority': `${USAGE}\n${TIME_STAMPING}\nbasicConstraints=critical,CA:TRUE`,
    }
    for (const [name, extensions] of Object.entries(SIGNERS))
      it(`refuses a signer ${name}`, () => {
        const signer = authority.signer('bad', 'p256', extensions)
        refuse(makeToken(recipe({ signer })))
      })

    it('refuses an RSA key of 1024 bits, another curve, and a certificate signed with SHA-1', () => {
      refuse(makeToken(recipe({ signer: authority.signer('short', 'rsa-1024') })))
      refuse(makeToken(recipe({ signer: authority.signer('curve', 'k256') })))
      refuse(makeToken(recipe({ signer: authority.signer('sha1', 'p256', undefined, 'sha1') })))
    })
  })

  describe('as bytes', () => {
    it('refuses every cut, and anything that follows', () => {
      const token = real(ec)
      for (let length = 0; length < token.length; length++) refuse(token.subarray(0, length))
      for (const tail of ['00', '0500', '30']) refuse(Buffer.concat([token, Buffer.from(tail, 'hex')]))
    })

    it('refuses a token of more than a mebibyte before it reads it', () =>
      refuse(Buffer.concat([real(ec), Buffer.alloc(1024 * 1024)])))

    it('refuses indefinite and padded lengths, and a string in pieces', () => {
      const token = makeToken(recipe())
      const body = token.subarray(4)
      refuse(Buffer.concat([Buffer.from('3080', 'hex'), body, Buffer.from('0000', 'hex')]))
      refuse(Buffer.concat([Buffer.from('308300', 'hex'), token.subarray(2)]))
      const pieces = makeToken(recipe({ unsigned: maker.attribute(UNKNOWN, der(0x24, derOctets(DATA))) }))
      refuse(pieces)
    })

    it('refuses nesting that would exhaust a reader', () => {
      let deep: Buffer = derNull()
      for (let i = 0; i < 5000; i++) deep = derSequence(deep)
      refuse(deep)
    })

    it('refuses another time put into a token', () => {
      const [one, other] = ['20260614120000Z', '20260614120001Z']
      const text = makeToken(recipe({ info: { genTime: maker.generalizedTime(one) } })).toString('latin1')
      refuse(Buffer.from(text.replace(one, other), 'latin1'))
    })

    it('never takes another meaning out of a token with flipped bits', () => {
      const seed = randomInt(2 ** 31)
      console.log(`      seed ${seed}`)
      for (const signer of [rsa, ec]) {
        const token = real(signer, 'sha256', ['accuracy=secs:1'])
        const whole = openTimestamp(token, DATA)
        let kept = 0
        for (let i = 0; i < 1500; i++) {
          const draw = createHash('sha256').update(`${seed} ${i}`).digest()
          const flipped = Buffer.from(token)
          for (let n = 0; n <= (draw[9] ?? 0) % 3; n++) {
            const at = draw.readUInt16BE(2 * n) % token.length
            flipped[at] = (flipped[at] ?? 0) ^ (1 << ((draw[6 + n] ?? 0) & 7))
          }
          let read: Timestamp
          try {
            read = openTimestamp(flipped, DATA)
          } catch (error) {
            assert.equal((error as { code?: unknown }).code, 'TIMESTAMP_INVALID', `seed ${seed}, draw ${i}`)
            continue
          }
          kept++
          assert.deepEqual(
            [read.genTime, read.accuracyMs, read.chain[0]?.sha256],
            [whole.genTime, whole.accuracyMs, whole.chain[0]?.sha256],
            `seed ${seed}, draw ${i}`,
          )
        }
        // Flips in the issuers' certificates leave the token itself as it was.
        assert.ok(kept < 1500)
      }
    })

    it('refuses or keeps the meaning at every single bit', () => {
      const token = makeToken(recipe({ issuers: [] }))
      for (let bit = 0; bit < token.length * 8; bit++) {
        const flipped = Buffer.from(token)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        refuse(flipped)
      }
    })
  })
})
