/** What an operator asks a site about revocation, and tells it: affected, status, judge, and a denial of its own. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  channelInit,
  channelPin,
  denyAtSite,
  judgeAgain,
  revocationAffected,
  revocationStatus,
  type AffectedReport,
  type RevocationStatusReport,
} from '../../../src/transfer/index.ts'
import { digestOf } from '../../../src/oci/index.ts'
import { siteDenyExit } from '../../../src/transfer/rejudge/site-deny.ts'
import { affectedExit } from '../../../src/transfer/status/affected-report.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import { revocationStatusExit } from '../../../src/transfer/status/revocation.ts'
import { writeFileSync, rmSync } from 'node:fs'
import type { Piece } from '../../contract/content.ts'
import { pemOf } from '../policies.ts'
import { LIST_URL, PATH, RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'
import { fault } from '../../fault.ts'

const DAY = 86_400

describe('transfer/status/revocation-verbs', function () {
  this.timeout(60_000)
  let site: RevocableSite
  let first: Piece
  let second: Piece

  beforeEach(async () => {
    site = await RevocableSite.make()
    first = await site.admit([1])
    second = await site.admit([2])
    await site.ward.tag(first, '1.0')
    await site.ward.pause()
  })
  afterEach(async () => {
    await site.close()
  })

  const asked = (what: string): Promise<AffectedReport> =>
    revocationAffected({ state: site.ward.stateDir, what, now: NOW })
  const told = (warn?: number, now = NOW): Promise<RevocationStatusReport> =>
    revocationStatus({ state: site.ward.stateDir, warn, now })
  const digests = ({ artifacts }: Pick<AffectedReport, 'artifacts'>): string[] =>
    artifacts.map(({ digest }) => digest).sort()
  const write = async (work: () => Promise<unknown>): Promise<void> => {
    await site.ward.resume()
    await work()
    await site.ward.pause()
  }

  it('affected names what hangs on a certificate, by its hash or its file, and on its issuer', async () => {
    const [leaf, root] = site.vendor.signer(1).chain
    assert.ok(leaf && root)
    const file = site.path('signer.pem')
    writeFileSync(file, pemOf(leaf))
    for (const what of [leaf.sha256, `sha256:${leaf.sha256}`, file]) {
      const report = await asked(what)
      assert.deepEqual([report.kind, digests(report)], ['certificate', [first.descriptor.digest]])
      const [standing] = report.certificates
      assert.deepEqual([standing?.serial, standing?.lists[0]?.number, standing?.missing], ['1', '1', []])
    }
    const both = [first.descriptor.digest, second.descriptor.digest].sort()
    for (const what of [root.spkiSha256, root.sha256]) assert.deepEqual(digests(await asked(what)), both)
    assert.equal((await asked(root.spkiSha256)).kind, 'issuer')
  })

  it('affected answers that nothing hangs on what nobody here knows, and tells a file that is not there', async () => {
    for (const what of ['0'.repeat(64), `sha256:${'0'.repeat(64)}`, `${site.ward.to}:${PATH}:9.9`]) {
      const { certificates, artifacts, denials } = await asked(what)
      assert.deepEqual([certificates, artifacts, denials], [[], [], []])
    }
    for (const what of ['none.pem', site.path('none'), './none'])
      await assert.rejects(asked(what), fault('FILE_UNREADABLE'))
    await assert.rejects(asked('no reference'), fault('REFERENCE_INVALID'))
  })

  it('affected tells what lies here from what was refused at the door, is in quarantine, or is gone', async () => {
    const [, root] = site.vendor.signer(1).chain
    const lies = async (): Promise<Record<string, string>> =>
      Object.fromEntries((await asked(root?.sha256 ?? '')).artifacts.map((one) => [one.digest, one.lies]))
    const [one, two] = [first.descriptor.digest, second.descriptor.digest]
    let refused = one
    await write(async () => {
      await site.take(site.vendor.list(2, { 3: 1 }))
      refused = (await site.admit([3])).descriptor.digest
    })
    assert.deepEqual(await lies(), { [one]: 'here', [two]: 'here', [refused]: 'refused' })
    await write(async () => {
      const { state, place } = site.ward
      await site.take(site.vendor.list(3, { 1: 1, 2: 1, 3: 1 }))
      await site.ward.target.deleteManifest(two)
      await site.rejudge()
      const why = { code: 'CERTIFICATE_REVOKED', detail: 'x' } as const
      await applyMeasure(state, place, site.ward.placeOf(first.descriptor), 'remove', why, { now: NOW })
    })
    assert.deepEqual(await lies(), { [one]: 'quarantine', [two]: 'gone', [refused]: 'refused' })
  })

  it('affected says what is revoked and denied, and knows a tag that a measure moved', async () => {
    const { digest } = first.descriptor
    const [leaf] = site.vendor.signer(1).chain
    assert.ok(leaf)
    assert.deepEqual(
      (await asked(leaf.sha256)).certificates.map(({ revoked }) => revoked),
      [null],
    )
    await write(async () => {
      await site.take(site.vendor.list(2, { 1: 1 }))
      await site.state.addDenials([{ artifact: digest, reason: 'CVE', since: '2026-05-20T00:00:00Z' }], null)
      await site.rejudge()
      const { state, place } = site.ward
      const why = { code: 'ARTIFACT_DENIED', detail: 'CVE' } as const
      await applyMeasure(state, place, site.ward.placeOf(first.descriptor), 'retag', why, { now: NOW })
      const now = (await state.tagHistory(place.name, PATH, '1.0')).at(-1)?.new
      assert.notEqual(now ?? digest, digest)
    })
    assert.match((await asked(leaf.sha256)).certificates[0]?.revoked ?? '', /^2026-/)
    const moved = await asked(`${site.ward.to}:${PATH}:1.0`)
    assert.deepEqual([digests(moved), moved.artifacts[0]?.verdict], [[digest], 'rejected'])
    assert.deepEqual(
      moved.denials.map(({ reason, channel }) => [reason, channel]),
      [['CVE', null]],
    )
  })

  it('affected names the certificates and lists that an artifact hangs on, by tag and by digest', async () => {
    const { digest } = first.descriptor
    for (const what of [digest, `${site.ward.to}:${PATH}:1.0`, `${site.ward.to}:${PATH}@${digest}`]) {
      const report = await asked(what)
      assert.deepEqual([report.kind, digests(report), report.artifacts[0]?.tags], ['artifact', [digest], ['v1']])
      assert.deepEqual(report.certificates.map(({ serial }) => serial).sort(), ['1', '1267'])
      assert.equal(report.certificates.find(({ serial }) => serial === '1')?.lists[0]?.url, LIST_URL)
    }
  })

  it('status is 0 while all is fresh, and 15 once a list is stale, soon is, is lost or was never had', async () => {
    const fresh = await told()
    const [list] = fresh.lists
    assert.deepEqual([list?.number, list?.state, list?.bytes, list?.artifacts], ['1', 'fresh', 'held', 2])
    assert.deepEqual([list?.issuerName, Math.floor(list?.daysToBlind ?? 0)], ['CN=acme root,O=acme,ST=WA,C=US', 29])
    assert.deepEqual([fresh.missing, revocationStatusExit(fresh)], [[], 0])
    const soon = await told(30 * DAY)
    assert.deepEqual([soon.lists[0]?.state, revocationStatusExit(soon)], ['soon', 15])
    assert.equal(revocationStatusExit(await told(29 * DAY)), 0)
    const stale = await told(undefined, new Date('2026-07-02T00:00:00Z'))
    assert.deepEqual([stale.lists[0]?.state, revocationStatusExit(stale)], ['stale', 15])
    rmSync(join(site.ward.stateDir, 'lists'), { recursive: true })
    const lost = await told()
    assert.deepEqual([lost.lists[0]?.bytes, revocationStatusExit(lost)], ['lost', 15])
  })

  it('status names a list that was never had, what was not judged by yet, and a channel that is overdue', async () => {
    const other = await RevocableSite.make()
    try {
      await other.ward.pause()
      assert.deepEqual((await revocationStatus({ state: other.ward.stateDir, now: NOW })).missing, [])
    } finally {
      await other.close()
    }
    await write(async () =>
      site.state.addDenials(
        [{ artifact: first.descriptor.digest, reason: 'CVE', since: '2026-05-20T00:00:00Z' }],
        null,
      ),
    )
    const pending = await told()
    assert.deepEqual([pending.pending, revocationStatusExit(pending)], [{ lists: 0, denials: 1 }, 15])
    assert.deepEqual(
      pending.denials.map(({ channel }) => channel),
      [null],
    )
    await write(() => site.rejudge())
    assert.equal(revocationStatusExit(await told()), 0)
    const dir = site.path('keys')
    const { fingerprint } = await channelInit({
      channel: 'rev',
      purpose: 'revocation',
      dir,
      people: ['ann'],
      threshold: 1,
      kind: 'ed25519',
      rootDays: 365,
      now: NOW,
      passphrase: () => Promise.resolve(Buffer.from('only for tests')),
    })
    const pin = { state: site.ward.stateDir, channel: 'rev', root: join(dir, 'root.json'), now: NOW }
    await channelPin({ ...pin, fingerprint: fingerprint ?? '', purpose: 'revocation' })
    await write(() => site.state.expect('rev', DAY))
    assert.equal(revocationStatusExit(await told(undefined, new Date(NOW.getTime() + 20 * 3_600_000))), 0)
    const late = await told(undefined, new Date(NOW.getTime() + 26 * 3_600_000))
    assert.deepEqual([late.overdue.map(({ channel }) => channel), revocationStatusExit(late)], [['rev'], 15])
  })

  it('judges again at a place, after a dry run that only names what it would', async () => {
    await write(() => site.take(site.vendor.list(2, { 1: 1 })))
    const run = { state: site.ward.stateDir, to: site.ward.to, policy: site.policy, registry: {}, now: NOW }
    const dry = await judgeAgain({ ...run, dryRun: true })
    assert.deepEqual([dry.touched.map(({ digest }) => digest), dry.rejudged], [[first.descriptor.digest], null])
    const { rejudged, touched } = await judgeAgain(run)
    assert.deepEqual([touched, rejudged?.artifacts.map(({ verdict }) => verdict)], [dry.touched, ['rejected']])
    assert.deepEqual((await judgeAgain(run)).rejudged, null)
  })

  it('denies at a site, whether or not a place is named, once, and for good', async () => {
    const { digest } = first.descriptor
    const run = { state: site.ward.stateDir, artifact: digest, reason: 'CVE-2026-1', now: NOW }
    const dry = await denyAtSite({ ...run, dryRun: true })
    assert.deepEqual([dry.added, dry.denials, dry.touched.map((one) => one.digest)], [true, 1, [digest]])
    assert.deepEqual((await told()).denials, [])
    const alone = await denyAtSite(run)
    assert.deepEqual([alone.added, alone.denials, alone.rejudged], [true, 1, null])
    const again = await denyAtSite({ ...run, reason: 'another', to: site.ward.to, policy: site.policy, registry: {} })
    assert.deepEqual([again.added, again.denials, again.denial.reason], [false, 1, 'CVE-2026-1'])
    assert.deepEqual(
      again.rejudged?.artifacts.map(({ code }) => code),
      ['ARTIFACT_DENIED'],
    )
    await assert.rejects(denyAtSite({ ...run, artifact: 'latest' }), fault('USAGE'))
    assert.equal(again.unknown, null)
    await site.ward.resume()
    assert.deepEqual([site.verdictOf(first), site.verdictOf(second)], ['rejected', 'trusted'])
    await site.ward.pause()
  })

  it('finds by its other hash what is denied, where a place is named, and ends with 3 where nothing is', async () => {
    const artifact = digestOf(first.bytes, 'sha512')
    const run = { state: site.ward.stateDir, artifact, reason: 'CVE-2026-2', now: NOW }
    const nobody = await denyAtSite({ ...run, artifact: digestOf(Buffer.from('x')), to: site.ward.to, registry: {} })
    assert.deepEqual([nobody.unknown, nobody.touched, siteDenyExit(nobody)], ['artifact', [], 3])
    const alone = await denyAtSite({ ...run, dryRun: true })
    assert.deepEqual([alone.unknown, siteDenyExit(alone)], ['artifact', 3])
    const found = await denyAtSite({ ...run, to: site.ward.to, registry: {} })
    assert.deepEqual([found.unknown, siteDenyExit(found)], [null, 14])
    assert.deepEqual(
      found.rejudged?.artifacts.map(({ digest }) => digest),
      [first.descriptor.digest],
    )
    for (const [what, exit] of [
      [artifact, 3],
      [first.descriptor.digest, 0],
    ] as const)
      assert.equal(affectedExit(await asked(what)), exit)
  })

  it('takes the signer of a denial from a file, and says when nothing known here is meant', async () => {
    const { digest } = first.descriptor
    const run = { state: site.ward.stateDir, artifact: digest, reason: 'x', now: NOW, dryRun: true }
    const [leaf, root] = site.vendor.signer(1).chain
    assert.ok(leaf && root)
    const file = site.path('signer.crt')
    const der = site.path('root.der')
    writeFileSync(file, pemOf(leaf, root))
    writeFileSync(der, root.der)
    const met = await denyAtSite({ ...run, signer: file })
    assert.deepEqual([met.denial.signer, met.unknown], [leaf.spkiSha256, null])
    const unmet = await denyAtSite({ ...run, signer: der })
    assert.deepEqual([unmet.denial.signer, unmet.unknown], [root.spkiSha256, 'signer'])
    assert.equal((await denyAtSite({ ...run, signer: 'e'.repeat(64) })).unknown, 'signer')
    assert.equal((await denyAtSite({ ...run, artifact: `sha256:${'0'.repeat(64)}` })).unknown, 'artifact')
    assert.deepEqual([siteDenyExit(met), siteDenyExit(unmet)], [0, 3])
    await assert.rejects(denyAtSite({ ...run, signer: site.path('none.crt') }), fault('USAGE'))
    writeFileSync(file, 'no certificate')
    await assert.rejects(denyAtSite({ ...run, signer: file }), fault('CERTIFICATE_FILE'))
  })
})
