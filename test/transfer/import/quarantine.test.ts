import assert from 'node:assert/strict'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { digestOf, signatureTag, type Descriptor, type Digest } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
import { channelInit, channelPin, log } from '../../../src/transfer/index.ts'
import { withoutHeld } from '../../../src/transfer/import/quarantine.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import { quarantineApprove, type ApproveReleaseReport } from '../../../src/transfer/measure/quarantine-verbs.ts'
import type { Passage } from '../../../src/transfer/passage/passage.ts'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { artifactIn, policyFolder, signAt } from '../policies.ts'
import { NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

const PATH = 'registry.example/app'

describe('transfer/import/quarantine', () => {
  let stage: Stage
  let policy: string
  let app: Descriptor
  let bundle: string
  let to: string
  let state: string
  let path: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(() => stage?.close())

  beforeEach(async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    app = artifactIn(builder, PATH, '1.0', 'cargo')
    builder.finish()
    await signAt(`oci:${dir}:1.0`)
    bundle = stage.path('app.tar')
    await stage.export({ output: bundle, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
    state = await stage.site()
    to = `oci:${stage.path('out')}`
    await stage.import(bundle, to, { state, policy })
    const opened = await State.open(state, { now: NOW, write: true })
    const place = openPlace(to, {})
    const [held] = opened.artifactsWith(app.digest)
    if (held === undefined) throw new Error('it was not imported')
    path = held.path
    assert.equal((await openPlace(to, {}).at(path).resolve('1.0'))?.digest, app.digest)
    const why = { code: 'CERTIFICATE_REVOKED', detail: 'on hold' } as const
    assert.equal((await applyMeasure(opened, place, held, 'remove', why, { now: NOW })).outcome, 'done')
    await place.close()
    await opened.close()
  })

  const quarantined = async (): Promise<number> =>
    (await State.open(state, { now: NOW, write: false })).quarantined().length

  it('refuses what is held where the channel alone is judged, and touches nothing', async () => {
    await assert.rejects(stage.import(bundle, to, { state, channelOnly: true }), fault('ARTIFACT_QUARANTINED'))
    assert.equal(await quarantined(), 1)
    assert.equal(await openPlace(to, {}).at(path).resolve('1.0'), undefined)
  })

  it('heals what the policy trusts again, and writes down by which bundle', async () => {
    const { verdict } = await stage.import(bundle, to, { state, policy })
    assert.equal(verdict, 'trusted')
    assert.equal(await quarantined(), 0)
    assert.equal((await openPlace(to, {}).at(path).resolve('1.0'))?.digest, app.digest)
  })

  it('looks a manifest up by its place, however many measures stand', async () => {
    const opened = await State.open(state, { now: NOW, write: false })
    let listed = 0
    opened.quarantined = () => (listed++, State.prototype.quarantined.call(opened))
    const manifests = Array.from({ length: 50 }, (_, at) => digestOf(Buffer.from(`${at}`)))
    const terms = { demanded: false, approved: () => undefined }
    const judge = (digests: readonly Digest[]): unknown => {
      const artifact = { repository: 'app', root: app.digest, manifests: digests, companions: [] }
      const census = { content: { artifacts: [artifact] } } as unknown as Passage['census']
      return withoutHeld(opened, { census } as Passage, () => ({ target: to, path }), null, terms)
    }
    assert.deepEqual([judge(manifests), listed], [null, 1])
    assert.throws(() => judge([...manifests, app.digest]), fault('ARTIFACT_QUARANTINED'))
  })

  it('lets nothing out by a bundle where the site wants an approval', async () => {
    const strict = policyFolder(stage.path('policy'), {
      'policy.yaml': 'version: 1\nrevocation:\n  releaseNeedsApproval: true\n',
    })
    const { artifacts } = await stage.import(bundle, to, { state, policy: strict })
    assert.deepEqual(
      artifacts?.map(({ verdict, code }) => [verdict, code]),
      [['rejected', 'ARTIFACT_QUARANTINED']],
    )
    assert.equal(await quarantined(), 1)
    assert.equal(await openPlace(to, {}).at(path).resolve('1.0'), undefined)
  })

  it('lets out by a bundle what enough people approved, for one reason, and writes down who', async () => {
    const { passphrase } = stage
    const dir = stage.path('approvers')
    const terms = { purpose: 'trust', rootDays: 365, now: NOW, passphrase, threshold: 2, kind: 'p384' } as const
    const people = ['alice', 'bob']
    const { fingerprint } = await channelInit({ ...terms, channel: 'quarantine', dir, people })
    const root = `${dir}/root.json`
    await channelPin({ state, channel: 'quarantine', root, fingerprint: fingerprint ?? '', purpose: 'trust', now: NOW })
    const approve = async (person: string, reason: string): Promise<ApproveReleaseReport> => {
      const output = stage.path(`${person}.approval`)
      return quarantineApprove({
        state,
        ref: app.digest,
        reason,
        key: `${dir}/${person}.pem`,
        passphrase,
        output,
        now: NOW,
      })
    }
    const bring = async (...files: string[]): Promise<unknown> => {
      const { artifacts } = await stage.import(bundle, to, { state, policy, approvals: files })
      return artifacts?.map(({ verdict, code }) => [verdict, code])
    }
    const alice = await approve('alice', 'signed anew')
    const other = await approve('bob', 'ticket 7')
    const bob = await approve('bob', 'signed anew')
    const held = [['rejected', 'ARTIFACT_QUARANTINED']]
    assert.deepEqual(await bring(), held)
    assert.deepEqual(await bring(alice.output), held)
    assert.deepEqual(await bring(alice.output, other.output), held)
    assert.equal(await quarantined(), 1)
    assert.deepEqual(await bring(alice.output, bob.output), [['trusted', undefined]])
    assert.equal(await quarantined(), 0)
    const { rows } = await log({ state, now: NOW, ref: app.digest })
    const by = rows.find(({ kind }) => kind === 'release')
    assert.equal(by?.['reason'], 'signed anew')
    const [first, ...keys] = by['by'] as string[]
    assert.match(String(first), /^import of sha256:/)
    assert.deepEqual(
      keys,
      [alice.keyid, bob.keyid].sort().map((keyid) => `key ${keyid}`),
    )
    // A run that was killed behind its end is completed by the same command.
    assert.deepEqual(await bring(alice.output, bob.output), [['trusted', undefined]])
  })

  describe('inside an index that is trusted', () => {
    let around: string

    beforeEach(async () => {
      const dir = stage.path('layout')
      const builder = new LayoutBuilder(dir)
      const same = artifactIn(builder, PATH, '1.0', 'cargo')
      assert.equal(same.digest, app.digest)
      builder.tag(PATH, 'all', builder.index({ manifests: [app] }))
      builder.finish()
      await signAt(`oci:${dir}:${PATH}:all`)
      const [keys, first] = [stage.forkKeys(), stage.path('first.tar')]
      around = stage.path('around.tar')
      // The site has seen the first.
      await stage.export({ output: first, keys, plan: planFor(`oci:${dir}:${PATH}:1.0`) })
      await stage.export({ output: around, keys, plan: planFor(`oci:${dir}:${PATH}:all`) })
    })

    it('lets nothing out where the site wants an approval', async () => {
      const strict = policyFolder(stage.path('policy'), {
        'policy.yaml': 'version: 1\nrevocation:\n  releaseNeedsApproval: true\n',
      })
      const { artifacts } = await stage.import(around, to, { state, policy: strict })
      assert.deepEqual(
        artifacts?.map(({ verdict, code }) => [verdict, code]),
        [['rejected', 'ARTIFACT_QUARANTINED']],
      )
      assert.equal(await quarantined(), 1)
      assert.equal(await openPlace(to, {}).at(path).resolve(app.digest), undefined)
    })

    it('heals it where it wants none, and says so', async () => {
      const { artifacts } = await stage.import(around, to, { state, policy })
      assert.deepEqual(
        artifacts?.map(({ verdict }) => verdict),
        ['trusted'],
      )
      assert.equal(await quarantined(), 0)
      assert.equal((await openPlace(to, {}).at(path).resolve(app.digest))?.digest, app.digest)
    })
  })

  it('lets nothing back that hangs on something trusted, which no policy judges', async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const other = artifactIn(builder, PATH, '2.0', 'other cargo')
    const same = artifactIn(builder, PATH, '1.0', 'cargo')
    assert.equal(same.digest, app.digest)
    builder.tag(PATH, signatureTag(other.digest, 'att'), app)
    builder.finish()
    await signAt(`oci:${dir}:${PATH}:2.0`)
    const [keys, output] = [stage.forkKeys(), stage.path('attached.tar')]
    // The site has seen the first.
    await stage.export({ output: stage.path('first.tar'), keys, plan: planFor(`oci:${dir}:${PATH}:1.0`) })
    await stage.export({ output, keys, plan: planFor(`oci:${dir}:${PATH}:2.0`) })
    const { artifacts } = await stage.import(output, to, { state, policy })
    assert.deepEqual(
      artifacts?.map(({ verdict, code }) => [verdict, code]),
      [['rejected', 'ARTIFACT_QUARANTINED']],
    )
    await assert.rejects(stage.import(output, to, { state, channelOnly: true }), fault('ARTIFACT_QUARANTINED'))
    assert.equal(await openPlace(to, {}).at(path).resolve(app.digest), undefined)
  })
})
