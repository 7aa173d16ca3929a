/**
 * Scenario #6.1: one house, a key of a team for development and a key for production; what passed its tests is signed
 * again and copied on. The twin: a build that the team alone has signed is copied to production.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf } from './side.ts'
import { FAR, Stage } from './stage.ts'

const DEV = `${FAR}/dev/alpha-team/web`
const PROD = `${FAR}/prod/web`

describe('scenarios/#6.1: dev and prod keys', function () {
  this.timeout(60_000)
  let stage: Stage
  let ready: string
  let hasty: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const acme = await near.house('acme', 'ACME Rockets')
    const dev = await near.issue(acme, 'alpha-team dev', 'root')
    const prod = await near.issue(acme, 'prod', 'root')
    const registry = await near.hands.registry()
    const web = `${registry}/dev/alpha-team/web`
    ready = await near.image(`${web}:1abc`)
    hasty = await near.image(`${web}:2def`, 'busybox-amd64')
    for (const tag of ['1abc', '2def']) await near.sign(`${web}:${tag}`, acme, { with: dev })
    const released = `${registry}/prod/web`
    await near.copy(`${web}:1abc`, `${released}:1abc`)
    await near.sign(`${released}:1abc`, acme, { with: prod })
    const fingerprint = await stage.channel('acme')
    await stage.pack('cargo.tar', `${web}:1abc`, `${web}:2def`, `${released}:1abc`)
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', acme.anchor.file)
    await stage.found('acme', fingerprint)
    await far.believe('policy', acme, { scopes: [DEV] })
    const identity = 'C=US,ST=WA,O=ACME Rockets,CN=prod'
    await far.believe('policy', { ...acme, name: 'prod' }, { scopes: [PROD], identity })
  })
  after(() => stage?.lower())

  it('takes into production what the key for production has signed', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    await far.done(`check ${PROD}:1abc --policy policy`)
    for (const [repository, digest] of [
      [PROD, ready],
      [DEV, ready],
      [DEV, hasty],
    ] as const) {
      const place = inRegistry(repository, digest)
      assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('policy') })), 'trusted')
    }
  })

  it('refuses in production what the team alone has signed: IDENTITY_UNTRUSTED', async () => {
    const { far } = stage
    await far.done(`check ${DEV}:2def --policy policy`)
    await far.copy(`${DEV}:2def`, `${PROD}:2def`)
    await far.refused(13, 'IDENTITY_UNTRUSTED', `check ${PROD}:2def --policy policy`)
    const place = { ...inRegistry(PROD, hasty), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'authenticity')
  })
})
