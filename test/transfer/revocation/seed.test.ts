import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../../src/oci/index.ts'
import {
  revocationSeed,
  trustPolicyAdd,
  trustStoreAdd,
  trustStoreRemove,
  type RevocationSeedOptions,
  type RevocationSeedReport,
} from '../../../src/transfer/index.ts'
import { Certificates, fault } from '../ca/certificates.ts'
import { certificateAt, knownCertificate, provenList, siteWith, take, write } from './seed-stage.ts'
import { hoursLater, NOW, tree } from '../stage.ts'

const ISSUING = 'http://crl.acme.example/issuing.crl'
const ROOT = 'http://crl.acme.example/root.crl'
const DELTA = 'http://crl.acme.example/delta.crl'

describe('transfer/revocation/seed', function () {
  this.timeout(60_000)
  let ca: Certificates
  let dir: string
  /** Lists of issuing: 1 whole, 2 whole with a delta's place, 3 delta, 4 delta that ends later, 5 whole, 6 delta to it; of root: 1. */
  before(async () => {
    ca = new Certificates()
    dir = ca.path('ca')
    await ca.init({ dir, crlUrl: 'http://crl.acme.example/' })
    await ca.crl({ dir, from: 'root' })
    await ca.crl({ dir })
    await ca.revoke({ dir, reason: 'certificateHold' })
    await ca.crl({ dir, deltaUrl: DELTA, now: hoursLater(1) })
    await ca.crl({ dir, delta: true, days: 1, now: hoursLater(1) })
    await ca.crl({ dir, delta: true, days: 2, now: hoursLater(2) })
    await ca.crl({ dir, now: hoursLater(2) })
    await ca.crl({ dir, delta: true, now: hoursLater(2) })
  })
  after(() => ca.close())

  const whole = () => provenList(dir, 'issuing', '1.crl', ISSUING)
  const withDelta = () => provenList(dir, 'issuing', '2.crl', ISSUING)
  const delta = (number = 3) => provenList(dir, 'issuing', `${number}-delta.crl`, DELTA)
  const ofRoot = () => provenList(dir, 'root', '1.crl', ROOT)

  async function site(...lists: ReturnType<typeof whole>[]): Promise<{ state: string; cache: string }> {
    const state = ca.path('state')
    await siteWith(state, lists, hoursLater(3))
    return { state, cache: ca.path('notation') }
  }

  function seed(
    at: { state: string; cache: string },
    more: Partial<RevocationSeedOptions> = {},
  ): Promise<RevocationSeedReport> {
    return revocationSeed({ config: at.cache, now: hoursLater(3), ...at, ...more })
  }

  function fileOf({ cache }: { cache: string }, url: string): string {
    return join(cache, 'crl', hash('sha256', url))
  }

  function told({ lists }: RevocationSeedReport): string[] {
    return lists.map(({ url, outcome, fault: why, number, delta: changes }) =>
      [url.slice(24), outcome, number, changes, why].join(' ').trim(),
    )
  }

  it('writes what notation reads, under the hash of each URL, for nobody else to read', async () => {
    const at = await site(ofRoot(), withDelta(), delta())
    const report = await seed(at)
    assert.deepEqual(told(report), ['issuing.crl written 2 3', 'root.crl written 1'])
    assert.deepEqual(
      report.lists.map(({ until }) => until),
      ['2026-06-02T13:00:00Z', '2026-07-01T12:00:00Z'],
    )
    const lists = [withDelta(), delta()].map(({ bytes }) => Buffer.from(bytes).toString('base64'))
    assert.equal(readFileSync(fileOf(at, ISSUING), 'utf8'), JSON.stringify({ baseCRL: lists[0], deltaCRL: lists[1] }))
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(fileOf(at, ROOT), 'utf8')) as object), ['baseCRL'])
    assert.equal(statSync(join(at.cache, 'crl')).mode & 0o777, 0o700)
    assert.equal(statSync(fileOf(at, ROOT)).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(at.cache, 'crl')).sort(), [hash('sha256', ISSUING), hash('sha256', ROOT)].sort())
    assert.deepEqual(told(await seed(at)), ['issuing.crl unchanged 2 3', 'root.crl unchanged 1'])
  })

  it('replaces a list by a newer one, and takes a delta that came later along', async () => {
    const at = await site(whole())
    await seed(at)
    await take(at.state, [withDelta(), delta()], hoursLater(3))
    assert.deepEqual(told(await seed(at)), ['issuing.crl replaced 2 3'])
    await take(at.state, [delta(4)], hoursLater(3))
    assert.deepEqual(told(await seed(at)), ['issuing.crl replaced 2 4'])
  })

  it('takes away what became stale, whole list or delta, and says so', async () => {
    const at = await site(ofRoot(), withDelta(), delta())
    await seed(at)
    const later = await seed(at, { now: hoursLater(26) })
    assert.deepEqual(told(later), ['issuing.crl removed 2 3 with a stale delta', 'root.crl unchanged 1'])
    assert.ok(!existsSync(fileOf(at, ISSUING)) && existsSync(fileOf(at, ROOT)))
    const last = await seed(at, { now: hoursLater(24 * 31) })
    assert.deepEqual(told(last), ['issuing.crl left out 2 3 stale', 'root.crl removed 1  stale'])
    assert.deepEqual(readdirSync(join(at.cache, 'crl')), [])
  })

  it('leaves a list out that has no delta though it says that there is one', async () => {
    const at = await site(withDelta())
    assert.deepEqual(told(await seed(at)), ['issuing.crl left out 2  without its delta'])
    assert.ok(!existsSync(fileOf(at, ISSUING)))
  })

  it('adds no delta to a base that is newer than it, or older than its own', async () => {
    const newer = await site(provenList(dir, 'issuing', '5.crl', ISSUING), delta(4))
    assert.deepEqual(told(await seed(newer)), ['issuing.crl left out 5  without its delta'])
    const older = await site(withDelta(), delta(6))
    assert.deepEqual(told(await seed(older)), ['issuing.crl left out 2  without its delta'])
    await take(older.state, [provenList(dir, 'issuing', '5.crl', ISSUING)], hoursLater(3))
    assert.deepEqual(told(await seed(older)), ['issuing.crl written 5 6'])
  })

  it('leaves out what was lost or altered in the state', async () => {
    const at = await site(ofRoot(), whole())
    await seed(at)
    const file = join(at.state, 'lists', hash('sha256', whole().bytes))
    rmSync(file)
    assert.deepEqual(told(await seed(at)), ['issuing.crl removed 1  lost', 'root.crl unchanged 1'])
    const other = join(at.state, 'lists', hash('sha256', ofRoot().bytes))
    chmodSync(other, 0o600)
    writeFileSync(other, Buffer.concat([readFileSync(other), Buffer.from([0])]))
    assert.deepEqual(told(await seed(at)), ['issuing.crl left out 1  lost', 'root.crl removed 1  lost'])
  })

  it('leaves out a list that is not of the issuer it is held under', async () => {
    const wrong = { ...whole(), issuerCertificate: certificateAt(dir, 'root').der }
    const at = await site(wrong, {
      ...ofRoot(),
      ...whole(),
      url: ROOT,
      issuer: certificateAt(dir, 'root').spkiSha256,
      issuerCertificate: certificateAt(dir, 'root').der,
    })
    assert.deepEqual(told(await seed(at)), ['issuing.crl left out 1  lost', 'root.crl left out 1  not of its issuer'])
  })

  it('leaves out a list that is dated ahead', async () => {
    const at = await site(whole())
    await assert.rejects(seed(at, { now: hoursLater(-1) }), fault('CLOCK_BEHIND'))
    const fresh = ca.path('state')
    await siteWith(fresh, [], hoursLater(-10))
    await take(fresh, [{ ...whole(), thisUpdate: '2026-06-01T01:00:00Z' }], hoursLater(-9))
    const report = await seed({ ...at, state: fresh }, { now: hoursLater(-8) })
    assert.deepEqual(told(report), ['issuing.crl left out 1  dated in the future'])
  })

  it('gives one URL to one issuer, and names the other', async () => {
    const second = ca.path('second')
    await ca.init({ dir: second, crlUrl: 'http://crl.acme.example/' })
    await ca.crl({ dir: second, now: hoursLater(2) })
    const theirs = provenList(second, 'issuing', '1.crl', ISSUING)
    const at = await site(whole(), theirs)
    const report = await seed(at)
    assert.deepEqual(told(report).sort(), [
      'issuing.crl left out 1  another issuer has the URL',
      'issuing.crl written 1',
    ])
    assert.equal(report.lists.find(({ fault: why }) => why === null)?.issuer, theirs.issuer)
    assert.deepEqual(
      told(await seed(at)).filter((line) => !line.includes('another')),
      ['issuing.crl unchanged 1'],
    )
  })

  it('never goes back behind what the cache has of the issuer', async () => {
    const newer = await site(withDelta(), delta(4))
    await seed(newer)
    const at = { ...(await site(whole())), cache: newer.cache }
    assert.deepEqual(told(await seed(at)), ['issuing.crl newer 1'])
    const before = readFileSync(fileOf(at, ISSUING))
    assert.deepEqual(told(await seed({ ...at, state: (await site(withDelta(), delta())).state })), [
      'issuing.crl newer 2 3',
    ])
    assert.ok(readFileSync(fileOf(at, ISSUING)).equals(before))
    // What is newer but not whole, stale, or of another issuer does not stand in the way.
    const half = JSON.stringify({ baseCRL: (JSON.parse(before.toString()) as { baseCRL: string }).baseCRL })
    writeFileSync(fileOf(at, ISSUING), half)
    assert.deepEqual(told(await seed(at)), ['issuing.crl replaced 1'])
    writeFileSync(fileOf(at, ISSUING), before)
    assert.deepEqual(told(await seed(at, { now: hoursLater(24 * 3) })), ['issuing.crl replaced 1'])
    const stranger = ca.path('stranger')
    await ca.init({ dir: stranger })
    for (let i = 0; i < 3; i++) await ca.crl({ dir: stranger })
    const list = readFileSync(join(stranger, 'issuing/lists/3.crl')).toString('base64')
    writeFileSync(fileOf(at, ISSUING), JSON.stringify({ baseCRL: list }))
    assert.deepEqual(told(await seed(at)), ['issuing.crl replaced 1'])
  })

  for (const [what, make] of [
    ['text', (file) => writeFileSync(file, 'not JSON')],
    ['a link', (file) => symlinkSync('/etc/hostname', file)],
  ] satisfies [string, (file: string) => void][])
    it(`puts a list in the place of ${what}`, async () => {
      const at = await site(whole())
      mkdirSync(join(at.cache, 'crl'), { recursive: true })
      make(fileOf(at, ISSUING))
      assert.deepEqual(told(await seed(at)), ['issuing.crl replaced 1'])
      assert.ok(statSync(fileOf(at, ISSUING)).isFile())
      assert.ok(readFileSync('/etc/hostname').length > 0)
    })

  it('names the certificates of which notation will know nothing, and denials it can not know', async () => {
    const at = await site(whole())
    const [signer, issuing] = [knownCertificate(dir, 'signer', 'issuing'), knownCertificate(dir, 'issuing', 'root')]
    const answered = { ...signer, sha256: 'ab'.repeat(32), serial: 'ab', crlUrls: [], ocspUrls: ['http://ocsp.x/'] }
    const expired = { ...answered, sha256: 'cd'.repeat(32), serial: 'cd', notAfter: '2026-06-01T00:00:00Z' }
    await write(at.state, hoursLater(3), async (open) => {
      await open.knowCertificates([signer, issuing, knownCertificate(dir, 'root', 'root'), answered, expired])
      const artifact = `sha256:${'1'.repeat(64)}` as Digest
      await open.addDenials([{ artifact, reason: 'x', since: '2026-06-01T00:00:00Z' }], null)
    })
    const { blind, notes } = await seed(at)
    assert.deepEqual(
      blind.map(({ serial, why }) => `${serial} ${why}`).sort(),
      [`${issuing.serial} no list`, 'ab answers alone'].sort(),
    )
    assert.equal(notes.length, 1)
    await take(at.state, [ofRoot()], hoursLater(3))
    assert.deepEqual(
      (await seed(at)).blind.map(({ serial }) => serial),
      ['ab'],
    )
  })

  it('writes nothing in a dry run', async () => {
    const at = await site(whole())
    const dry = await seed(at, { dryRun: true })
    assert.ok(!existsSync(at.cache))
    const made = await seed(at)
    assert.deepEqual({ ...dry, dryRun: false }, made)
  })

  it('gives way to another that writes there', async () => {
    const at = await site(whole())
    const ended = await Promise.allSettled([seed(at), seed(at), seed(at)])
    for (const end of ended) assert.ok(end.status === 'fulfilled' || fault('FOLDER_LOCKED')(end.reason))
    assert.ok(ended.some(({ status }) => status === 'fulfilled'))
  })

  describe('with a policy', () => {
    const STORE = 'truststore/x509/ca/acme'

    async function policyOf(...names: ('root' | 'tsa-root')[]): Promise<string> {
      const policy = ca.path('policy')
      for (const name of names) {
        const from = join(dir, name, 'certificate.crt')
        const fingerprints = [`sha256:${certificateAt(dir, name).sha256}`]
        const store = { policy, kind: 'ca', name: 'acme' } as const
        await trustStoreAdd({ ...store, bytes: readFileSync(from), from, fingerprints, now: NOW })
      }
      const whom = { scopes: ['*'], stores: ['ca:acme'], identities: ['*'] }
      await trustPolicyAdd({ policy, name: 'all', ...whom, level: 'strict', revocation: 'enforce' })
      return policy
    }

    function outcomes({ config }: RevocationSeedReport): Record<string, number> {
      return Object.fromEntries(
        Object.entries(Object.groupBy(config, ({ outcome }) => outcome)).map(([name, all]) => [name, all.length]),
      )
    }

    it('copies stores and policies under each name that notation reads', async () => {
      const at = await site(whole())
      const policy = await policyOf('root')
      renameSync(join(policy, 'trustpolicy.json'), join(policy, 'trustpolicy.oci.json'))
      const report = await seed(at, { policy })
      assert.deepEqual(outcomes(report), { written: 3 })
      const copied = tree(at.cache)
      for (const [name, bytes] of Object.entries(tree(policy))) assert.deepEqual(copied[name], bytes, name)
      assert.ok(
        readFileSync(join(at.cache, 'trustpolicy.json')).equals(readFileSync(join(at.cache, 'trustpolicy.oci.json'))),
      )
      assert.deepEqual(outcomes(await seed(at, { policy })), { unchanged: 3 })
    })

    it('takes an anchor away that the site took out, and changes what it wrote', async () => {
      const at = await site(whole())
      const policy = await policyOf('root', 'tsa-root')
      await seed(at, { policy })
      const fingerprint = `sha256:${certificateAt(dir, 'tsa-root').sha256}`
      await trustStoreRemove({ policy, kind: 'ca', name: 'acme', fingerprint })
      await trustPolicyAdd({
        policy,
        name: 'more',
        scopes: ['r.site/x'],
        stores: ['ca:acme'],
        identities: ['*'],
        level: 'audit',
        revocation: 'log',
      })
      const report = await seed(at, { policy })
      assert.deepEqual(outcomes(report), { removed: 1, replaced: 1, unchanged: 1 })
      assert.equal(readdirSync(join(at.cache, STORE)).length, 1)
      assert.match(report.notes.join(), /more/)
    })

    it('overwrites nothing of others unless it is told to, and says what they left in its stores', async () => {
      const at = await site(whole())
      const policy = await policyOf('root')
      mkdirSync(join(at.cache, STORE), { recursive: true })
      writeFileSync(join(at.cache, 'trustpolicy.json'), 'mine')
      writeFileSync(join(at.cache, STORE, 'mine.crt'), 'mine')
      const before = tree(at.cache)
      for (const dryRun of [true, false]) await assert.rejects(seed(at, { policy, dryRun }), fault('OUTPUT_EXISTS'))
      assert.deepEqual(tree(at.cache), before)
      const report = await seed(at, { policy, replace: true })
      assert.deepEqual(outcomes(report), { replaced: 1, written: 1, foreign: 1 })
      assert.equal(readFileSync(join(at.cache, STORE, 'mine.crt'), 'utf8'), 'mine')
    })

    it('does not take what was changed since for its own', async () => {
      const at = await site(whole())
      const policy = await policyOf('root')
      await seed(at, { policy })
      writeFileSync(join(at.cache, 'trustpolicy.json'), 'changed')
      await assert.rejects(seed(at, { policy }), fault('OUTPUT_EXISTS'))
      await seed(at, { policy, replace: true })
      rmSync(join(at.cache, '.sallyport-seed.json'))
      assert.deepEqual(outcomes(await seed(at, { policy })), { unchanged: 2 })
    })

    for (const [what, name] of [
      ['a store', STORE],
      ['the folder of stores', 'truststore'],
    ] as const)
      it(`does not write through a link in the place of ${what}`, async () => {
        const at = await site(whole())
        const elsewhere = ca.path('elsewhere')
        mkdirSync(elsewhere)
        mkdirSync(join(at.cache, name, '..'), { recursive: true })
        symlinkSync(elsewhere, join(at.cache, name))
        await assert.rejects(seed(at, { policy: await policyOf('root'), replace: true }), fault('OUTPUT_EXISTS'))
        assert.deepEqual(readdirSync(elsewhere), [])
      })

    it('removes nothing outside by a mark that somebody wrote', async () => {
      const at = await site(whole())
      const victim = join(at.cache, '..', 'victim')
      writeFileSync(victim, 'x')
      mkdirSync(at.cache)
      for (const name of ['../victim', 'truststore/../../victim', 'trustpolicy.json/../../victim']) {
        const mark = { files: { [name]: [hash('sha256', 'x')] }, format: 'sallyport-seed/1' }
        writeFileSync(join(at.cache, '.sallyport-seed.json'), JSON.stringify(mark))
        await seed(at, { policy: await policyOf('root'), replace: true })
        assert.ok(existsSync(victim), name)
      }
    })

    it('copies no policy that can not judge', async () => {
      const at = await site(whole())
      const policy = await policyOf('root')
      writeFileSync(join(policy, 'trustpolicy.oci.json'), '{}')
      await assert.rejects(seed(at, { policy }), fault('POLICY_MALFORMED'))
      assert.ok(!existsSync(at.cache))
    })
  })
})
