import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFault } from '../../../src/errors/index.ts'
import { fallbackTag } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
import { channelInit, channelPin, channelUnpin } from '../../../src/transfer/index.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import type { Measure, MeasureReport } from '../../../src/transfer/measure/report.ts'
import {
  quarantineApprove,
  quarantineList,
  type ApproveReleaseReport,
} from '../../../src/transfer/measure/quarantine-verbs.ts'
import {
  quarantineRelease,
  type ReleaseOptions,
  type ReleaseReport,
} from '../../../src/transfer/rejudge/quarantine-release.ts'
import { randomBlob, type Piece } from '../../contract/content.ts'
import { needPeers, startRegistry, tryPeer, type Registry } from '../../peers/setup/registry.ts'
import { policyFolder, policyText, statement } from '../policies.ts'
import { Revocable } from '../revocable.ts'
import { NOW, PASSPHRASE } from '../stage.ts'
import { PATH, Ward } from '../ward.ts'
import { fault } from '../../fault.ts'

const WHY = { code: 'CERTIFICATE_REVOKED', detail: 'on hold' } as const
const REASON = 'the hold was lifted, ticket 7'

describe('transfer/rejudge/quarantine', () => {
  let registry: Registry | undefined
  let ward: Ward
  let policy: string
  let bad: Piece

  const take = (measure: Measure): Promise<MeasureReport> =>
    applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), measure, WHY, { now: NOW })
  /** The verbs open state and target themselves. */
  const release = async (over: Partial<ReleaseOptions> = {}): Promise<ReleaseReport> => {
    await ward.pause()
    const common = { state: ward.stateDir, ref: bad.descriptor.digest, reason: REASON, by: ['alice'], approvals: [] }
    try {
      return await quarantineRelease({ ...common, policy, registry: { plainHttp: true }, now: NOW, ...over })
    } finally {
      await ward.resume()
    }
  }

  async function make(to?: string): Promise<void> {
    ward = await Ward.make(to)
    policy = policyFolder(join(ward.dir, 'policy'))
    const child = await ward.image([randomBlob(2000)])
    bad = await ward.index(child)
    await ward.sign(bad)
    await ward.tag(bad, '1.0', 'latest')
    await ward.judge(bad, 'rejected')
  }

  afterEach(async () => {
    await ward?.close()
    await registry?.stop()
    registry = undefined
  })

  it('R6 lets nothing out by a clock that is far wrong', async () => {
    await make()
    await take('remove')
    await ward.state.takeLists([new Revocable().list(1)], null)
    await assert.rejects(release({ now: new Date('2032-01-01T00:00:00Z') }), fault('CLOCK_AHEAD'))
    await assert.rejects(release({ built: new Date('2027-01-01T00:00:00Z') }), fault('CLOCK_BEHIND'))
    assert.equal(ward.state.quarantined().length, 1)
    assert.equal(await ward.target.resolve(bad.descriptor.digest), undefined)
  })

  for (const kind of ['a layout', 'a registry'] as const) {
    const start = async (context: Mocha.Context): Promise<void> => {
      if (kind === 'a layout') return make()
      needPeers(context)
      registry = await startRegistry({ deletes: true })
      await make(`${registry.host}/site`)
    }

    it(`brings an artifact back to ${kind}, with signatures and tags, and journals it`, async function () {
      await start(this)
      assert.equal((await take('remove')).outcome, 'done')
      const before = await quarantineList({ state: ward.stateDir, now: NOW })
      assert.deepEqual(
        before.held.map(({ path, measure, outcome, tags, reachable }) => [path, measure, outcome, tags, reachable]),
        [[PATH, 'remove', 'done', ['1.0', 'latest'], false]],
      )
      const rehearsed = await release({ dryRun: true })
      assert.deepEqual([rehearsed.verdict.verdict, rehearsed.tags], ['trusted', []])
      assert.equal(await ward.target.resolve(bad.descriptor.digest), undefined)
      const report = await release()
      assert.deepEqual([report.verdict.verdict, report.copied, report.by], ['trusted', true, ['alice']])
      for (const tag of ['1.0', 'latest']) assert.equal(await ward.named(tag), bad.descriptor.digest)
      assert.equal((await ward.target.referrers(bad.descriptor.digest)).length, 1)
      assert.deepEqual(ward.state.quarantined(), [])
      assert.equal(ward.state.artifactsWith(bad.descriptor.digest)[0]?.verdict, 'trusted')
      assert.equal((await ward.rows('release'))[0]?.['reason'], REASON)
      await assert.rejects(release(), fault('QUARANTINE_UNKNOWN'))
      // And away again, and back again.
      assert.equal((await take('remove')).outcome, 'done')
      assert.equal((await release()).copied, true)
    })

    it(`moves tags of ${kind} back from tombstones, and leaves one that a bundle moved since`, async function () {
      await start(this)
      await take('retag')
      const next = await ward.image()
      await ward.tag(next, 'latest')
      const { tags, copied } = await release()
      assert.deepEqual(
        tags.map(({ tag, outcome }) => [tag, outcome]),
        [
          ['1.0', 'moved'],
          ['latest', 'elsewhere'],
        ],
      )
      assert.equal(copied, false)
      assert.equal(await ward.named('latest'), next.descriptor.digest)
    })
  }

  it('lets nothing out that is not trusted now, nor what was denied', async () => {
    await make()
    await take('remove')
    const nobody = policyFolder(join(ward.dir, 'other'), {
      'trustpolicy.json': policyText(statement({ trustStores: ['ca:other'] })),
    })
    const report = await release({ policy: nobody })
    assert.equal(report.verdict.verdict, 'rejected')
    await ward.state.addDenials(
      [{ artifact: bad.descriptor.digest, reason: 'backdoor', since: '2026-06-01T00:00:00Z' }],
      null,
    )
    const denied = await release()
    assert.deepEqual([denied.verdict.code, denied.copied, denied.tags], ['ARTIFACT_DENIED', false, []])
    assert.equal(await ward.target.resolve(bad.descriptor.digest), undefined)
    assert.equal(ward.state.quarantined().length, 1)
    await assert.rejects(release({ reason: ' ' }), fault('USAGE'))
    await assert.rejects(release({ by: [] }), fault('USAGE'))
    await assert.rejects(release({ ref: `${ward.to}:${PATH}:9.9` }), fault('QUARANTINE_UNKNOWN'))
  })

  it('judges by the name of its place, and not of the quarantine', async () => {
    await make()
    await take('remove')
    const narrow = policyFolder(join(ward.dir, 'narrow'), {
      'trustpolicy.json': policyText(statement({ registryScopes: [`local/${PATH}`] })),
    })
    const report = await release({ policy: narrow, ref: `${ward.to}:${PATH}:latest` })
    assert.deepEqual([report.verdict.verdict, report.verdict.scope], ['trusted', `local/${PATH}`])
  })

  describe('with approvals', () => {
    let keys: string
    let fingerprint: string
    const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from(PASSPHRASE))

    beforeEach(async () => {
      await make()
      await take('remove')
      keys = join(ward.dir, 'approvers')
      const terms = { purpose: 'trust', rootDays: 365, now: NOW, passphrase, threshold: 1, kind: 'p384' } as const
      const made = await channelInit({ ...terms, channel: 'quarantine', dir: keys, people: ['alice', 'bob', 'carol'] })
      fingerprint = made.fingerprint ?? ''
    })
    const pin = async (): Promise<void> => {
      await ward.pause()
      const root = join(keys, 'root.json')
      const state = ward.stateDir
      await channelPin({ state, channel: 'quarantine', root, fingerprint, purpose: 'trust', now: NOW })
      await ward.resume()
    }
    let count = 0
    const approve = (person: string, reason = REASON): Promise<ApproveReleaseReport> =>
      quarantineApprove({
        state: ward.stateDir,
        ref: bad.descriptor.digest,
        reason,
        key: join(keys, `${person}.pem`),
        passphrase,
        output: join(ward.dir, `${person}-${++count}.approval`),
        now: NOW,
      })

    it('are needed where the policy says so, and can be given by nobody before the approvers are pinned', async () => {
      const four = policyFolder(join(ward.dir, 'four-eyes'), {
        'policy.yaml': 'version: 1\nrevocation: { releaseNeedsApproval: true }\n',
      })
      await assert.rejects(release({ policy: four }), fault('CHANNEL_NOT_PINNED'))
      await assert.rejects(approve('alice'), fault('CHANNEL_NOT_PINNED'))
      await pin()
      await assert.rejects(release({ policy: four }), fault('APPROVAL_MISSING'))
    })

    it('are needed since the approvers are pinned, whatever policy is named', async () => {
      await pin()
      await assert.rejects(release(), fault('APPROVAL_MISSING'))
      const [alice, bob] = [await approve('alice'), await approve('bob')]
      await assert.rejects(release({ approvals: [alice.output] }), fault('APPROVAL_MISSING'))
      // One person's two files are one person.
      const again = await approve('alice')
      await assert.rejects(release({ approvals: [alice.output, again.output] }), fault('APPROVAL_MISSING'))
      const report = await release({ approvals: [alice.output, bob.output] })
      assert.deepEqual(report.by, ['alice', ...[alice.keyid, bob.keyid].sort().map((keyid) => `key ${keyid}`)])
      assert.deepEqual((await ward.rows('release'))[0]?.['by'], report.by)
    })

    it('take two people whatever the channel demands, which is told when one of a single person is pinned', async () => {
      const dir = join(ward.dir, 'solo')
      const terms = { purpose: 'trust', rootDays: 365, now: NOW, passphrase, threshold: 1, kind: 'p384' } as const
      const solo = await channelInit({ ...terms, channel: 'quarantine', dir, people: ['alice'] })
      const notes: string[] = []
      await ward.pause()
      await channelPin({
        state: ward.stateDir,
        channel: 'quarantine',
        root: join(dir, 'root.json'),
        fingerprint: solo.fingerprint ?? '',
        purpose: 'trust',
        now: NOW,
        onEvent: (event) => void (event.type === 'note' && notes.push(event.text)),
      })
      await ward.resume()
      assert.match(notes.join(), /quarantine has 1 of the 2 people/)
      await assert.rejects(
        release(),
        (error) => isFault(error, 'APPROVAL_MISSING') && /too few people/.test(error.remedy),
      )
    })

    it('hold for one release and one reason only', async () => {
      await pin()
      const [alice, bob] = [await approve('alice'), await approve('bob', 'another reason')]
      await assert.rejects(release({ approvals: [alice.output, bob.output] }), fault('APPROVAL_INVALID'))
      const right = await approve('bob')
      assert.equal((await release({ approvals: [alice.output, right.output] })).copied, true)
      // Held again, by another row.
      await take('remove')
      await assert.rejects(release({ approvals: [alice.output, right.output] }), fault('APPROVAL_INVALID'))
    })

    it('are refused when altered, by strangers, or of no use', async () => {
      await pin()
      const { output } = await approve('alice')
      const text = readFileSync(output, 'latin1')
      const altered = join(ward.dir, 'altered')
      for (const [from, to] of [
        [/"sig":"../, '"sig":"00'],
        [/"keyid":"../, '"keyid":"zz'],
        [/"signed"/, '"singed"'],
        [/"reason":"the/, '"reason":"The'],
        [/"signatures":\[/, '"signatures":[[],'],
        [/"held":\d+/, '"held":0.5'],
        [/"reason":"the/, '"reason":"\\u0007the'],
      ] as const) {
        writeFileSync(altered, text.replace(from, to))
        assert.notEqual(readFileSync(altered, 'latin1'), text)
        await assert.rejects(release({ approvals: [altered] }), fault('APPROVAL_INVALID'), String(from))
      }
      writeFileSync(altered, '[')
      await assert.rejects(release({ approvals: [altered] }), fault('APPROVAL_INVALID', altered))
      await assert.rejects(approve('snapshot'), fault('KEY_REFUSED'))
      await assert.rejects(approve('alice', ''), fault('USAGE'))
      const late = new Date('2027-07-01T00:00:00Z')
      await assert.rejects(release({ approvals: [output], now: late }), fault('EXPIRED'))
    })

    it('are not needed any more once the site unpins its approvers, which its journal tells', async () => {
      await pin()
      await ward.pause()
      await channelUnpin({ state: ward.stateDir, channel: 'quarantine', reason: 'all left', now: NOW })
      await ward.resume()
      assert.equal((await release()).copied, true)
      assert.equal((await ward.rows('unpin')).length, 1)
    })

    it('write nothing in a dry run, and over nothing', async () => {
      await pin()
      const output = join(ward.dir, 'dry.approval')
      const common = { state: ward.stateDir, ref: bad.descriptor.digest, reason: REASON, passphrase, now: NOW }
      const terms = { ...common, key: join(keys, 'bob.pem'), output }
      await quarantineApprove({ ...terms, dryRun: true })
      assert.ok(!existsSync(output))
      await quarantineApprove(terms)
      await assert.rejects(quarantineApprove(terms), fault('OUTPUT_EXISTS'))
    })

    it('write over nothing that was made while a person was asked for the passphrase', async () => {
      await pin()
      const output = join(ward.dir, 'late.approval')
      const common = { state: ward.stateDir, ref: bad.descriptor.digest, reason: REASON, now: NOW }
      const asked = async (): Promise<Buffer> => {
        writeFileSync(output, 'of another')
        return passphrase()
      }
      await assert.rejects(
        quarantineApprove({ ...common, key: join(keys, 'bob.pem'), output, passphrase: asked }),
        fault('OUTPUT_EXISTS'),
      )
      assert.equal(readFileSync(output, 'utf8'), 'of another')
    })
  })

  it('is the same to oras as before, after it was away', async function () {
    needPeers(this)
    registry = await startRegistry({ deletes: true })
    await make(`${registry.host}/site`)
    const { env } = registry
    const seen = async (): Promise<string> => {
      const ref = `${registry?.host}/${PATH}:1.0`
      const { stdout, status } = await tryPeer('oras', ['discover', '--plain-http', '--format', 'json', ref], { env })
      return status === 0 ? stdout : 'nothing'
    }
    const before = await seen()
    assert.notEqual(before, 'nothing')
    await take('remove')
    assert.equal(await seen(), 'nothing')
    assert.equal(await ward.named(fallbackTag(bad.descriptor.digest)), undefined)
    await release()
    assert.equal(await seen(), before)
    const state = await State.open(ward.stateDir, { now: NOW, write: false })
    assert.deepEqual(state.openIntents(), [])
  })
})
