/**
 * Scenario #9: a house moves from one algorithm to another, signs what exists once more, and the site gives a time of
 * grace, then ends it. The twin: an artifact that nobody has signed anew.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const BOTH = `${FAR}/wabbit/maintained`
const OLD = `${FAR}/wabbit/forgotten`

interface Listed {
  readonly algorithm: string
  readonly verdict: string
  readonly deprecated?: string
  readonly code?: string
}

describe('scenarios/#9: a crypto algorithm is deprecated', function () {
  this.timeout(60_000)
  let stage: Stage
  let fresh: House
  let both: string
  let old: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const legacy = await near.house('legacy', 'Wabbit Networks', { algorithm: 'PS256' })
    fresh = await near.house('fresh', 'Wabbit Networks', { algorithm: 'ES384' })
    const registry = await near.hands.registry()
    const at = (name: string): string => `${registry}/wabbit/${name}:1.0`
    both = await near.image(at('maintained'))
    old = await near.image(at('forgotten'), 'busybox-amd64')
    for (const name of ['maintained', 'forgotten']) await near.sign(at(name), legacy)
    // No new build: the same digest gets another signature.
    await near.sign(at('maintained'), fresh)
    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', at('maintained'), at('forgotten'))
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', legacy.anchor.file, fresh.anchor.file)
    await stage.found('wabbit', fingerprint)
    for (const [policy, rule] of [
      ['grace', '{deprecated: 2026-01-01}'],
      ['after', 'refused'],
    ] as const) {
      await far.anchor(policy, 'ca:legacy', legacy.anchor)
      await far.believe(policy, fresh, { scopes: [BOTH, OLD], stores: ['ca:legacy'], name: 'wabbit' })
      far.write(
        `${policy}/policy.yaml`,
        `version: 1
scopes: [{scope: "${FAR}/wabbit/*", require: {allOf: [wabbit]}}]
statements: {wabbit: {notation: wabbit}}
algorithms: {PS256: ${rule}}
`,
      )
    }
  })
  after(() => stage?.lower())

  async function listed(reference: string, policy: string): Promise<Listed[]> {
    const { signatures } = await stage.far.done(`check ${reference} --policy ${policy}`)
    return (signatures as Listed[]).toSorted((a, b) => (a.algorithm < b.algorithm ? -1 : 1))
  }

  it('takes old and new signatures in the time of grace, and new ones after it', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy grace`)
    assert.deepEqual(
      (await listed(`${OLD}:1.0`, 'grace')).map(({ algorithm, deprecated }) => [algorithm, deprecated]),
      [['PS256', '2026-01-01T00:00:00Z']],
    )
    const status = await far.done('status --state state --policy grace')
    const hanging = JSON.stringify(status['deprecated'])
    assert.deepEqual([hanging.includes(old), hanging.includes(both)], [true, false], hanging)
    assert.deepEqual(
      (await listed(`${BOTH}:1.0`, 'after')).map(({ algorithm, code }) => [algorithm, code]),
      [
        ['ES384', undefined],
        ['PS256', 'ALGORITHM_DISALLOWED'],
      ],
    )
    const place = { ...inRegistry(BOTH, both), configDir: far.trusting(fresh.anchor) }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  it('refuses after it what nobody has signed anew: ALGORITHM_DISALLOWED', async () => {
    const { far } = stage
    await far.refused(13, 'ALGORITHM_DISALLOWED', `check ${OLD}:1.0 --policy after`)
    const place = inRegistry(OLD, old)
    assert.equal(wordOf(await far.notation({ ...place, configDir: far.trusting(fresh.anchor) })), 'authenticity')
    // Notation has no word against an algorithm: nothing else is wrong with it.
    assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('after') })), 'trusted')
  })
})
