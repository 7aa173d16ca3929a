import assert from 'node:assert/strict'
import { fixtureSigner } from '../../fixtures/chains/build.ts'
import { parseCertificate } from '../../src/signature/index.ts'
import { verdictReport } from '../../src/transfer/verdict/report.ts'
import { certificateFacts } from '../../src/trust/index.ts'
import { NOW, party, signed, stamp, timestampAuthority, type Party } from './pki-fixture.ts'
import { judge, material, statement } from './policy-fixture.ts'

const acme = party('acme')
const tsa = timestampAuthority('time')
const stores = { 'ca:acme': [acme.root], 'tsa:time': [tsa.root] }
const plain = material([statement()], stores)
const stamping = material([statement({ trustStores: ['ca:acme', 'tsa:time'] })], stores)

function thumbprints({ chain }: Party): string[] {
  return chain.map(({ sha256 }) => sha256)
}

describe('trust/certificate-facts', () => {
  it('tells each certificate once, with the key that issued it', async () => {
    const second = party('acme', { root: acme.root })
    const signatures = [await signed(acme), await signed(acme, { format: 'jws' }), await signed(second)]
    const facts = certificateFacts((await judge(plain, signatures)).signatures)
    const [leaf, root] = acme.chain
    assert.ok(leaf && root)
    assert.deepEqual(
      new Set(facts.map(({ sha256 }) => sha256)),
      new Set([...thumbprints(acme), ...thumbprints(second)]),
    )
    assert.equal(facts.length, 3)
    const of = (sha256: string): unknown => facts.find((one) => one.sha256 === sha256)
    const { notAfter } = leaf
    assert.deepEqual(of(leaf.sha256), {
      sha256: leaf.sha256,
      spki: leaf.spkiSha256,
      issuer: root.spkiSha256,
      serial: leaf.serial,
      notAfter,
      subject: 'CN=signer,O=acme,ST=WA,C=US',
      crlUrls: [],
      ocspUrls: [],
    })
    assert.deepEqual(of(root.sha256), {
      sha256: root.sha256,
      spki: root.spkiSha256,
      issuer: root.spkiSha256,
      serial: root.serial,
      notAfter: root.notAfter,
      subject: 'CN=root,O=acme,ST=WA,C=US',
      crlUrls: [],
      ocspUrls: [],
    })
  })

  it('tells the places of lists and answers as the certificate names them', () => {
    const urls = { crlUrls: ['ldap://x/y', 'http://x/a.crl'], ocspUrls: ['http://x/ocsp'] }
    const chain = fixtureSigner('ES256').chain.map((der) => ({ ...parseCertificate(der), ...urls }))
    const [facts] = certificateFacts([{ chain }])
    assert.deepEqual([facts?.crlUrls, facts?.ocspUrls], [urls.crlUrls, urls.ocspUrls])
  })

  it('tells those of signatures that do not count too, and none of an envelope that is broken', async () => {
    const undecided = material([statement({ signatureVerification: { level: 'strict' } })], stores)
    const { signatures } = await judge(undecided, [await signed(acme)])
    assert.equal(signatures[0]?.verdict, 'inconclusive')
    assert.deepEqual(
      certificateFacts(signatures).map(({ sha256 }) => sha256),
      thumbprints(acme),
    )
    const broken = { ...(await signed(acme)), envelope: Buffer.from('x') }
    assert.deepEqual(certificateFacts((await judge(plain, [broken])).signatures), [])
  })

  it('tells the chain of a timestamp up to its root only where the timestamp counted', async () => {
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString() }) })
    const counting = await judge(stamping, [stamped])
    const report = (verdict: typeof counting): unknown => verdictReport(verdict).signatures[0]?.timestampChain
    assert.deepEqual(
      certificateFacts(counting.signatures).map(({ sha256 }) => sha256),
      [...thumbprints(acme), ...thumbprints(tsa)],
    )
    assert.deepEqual(report(counting), thumbprints(tsa))
    const not = await judge(plain, [stamped])
    assert.deepEqual(
      certificateFacts(not.signatures).map(({ sha256 }) => sha256),
      thumbprints(acme),
    )
    assert.equal(report(not), undefined)
  })

  it('is found through the root that a token leaves out', async () => {
    const stamped = await signed(acme, {
      timestamp: stamp({ ...tsa, chain: tsa.chain.slice(0, 1) }, { genTime: NOW.toISOString() }),
    })
    const verdict = await judge(stamping, [stamped])
    assert.deepEqual(verdictReport(verdict).signatures[0]?.timestampChain, thumbprints(tsa))
  })

  it('keeps the certificates themselves out of reports', async () => {
    const report = verdictReport(await judge(plain, [await signed(acme)]))
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
    assert.equal(Object.hasOwn(report.signatures[0] ?? {}, 'chain'), false)
  })
})
