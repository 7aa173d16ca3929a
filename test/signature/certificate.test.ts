import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { der, derBits, derInteger, derNull, derOctets, derOid, derSequence, parseDer } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { issuedBy, parseCertificate, selfSigned } from '../../src/signature/index.ts'
import {
  CA,
  SIGNER,
  VALIDITY,
  acme,
  attribute,
  certificate,
  certificateDer,
  constraints,
  curveKey,
  extension,
  nameOf,
  rsaKey,
  signatureAlgorithm,
  type Terms,
} from './hand-made.ts'

const key = curveKey('P-256')
const other = curveKey('P-256')
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function refuses(terms: Partial<Terms>, why: string): void {
  const made = certificateDer({ key, ...terms })
  assert.throws(() => parseCertificate(made), { code: 'CERTIFICATE_MALFORMED' }, why)
}

describe('signature/certificate', () => {
  it('reads every fact of a certificate', () => {
    const made = certificateDer({ key, subject: acme('a signer'), extensions: SIGNER, serial: derInteger(0xabc) })
    const read = parseCertificate(made)
    assert.ok(read.der.equals(made))
    assert.equal(read.sha256, sha256(made))
    assert.equal(read.spkiSha256, sha256(key.publicKey.export({ format: 'der', type: 'spki' })))
    assert.equal(read.serial, 'abc')
    assert.deepEqual(
      read.subject.map(({ name, value }) => `${name}=${value}`),
      ['C=US', 'ST=WA', 'O=acme', 'CN=a signer'],
    )
    assert.ok(read.rawSubject.equals(acme('a signer')))
    assert.ok(read.rawIssuer.equals(acme('a signer')))
    assert.equal(read.notBefore.toISOString(), '2026-01-01T00:00:00.000Z')
    assert.equal(read.notAfter.toISOString(), '2027-01-01T00:00:00.000Z')
    assert.equal(read.algorithm, 'ES256')
    assert.equal(read.sha1Signed, false)
    assert.deepEqual(read.keyUsage, { critical: true, bits: new Set(['digitalSignature']) })
  })

  it('keeps its own copy of the bytes', () => {
    const made = certificateDer({ key })
    const read = parseCertificate(made)
    const before = read.sha256
    made.fill(0)
    assert.equal(sha256(read.der), before)
    assert.ok(read.rawSubject.equals(acme('self')))
  })

  it('reads validity on both sides of 2050', () => {
    const validity = derSequence(der(0x17, Buffer.from('491231235959Z')), der(0x18, Buffer.from('20500101000000Z')))
    const read = certificate({ key, validity })
    assert.equal(read.notAfter.getTime() - read.notBefore.getTime(), 1000)
    assert.equal(
      certificate({
        key,
        validity: derSequence(der(0x17, Buffer.from('500101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
      }).notBefore.getUTCFullYear(),
      1950,
    )
  })

  it('refuses every prefix, anything behind, and what is larger than 64 KiB', () => {
    const made = certificateDer({ key })
    for (let end = 0; end < made.length; end += 1)
      assert.throws(() => parseCertificate(made.subarray(0, end)), { code: 'CERTIFICATE_MALFORMED' })
    assert.throws(() => parseCertificate(Buffer.concat([made, derNull()])), { code: 'CERTIFICATE_MALFORMED' })
    const padded = (size: number) => [...CA, extension('1.2.3.4', Buffer.alloc(size))]
    assert.equal(certificate({ key, extensions: padded(60_000) }).serial, '1267')
    refuses({ extensions: padded(66_000) }, 'size')
  })

  it('refuses a certificate of another version, or of none', () => {
    refuses({ version: Buffer.alloc(0), tail: Buffer.alloc(0) }, 'v1')
    refuses({ version: der(0xa0, derInteger(1)) }, 'v2')
    refuses({ version: der(0xa0, derInteger(3)) }, 'v4')
    refuses({ version: der(0xa0, derInteger(2), derInteger(2)) }, 'twice')
  })

  it('refuses serial numbers that are negative, padded or beyond 20 octets, and keeps zero', () => {
    refuses({ serial: der(0x02, Uint8Array.of(0x80)) }, 'negative')
    refuses({ serial: der(0x02, Uint8Array.of(0, 1)) }, 'padded')
    refuses({ serial: der(0x02, Buffer.alloc(21, 1)) }, 'long')
    assert.equal(certificate({ key, serial: derInteger(0) }).serial, '0')
    const widest = certificate({ key, serial: der(0x02, Uint8Array.of(0), Buffer.alloc(20, 0xff)) })
    assert.equal(widest.serial, 'ff'.repeat(20))
  })

  it('refuses two signature algorithms, and marks weak hashes', () => {
    refuses({ innerAlgorithm: signatureAlgorithm(key.privateKey, 'sha1') }, 'two')
    assert.equal(certificate({ key, hash: 'sha1' }).sha1Signed, true)
    const rsa = rsaKey(2048)
    assert.equal(certificate({ key: rsa, hash: 'md5' }).sha1Signed, true)
    assert.equal(certificate({ key: rsa, hash: 'sha1' }).sha1Signed, true)
    assert.equal(certificate({ key: rsa }).sha1Signed, false)
  })

  it('refuses fields out of place, left over or missing', () => {
    refuses({ tail: der(0xa3, derSequence(...CA), derSequence()) }, 'two lists')
    refuses({ tail: der(0xa3) }, 'no list')
    refuses({ tail: der(0xa3, derSequence()) }, 'an empty list')
    refuses({ tail: Buffer.concat([der(0xa3, derSequence(...CA)), derNull()]) }, 'more')
    refuses({ tail: Buffer.concat([der(0xa3, derSequence(...CA)), der(0xa3, derSequence(...CA))]) }, 'twice')
    refuses({ validity: derSequence(der(0x17, Buffer.from('260101000000Z'))) }, 'one time')
    refuses({ validity: derSequence(VALIDITY, VALIDITY) }, 'no times')
    refuses(
      { validity: derSequence(der(0x17, Buffer.from('260101000000+0100')), der(0x17, Buffer.from('270101000000Z'))) },
      'zone',
    )
    refuses({ subject: derSequence() }, 'no issuer')
    assert.deepEqual(certificate({ key, tail: Buffer.alloc(0) }).unknownCritical, [])
  })

  it('refuses names that are malformed, and keeps what is no text opaque', () => {
    refuses({ subject: derSequence(der(0x31)) }, 'an empty part')
    refuses({ subject: derSequence(der(0x31, derSequence(derOid('2.5.4.3')))) }, 'no value')
    refuses({ subject: nameOf(['CN', der(0x0c, Uint8Array.of(0xc0, 0xaf))]) }, 'not UTF-8')
    refuses({ subject: nameOf(['CN', der(0x13, Uint8Array.of(0xe9))]) }, 'not ASCII')
    refuses({ subject: nameOf(['CN', der(0x13, Buffer.from('a\0b'))]) }, 'NUL')
    refuses({ subject: nameOf(['CN', der(0x1e, Uint8Array.of(0, 65, 0))]) }, 'half a character')
    refuses({ subject: nameOf(['CN', der(0x1e, Uint8Array.of(0xd8, 0))]) }, 'half a pair')
    const subject = nameOf(['CN', der(0x1e, Uint8Array.of(0, 65, 1, 0x7d))], ['OU', der(0x14, Uint8Array.of(0xe9))])
    assert.deepEqual(certificate({ key, subject }).subject, [
      { oid: '2.5.4.3', name: 'CN', value: 'A\u017d' },
      { oid: '2.5.4.11', name: 'OU', value: '1401e9', opaque: true },
    ])
    const joined = derSequence(der(0x31, ...[attribute(['O', 'x']), attribute(['CN', 'y'])].toSorted(Buffer.compare)))
    assert.deepEqual(
      certificate({ key, subject: joined }).subject.map((part) => part.joined),
      [undefined, true],
    )
  })

  it('tells what each kind of key may be used for', () => {
    const algorithms = [
      rsaKey(2048),
      rsaKey(3072),
      rsaKey(1024),
      curveKey('P-384'),
      curveKey('P-521'),
      curveKey('P-224'),
    ]
    assert.deepEqual(
      algorithms.map((made) => certificate({ key: made }).algorithm),
      ['PS256', 'PS384', undefined, 'ES384', 'ES512', undefined],
    )
    assert.equal(certificate({ key: rsaKey(2048, 3) }).algorithm, 'PS256')
  })

  it('refuses a curve that is not named, and a point that is not uncompressed', () => {
    const point = key.publicKey.export({ format: 'der', type: 'spki' }).subarray(-65)
    const p256 = derSequence(derOid('1.2.840.10045.2.1'), derOid('1.2.840.10045.3.1.7'))
    assert.equal(certificate({ key, spki: derSequence(p256, derBits(point)) }).algorithm, 'ES256')
    const odd = (point[64] ?? 0) & 1
    const compressed = Buffer.concat([Uint8Array.of(2 + odd), point.subarray(1, 33)])
    const hybrid = Buffer.concat([Uint8Array.of(6 + odd), point.subarray(1)])
    for (const form of [compressed, hybrid]) refuses({ spki: derSequence(p256, derBits(form)) }, 'another form')
    // P-256 by its parameters, as in the attack on CryptoAPI, but with the true generator.
    const hex = (text: string): Buffer => Buffer.from(text, 'hex')
    const prime = hex('00ffffffff00000001000000000000000000000000ffffffffffffffffffffffff')
    const order = hex('00ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    const a = hex('ffffffff00000001000000000000000000000000fffffffffffffffffffffffc')
    const b = hex('5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b')
    const g = hex(
      '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    )
    const parameters = derSequence(
      derInteger(1),
      derSequence(derOid('1.2.840.10045.1.1'), der(0x02, prime)),
      derSequence(derOctets(a), derOctets(b)),
      derOctets(g),
      der(0x02, order),
      derInteger(1),
    )
    const spelled = derSequence(derSequence(derOid('1.2.840.10045.2.1'), parameters), derBits(point))
    refuses({ spki: spelled }, 'by its parameters')
  })

  it('refuses an RSA key in any form but one', () => {
    const rsa = rsaKey(2048)
    const plain = rsa.publicKey.export({ format: 'der', type: 'pkcs1' })
    const [modulus, exponent] = parseDer(plain).children
    assert.ok(modulus && exponent)
    const kind = derSequence(derOid('1.2.840.113549.1.1.1'), derNull())
    const spki = (bits: Uint8Array, algorithm = kind): Buffer => derSequence(algorithm, derBits(bits))
    assert.ok(spki(plain).equals(rsa.publicKey.export({ format: 'der', type: 'spki' })))
    const padded = (number: Uint8Array): Buffer => der(0x02, Uint8Array.of(0), number)
    const forms = {
      'bytes behind': spki(Buffer.concat([plain, derNull()])),
      'a third number': spki(derSequence(modulus.raw, exponent.raw, derInteger(1))),
      'a padded modulus': spki(derSequence(padded(modulus.contents), exponent.raw)),
      'a padded exponent': spki(derSequence(modulus.raw, padded(exponent.contents))),
      'a long length': spki(Buffer.concat([Uint8Array.of(0x30, 0x83, 0), plain.subarray(2)])),
      'no parameters': spki(plain, derSequence(derOid('1.2.840.113549.1.1.1'))),
      'a negative modulus': spki(derSequence(der(0x02, modulus.contents.subarray(1)), exponent.raw)),
    }
    for (const [what, form] of Object.entries(forms)) refuses({ key: rsa, spki: form }, what)
  })

  it('refuses a key that is none', () => {
    refuses({ spki: derSequence(derSequence(derOid('1.2.3.4')), derBits(Buffer.alloc(9))) }, 'unknown kind')
    const off = derBits(Buffer.concat([Uint8Array.of(4), Buffer.alloc(64, 1)]))
    refuses(
      { spki: derSequence(derSequence(derOid('1.2.840.10045.2.1'), derOid('1.2.840.10045.3.1.7')), off) },
      'off the curve',
    )
  })

  it('knows a self-signed certificate by name and signature together', () => {
    assert.equal(selfSigned(certificate({ key })), true)
    assert.equal(selfSigned(certificate({ key, issuer: { privateKey: other.privateKey, name: acme('self') } })), false)
    assert.equal(selfSigned(certificate({ key, issuer: { privateKey: key.privateKey, name: acme('else') } })), false)
  })

  it('knows an issuer by its key, not only by its name (twin authorities)', () => {
    const [mother, twin] = [certificate({ key, subject: acme('ca') }), certificate({ key: other, subject: acme('ca') })]
    const child = certificate({
      key: other,
      subject: acme('x'),
      issuer: { privateKey: key.privateKey, name: acme('ca') },
    })
    assert.equal(issuedBy(child, mother), true)
    assert.equal(issuedBy(child, twin), false)
  })

  it('takes names for equal only octet by octet', () => {
    const printable = nameOf(['CN', der(0x13, Buffer.from('ca'))])
    const mother = certificate({ key, subject: printable })
    const child = certificate({ key: other, issuer: { privateKey: key.privateKey, name: nameOf(['CN', 'ca']) } })
    assert.equal(issuedBy(child, mother), false)
  })

  it('takes no certificate with a changed octet for the same', () => {
    const made = certificateDer({ key, extensions: [...CA, constraints(true)].slice(0, 2) })
    for (let at = 0; at < made.length; at += 1) {
      const changed = Buffer.from(made)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      try {
        const read = parseCertificate(changed)
        assert.ok(!selfSigned(read), `octet ${at}`)
        assert.notEqual(read.sha256, sha256(made))
      } catch (error) {
        if (!isFault(error, 'CERTIFICATE_MALFORMED')) throw error
      }
    }
  })
})
