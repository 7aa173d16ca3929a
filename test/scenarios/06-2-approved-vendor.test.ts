/**
 * Scenario #6.2: a vendor's image is tested inside, re-tagged, signed by the site and copied to production, where both
 * signatures are wanted. The twin: the vendor's next patch, copied to production before anyone has approved it.
 */
import assert from 'node:assert/strict'
import { referrersOf, SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const INTEGRATION = `${FAR}/integration/mydb`
const PROD = `${FAR}/prod/mydb`
const APPROVED = '1.0-202002131000'

describe('scenarios/#6.2: approved vendor artifacts', function () {
  this.timeout(60_000)
  let stage: Stage
  let vendor: House
  let acme: House
  let first: string
  let patched: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    vendor = await near.house('vendor', 'My DB')
    const registry = await near.hands.registry()
    const mydb = `${registry}/library/mydb`
    const map = ['--map', `${registry}/library=integration`]
    const fingerprint = await stage.channel('hub')
    first = await near.image(`${mydb}:1.0`)
    await near.sign(`${mydb}:1.0`, vendor)
    await stage.pack('june.tar', `${mydb}:1.0`, ...map)
    patched = await near.image(`${mydb}:1.0`, 'busybox-amd64')
    await near.sign(`${mydb}:1.0`, vendor)
    await stage.pack('july.tar', `${mydb}:1.0`, ...map)
    await stage.cross(registry, 'june.tar', 'july.tar', 'keys/root.json', vendor.anchor.file)
    await stage.found('hub', fingerprint)

    acme = await far.house('acme', 'ACME Rockets')
    await far.believe('policy', vendor, { scopes: [INTEGRATION] })
    await far.believe('policy', acme, { scopes: [`${FAR}/by/acme`] })
    far.write(
      'policy/policy.yaml',
      `version: 1
scopes:
  - {scope: "${INTEGRATION}", require: {allOf: [vendor]}}
  - {scope: "${FAR}/prod/*", require: {allOf: [vendor, acme]}}
statements: {vendor: {notation: vendor}, acme: {notation: acme}}
`,
    )
  })
  after(() => stage?.lower())

  it('takes the re-tagged image with the signatures of both', async () => {
    const { far } = stage
    await far.done(`import june.tar --to ${FAR} --state state --policy policy`)
    await far.tool('crane', `tag ${INTEGRATION}:1.0 ${APPROVED}`)
    await far.sign(`${INTEGRATION}:${APPROVED}`, acme)
    await far.copy(`${INTEGRATION}:${APPROVED}`, `${PROD}:${APPROVED}`)
    await far.done(`check ${PROD}:${APPROVED} --policy policy`)
    assert.equal(await far.digest(`${PROD}:${APPROVED}`), first)
    assert.equal((await referrersOf(far, PROD, first, SIGNATURE)).length, 2)
    for (const { anchor } of [vendor, acme]) {
      const place = { ...inRegistry(PROD, first), configDir: far.trusting(anchor) }
      assert.equal(wordOf(await far.notation(place)), 'trusted')
    }
  })

  it('refuses in production the patch that nobody has approved: POLICY_UNMET', async () => {
    const { far } = stage
    await far.done(`import july.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${INTEGRATION}:1.0`), patched)
    assert.equal(await far.digest(`${INTEGRATION}:${APPROVED}`), first)
    await far.copy(`${INTEGRATION}:1.0`, `${PROD}:1.0`)
    const { report } = await far.refused(13, 'POLICY_UNMET', `check ${PROD}:1.0 --policy policy`)
    assert.deepEqual(report['missing'], ['acme'])
    for (const [house, word] of [
      [vendor, 'trusted'],
      [acme, 'authenticity'],
    ] as const) {
      const place = { ...inRegistry(PROD, patched), configDir: far.trusting(house.anchor) }
      assert.equal(wordOf(await far.notation(place)), word, house.name)
    }
  })
})
