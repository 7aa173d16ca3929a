/**
 * Scenario #7: a bad release has gone out, signed as it should be. The site sees which digests the tag named, when, from
 * whom, and puts the one before back. The twins: back to the bad release, and to what the tag never named here.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const APP = `${FAR}/acme/app`
const OTHER = `${FAR}/acme/other`
const REASON = ['--reason', 'ticket 4711'] as const

interface Move {
  old: string | null
  new: string | null
  cause: { by: string; channel?: string; sequence?: number; reason?: string }
  verdict: string | null
  signers: { subject: string | null }[]
}

describe('scenarios/#7: recover to a known state', function () {
  this.timeout(120_000)
  let stage: Stage
  let acme: House
  let good: string
  let bad: string
  let stranger: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    acme = await near.house('acme-build', 'ACME Rockets')
    const registry = await near.hands.registry()
    const app = `${registry}/acme/app:1.0`
    const content = await stage.channel('acme')
    const lists = await stage.channel('acme-lists', REVOCATION)
    good = await near.image(app)
    await near.sign(app, acme)
    stranger = await near.artifact(`${registry}/acme/other:1.0`, 'other\n')
    await near.sign(`${registry}/acme/other:1.0`, acme)
    await stage.pack('june.tar', app, `${registry}/acme/other:1.0`)
    bad = await near.image(app, 'busybox-amd64')
    await near.sign(app, acme)
    await stage.pack('july.tar', app)
    await near.done(`revocation deny ${bad} --keys rkeys --reason`, 'a dependency was taken over')
    near.write('lists.yaml', `artifacts: [{ref: "${app}"}]\nrevocation: {collect: none}\n`)
    await stage.collect('lists.tar', 'lists.yaml')
    const bundles = ['june.tar', 'july.tar', 'lists.tar']
    await stage.cross(registry, ...bundles, 'keys/root.json', 'rkeys/root.json', acme.anchor.file)
    await stage.found('acme', content)
    await stage.pin('acme-lists', lists, REVOCATION)
    await far.believe('policy', acme, { scopes: [APP, OTHER] })
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: retag}\n')
    for (const bundle of ['june.tar', 'july.tar'])
      await far.done(`import ${bundle} --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${APP}:1.0`), bad)
  })
  after(() => stage?.lower())

  async function moves(): Promise<Move[]> {
    const { moves: all } = await stage.far.done(`log ${APP}:1.0 --state state`)
    return all as Move[]
  }

  it('says who moved the tag, from and to which digest, under which signers', async () => {
    const { far } = stage
    await far.refused(14, 'ARTIFACT_DENIED', `import lists.tar --to ${FAR} --state state --policy policy`)
    const tombstone = await far.digest(`${APP}:1.0`)
    const all = await moves()
    assert.deepEqual(
      all.map((move) => [move.old, move.new, move.cause.by, move.cause.channel, move.cause.sequence]),
      [
        [null, good, 'import', 'acme', 1],
        [good, bad, 'import', 'acme', 2],
        [bad, tombstone, 'measure', undefined, undefined],
      ],
    )
    for (const { verdict, signers } of all.slice(0, 2)) {
      assert.equal(verdict, 'trusted')
      assert.match(signers[0]?.subject ?? '', /O=ACME Rockets/)
    }
  })

  it('refuses to go back to the bad release: ARTIFACT_QUARANTINED', async () => {
    const { far } = stage
    const line = `restore ${APP}:1.0 --to ${bad} --policy policy --state state`
    await far.refused(14, 'ARTIFACT_QUARANTINED', line, ...REASON)
  })

  it('refuses what the tag never named here, though it is signed and lies there: TAG_UNSEEN', async () => {
    const { far } = stage
    await far.copy(`${OTHER}:1.0`, `${APP}:other`)
    const line = `restore ${APP}:1.0 --to ${stranger} --policy policy --state state`
    await far.refused(2, 'TAG_UNSEEN', line, ...REASON)
  })

  it('puts the release before back', async () => {
    const { far } = stage
    await far.done(`restore ${APP}:1.0 --to ${good} --policy policy --state state`, ...REASON)
    assert.equal(await far.digest(`${APP}:1.0`), good)
    await far.done(`check ${APP}:1.0 --policy policy --state state`)
    const place = { ...inRegistry(APP, good), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
    const last = (await moves()).at(-1)
    assert.deepEqual([last?.new, last?.cause], [good, { by: 'restore', reason: REASON[1] }])
  })

  it('lets the denied release in by no bundle again: ARTIFACT_DENIED', async () => {
    const { far } = stage
    await far.refused(14, 'ARTIFACT_DENIED', `import july.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${APP}:1.0`), good)
  })
})
