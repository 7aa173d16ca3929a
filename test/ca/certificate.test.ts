import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate, createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCertificate, KEY_ALGORITHMS, type CertificateTerms } from '../../src/ca/index.ts'
import { derTime } from '../../src/ca/certificate.ts'
import { encodePem } from '../../src/codec/index.ts'
import {
  buildChains,
  FIXTURE_PASSPHRASE,
  fixtureParty,
  fixtureSigner,
  fixtureTsa,
  type FixtureParty,
} from '../../fixtures/chains/build.ts'
import { fixtureKey } from '../../fixtures/chains/keys.ts'
import { tree } from '../transfer/stage.ts'

describe('ca/certificate', function () {
  this.timeout(60_000)
  let dir: string
  before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))))
  after(() => rmSync(dir, { recursive: true, force: true }))

  function openssl(...args: string[]): { status: number | null; out: string } {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
    return { status, out: stdout + stderr }
  }

  function text(der: Uint8Array): string {
    writeFileSync(join(dir, 'one.crt'), encodePem('CERTIFICATE', der))
    const { status, out } = openssl('x509', '-in', 'one.crt', '-noout', '-text')
    assert.equal(status, 0, out)
    return out
  }

  /** What `openssl verify`, at its strictest, says of a chain. */
  function verified({ chain }: FixtureParty, ...options: string[]): boolean {
    const pem = chain.map((der) => encodePem('CERTIFICATE', der))
    writeFileSync(join(dir, 'leaf.crt'), pem[0] ?? '')
    writeFileSync(join(dir, 'above.crt'), pem.slice(1, -1).join(''))
    writeFileSync(join(dir, 'root.crt'), pem.at(-1) ?? '')
    const trust = ['-CAfile', 'root.crt', ...(pem.length > 2 ? ['-untrusted', 'above.crt'] : [])]
    return openssl('verify', '-x509_strict', '-no-CApath', '-no-CAstore', ...trust, ...options, 'leaf.crt').status === 0
  }

  for (const algorithm of KEY_ALGORITHMS) {
    it(`makes chains of ${algorithm} that openssl verifies, and not after a flipped bit`, () => {
      const signer = fixtureSigner(algorithm)
      assert.ok(verified(signer))
      const [own = Buffer.alloc(0), ...above] = signer.chain
      const bent = Buffer.from(own)
      bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
      assert.ok(!verified({ ...signer, chain: [bent, ...above] }))
    })
  }

  it('makes chains with an authority in between, of mixed algorithms', () => {
    const root = fixtureParty({ kind: 'root', commonName: 'mixed root', pathLength: 1, algorithm: 'ES512' })
    const issuing = fixtureParty({
      kind: 'ca',
      commonName: 'mixed issuing',
      pathLength: 0,
      algorithm: 'PS256',
      issuer: root,
    })
    const signer = fixtureParty({ kind: 'signer', commonName: 'mixed signer', algorithm: 'ES256', issuer: issuing })
    assert.ok(verified(signer))
    const deeper = fixtureParty({ kind: 'ca', commonName: 'mixed deeper', issuer: issuing })
    assert.ok(!verified(fixtureParty({ kind: 'signer', commonName: 'mixed leaf', issuer: deeper })))
  })

  it('makes a signer that signs itself', () => {
    const alone = fixtureParty({ kind: 'signer', commonName: 'alone' })
    assert.ok(verified(alone))
    const [der = Buffer.alloc(0)] = alone.chain
    assert.match(text(der), /CA:FALSE/)
    assert.doesNotMatch(text(der), /Authority Key Identifier/)
  })

  it('makes a timestamp service that openssl takes for one, and for nothing else', () => {
    assert.ok(verified(fixtureTsa(), '-purpose', 'timestampsign'))
    assert.ok(!verified(fixtureTsa(), '-purpose', 'sslserver'))
    assert.ok(!verified(fixtureSigner('ES384'), '-purpose', 'timestampsign'))
  })

  it('marks as critical what the rules demand, and gives no use beyond', () => {
    const usage = (der: Uint8Array | undefined): string[] => {
      const found = text(der ?? Buffer.alloc(0)).matchAll(
        /X509v3 (Basic Constraints|(?:Extended )?Key Usage): ?(.*)\n +(.*)\n/g,
      )
      return [...found].map(([, name, critical, value]) => `${name}|${critical?.trim()}|${value}`)
    }
    const signer = fixtureSigner('ES384')
    assert.deepEqual(usage(signer.chain[0]), [
      'Basic Constraints|critical|CA:FALSE',
      'Key Usage|critical|Digital Signature',
      'Extended Key Usage||Code Signing',
    ])
    assert.deepEqual(usage(signer.chain[1]), [
      'Basic Constraints|critical|CA:TRUE',
      'Key Usage|critical|Certificate Sign, CRL Sign',
    ])
    assert.deepEqual(usage(fixtureTsa().chain[0]), [
      'Basic Constraints|critical|CA:FALSE',
      'Key Usage|critical|Digital Signature',
      'Extended Key Usage|critical|Time Stamping',
    ])
  })

  it('names the place of the revocation list', () => {
    const issuer = fixtureParty({ kind: 'root', commonName: 'listed root' })
    const [der = Buffer.alloc(0)] = fixtureParty({
      kind: 'signer',
      commonName: 'listed',
      issuer,
      crlUrl: 'http://crl.example/root.crl',
    }).chain
    assert.match(text(der), /X509v3 CRL Distribution Points:[^U]+URI:http:\/\/crl\.example\/root\.crl/)
  })

  it('writes times in the form of their century, without fractions', () => {
    const form = (time: string): string => derTime(new Date(time)).toString('latin1').slice(2)
    assert.equal(derTime(new Date('2049-12-31T23:59:59.999Z'))[0], 0x17)
    assert.equal(form('2049-12-31T23:59:59.999Z'), '491231235959Z')
    assert.equal(derTime(new Date('2050-01-01T00:00:00Z'))[0], 0x18)
    assert.equal(form('2050-01-01T00:00:00Z'), '20500101000000Z')
    assert.equal(form('2028-02-29T00:00:00Z'), '280229000000Z')
    for (const beyond of ['1949-12-31T23:59:59Z', '+010000-01-01T00:00:00Z'])
      assert.throws(() => derTime(new Date(beyond)), RangeError)
  })

  describe('serial numbers and names', () => {
    const { issuer } = fixtureKey('ES256', 'terms')
    const other = fixtureKey('ES256', 'other terms').issuer
    const [name, second] = ['n', 'm'].map((commonName) => fixtureParty({ kind: 'root', commonName }).name)
    assert.ok(name !== undefined && second !== undefined)
    const terms: CertificateTerms = {
      kind: 'signer',
      subject: name,
      publicKey: issuer.publicKey,
      issuer: { name, key: issuer },
      serial: Buffer.alloc(16, 1),
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
    }

    for (const [hex, shown] of [
      ['ff'.repeat(16), 'FF'.repeat(16)],
      [`80${'00'.repeat(15)}`, `80${'00'.repeat(15)}`],
      [`${'00'.repeat(15)}01`, '01'],
      [`00008001${'00'.repeat(12)}`, `8001${'00'.repeat(12)}`],
    ] as const)
      it(`are positive and minimal for ${hex}`, () => {
        const made = new X509Certificate(buildCertificate({ ...terms, serial: Buffer.from(hex, 'hex') }))
        assert.equal(made.serialNumber, shown)
        assert.ok(made.verify(createPublicKey({ key: issuer.publicKey, format: 'der', type: 'spki' })))
      })

    it('are refused when they are not random or short, or say nothing', () => {
      for (const serial of [Buffer.alloc(16), Buffer.alloc(15, 1), Buffer.alloc(17, 1)])
        assert.throws(() => buildCertificate({ ...terms, serial }), RangeError)
      assert.throws(() => buildCertificate({ ...terms, notAfter: terms.notBefore }), RangeError)
    })

    it('are never one name for two keys', () => {
      assert.throws(() => buildCertificate({ ...terms, publicKey: other.publicKey }), RangeError)
      buildCertificate({ ...terms, publicKey: other.publicKey, subject: second })
    })
  })

  it('makes the same fixture files in every run, which openssl opens', () => {
    buildChains(join(dir, 'a'))
    buildChains(join(dir, 'b'))
    assert.deepEqual(tree(join(dir, 'a')), tree(join(dir, 'b')))
    writeFileSync(join(dir, 'pw'), FIXTURE_PASSPHRASE)
    for (const name of [...KEY_ALGORITHMS, 'tsa']) {
      const key = openssl('pkey', '-in', `a/${name}/key.pem`, '-passin', 'file:pw', '-pubout')
      const certificate = openssl('x509', '-in', `a/${name}/certificate.crt`, '-noout', '-pubkey')
      assert.equal(key.out, certificate.out)
    }
  })
})
