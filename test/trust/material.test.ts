import assert from 'node:assert/strict'
import { encodePem } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { checkTrustMaterial, readTrustMaterial } from '../../src/trust/index.ts'
import { issue, NOW, party, signed, subject, timestampAuthority } from './pki-fixture.ts'
import { assertVerdict, document, folder, judge, statement, type Files } from './policy-fixture.ts'

const acme = party('acme')
const tsa = timestampAuthority('time')
const [leaf] = acme.chain
assert.ok(leaf)
const root = acme.root.certificate
const pem = (...ders: { der: Buffer }[]): Buffer =>
  Buffer.from(ders.map(({ der }) => encodePem('CERTIFICATE', der)).join(''))

function withFile(path: string, bytes: Uint8Array): Files {
  return new Map([...folder([statement()], { 'ca:acme': [acme.root] }), [path, bytes]])
}

describe('trust/trust-store', () => {
  const forms: readonly [string, string, Uint8Array, number][] = [
    ['DER', 'a.crt', root.der, 1],
    ['DER in .cer', 'a.cer', root.der, 1],
    ['DER in .pem', 'a.pem', root.der, 1],
    ['PEM', 'a.pem', pem(root), 1],
    ['PEM of two', 'a.crt', pem(root, tsa.root.certificate), 2],
    ['PEM with words around it', 'a.pem', Buffer.concat([Buffer.from('Issued by hand:\n'), pem(root)]), 1],
    ['DER of two', 'a.crt', Buffer.concat([root.der, tsa.root.certificate.der]), 2],
  ]
  for (const [what, name, bytes, count] of forms)
    it(`reads ${what}`, () => {
      const files = new Map([[`truststore/x509/ca/acme/${name}`, bytes]])
      assert.equal(readTrustMaterial(files).stores.get('ca:acme')?.length, count)
    })

  it('merges the files of a store and keeps kinds and names apart', () => {
    const files = new Map([
      ['truststore/x509/ca/acme/a.crt', root.der],
      ['truststore/x509/ca/acme/b.crt', tsa.root.certificate.der],
      ['truststore/x509/ca/other/a.crt', root.der],
      ['truststore/x509/signingAuthority/acme/a.crt', root.der],
      ['truststore/x509/tsa/acme/a.crt', tsa.root.certificate.der],
    ])
    const { stores } = readTrustMaterial(files)
    assert.deepEqual([...stores].map(([name, { length }]) => [name, length]).toSorted(), [
      ['ca:acme', 2],
      ['ca:other', 1],
      ['signingAuthority:acme', 1],
      ['tsa:acme', 1],
    ])
  })

  it('takes a self-signed signer as an anchor, and an intermediate authority', () => {
    const alone = issue({ subject: subject('acme', 'alone'), kind: 'signer' })
    const middle = issue({ subject: subject('acme', 'middle'), by: acme.root, kind: 'ca' })
    const files = new Map([['truststore/x509/ca/acme/a.crt', pem(alone.certificate, middle.certificate)]])
    assert.equal(readTrustMaterial(files).stores.get('ca:acme')?.length, 2)
  })

  const middle = issue({ subject: subject('time', 'middle'), by: tsa.root, kind: 'ca' })
  const lone = issue({ subject: subject('time', 'alone'), kind: 'tsa' })
  const impostor = issue({ subject: subject('time', 'tsa root'), kind: 'ca' })
  const named = issue({
    subject: subject('time', 'tsa root'),
    by: { key: impostor.key, certificate: tsa.root.certificate },
    kind: 'ca',
  })
  const refusals: readonly [string, string, Uint8Array][] = [
    ['a leaf', 'truststore/x509/ca/acme/a.crt', leaf.der],
    ['a leaf behind a root', 'truststore/x509/ca/acme/a.crt', pem(root, leaf)],
    ['an intermediate for timestamps', 'truststore/x509/tsa/time/a.crt', middle.certificate.der],
    ['a self-signed signer for timestamps', 'truststore/x509/tsa/time/a.crt', lone.certificate.der],
    ['a root for timestamps in name alone', 'truststore/x509/tsa/time/a.crt', named.certificate.der],
    ['an empty file', 'truststore/x509/ca/acme/a.crt', Buffer.alloc(0)],
    ['a text', 'truststore/x509/ca/acme/a.crt', Buffer.from('hello')],
    ['half a certificate', 'truststore/x509/ca/acme/a.crt', root.der.subarray(0, -1)],
    ['half a PEM block', 'truststore/x509/ca/acme/a.pem', pem(root).subarray(0, -5)],
    ['a private key', 'truststore/x509/ca/acme/a.pem', Buffer.from(acme.key.export({ type: 'pkcs8', format: 'pem' }))],
    ['another extension', 'truststore/x509/ca/acme/a.der', root.der],
    ['no extension', 'truststore/x509/ca/acme/root', root.der],
    ['nothing but an extension', 'truststore/x509/ca/acme/.crt', root.der],
    ['an extension in capitals', 'truststore/x509/ca/acme/a.CRT', root.der],
    ['a read-me', 'truststore/x509/ca/acme/README', Buffer.from('x')],
    ['a sub-folder', 'truststore/x509/ca/acme/sub/a.crt', root.der],
    ['a file beside the stores', 'truststore/x509/ca/a.crt', root.der],
    ['another kind', 'truststore/x509/CA/acme/a.crt', root.der],
    ['an unknown kind', 'truststore/x509/crl/acme/a.crt', root.der],
    ['another format', 'truststore/pgp/ca/acme/a.crt', root.der],
    ['a file at the top', 'truststore/a.crt', root.der],
    ['a name with a space', 'truststore/x509/ca/a b/a.crt', root.der],
    ['a name that leads out', 'truststore/x509/ca/../a.crt', root.der],
    ['4 MiB and more', 'truststore/x509/ca/acme/a.pem', Buffer.concat([pem(root), Buffer.alloc(4 * 1024 * 1024, 10)])],
  ]
  for (const [what, path, bytes] of refusals)
    it(`refuses ${what}`, () => {
      const { material, findings } = checkTrustMaterial(withFile(path, bytes))
      assert.equal(material, undefined)
      assert.deepEqual(
        findings.map(({ severity, code, file }) => [severity, code, file]),
        [['error', 'TRUST_STORE_MALFORMED', path]],
      )
      assert.throws(
        () => readTrustMaterial(withFile(path, bytes)),
        (error) => isFault(error, 'TRUST_STORE_MALFORMED') && error.subject?.startsWith(path) === true,
      )
    })

  it('warns of certificates outside their dates, when it is told the time', () => {
    const files = withFile(
      'truststore/x509/ca/acme/late.crt',
      issue({ subject: subject('a', 'b'), kind: 'ca', to: '2026-01-01T00:00:00Z' }).certificate.der,
    )
    files.set(
      'truststore/x509/ca/acme/soon.crt',
      issue({ subject: subject('a', 'b'), kind: 'ca', from: '2027-01-01T00:00:00Z' }).certificate.der,
    )
    assert.deepEqual(checkTrustMaterial(files).findings, [])
    const { material, findings } = checkTrustMaterial(files, NOW)
    assert.ok(material)
    assert.deepEqual(
      findings.map(({ severity, file }) => [severity, file]),
      [
        ['warning', 'truststore/x509/ca/acme/late.crt'],
        ['warning', 'truststore/x509/ca/acme/soon.crt'],
      ],
    )
  })

  it('warns of a store that is named and not there', () => {
    const { material, findings } = checkTrustMaterial(folder([statement()]), NOW)
    assert.ok(material)
    assert.deepEqual(
      findings.map(({ severity, file, place }) => [severity, file, place]),
      [['warning', 'trustpolicy.json', 'trustPolicies[0].trustStores[0]']],
    )
  })
})

describe('trust/material', () => {
  it('refuses every repository where there is no policy, and warns of it', async () => {
    const { material, findings } = checkTrustMaterial(new Map(), NOW)
    assert.ok(material)
    assert.deepEqual(
      findings.map(({ severity }) => severity),
      ['warning'],
    )
    assertVerdict(await judge(material, [await signed(acme)]), 'rejected', 'POLICY_MISSING')
  })

  it('prefers trustpolicy.oci.json, and refuses an older file that differs', () => {
    const text = document(statement())
    const same = new Map([
      ['trustpolicy.oci.json', text],
      ['trustpolicy.json', text],
    ])
    assert.equal(readTrustMaterial(same).policy?.statements.length, 1)
    same.set('trustpolicy.json', Buffer.concat([text, Buffer.from('\n')]))
    assert.throws(
      () => readTrustMaterial(same),
      (error) => isFault(error, 'POLICY_MALFORMED') && error.subject === 'trustpolicy.json',
    )
  })

  for (const name of [
    'policy.yml',
    'Policy.yaml',
    'policy',
    'policies.yaml',
    'trustpolicy.yaml',
    'trust-policy.json',
    'TrustPolicy.json',
    'trustpolicies.json',
    'trustpolicy.json.bak',
    'truststore',
    'trust-store/x509/ca/a/a.crt',
    'trust_store/a',
    'truststores/a',
  ])
    it(`refuses ${name}, which is one slip away from a name it reads`, () => {
      const { material, findings } = checkTrustMaterial(withFile(name, Buffer.from('x')))
      assert.equal(material, undefined)
      assert.deepEqual(
        findings.map(({ file, code }) => [file, code]),
        [[name, 'POLICY_MALFORMED']],
      )
    })

  for (const name of ['config.json', 'signingkeys.json', 'localkeys/a.key', 'plugins/x/notation-x', 'README.md'])
    it(`leaves ${name} alone`, () => {
      const plain = readTrustMaterial(folder([statement()], { 'ca:acme': [acme.root] }))
      assert.equal(readTrustMaterial(withFile(name, Buffer.from('x'))).digest, plain.digest)
    })

  describe('digest', () => {
    const files = folder([statement()], { 'ca:acme': [acme.root], 'ca:b': [acme.root] })
    const { digest } = readTrustMaterial(files)

    it('is the same whatever the order of the files', () =>
      assert.equal(readTrustMaterial(new Map([...files].toReversed())).digest, digest))

    const changes: readonly [string, (changed: Files) => unknown][] = [
      [
        'a byte of a policy',
        (changed) => changed.set('trustpolicy.json', Buffer.concat([document(statement()), Buffer.from('\n')])),
      ],
      ['a certificate', (changed) => changed.set('truststore/x509/ca/acme/roots.pem', pem(tsa.root.certificate))],
      [
        'the name of a store',
        (changed) => move(changed, 'truststore/x509/ca/b/roots.pem', 'truststore/x509/ca/c/roots.pem'),
      ],
      [
        'the kind of a store',
        (changed) => move(changed, 'truststore/x509/ca/b/roots.pem', 'truststore/x509/signingAuthority/b/roots.pem'),
      ],
      ['a file more', (changed) => changed.set('truststore/x509/ca/acme/more.crt', root.der)],
      ['a file less', (changed) => changed.delete('truststore/x509/ca/b/roots.pem')],
    ]
    for (const [what, change] of changes)
      it(`changes with ${what}`, () => {
        const changed: Files = new Map(files)
        change(changed)
        assert.notEqual(readTrustMaterial(changed).digest, digest)
      })
  })

  it('stays as it was read when the bytes change later', async () => {
    const files = folder([statement()], { 'ca:acme': [acme.root] })
    const material = readTrustMaterial(files)
    for (const bytes of files.values()) bytes.fill(0)
    files.clear()
    assertVerdict(await judge(material, [await signed(acme)]), 'trusted')
  })
})

function move(files: Files, from: string, to: string): void {
  files.set(to, files.get(from) ?? Buffer.alloc(0))
  files.delete(from)
}
