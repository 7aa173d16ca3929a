/** An import judges again what lies there, whatever becomes of its own artifacts. */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Descriptor } from '../../../src/oci/index.ts'
import { State, type Denial } from '../../../src/state/index.ts'
import { exitOfRejudged, type ImportReport } from '../../../src/transfer/index.ts'
import { artifactIn, signAt } from '../policies.ts'
import { Revocable, type Entries } from '../revocable.ts'
import { NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/import/rejudge', function () {
  this.timeout(120_000)
  let stage: Stage
  let vendor: Revocable
  let policy: string
  let state: string
  let to: string
  const made: Record<string, Descriptor> = {}
  const bundles: Record<string, string> = {}

  before(async () => {
    stage = await Stage.make()
    vendor = new Revocable()
    policy = vendor.policy(stage.path('policy'))
    const layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    for (const [i, name] of ['old', 'bad', 'new'].entries())
      made[name] = artifactIn(builder, `registry.example/${name}`, '1.0', `payload ${i}`)
    builder.finish()
    const bare = stage.path('bare')
    cpSync(layout, bare, { recursive: true })
    await signAt(`oci:${layout}:registry.example/old:1.0`, { signer: vendor.signer(1) })
    await signAt(`oci:${layout}:registry.example/new:1.0`, { signer: vendor.signer(2) })
    for (const name of ['old', 'bad', 'new']) {
      bundles[name] = stage.path(`${name}.tar`)
      const plan = planFor(`oci:${layout}:registry.example/${name}:1.0`)
      await stage.export({ output: bundles[name] ?? '', plan })
    }
    bundles['bare'] = stage.path('bare.tar')
    await stage.export({ output: bundles['bare'], plan: planFor(`oci:${bare}:registry.example/old:1.0`) })
    // Signed anew by another signer, beside something that nobody signed.
    await signAt(`oci:${bare}:registry.example/old:1.0`, { signer: vendor.signer(2) })
    bundles['anew'] = stage.path('anew.tar')
    const both = planFor(`oci:${bare}:registry.example/old:1.0`, `oci:${bare}:registry.example/bad:1.0`)
    await stage.export({ output: bundles['anew'], plan: both })
  })
  after(() => stage?.close())

  beforeEach(async () => {
    state = await stage.site()
    to = `oci:${stage.path('target')}`
    await write((site) => site.takeLists([vendor.list(1)], null))
    assert.equal((await bring('old')).verdict, 'trusted')
  })

  async function write(work: (site: State) => Promise<unknown>): Promise<void> {
    const site = await State.open(state, { now: NOW, write: true })
    try {
      await work(site)
    } finally {
      await site.close()
    }
  }

  const bring = (name: string, over: object = {}): Promise<ImportReport> =>
    stage.import(bundles[name] ?? '', to, { state, policy, ...over })
  const revoke = (number: number, entries: Entries): Promise<void> =>
    write((site) => site.takeLists([vendor.list(number, entries)], null))
  const deny = (name: string, over: Partial<Denial> = {}): Promise<void> =>
    write((site) =>
      site.addDenials(
        [{ artifact: made[name]?.digest ?? 'sha256:', reason: 'CVE', since: '2026-05-20T00:00:00Z', ...over }],
        null,
      ),
    )
  const fallen = ({ rejudged }: ImportReport): string[] => (rejudged?.artifacts ?? []).map(({ digest }) => digest)

  it('#7 judges what lies there by what came, and ends with 14 although it went well', async () => {
    await revoke(2, { 1: 1 })
    const dry = await bring('new', { dryRun: true })
    assert.deepEqual(fallen(dry), [made['old']?.digest])
    const report = await bring('new')
    assert.deepEqual([report.verdict, fallen(report)], ['trusted', [made['old']?.digest]])
    assert.equal(report.rejudged?.artifacts[0]?.tags[0], '1.0')
    assert.equal(await exitOfRejudged(report.rejudged), 14)
    const again = await bring('new')
    assert.deepEqual([again.repeat, again.rejudged], [true, null])
  })

  it('#7 judges what lies there although all that it brings is refused', async () => {
    await revoke(2, { 1: 1 })
    const report = await bring('bad')
    assert.deepEqual([report.verdict, report.counts.manifestsPushed], ['rejected', 0])
    assert.deepEqual(fallen(report), [made['old']?.digest])
  })

  it('tells of what it refuses at the door while it lies behind it, and takes the measure', async () => {
    await revoke(2, { 1: 1 })
    const report = await bring('old')
    assert.deepEqual([report.repeat, report.verdict], [true, 'rejected'])
    assert.deepEqual(fallen(report), [made['old']?.digest])
    assert.deepEqual(report.rejudged?.artifacts[0]?.because, ['verdict'])
    assert.equal(report.rejudged?.artifacts[0]?.measure?.outcome, 'done')
    assert.equal((await bring('old')).rejudged, null)
  })

  it('goes by denials where the channel alone is judged, and leaves lists to a run with a policy', async () => {
    await revoke(2, { 1: 1 })
    const alone = await bring('new', { policy: undefined, channelOnly: true })
    assert.deepEqual([fallen(alone), alone.rejudged?.complete], [[], false])
    await deny('old')
    const report = await bring('new', { policy: undefined, channelOnly: true })
    assert.deepEqual(fallen(report), [made['old']?.digest])
    assert.equal(report.rejudged?.artifacts[0]?.code, 'ARTIFACT_DENIED')
  })

  it('judges what lies there although an artifact that it brings is denied', async () => {
    await revoke(2, { 1: 1 })
    await deny('new')
    await deny('old')
    await assert.rejects(bring('new', { policy: undefined, channelOnly: true }), fault('ARTIFACT_DENIED'))
    const site = await State.open(state, { now: NOW, write: false })
    assert.deepEqual(
      [...site.judgedArtifacts()].map(({ verdict }) => verdict),
      ['rejected'],
    )
  })

  it('takes nothing away that is trusted where it lies, when a bundle brings it without its signatures', async () => {
    const removing = vendor.policy(stage.path('policy'), {
      'policy.yaml': 'version: 1\nrevocation:\n  measure: remove\n',
    })
    const report = await bring('bare', { policy: removing })
    assert.deepEqual([report.verdict, fallen(report)], ['rejected', [made['old']?.digest]])
    const [judged] = report.rejudged?.artifacts ?? []
    assert.deepEqual([judged?.verdict, judged?.measure], ['trusted', null])
    assert.equal(await exitOfRejudged(report.rejudged), 0)
    // What is revoked goes, however it is brought.
    await revoke(2, { 1: 1 })
    const gone = await bring('bare', { policy: removing })
    assert.deepEqual(gone.rejudged?.artifacts[0]?.measure?.reachable, false)
  })

  it('judges what lies there by what lies there, when a bundle that signs it anew is refused or not brought', async () => {
    await revoke(2, { 1: 1 })
    const refused = await bring('anew')
    assert.deepEqual([refused.verdict, refused.counts.manifestsPushed], ['rejected', 0])
    assert.deepEqual(fallen(refused), [made['old']?.digest])
    assert.equal(refused.rejudged?.artifacts[0]?.verdict, 'rejected')
    const verdictOf = async (): Promise<string | undefined> => {
      const site = await State.open(state, { now: NOW, write: false })
      return site.artifactsWith(made['old']?.digest ?? 'sha256:')[0]?.verdict
    }
    assert.equal(await verdictOf(), 'rejected')
    // As little by the same bundle once more.
    assert.equal((await bring('anew')).verdict, 'rejected')
    assert.equal(await verdictOf(), 'rejected')
    // What was signed anew comes with its signature, and not before.
    const stop = new AbortController()
    const onEvent = (event: { type: string; phase?: string }): void => void (event.phase === 'pushing' && stop.abort())
    await assert.rejects(bring('anew', { keepGoing: true, signal: stop.signal, onEvent }), fault('INTERRUPTED'))
    assert.equal(await verdictOf(), 'rejected')
    await bring('anew', { keepGoing: true })
    assert.equal(await verdictOf(), 'trusted')
  })

  it('takes nothing away that is bound to where it came from, when a bundle brings it from somewhere else', async () => {
    const dir = vendor.policy(stage.path('policy'), {
      'policy.yaml':
        'version: 1\nscopes: [{ scope: local/*, require: { allOf: [v] }, requireOrigin: true }]\n' +
        'statements: { v: { notation: vendor } }\nrevocation: { measure: remove }\n',
    })
    const layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    for (const host of ['registry.example', 'mirror.example']) artifactIn(builder, `${host}/bound`, '1.0', 'bound')
    builder.finish()
    await signAt(`oci:${layout}:registry.example/bound:1.0`, { signer: vendor.signer(2), origin: true })
    for (const host of ['registry.example', 'mirror.example']) {
      bundles[host] = stage.path(`${host}.tar`)
      await stage.export({ output: bundles[host], plan: planFor(`oci:${layout}:${host}/bound:1.0`) })
    }
    assert.equal((await bring('registry.example', { policy: dir })).verdict, 'trusted')
    const report = await bring('mirror.example', { policy: dir })
    assert.deepEqual([report.verdict, report.artifacts?.[0]?.code], ['rejected', 'ORIGIN_MISMATCH'])
    const judged = report.rejudged?.artifacts.map(({ verdict, measure }) => [verdict, measure])
    assert.deepEqual(judged, [['trusted', null]])
    // Nor when it is judged there once more.
    await bring('mirror.example', { policy: dir })
    const site = await State.open(state, { now: NOW, write: false })
    const place = site.artifactsWith(report.artifacts?.[0]?.digest ?? 'sha256:')[0]
    assert.deepEqual([place?.verdict, site.quarantined().some(({ path }) => path === 'bound')], ['trusted', false])
  })

  it('does not forget by a run for the channel alone what a policy rejects that lies there', async () => {
    await revoke(2, { 1: 1 })
    await bring('new')
    const verdictOf = async (): Promise<string | undefined> => {
      const site = await State.open(state, { now: NOW, write: false })
      const [place] = site.artifactsWith(made['old']?.digest ?? 'sha256:')
      await site.close()
      return place?.verdict
    }
    assert.equal(await verdictOf(), 'rejected')
    await bring('bare', { policy: undefined, channelOnly: true })
    assert.equal(await verdictOf(), 'rejected')
  })
})
