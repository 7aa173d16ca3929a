import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KEY_ALGORITHMS, openSigningKey } from '../../../src/ca/index.ts'
import { fingerprintWords, parseFingerprint } from '../../../src/codec/index.ts'
import { checkChain, openTimestamp, parseCertificates } from '../../../src/signature/index.ts'
import type { CaPreset } from '../../../src/transfer/index.ts'
import { ACME, CA_PASSPHRASE, Certificates, fault, says } from './certificates.ts'
import { NOW, tree } from '../stage.ts'

const MEMBERS: Readonly<Record<CaPreset, readonly string[]>> = {
  hobbyist: ['signer'],
  team: ['root', 'signer'],
  vendor: ['issuing', 'root', 'signer', 'tsa', 'tsa-root'],
}

/** What stock openssl, at its strictest, says of a certificate in the folder, at the time of the stage and another one. */
function openssl(dir: string, name: string, root: string, ...options: string[]): string {
  const at = ['-attime', String(Math.floor(NOW.getTime() / 1000) + 60)]
  const files = ['-CAfile', `${root}/certificate.crt`, '-untrusted', `${name}/chain.crt`, `${name}/certificate.crt`]
  const args = ['verify', '-x509_strict', '-no-CApath', '-no-CAstore', ...at, ...options, ...files]
  const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
  return status === 0 ? 'OK' : stdout + stderr
}

describe('transfer/ca/init', function () {
  this.timeout(60_000)
  let ca: Certificates
  before(() => (ca = new Certificates()))
  after(() => ca.close())

  for (const preset of ['hobbyist', 'team', 'vendor'] as const) {
    it(`makes what ${preset} promises, which openssl and the rules of the Notary Project accept`, async () => {
      const dir = ca.path(preset)
      const report = await ca.init({ preset, dir })
      assert.deepEqual(readdirSync(dir).sort(), MEMBERS[preset])
      assert.deepEqual(report.certificates.map(({ name }) => name).sort(), MEMBERS[preset])
      const root = preset === 'hobbyist' ? 'signer' : 'root'
      assert.equal(openssl(dir, 'signer', root), 'OK')
      checkChain(parseCertificates(readFileSync(join(dir, 'signer/chain.crt'))), 'codeSigning')
      if (preset !== 'vendor') return
      assert.equal(openssl(dir, 'tsa', 'tsa-root', '-purpose', 'timestampsign'), 'OK')
      checkChain(parseCertificates(readFileSync(join(dir, 'tsa/chain.crt'))), 'timestamping')
      // Store types must not mix: neither root vouches for the other's signer.
      assert.notEqual(openssl(dir, 'tsa', 'root'), 'OK')
      assert.notEqual(openssl(dir, 'signer', 'tsa-root'), 'OK')
    })
  }

  for (const algorithm of KEY_ALGORITHMS) {
    it(`makes all keys for ${algorithm} when it is asked to`, async () => {
      const dir = ca.path(algorithm)
      const { certificates } = await ca.init({ preset: 'team', dir, algorithm })
      assert.deepEqual([...new Set(certificates.map((listed) => listed.algorithm))], [algorithm])
      assert.equal(openssl(dir, 'signer', 'root'), 'OK')
      const [own] = parseCertificates(readFileSync(join(dir, 'signer/chain.crt')))
      assert.equal(own?.algorithm, algorithm)
      assert.equal(own?.notBefore.getTime(), NOW.getTime())
    })
  }

  it('reports the fingerprint that openssl finds, and its words', async () => {
    const dir = ca.path('words')
    const { certificates } = await ca.init({ preset: 'team', dir })
    for (const { name, fingerprint, words } of certificates) {
      const args = ['x509', '-in', `${name}/certificate.crt`, '-noout', '-fingerprint', '-sha256']
      const { stdout } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
      const hex = parseFingerprint(stdout.split('=')[1] ?? '')
      assert.equal(fingerprint, `sha256:${hex}`)
      assert.deepEqual(words, fingerprintWords(hex ?? ''))
    }
  })

  it('makes a timestamp service with which openssl answers, and whose token we open', async () => {
    const dir = ca.path('ts')
    // The stage's own time is not openssl's, which reads the clock.
    await ca.init({ dir, now: new Date(Date.now() - 60_000) })
    const config = ['[ts]', 'serial=serial', 'default_policy=1.2.3.4', 'digests=sha256,sha384', 'signer_digest=sha256']
    writeFileSync(join(dir, 'ts.cnf'), [...config, 'ess_cert_id_alg=sha256', ''].join('\n'))
    writeFileSync(join(dir, 'pw'), CA_PASSPHRASE)
    writeFileSync(join(dir, 'data'), 'a signature')
    const ts = (line: string): void => {
      const { status, stderr } = spawnSync('openssl', ['ts', ...line.split(' ')], { cwd: dir, encoding: 'utf8' })
      assert.equal(status, 0, stderr)
    }
    ts('-query -data data -sha256 -cert -out query')
    const files = '-signer tsa/certificate.crt -inkey tsa/key.pem -passin file:pw -chain tsa/chain.crt'
    ts(`-reply -config ts.cnf -section ts -queryfile query ${files} -out token -token_out`)
    ts('-verify -data data -in token -token_in -CAfile tsa-root/certificate.crt')
    const { chain } = openTimestamp(readFileSync(join(dir, 'token')), Buffer.from('a signature'))
    const [own] = parseCertificates(readFileSync(join(dir, 'tsa/certificate.crt')))
    assert.equal(chain[0]?.sha256, own?.sha256)
  })

  it('names the revocation list of the issuer in all but roots', async () => {
    const dir = ca.path('crl')
    const { certificates } = await ca.init({ dir, crlUrl: 'http://crl.acme.example/lists/' })
    const urls = (name: string): readonly string[] =>
      parseCertificates(readFileSync(join(dir, name, 'certificate.crt')))[0]?.crlUrls ?? []
    assert.deepEqual(urls('root'), [])
    assert.deepEqual(urls('tsa-root'), [])
    assert.deepEqual(urls('issuing'), ['http://crl.acme.example/lists/root.crl'])
    assert.deepEqual(urls('signer'), ['http://crl.acme.example/lists/issuing.crl'])
    assert.deepEqual(urls('tsa'), ['http://crl.acme.example/lists/tsa-root.crl'])
    assert.equal(certificates.find(({ name }) => name === 'issuing')?.crlUrl, urls('signer')[0])
  })

  it('gives every certificate a random serial number of its own', async () => {
    const dir = ca.path('serial')
    await ca.init({ dir })
    const serials = MEMBERS.vendor.map(
      (name) => parseCertificates(readFileSync(join(dir, name, 'chain.crt')))[0]?.serial,
    )
    assert.equal(new Set(serials).size, serials.length)
    for (const serial of serials) assert.match(serial ?? '', /^[0-9a-f]{20,32}$/)
  })

  it('seals the keys, for the eyes of their owner alone', async () => {
    const dir = ca.path('sealed')
    const asked: string[] = []
    await ca.init({ dir, passphrase: (file) => (asked.push(file), says(CA_PASSPHRASE)()) })
    const files = MEMBERS.vendor.map((name) => join(dir, name, 'key.pem'))
    assert.deepEqual(asked.sort(), files.sort())
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    for (const name of MEMBERS.vendor) {
      const file = join(dir, name, 'key.pem')
      assert.equal(statSync(file).mode & 0o777, 0o600)
      const pem = readFileSync(file, 'latin1')
      assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
      await assert.rejects(openSigningKey(pem, Buffer.from('another'), file), fault('KEY_PASSPHRASE'))
      await openSigningKey(pem, Buffer.from(CA_PASSPHRASE), file)
    }
    for (const path of Object.keys(tree(dir)).filter((name) => statSync(join(dir, name)).isFile()))
      assert.ok(!readFileSync(join(dir, path), 'latin1').includes(CA_PASSPHRASE), path)
  })

  it('says in a dry run what it would make, asks for nothing and makes nothing', async () => {
    const dir = ca.path('dry')
    const never = (): never => assert.fail('asked for a passphrase')
    const crlUrl = 'http://crl.acme.example'
    const dry = await ca.init({ dir, dryRun: true, passphrase: never, crlUrl })
    assert.ok(!existsSync(dir))
    const made = await ca.init({ dir, crlUrl })
    const bare = made.certificates.map((listed) => ({ ...listed, fingerprint: null, words: [], keyHash: null }))
    assert.deepEqual(dry, { ...made, certificates: bare, dryRun: true })
  })

  it('fills an empty folder, and what a killed run left beside it gives way', async () => {
    const dir = ca.path('again')
    mkdirSync(dir)
    const left = join(dir, '..', `.${dir.split('/').at(-1)}.new`)
    mkdirSync(join(left, 'root'), { recursive: true })
    writeFileSync(join(left, 'root', 'key.pem'), 'half a key')
    await ca.init({ preset: 'team', dir })
    assert.deepEqual(readdirSync(dir).sort(), MEMBERS.team)
    assert.ok(!existsSync(left))
  })

  it('leaves a folder that holds something as it is', async () => {
    const dir = ca.path('full')
    await ca.init({ preset: 'team', dir })
    const before = tree(dir)
    for (const dryRun of [true, false]) await assert.rejects(ca.init({ dir, dryRun }), fault('CA_EXISTS'))
    assert.deepEqual(tree(dir), before)
  })

  it('leaves a folder that was filled while it asked for passphrases', async () => {
    const dir = ca.path('raced')
    const passphrase = (): Promise<Buffer> => {
      mkdirSync(dir, { recursive: true })
      writeFileSync(join(dir, 'mine'), 'mine')
      return says(CA_PASSPHRASE)()
    }
    await assert.rejects(ca.init({ dir, passphrase }), fault('CA_EXISTS'))
    assert.deepEqual(readdirSync(dir), ['mine'])
  })

  it('leaves nothing when a passphrase is refused, empty, or the run is interrupted', async () => {
    const before = readdirSync(ca.dir)
    let asked = 0
    const thirdTime = (): Promise<Buffer> =>
      ++asked < 3 ? says(CA_PASSPHRASE)() : Promise.reject(new Error('no more'))
    await assert.rejects(ca.init({ dir: ca.path('no'), passphrase: thirdTime }), /no more/)
    await assert.rejects(ca.init({ dir: ca.path('no'), passphrase: says('') }), fault('KEY_PASSPHRASE'))
    await assert.rejects(ca.init({ dir: ca.path('no'), signal: AbortSignal.abort() }), fault('INTERRUPTED'))
    assert.deepEqual(readdirSync(ca.dir), before)
  })

  for (const [what, options] of [
    ['a subject without country', { subject: { ...ACME, country: undefined } }],
    ['a subject without organization', { subject: { country: 'CH', state: 'Bern', commonName: 'x' } }],
    ['a subject with a line feed', { subject: { ...ACME, commonName: 'a\nb' } }],
    ['a common name too long for its suffix', { subject: { ...ACME, commonName: 'x'.repeat(60) } }],
    ['lists over https', { crlUrl: 'https://crl.acme.example' }],
    ['lists at no place', { crlUrl: 'http://' }],
    ['lists with a query', { crlUrl: 'http://crl.acme.example/?a=' }],
    ['lists with a password', { crlUrl: 'http://a:b@crl.acme.example/' }],
    ['lists with a space', { crlUrl: 'http://crl.acme.example/a b' }],
    ['a list for who signs his own certificate', { preset: 'hobbyist', crlUrl: 'http://crl.acme.example' }],
  ] as const)
    it(`refuses ${what}`, async () => {
      const dir = ca.path('usage')
      for (const dryRun of [true, false]) await assert.rejects(ca.init({ dir, dryRun, ...options }), fault('USAGE'))
      assert.ok(!existsSync(dir))
    })
})
