/**
 * Beside the scenarios of the Notary Project: the host that exports is stolen, with its keys and one person's. Alone the thief
 * gets nothing in. When another person is talked into approving, a tag goes back to an old release that is genuine; the site
 * sees which bundle moved it, another office denies what came, and a new channel takes the place of the old one. The twins:
 * the thief's bundle with one signature, his denials, and his bundle once the channel is pinned no more.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const APP = `${FAR}/acme/app`
const IMPORT = `--to ${FAR} --state state --policy policy`
const PASSPHRASE = ['--passphrase-file', 'passphrase']

interface Move {
  old: string | null
  new: string | null
  cause: { by: string; channel?: string; sequence?: number; bundle?: string }
}

describe('scenarios/stolen export host', function () {
  this.timeout(120_000)
  let stage: Stage
  let acme: House
  let old: string
  let good: string
  let tricked: string
  let renewed: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    acme = await near.house('acme-build', 'ACME Rockets')
    const registry = await near.hands.registry()
    const app = `${registry}/acme/app:1.0`
    const people = async (keys: string, channel: string): Promise<string> => {
      const line = `channel init ${channel} --for content --dir ${keys} --threshold 2 --people ann,ben,cy`
      return (await near.done(line, ...PASSPHRASE))['fingerprint'] as string
    }
    const pack = async (bundle: string, keys: string, ...approvers: readonly string[]): Promise<string> => {
      const line = `export ${app} --keys ${keys} --as ann -o ${bundle} --for-site acme`
      const { id } = await near.done(line, ...PASSPHRASE)
      for (const person of approvers)
        await near.done(`approve ${bundle} --key ${keys}/${person}.pem --id ${id as string}`, ...PASSPHRASE)
      return id as string
    }
    const content = await people('keys', 'acme')
    renewed = await people('keys2', 'acme-2')
    const lists = await stage.channel('acme-lists', REVOCATION)
    old = await near.image(app, 'busybox-amd64')
    await near.sign(app, acme)
    good = await near.image(app)
    await near.sign(app, acme)
    await pack('june.tar', 'keys', 'ben')
    await near.tool('crane', `tag ${registry}/acme/app@${old} 1.0`)
    await pack('alone.tar', 'keys')
    tricked = await pack('tricked.tar', 'keys', 'cy')
    await near.tool('crane', `tag ${registry}/acme/app@${good} 1.0`)
    await pack('august.tar', 'keys2', 'ben')
    await near.done(`revocation deny ${old} --keys rkeys --reason`, 'an old release, sent by a thief')
    near.write('lists.yaml', `artifacts: [{ref: "${app}"}]\nrevocation: {collect: none}\n`)
    await stage.collect('lists.tar', 'lists.yaml')
    // What the thief has is good for content, and for nothing else.
    await near.refused(13, 'PURPOSE_MISMATCH', `revocation deny ${good} --keys keys --reason spite`)
    const bundles = ['june.tar', 'alone.tar', 'tricked.tar', 'august.tar', 'lists.tar']
    const roots = ['keys/root.json', 'keys2/root.json', 'rkeys/root.json']
    await stage.cross(registry, ...bundles, ...roots, acme.anchor.file)
    await stage.found('acme', content)
    await stage.pin('acme-lists', lists, REVOCATION)
    await far.believe('policy', acme, { scopes: [APP] })
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: retag}\n')
    await far.done(`import june.tar ${IMPORT}`)
  })
  after(() => stage?.lower())

  const now = (): Promise<string> => stage.far.digest(`${APP}:1.0`)

  it('refuses what the thief alone has signed: APPROVAL_MISSING', async () => {
    await stage.far.refused(18, 'APPROVAL_MISSING', `import alone.tar ${IMPORT}`)
    assert.equal(await now(), good)
  })

  it('says which bundle put the tag back, once a second person was talked into it', async () => {
    const { far } = stage
    await far.done(`import tricked.tar ${IMPORT}`)
    assert.equal(await now(), old)
    const place = { ...inRegistry(APP, old), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
    const { moves } = await far.done(`log ${APP}:1.0 --state state`)
    const { old: from, new: to, cause } = (moves as Move[]).at(-1) ?? assert.fail()
    assert.deepEqual([from, to, cause.channel, cause.bundle], [good, old, 'acme', tricked])
  })

  it('denies what came, by people and keys that the thief does not have', async () => {
    const { far } = stage
    await far.refused(14, 'ARTIFACT_DENIED', `import lists.tar ${IMPORT}`)
    assert.notEqual(await now(), old)
    await far.refused(14, 'ARTIFACT_DENIED', `import tricked.tar ${IMPORT}`)
    assert.notEqual(await now(), old)
  })

  it('listens to the thief no more: CHANNEL_NOT_PINNED', async () => {
    const { far } = stage
    await far.done('channel unpin acme --state state --reason', 'the export host was stolen')
    await far.refused(13, 'CHANNEL_NOT_PINNED', `import tricked.tar ${IMPORT}`)
  })

  it('heals by a channel of new keys', async () => {
    const { far } = stage
    await stage.pin('acme-2', renewed, { keys: 'keys2' })
    await far.done(`import august.tar ${IMPORT}`)
    assert.equal(await now(), good)
    await far.done(`check ${APP}:1.0 --policy policy --state state`)
    const place = { ...inRegistry(APP, good), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })
})
