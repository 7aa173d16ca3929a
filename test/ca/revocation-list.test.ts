import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixtureParty, type FixtureParty } from '../../fixtures/chains/build.ts'
import {
  buildRevocationList,
  KEY_ALGORITHMS,
  REVOCATION_REASONS,
  type RevocationListTerms,
  type RevokedEntry,
} from '../../src/ca/index.ts'
import { encodePem } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { demandIssuedList, parseList } from '../../src/revocation/index.ts'
import { parseCertificate } from '../../src/signature/index.ts'

const THIS = new Date('2026-06-01T12:00:00Z')
const NEXT = new Date('2026-07-01T12:00:00Z')
const CODES: Readonly<Record<string, number | undefined>> = {
  unspecified: undefined,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  privilegeWithdrawn: 9,
}

function termsOf(issuer: FixtureParty, more: Partial<RevocationListTerms> = {}): RevocationListTerms {
  const own = { name: issuer.name, key: issuer.issuer }
  return { issuer: own, number: 1, thisUpdate: THIS, nextUpdate: NEXT, entries: [], ...more }
}

function entry(serial: string, more: Partial<RevokedEntry> = {}): RevokedEntry {
  return { serial, revoked: THIS, reason: 'keyCompromise', ...more }
}

describe('ca/revocation-list', function () {
  this.timeout(60_000)
  let dir: string
  before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-crl-'))))
  after(() => rmSync(dir, { recursive: true, force: true }))
  const root = fixtureParty({ kind: 'root', commonName: 'list root' })
  const certificate = parseCertificate(root.chain[0] ?? Buffer.alloc(0))

  /** What openssl prints of a list; it must hold for the issuer. */
  function openssl(list: Uint8Array, issuer: FixtureParty): { verified: boolean; text: string } {
    writeFileSync(join(dir, 'issuer.crt'), encodePem('CERTIFICATE', issuer.chain[0] ?? Buffer.alloc(0)))
    writeFileSync(join(dir, 'list.crl'), list)
    const args = ['crl', '-inform', 'DER', '-in', 'list.crl', '-CAfile', 'issuer.crt', '-verify', '-noout', '-text']
    const { stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
    return { verified: /^verify OK$/m.test(stderr), text: stdout }
  }

  for (const algorithm of KEY_ALGORITHMS)
    it(`makes lists of ${algorithm} that openssl and we verify, and not after a flipped bit`, () => {
      const issuer = fixtureParty({ kind: 'root', algorithm, commonName: `${algorithm} list root` })
      const own = parseCertificate(issuer.chain[0] ?? Buffer.alloc(0))
      const der = buildRevocationList(termsOf(issuer, { entries: [entry('ff01')] }))
      assert.ok(openssl(der, issuer).verified)
      demandIssuedList(parseList(der), own)
      const bent = Buffer.from(der)
      bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
      assert.ok(!openssl(bent, issuer).verified)
      assert.throws(
        () => demandIssuedList(parseList(bent), own),
        (error) => isFault(error, 'LIST_INVALID', 'LIST_MALFORMED'),
      )
    })

  it('says number, issuer and dates, and leaves out what is empty', () => {
    const der = buildRevocationList(termsOf(root, { number: 128 }))
    const list = parseList(der)
    assert.deepEqual([list.number, list.size, list.thisUpdate, list.nextUpdate], ['80', 0, THIS, NEXT])
    assert.deepEqual([list.deltaBase, list.freshest], [undefined, []])
    assert.ok(list.rawIssuer.equals(certificate.rawSubject))
    const { text } = openssl(der, root)
    assert.match(text, /Version 2 \(0x1\)/)
    assert.match(text, /No Revoked Certificates/)
    assert.match(text, /Authority Key Identifier/)
    assert.doesNotMatch(text, /critical/)
  })

  it('writes every reason, and none for unspecified', () => {
    const entries = REVOCATION_REASONS.map((reason, i) => entry((i + 1).toString(16), { reason }))
    const der = buildRevocationList(termsOf(root, { entries }))
    const read = [...parseList(der).entries()].map(({ reason }) => reason)
    assert.deepEqual(
      read,
      REVOCATION_REASONS.map((reason) => CODES[reason]),
    )
    assert.equal(openssl(der, root).text.match(/CRL Reason Code/g)?.length, REVOCATION_REASONS.length - 1)
  })

  it('writes serial numbers as they are, dates to the second, and since when a key is bad', () => {
    const invalidity = new Date('2026-05-01T01:02:03.999Z')
    const serials = ['1', '7f', '80', 'ff'.repeat(16), `80${'00'.repeat(19)}`]
    const entries = serials.map((serial) => entry(serial, { invalidity }))
    const der = buildRevocationList(termsOf(root, { entries }))
    const list = parseList(der)
    for (const serial of serials) {
      const found = list.find(serial)
      assert.deepEqual([found?.revoked, found?.invalidity], [THIS, new Date('2026-05-01T01:02:03Z')], serial)
    }
    assert.equal(openssl(der, root).text.match(/Invalidity Date: \n +May {2}1 01:02:03 2026 GMT/g)?.length, 5)
  })

  it('writes dates of their century, on both sides of 2050', () => {
    const late = { thisUpdate: new Date('2049-12-31T23:59:59Z'), nextUpdate: new Date('2050-01-01T00:00:00Z') }
    const entries = [entry('1', { revoked: late.nextUpdate, invalidity: late.thisUpdate })]
    const list = parseList(buildRevocationList(termsOf(root, { ...late, entries })))
    assert.deepEqual([list.thisUpdate, list.nextUpdate], [late.thisUpdate, late.nextUpdate])
    assert.deepEqual([list.find('1')?.revoked, list.find('1')?.invalidity], [late.nextUpdate, late.thisUpdate])
  })

  it('makes a delta list that says what it builds on, critically', () => {
    const der = buildRevocationList(
      termsOf(root, { number: 7, deltaBase: 5, entries: [entry('1', { reason: 'removeFromCRL' })] }),
    )
    const list = parseList(der)
    assert.deepEqual([list.number, list.deltaBase, list.find('1')?.reason], ['7', '5', 8])
    assert.match(openssl(der, root).text, /Delta CRL Indicator: critical/)
  })

  it('names the place of its delta lists', () => {
    const der = buildRevocationList(termsOf(root, { freshestUrl: 'http://crl.x/delta.crl' }))
    assert.deepEqual(parseList(der).freshest, ['http://crl.x/delta.crl'])
    assert.match(openssl(der, root).text, /Freshest CRL: \n[^\n]*\n? *URI:http:\/\/crl\.x\/delta\.crl/)
  })

  it('makes a list of 200,000, which openssl reads', () => {
    const entries = Array.from({ length: 200_000 }, (_, i) => entry(`80${i.toString(16).padStart(30, '0')}`))
    const der = buildRevocationList(termsOf(root, { entries }))
    assert.equal(parseList(der).size, entries.length)
    writeFileSync(join(dir, 'large.crl'), der)
    const args = ['crl', '-inform', 'DER', '-in', 'large.crl', '-CAfile', 'issuer.crt', '-verify', '-noout']
    writeFileSync(join(dir, 'issuer.crt'), encodePem('CERTIFICATE', root.chain[0] ?? Buffer.alloc(0)))
    assert.match(spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' }).stderr, /verify OK/)
  })

  it('refuses terms that no list may have', () => {
    for (const bad of [
      { nextUpdate: THIS },
      { number: 5, deltaBase: 5 },
      { number: 6, deltaBase: 5, freshestUrl: 'http://crl.x/' },
      { entries: [entry('1', { reason: 'removeFromCRL' })] },
    ] as const)
      assert.throws(() => buildRevocationList(termsOf(root, bad)), RangeError)
  })
})
