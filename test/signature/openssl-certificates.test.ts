import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkChain, distinguishedNameText, parseCertificates, signPrimitive } from '../../src/signature/index.ts'
import {
  CertificateMaker,
  KEY_KINDS,
  LEAF_EXTENSIONS,
  ROOT_EXTENSIONS,
  STAMPER_EXTENSIONS,
} from '../peers/setup/certificates.ts'
import { needPeers, peer } from '../peers/setup/run.ts'

describe('signature/openssl-certificates', function () {
  let folder: string
  let maker: CertificateMaker

  before(function () {
    needPeers(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-certificates-'))
    maker = new CertificateMaker(folder)
  })

  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  for (const kind of KEY_KINDS)
    it(`reads what openssl writes, and signs what openssl verifies: ${kind}`, async () => {
      const root = await maker.issue({ kind })
      const leaf = await maker.issue({ kind, issuer: root, subject: '/C=US/ST=WA/O=a, b+"c"/OU=\\\\d;e/CN=été #1' })
      const chain = parseCertificates(readFileSync(leaf.chain))
      checkChain(chain, 'codeSigning')
      const [read] = chain
      assert.ok(read?.algorithm !== undefined)
      const named = [
        '-nameopt',
        'RFC2253,-esc_msb,utf8',
        '-subject',
        '-serial',
        '-startdate',
        '-enddate',
        '-dateopt',
        'iso_8601',
      ]
      const facts = await peer('openssl', [
        'x509',
        '-in',
        leaf.certificate,
        '-noout',
        ...named,
        '-fingerprint',
        '-sha256',
      ])
      const iso = (time: Date): string => time.toISOString().replace('T', ' ').replace('.000Z', 'Z')
      const [subject, serial, from, until, print] = facts.split('\n')
      assert.equal(`subject=${distinguishedNameText(read.subject)}`, subject)
      assert.equal(`serial=${read.serial}`, serial?.toLowerCase().replace(/=0+/, '='))
      assert.equal(`notBefore=${iso(read.notBefore)}`, from)
      assert.equal(`notAfter=${iso(read.notAfter)}`, until)
      assert.equal(read.sha256, print?.split('=')[1]?.replaceAll(':', '').toLowerCase())

      const [data, key, signature] = [join(folder, 'data'), join(folder, 'public.pem'), join(folder, 'signature')]
      writeFileSync(data, 'the bytes that are signed')
      writeFileSync(key, read.publicKey.export({ format: 'pem', type: 'spki' }))
      const raw = signPrimitive(read.algorithm, createPrivateKey(readFileSync(leaf.key)), readFileSync(data))
      const rsa = kind.startsWith('rsa')
      writeFileSync(signature, rsa ? raw : derOf(raw))
      const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']
      const hash = `-sha${read.algorithm.slice(2)}`
      const said = await peer('openssl', [
        'dgst',
        hash,
        '-verify',
        key,
        '-signature',
        signature,
        ...(rsa ? pss : []),
        data,
      ])
      assert.match(said, /Verified OK/)
    })

  it('holds every extension openssl writes to the rules', async () => {
    const uris = [
      'crlDistributionPoints=URI:http://crl.example/a.crl,URI:http://crl.example/b.crl',
      'freshestCRL=URI:http://crl.example/delta.crl',
      'authorityInfoAccess=OCSP;URI:http://ocsp.example,caIssuers;URI:http://ca.example',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
    ]
    const root = await maker.issue()
    const limited = ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign']
    const issuer = await maker.issue({ kind: 'p384', issuer: root, extensions: limited })
    const leaf = await maker.issue({ issuer, extensions: [...LEAF_EXTENSIONS, ...uris] })
    const chain = parseCertificates(readFileSync(leaf.chain))
    checkChain(chain, 'codeSigning')
    assert.deepEqual(chain[0]?.crlUrls, ['http://crl.example/a.crl', 'http://crl.example/b.crl'])
    assert.deepEqual(chain[0]?.freshestCrlUrls, ['http://crl.example/delta.crl'])
    assert.deepEqual(chain[0]?.ocspUrls, ['http://ocsp.example'])
    assert.equal(chain[1]?.basicConstraints?.pathLength, 0)

    const below = await maker.issue({ kind: 'p521', issuer, extensions: ROOT_EXTENSIONS })
    const deeper = await maker.issue({ issuer: below })
    assert.throws(() => checkChain(parseCertificates(readFileSync(deeper.chain)), 'codeSigning'), {
      code: 'CHAIN_INVALID',
    })
    const stamper = await maker.issue({ issuer, extensions: STAMPER_EXTENSIONS })
    checkChain(parseCertificates(readFileSync(stamper.chain)), 'timestamping')
    const old = await maker.issue({ issuer, digest: 'sha1' })
    assert.throws(() => checkChain(parseCertificates(readFileSync(old.chain)), 'codeSigning'), {
      code: 'CHAIN_INVALID',
    })
  })
})

/** What OpenSSL's command line wants for ECDSA: r and s as a DER sequence. */
function derOf(raw: Buffer): Buffer {
  const integer = (octets: Buffer): Buffer => {
    const digits = octets.toString('hex').replace(/^(00)+/, '')
    const bytes = Buffer.from(digits, 'hex')
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes
    return Buffer.concat([Uint8Array.of(0x02, padded.length), padded])
  }
  const body = Buffer.concat([integer(raw.subarray(0, raw.length / 2)), integer(raw.subarray(raw.length / 2))])
  return Buffer.concat([Uint8Array.of(0x30, ...(body.length < 0x80 ? [] : [0x81]), body.length), body])
}
