import assert from 'node:assert/strict'
import { encodePem } from '../../src/codec/index.ts'
import { parseCertificates } from '../../src/signature/index.ts'
import { acme, certificateDer, curveKey } from './hand-made.ts'

const key = curveKey('P-256')
const [first, second] = ['one', 'two'].map((name) => certificateDer({ key, subject: acme(name) })) as [Buffer, Buffer]
const pem = encodePem('CERTIFICATE', first)
const both = `${pem}${encodePem('CERTIFICATE', second)}`

function names(file: string | Uint8Array): (string | undefined)[] {
  return parseCertificates(Buffer.from(file)).map(({ subject }) => subject.at(-1)?.value)
}

function refuses(file: string | Uint8Array): void {
  assert.throws(() => parseCertificates(Buffer.from(file)), { code: 'CERTIFICATE_FILE' })
  assert.throws(() => parseCertificates(Buffer.from(file), 'a.pem'), { code: 'CERTIFICATE_FILE', subject: 'a.pem' })
}

describe('signature/certificate-file', () => {
  it('reads DER, one certificate or several', () => {
    assert.deepEqual(names(first), ['one'])
    assert.deepEqual(names(Buffer.concat([second, first])), ['two', 'one'])
  })

  it('reads PEM blocks in their order, with text around them', () => {
    assert.deepEqual(names(pem), ['one'])
    assert.deepEqual(names(both), ['one', 'two'])
    assert.deepEqual(names(both.replaceAll('\n', '\r\n')), ['one', 'two'])
    assert.deepEqual(names(`# our roots\nsubject=CN = one\n\n${both.trimEnd()}`), ['one', 'two'])
  })

  it('refuses a file without a certificate', () => {
    for (const file of ['', '\n', 'hello', Buffer.alloc(100), Buffer.from('3000', 'hex')]) refuses(file)
  })

  it('refuses a block of another kind beside certificates', () => {
    const secret = key.privateKey.export({ format: 'pem', type: 'pkcs8' })
    refuses(`${pem}${secret}`)
    refuses(secret)
    refuses(encodePem('TRUSTED CERTIFICATE', first))
    refuses(`${both}${encodePem('X509 CRL', first)}`)
  })

  it('refuses blocks that are damaged, so that none is passed over', () => {
    refuses(both.slice(0, -30))
    refuses(both.slice(30))
    refuses(both.replace('-----END CERTIFICATE-----\n', ''))
    refuses(both.replace('-----BEGIN CERTIFICATE-----', '----BEGIN CERTIFICATE-----'))
    refuses(both.replace('-----BEGIN CERTIFICATE-----', ' -----BEGIN CERTIFICATE-----'))
    refuses(pem.replace('MII', 'MI*'))
    refuses(pem.replace('\n-----END', '=\n-----END'))
    refuses(`${pem}-----BEGIN CERTIFICATE-----\n`)
    refuses(encodePem('CERTIFICATE', Buffer.concat([first, second])))
    refuses(encodePem('CERTIFICATE', first.subarray(0, -1)))
    refuses(Buffer.concat([first, Buffer.from(pem)]))
    refuses(Buffer.concat([first, Buffer.alloc(2)]))
  })

  it('refuses more than a thousand certificates or 16 MiB', () => {
    assert.equal(parseCertificates(Buffer.concat(Array.from({ length: 1000 }, () => first))).length, 1000)
    refuses(Buffer.concat(Array.from({ length: 1001 }, () => first)))
    const spaces = ' '.repeat(16 * 1024 * 1024 - pem.length - 1)
    assert.deepEqual(names(`${spaces}\n${pem}`), ['one'])
    refuses(`${spaces} \n${pem}`)
    refuses('-----BEGIN CERTIFICATE-----\n'.repeat(500_000))
  })
})
