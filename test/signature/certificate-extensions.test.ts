import assert from 'node:assert/strict'
import { der, derInteger, derNull, derOid, derSequence } from '../../src/codec/index.ts'
import {
  CODE_SIGNING,
  TIME_STAMPING,
  certificate,
  constraints,
  curveKey,
  extension,
  purposes,
  usage,
} from './hand-made.ts'

const key = curveKey('P-256')
const read = (...extensions: Uint8Array[]) => certificate({ key, extensions })
const uri = (text: string): Buffer => der(0x86, Buffer.from(text))

function refuses(...extensions: Uint8Array[]): void {
  assert.throws(() => read(...extensions), { code: 'CERTIFICATE_MALFORMED' })
}

const FALSE = Buffer.from([1, 1, 0])
const TRUE = Buffer.from([1, 1, 0xff])

describe('signature/certificate-extensions', () => {
  it('reads basicConstraints with flag, length and criticality', () => {
    assert.deepEqual(read(constraints(true, 0)).basicConstraints, { critical: true, ca: true, pathLength: 0 })
    assert.deepEqual(read(constraints(true)).basicConstraints, { critical: true, ca: true })
    assert.deepEqual(read(constraints(false, undefined, false)).basicConstraints, { critical: false, ca: false })
    assert.equal(read(usage([0])).basicConstraints, undefined)
  })

  it('refuses basicConstraints with a written default, a length without CA, or a length out of range', () => {
    const of = (...parts: Uint8Array[]) => extension('2.5.29.19', derSequence(...parts), true)
    refuses(of(FALSE))
    refuses(of(derInteger(0)))
    refuses(of(TRUE, der(0x02, Uint8Array.of(0xff))))
    refuses(of(TRUE, derInteger(2 ** 31)))
    refuses(of(TRUE, derInteger(1), derInteger(1)))
    refuses(of(derInteger(1), TRUE))
    refuses(extension('2.5.29.19', derNull(), true))
    refuses(extension('2.5.29.19', Buffer.alloc(0), true))
    refuses(extension('2.5.29.19', Buffer.concat([derSequence(TRUE), derNull()]), true))
  })

  it('reads each bit of keyUsage, which Node gives nowhere', () => {
    const names = [
      'digitalSignature',
      'nonRepudiation',
      'keyEncipherment',
      'dataEncipherment',
      'keyAgreement',
      'keyCertSign',
      'cRLSign',
      'encipherOnly',
      'decipherOnly',
    ]
    for (const [bit, name] of names.entries())
      assert.deepEqual(read(usage([bit])).keyUsage, { critical: true, bits: new Set([name]) })
    const both = read(usage([0, 8], false), purposes([CODE_SIGNING]))
    assert.deepEqual(both.keyUsage, { critical: false, bits: new Set(['digitalSignature', 'decipherOnly']) })
    assert.deepEqual(both.x509.keyUsage, [CODE_SIGNING])
  })

  it('refuses keyUsage with an unknown bit or in another form', () => {
    refuses(usage([0, 9]))
    for (const hex of ['03020080', '030200', '0403020780', '0500', '03020780' + '0500'])
      refuses(extension('2.5.29.15', Buffer.from(hex, 'hex'), true))
  })

  it('reads extendedKeyUsage in its order, and refuses an empty one', () => {
    const oids = [TIME_STAMPING, CODE_SIGNING, '1.2.3.4']
    assert.deepEqual(read(purposes(oids, true)).extendedKeyUsage, { critical: true, oids })
    refuses(purposes([]))
    refuses(extension('2.5.29.37', derSequence(derInteger(1))))
    refuses(extension('2.5.29.37', derOid(CODE_SIGNING)))
  })

  it('refuses an extension that stands there twice, known or not', () => {
    refuses(usage([0]), usage([0, 1]))
    refuses(constraints(false), constraints(true))
    refuses(extension('1.2.3', Buffer.of(1)), extension('1.2.3', Buffer.of(1), true))
  })

  it('refuses an extension whose criticality is spelled out as false', () => {
    refuses(derSequence(derOid('1.2.3'), FALSE, der(0x04)))
    assert.deepEqual(read(derSequence(derOid('1.2.3'), TRUE, der(0x04))).unknownCritical, ['1.2.3'])
  })

  it('refuses an extension of another shape', () => {
    refuses(derSequence(derOid('1.2.3')))
    refuses(derSequence(derOid('1.2.3'), der(0x04), derNull()))
    refuses(derSequence(TRUE, derOid('1.2.3'), der(0x04)))
    refuses(der(0x31, derOid('1.2.3'), der(0x04)))
  })

  it('lists what is critical and not looked at, and reads no value of it', () => {
    const nameConstraints = extension('2.5.29.30', Buffer.from('not DER'), true)
    const made = read(usage([0]), purposes([CODE_SIGNING], true), nameConstraints, extension('1.2.3', Buffer.of(7)))
    assert.deepEqual(made.unknownCritical, ['2.5.29.30'])
  })

  it('reads every URL of distribution points, also of freshest ones', () => {
    const point = (...names: Uint8Array[]) => derSequence(der(0xa0, der(0xa0, ...names)))
    const list = derSequence(
      point(uri('http://crl.example/a.crl'), uri('ldap://dir.example/cn=a')),
      derSequence(der(0xa0, der(0xa0, uri('http://crl.example/b.crl'))), der(0x81, Uint8Array.of(6, 0x40))),
      derSequence(der(0xa2, der(0xa4, derSequence()))),
      point(der(0x82, Buffer.from('dns.example'))),
    )
    const made = read(extension('2.5.29.31', list), extension('2.5.29.46', derSequence(point(uri('http://d/')))))
    assert.deepEqual(made.crlUrls, ['http://crl.example/a.crl', 'ldap://dir.example/cn=a', 'http://crl.example/b.crl'])
    assert.deepEqual(made.freshestCrlUrls, ['http://d/'])
    assert.deepEqual(read(usage([0])).crlUrls, [])
  })

  it('tells of a point that its URLs do not answer whole', () => {
    const named = der(0xa0, der(0xa0, uri('http://a/')))
    const whole = derSequence(named)
    const other = (oid: string, point: Uint8Array) => read(extension(oid, derSequence(whole, point))).crlElsewhere
    assert.equal(read(usage([0])).crlElsewhere, false)
    const parts = [
      derSequence(named, der(0x81, Uint8Array.of(6, 0x40))),
      derSequence(named, der(0xa2, der(0xa4, derSequence()))),
      derSequence(der(0xa2, der(0xa4, derSequence()))),
      derSequence(der(0xa0, der(0xa1, derSequence()))),
      derSequence(der(0xa0, der(0xa0, der(0x82, Buffer.from('dns.example'))))),
    ]
    for (const oid of ['2.5.29.31', '2.5.29.46']) {
      assert.equal(other(oid, whole), false)
      for (const part of parts) assert.equal(other(oid, part), true)
    }
  })

  it('refuses distribution points that hide their URL', () => {
    const points = (...list: Uint8Array[]) => extension('2.5.29.31', derSequence(...list))
    refuses(points())
    refuses(points(derSequence()))
    refuses(points(derSequence(der(0xa0))))
    refuses(points(derSequence(der(0xa0, der(0xa2, uri('http://a/'))))))
    refuses(points(derSequence(der(0xa0, der(0xa0, uri('http://a/')), der(0xa0, uri('http://b/'))))))
    refuses(points(derSequence(der(0xa0, der(0xa0, der(0x16, Buffer.from('http://a/')))))))
    refuses(points(derSequence(der(0xa0, der(0xa0, uri('http://a/'))), der(0xa0, der(0xa0, uri('http://b/'))))))
    refuses(points(derSequence(der(0xa2, der(0xa4, derSequence())), der(0xa0, der(0xa0, uri('http://a/'))))))
    for (const url of ['', 'http://a/ b', 'http://a/\u001b[2J', 'http://a/é'])
      refuses(points(derSequence(der(0xa0, der(0xa0, uri(url))))))
    refuses(extension('2.5.29.31', Buffer.from('not DER')))
  })

  it('reads the URLs of OCSP responders and of nothing else', () => {
    const access = (method: string, location: Uint8Array) => derSequence(derOid(method), location)
    const list = derSequence(
      access('1.3.6.1.5.5.7.48.2', uri('http://ca.example/ca.crt')),
      access('1.3.6.1.5.5.7.48.1', uri('http://ocsp.example')),
      access('1.3.6.1.5.5.7.48.1', der(0xa4, derSequence())),
      access('1.3.6.1.5.5.7.48.1', uri('http://ocsp2.example')),
    )
    assert.deepEqual(read(extension('1.3.6.1.5.5.7.1.1', list)).ocspUrls, [
      'http://ocsp.example',
      'http://ocsp2.example',
    ])
    refuses(extension('1.3.6.1.5.5.7.1.1', derSequence(derSequence(derOid('1.3.6.1.5.5.7.48.1')))))
    refuses(extension('1.3.6.1.5.5.7.1.1', derSequence()))
  })
})
