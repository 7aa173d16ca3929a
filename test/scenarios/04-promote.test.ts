/**
 * Scenario #4: what passed its tests is promoted from one repository of a registry to another. The twin: the image is
 * copied by a tool that leaves the signatures behind.
 */
import assert from 'node:assert/strict'
import { contentsOf } from './contents.ts'
import { inRegistry, wordOf } from './side.ts'
import { FAR, Stage } from './stage.ts'

const DEV = `${FAR}/dev/alpha-team/web`
const PROD = `${FAR}/prod/web`
const BARE = `${FAR}/prod/bare`

describe('scenarios/#4: promote artifacts within a registry', function () {
  this.timeout(60_000)
  let stage: Stage
  let digest: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const alpha = await near.house('alpha', 'ACME Rockets')
    const registry = await near.hands.registry()
    const image = `${registry}/dev/alpha-team/web`
    digest = await near.image(`${image}:1abc`)
    await near.sign(`${image}:1abc`, alpha)
    await near.sign(`${image}:1abc`, alpha, { format: 'cose' })
    const fingerprint = await stage.channel('alpha')
    await stage.pack('cargo.tar', `${image}:1abc`)
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', alpha.anchor.file)
    await stage.found('alpha', fingerprint)
    await far.believe('policy', alpha, { scopes: [DEV, PROD, BARE] })
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
  })
  after(() => stage?.lower())

  it('keeps every signature valid in the repository it is promoted to', async () => {
    const { far } = stage
    await far.copy(`${DEV}:1abc`, `${PROD}:1abc`)
    assert.deepEqual(await contentsOf(far, PROD, digest), await contentsOf(far, DEV, digest))
    const { signatures } = await far.done(`check ${PROD}:1abc --policy policy`)
    assert.deepEqual(
      (signatures as { verdict: string }[]).map(({ verdict }) => verdict),
      ['trusted', 'trusted'],
    )
    const place = { ...inRegistry(PROD, digest), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  it('refuses the image whose signatures were left behind: SIGNATURE_MISSING', async () => {
    const { far } = stage
    await far.tool('crane', `copy ${DEV}:1abc ${BARE}:1abc`)
    assert.equal(await far.digest(`${BARE}:1abc`), digest)
    await far.refused(13, 'SIGNATURE_MISSING', `check ${BARE}:1abc --policy policy`)
    const place = { ...inRegistry(BARE, digest), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'unsigned')
  })
})
