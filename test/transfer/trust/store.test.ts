import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixtureParty, fixtureTsa } from '../../../fixtures/chains/build.ts'
import { fingerprintWords } from '../../../src/codec/index.ts'
import { parseCertificate, type Certificate } from '../../../src/signature/index.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import {
  trustStoreAdd,
  trustStoreList,
  trustStoreRemove,
  type StoreAddOptions,
} from '../../../src/transfer/trust/store.ts'
import { sallyport } from '../../cli/program.ts'
import { scripted } from '../../registry/scripted.ts'
import { issue } from '../../trust/pki-fixture.ts'
import { pemOf, policyFolder, policyText, rootOf, statement, STRANGER, VENDOR, VENDOR_STORE } from '../policies.ts'
import { NOW, tree } from '../stage.ts'
import { advised, fault } from '../../fault.ts'

const said = (certificate: Certificate): string => `sha256:${certificate.sha256}`

describe('transfer/trust/store', () => {
  let scratch: string
  let count = 0
  const path = (): string => join(scratch, `store-${++count}`)
  const [root, other] = [rootOf(VENDOR), rootOf(STRANGER)]

  before(() => (scratch = mkdtempSync(join(tmpdir(), 'sallyport-store-'))))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  function add(policy: string, over: Partial<StoreAddOptions> = {}): ReturnType<typeof trustStoreAdd> {
    return trustStoreAdd({
      policy,
      kind: 'ca',
      name: 'vendor',
      bytes: Buffer.from(pemOf(root)),
      from: 'root.crt',
      fingerprints: [said(root)],
      now: NOW,
      ...over,
    })
  }

  it('adds an anchor against its fingerprint, in each way a person may say it', async () => {
    const hex = createHash('sha256').update(root.der).digest('hex')
    for (const text of [
      `sha256:${hex}`,
      hex.toUpperCase(),
      hex.replaceAll(/..(?=.)/g, '$&:'),
      fingerprintWords(hex).join(' '),
      ` ${fingerprintWords(hex).join(', ').toUpperCase()}\n`,
    ]) {
      const dir = path()
      const report = await add(dir, { fingerprints: [text], bytes: root.der })
      const file = join(dir, `truststore/x509/ca/vendor/${hex}.crt`)
      assert.deepEqual(
        report.added.map((one) => [one.file, one.fingerprint]),
        [[file, `sha256:${hex}`]],
      )
      assert.equal(readFileSync(file, 'utf8'), pemOf(root))
      assert.equal(statSync(file).mode & 0o777, 0o644)
      assert.deepEqual(
        openPolicy(dir)
          .stores.get('ca:vendor')
          ?.map(({ sha256 }) => sha256),
        [hex],
      )
      assert.deepEqual(
        Object.keys(tree(dir)).filter((name) => name.endsWith('.new')),
        [],
      )
    }
  })

  it('adds nothing without a fingerprint, against another one, or by the company of a good one', async () => {
    const both = Buffer.from(pemOf(root, other))
    const short = fingerprintWords(root.sha256).slice(0, 31).join(' ')
    for (const [fingerprints, code, bytes] of [
      [[], 'FINGERPRINT_MISSING', undefined],
      [[said(other)], 'FINGERPRINT_MISMATCH', undefined],
      [[said(root)], 'FINGERPRINT_MISMATCH', both],
      [[said(other)], 'FINGERPRINT_MISMATCH', both],
      // Who says two expects two: one of them is not what it was taken for.
      [[said(root), said(other)], 'FINGERPRINT_MISMATCH', undefined],
      [[said(root).slice(0, -1)], 'USAGE', undefined],
      [[said(root).slice(0, 23)], 'USAGE', undefined],
      [[short], 'USAGE', undefined],
      [[''], 'USAGE', undefined],
      [[said(root), 'nonsense'], 'USAGE', undefined],
      // The digest of the file is not that of the certificate.
      [[createHash('sha256').update(pemOf(root)).digest('hex')], 'FINGERPRINT_MISMATCH', undefined],
      // Nor is that of its key.
      [[root.spkiSha256], 'FINGERPRINT_MISMATCH', undefined],
    ] as const) {
      const dir = path()
      await assert.rejects(
        add(dir, { fingerprints, ...(bytes === undefined ? {} : { bytes }) }),
        fault(code),
        fingerprints.join(),
      )
      assert.ok(!existsSync(dir))
    }
  })

  it('adds nothing that is no anchor, and nothing under a name that is none', async () => {
    const leaf = VENDOR.chain[0]
    assert.ok(leaf)
    const chained = parseCertificate(
      fixtureParty({ kind: 'ca', commonName: 'below', issuer: fixtureParty({ kind: 'root', commonName: 'above' }) })
        .chain[0] ?? Buffer.alloc(0),
    )
    const dir = path()
    for (const [name, over, code] of [
      ['a leaf', { bytes: leaf.der, fingerprints: [said(leaf)] }, 'TRUST_STORE_MALFORMED'],
      [
        'an issuing CA for timestamps',
        { kind: 'tsa', bytes: chained.der, fingerprints: [said(chained)] },
        'TRUST_STORE_MALFORMED',
      ],
      [
        'a private key',
        { bytes: Buffer.from('-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n') },
        'CERTIFICATE_FILE',
      ],
      [
        'a private key behind it',
        { bytes: Buffer.from(`${pemOf(root)}-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n`) },
        'CERTIFICATE_FILE',
      ],
      ['nothing', { bytes: Buffer.alloc(0) }, 'CERTIFICATE_FILE'],
      ['17 MiB', { bytes: Buffer.alloc(17 * 1024 * 1024, 0x20) }, 'CERTIFICATE_FILE'],
      ...['..', '.', '', 'a/b', '../../x', 'a\\b', 'a\0b', 'ä', 'a b', 'a:b', 'x'.repeat(300)].map(
        (odd) => [`name ${odd}`, { name: odd }, 'USAGE'] as const,
      ),
      ...['', 'CA', 'ca/..', '../ca', 'x509', 'root'].map((odd) => [`kind ${odd}`, { kind: odd }, 'USAGE'] as const),
    ] as const) {
      await assert.rejects(add(dir, over), (code === 'TRUST_STORE_MALFORMED' ? advised : fault)(code), name)
      assert.ok(!existsSync(dir), name)
    }
    assert.equal((await add(dir, { bytes: chained.der, fingerprints: [said(chained)] })).added.length, 1)
    const tsa = parseCertificate(fixtureTsa().chain.at(-1) ?? Buffer.alloc(0))
    assert.equal(
      (await add(dir, { kind: 'tsa', name: 'tsa', bytes: tsa.der, fingerprints: [said(tsa)] })).added.length,
      1,
    )
  })

  it('writes through no symbolic link, and leaves alone what is broken', async () => {
    for (const name of ['truststore', 'truststore/x509', 'truststore/x509/ca', 'truststore/x509/ca/vendor']) {
      const [dir, away] = [path(), path()]
      mkdirSync(away)
      mkdirSync(join(dir, name, '..'), { recursive: true })
      symlinkSync(away, join(dir, name))
      await assert.rejects(add(dir), fault('TRUST_STORE_MALFORMED'), name)
      assert.deepEqual(tree(away), {})
    }
    const broken = policyFolder(path(), { 'trustpolicy.json': '{' })
    const before = tree(broken)
    await assert.rejects(add(broken, { bytes: other.der, fingerprints: [said(other)] }), fault('POLICY_MALFORMED'))
    assert.deepEqual(tree(broken), before)
  })

  it('leaves what is there as it is: the same anchor, and another one under its file name', async () => {
    const dir = policyFolder(path())
    const before = tree(dir)
    const again = await add(dir)
    assert.deepEqual([again.added, again.present.map(({ fingerprint }) => fingerprint)], [[], [said(root)]])
    assert.deepEqual(tree(dir), before)
    const name = join(dir, `truststore/x509/ca/vendor/${other.sha256}.crt`)
    const third = parseCertificate(fixtureParty({ kind: 'root', commonName: 'third' }).chain[0] ?? Buffer.alloc(0))
    writeFileSync(name, pemOf(third))
    await assert.rejects(add(dir, { bytes: other.der, fingerprints: [said(other)] }), fault('TRUST_STORE_MALFORMED'))
    assert.equal(readFileSync(name, 'utf8'), pemOf(third))
  })

  it('adds a certificate once that stands in the file twice', async () => {
    const dir = path()
    const report = await add(dir, { bytes: Buffer.from(pemOf(root, root)) })
    assert.equal(report.added.length, 1)
    assert.equal(openPolicy(dir).stores.get('ca:vendor')?.length, 1)
  })

  it('goes on where a killed run left its scratch file, which no policy reads', async () => {
    const dir = policyFolder(path())
    const { digest } = openPolicy(dir)
    const scratchFile = join(dir, `.${other.sha256}.crt.new`)
    writeFileSync(scratchFile, '-----BEGIN CERT')
    assert.equal(openPolicy(dir).digest, digest)
    await add(dir, { bytes: other.der, fingerprints: [said(other)] })
    assert.ok(!existsSync(scratchFile))
    assert.equal(openPolicy(dir).stores.get('ca:vendor')?.length, 2)
  })

  it('grants nothing by being added: no statement names the store', async () => {
    const dir = policyFolder(path())
    const before = openPolicy(dir).policy
    await add(dir, { name: 'stranger', bytes: other.der, fingerprints: [said(other)] })
    assert.deepEqual(openPolicy(dir).policy, before)
    assert.ok(!JSON.stringify(before).includes('ca:stranger'))
  })

  it('writes nothing in a dry run, and refuses in it what the run refuses', async () => {
    const dir = path()
    const report = await add(dir, { dryRun: true })
    assert.deepEqual([report.added.length, report.dryRun, existsSync(dir)], [1, true, false])
    await assert.rejects(add(dir, { dryRun: true, fingerprints: [] }), fault('FINGERPRINT_MISSING'))
    await assert.rejects(add(dir, { dryRun: true, fingerprints: [said(other)] }), fault('FINGERPRINT_MISMATCH'))
  })

  it('lists each anchor with fingerprint, words and dates, expired ones as such', async () => {
    const dir = policyFolder(path())
    const old = parseCertificate(
      fixtureParty({
        kind: 'root',
        commonName: 'old',
        from: new Date('2020-01-01T00:00:00Z'),
        until: new Date('2021-01-01T00:00:00Z'),
      }).chain[0] ?? Buffer.alloc(0),
    )
    await add(dir, { name: 'old', bytes: old.der, fingerprints: [said(old)] })
    const { stores } = trustStoreList({ policy: dir, now: NOW })
    assert.deepEqual(
      stores.map(({ store, anchors }) => [store, anchors.map(({ expired }) => expired)]),
      [
        ['ca:old', [true]],
        ['ca:vendor', [false]],
      ],
    )
    for (const { anchors } of stores)
      for (const { fingerprint, words } of anchors) assert.deepEqual(words, fingerprintWords(fingerprint.slice(7)))
  })

  it('takes out the anchor that is named, and never more than that', async () => {
    const dir = policyFolder(path())
    const remove = (over: Partial<Parameters<typeof trustStoreRemove>[0]> = {}): unknown =>
      trustStoreRemove({ policy: dir, kind: 'ca', name: 'vendor', fingerprint: said(root), ...over })
    const before = tree(dir)
    assert.throws(() => remove({ fingerprint: said(other) }), fault('USAGE'))
    assert.throws(() => remove({ fingerprint: '' }), fault('USAGE'))
    assert.throws(() => remove({ name: 'x' }), fault('USAGE'))
    assert.throws(() => remove({ name: '../../..' }), fault('USAGE'))
    remove({ dryRun: true })
    assert.deepEqual(tree(dir), before)
    writeFileSync(join(dir, VENDOR_STORE), pemOf(root, other))
    assert.throws(() => remove(), fault('TRUST_STORE_MALFORMED'))
    writeFileSync(join(dir, VENDOR_STORE), pemOf(root))
    remove()
    assert.ok(!existsSync(join(dir, VENDOR_STORE)))
    assert.equal(openPolicy(dir).stores.get('ca:vendor'), undefined)
  })

  it('asks no address before a fingerprint is said, and shows no query of it afterwards', async () => {
    const fake = await scripted({ 'GET /root.crt': { body: pemOf(root) } })
    try {
      const url = `${fake.origin}/root.crt?key=s3cr3t`
      const dir = path()
      const run = (...args: string[]): ReturnType<typeof sallyport> =>
        sallyport(['trust', 'store', 'add', 'ca', 'vendor', url, '--policy', dir, ...args])
      for (const json of [[], ['--json']]) {
        const without = await run(...json)
        assert.deepEqual([without.status, fake.asked.length], [2, 0])
        const wrong = await run('--fingerprint', said(other), ...json)
        assert.equal(wrong.status, 13)
        for (const { stdout, stderr } of [without, wrong])
          assert.ok(!(stdout + stderr).includes('s3cr3t'), stdout + stderr)
        fake.asked.length = 0
      }
      assert.ok(!existsSync(dir))
      const good = await run('--fingerprint', fingerprintWords(root.sha256).join(' '), '--json')
      assert.equal(good.status, 0, good.stdout)
      assert.ok(!good.stdout.includes('s3cr3t'))
      assert.equal(openPolicy(dir).stores.get('ca:vendor')?.length, 1)
    } finally {
      await fake.close()
    }
  })

  it('takes PEM from standard input, and hostile names into no terminal', async () => {
    const names = [
      ['C', 'US'],
      ['ST', 'WA'],
      ['O', 'x\u001b[2J\u202e'],
      ['CN', 'root'],
    ] as const
    const hostile = issue({ subject: names, kind: 'ca' }).certificate
    const dir = path()
    const base = ['trust', 'store', 'add', 'ca', 'vendor', '-', '--policy', dir, '--fingerprint', said(hostile)]
    const added = await sallyport(base, { input: Buffer.from(pemOf(hostile)) })
    assert.equal(added.status, 0, added.stderr)
    const listed = await sallyport(['trust', 'store', 'list', '--policy', dir, '--json'])
    const none = await sallyport(base, { input: Buffer.alloc(0) })
    assert.equal(none.status, 2)
    for (const { stdout, stderr } of [added, listed, none])
      for (const odd of ['\u001b', '\u202e']) assert.ok(!(stdout + stderr).includes(odd))
  })

  it('leaves a policy that can judge as one that can', async () => {
    const dir = policyFolder(path(), {
      'trustpolicy.json': policyText(statement({ trustStores: ['ca:vendor', 'ca:later'] })),
    })
    await add(dir, { name: 'later', bytes: other.der, fingerprints: [said(other)] })
    assert.equal(openPolicy(dir).stores.size, 2)
  })
})
