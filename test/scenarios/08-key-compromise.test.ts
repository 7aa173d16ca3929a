/**
 * Scenario #8: a signing key is stolen. Its certificate is revoked; the lists alone travel, on their own channel. The site
 * finds what hangs on the key and nothing else, takes it away, and the next bundle, signed anew, heals it. The twin: an
 * artifact that the thief signs afterwards, dated as he likes.
 */
import assert from 'node:assert/strict'
import { stockNotation } from '../peers/notation.ts'
import { stockWord } from './outside.ts'
import { rejudgedIn } from './rejudged.ts'
import type { House } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const WEB = `${FAR}/acme/web`
const DB = `${FAR}/acme/db`
const TOOL = `${FAR}/acme/tool`

describe('scenarios/#8: key compromise', function () {
  this.timeout(120_000)
  let stage: Stage
  let notation: string
  let acme: House
  let web: string
  let db: string
  let tool: string

  before(async function () {
    stage = Stage.raise(this, { deletes: true })
    notation = stockNotation(this)
    const { near, far } = stage
    acme = await near.house('acme-build', 'ACME Rockets', { preset: 'vendor', crlUrl: 'http://crl.acme.example' })
    const second = await near.issue(acme, 'Second line', 'issuing')
    const registry = await near.hands.registry()
    const at = (name: string): string => `${registry}/acme/${name}:1.0`
    const refs = ['web', 'db', 'tool'].map(at)
    ;[web, db, tool] = [
      await near.image(at('web')),
      await near.image(at('db'), 'busybox-amd64'),
      await near.artifact(at('tool'), 'tool\n'),
    ]
    await near.sign(at('web'), acme)
    await near.sign(at('db'), acme, { with: second })
    await near.list(acme, 'root')
    await near.list(acme, 'issuing')
    const plan = (artifacts: readonly string[]): string =>
      `artifacts: [${artifacts.map((ref) => `{ref: "${ref}"}`).join(', ')}]\nrevocation: {from: crls}\n`
    near.write('june.yaml', plan(refs.slice(0, 2)))
    const content = await stage.channel('acme')
    const lists = await stage.channel('acme-lists', REVOCATION)
    await stage.pack('june.tar', '-f', 'june.yaml')
    await near.done('ca revoke signer --dir acme-build --reason keyCompromise')
    await near.list(acme, 'issuing')
    await stage.collect('lists.tar', 'june.yaml')
    await near.sign(at('tool'), acme)
    near.write('stolen.yaml', plan([at('tool')]))
    await stage.pack('stolen.tar', '-f', 'stolen.yaml')
    await near.sign(at('web'), acme, { with: second })
    await stage.pack('july.tar', '-f', 'june.yaml')
    const certificates = [acme.anchor.file, 'acme-build/signer/certificate.crt']
    const bundles = ['june.tar', 'lists.tar', 'stolen.tar', 'july.tar']
    await stage.cross(registry, ...bundles, 'keys/root.json', 'rkeys/root.json', ...certificates)
    await stage.found('acme', content)
    await stage.pin('acme-lists', lists, REVOCATION)
    await far.believe('policy', acme, { scopes: [WEB, DB, TOOL], revocation: 'enforce' })
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: remove}\n')
    await far.done(`import june.tar --to ${FAR} --state state --policy policy`)
  })
  after(() => stage?.lower())

  async function stock(repository: string, digest: string): Promise<string> {
    const { far } = stage
    await far.done('revocation seed --notation --policy policy --state state')
    return stockWord(far, notation, `${repository}@${digest}`)
  }

  it('finds by the lists alone what hangs on the stolen key, and takes nothing else away', async () => {
    const { far } = stage
    assert.deepEqual([await stock(WEB, web), await stock(DB, db)], ['trusted', 'trusted'])
    const { artifacts } = rejudgedIn(
      await far.refused(14, 'CERTIFICATE_REVOKED', `import lists.tar --to ${FAR} --state state --policy policy`),
    )
    assert.deepEqual(
      artifacts.map(({ path, digest, before, verdict, measure }) => [path, digest, before, verdict, measure?.outcome]),
      [['acme/web', web, 'trusted', 'rejected', 'done']],
    )
    const affected = await far.done('revocation affected acme-build/signer/certificate.crt --state state')
    assert.deepEqual(
      (affected['artifacts'] as { path: string; digest: string }[]).map(({ path, digest }) => [path, digest]),
      [['acme/web', web]],
    )
    const { held } = await far.done('quarantine list --state state')
    assert.deepEqual(
      (held as { path: string; digest: string; reachable: boolean }[]).map((one) => [
        one.path,
        one.digest,
        one.reachable,
      ]),
      [['acme/web', web, false]],
    )
    assert.equal(await far.pulls(`${WEB}:1.0`), false)
    assert.equal(await far.pulls(`${WEB}@${web}`), false)
    assert.equal(await far.digest(`${DB}:1.0`), db)
    assert.equal(await stock(DB, db), 'trusted')
  })

  it('refuses what the thief signs afterwards: CERTIFICATE_REVOKED', async () => {
    const { far } = stage
    await far.refused(14, 'CERTIFICATE_REVOKED', `import stolen.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.pulls(`${TOOL}@${tool}`), false)
    await far.done(`import stolen.tar --to ${FAR} --state state --channel-only`)
    assert.equal(await stock(TOOL, tool), 'revoked')
  })

  it('heals with the next bundle, in which another key has signed', async () => {
    const { far } = stage
    await far.done(`import july.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${WEB}:1.0`), web)
    await far.done(`check ${WEB}:1.0 --policy policy --state state`)
    assert.equal(await stock(WEB, web), 'trusted')
    assert.deepEqual((await far.done('quarantine list --state state'))['held'], [])
    assert.equal(await far.digest(`${WEB}:1.0`), web)
  })
})
