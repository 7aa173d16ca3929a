/**
 * Scenario #5 with revocation: a vendor's image crosses with the lists that speak of its signer; the site resolves keys and
 * lists inside. Later the signer is revoked: the lists alone cross, and what was let in is found, at a registry where it can
 * be deleted, at one that knows no deleting, and at one that has become read-only. The twin: the same image, with one of its
 * two lists left out.
 */
import assert from 'node:assert/strict'
import type { RejudgedArtifact } from '../../src/index.ts'
import { stockNotation } from '../peers/notation.ts'
import { opensslWord, stockWord, type StockWord } from './outside.ts'
import { rejudgedIn } from './rejudged.ts'
import type { House } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const KEEPS = '127.0.0.1:5001'
const SEALED = '127.0.0.1:5002'
const NAME = 'wabbit/net-monitor'
const CRLS = 'http://crl.wabbit.example'

describe('scenarios/#5: validate within restricted networks, with revocation', function () {
  this.timeout(120_000)
  let stage: Stage
  let notation: string
  let wabbit: House
  let digest: string

  before(async function () {
    stage = Stage.raise(this, { deletes: true })
    notation = stockNotation(this)
    const { near, far } = stage
    wabbit = await near.house('wabbit', 'Wabbit Networks', { preset: 'vendor', crlUrl: CRLS })
    const registry = await near.hands.registry()
    const image = `${registry}/${NAME}`
    digest = await near.image(`${image}:1.0`)
    await near.sign(`${image}:1.0`, wabbit, { format: 'cose' })
    const plan = `artifacts: [{ref: "${image}:1.0"}]\nrevocation:\n  from: crls\n`
    const content = await stage.channel('wabbit')
    const lists = await stage.channel('wabbit-lists', REVOCATION)
    await near.list(wabbit, 'root')
    near.write('blind.yaml', `${plan}  accept: ['${CRLS}/issuing.crl']\n`)
    await stage.pack('blind.tar', '-f', 'blind.yaml')
    await near.list(wabbit, 'issuing')
    near.write('plan.yaml', plan)
    await stage.pack('cargo.tar', '-f', 'plan.yaml')
    await near.done(`ca revoke signer --dir wabbit --reason keyCompromise`)
    await near.list(wabbit, 'issuing')
    await stage.collect('rev.tar', 'plan.yaml')
    const files = ['keys/root.json', 'rkeys/root.json', wabbit.anchor.file, 'wabbit/signer/certificate.crt']
    await stage.cross(registry, 'blind.tar', 'cargo.tar', 'rev.tar', ...files)
    await stage.found('wabbit', content)
    await stage.pin('wabbit-lists', lists, REVOCATION)
    assert.equal(await far.hands.registry({ port: 5001 }), KEEPS)
    assert.equal(await far.hands.registry({ port: 5002, storage: far.path('sealed') }), SEALED)
    const scopes = [FAR, KEEPS, SEALED].map((host) => `${host}/${NAME}`)
    await far.believe('policy', wabbit, { scopes, revocation: 'enforce' })
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: remove}\n')
  })
  after(() => stage?.lower())

  async function seeded(host = FAR): Promise<StockWord> {
    const { far } = stage
    await far.done('revocation seed --notation --policy policy --state state')
    return stockWord(far, notation, `${host}/${NAME}@${digest}`)
  }

  const openssl = (channel: string): Promise<string> =>
    opensslWord(stage.far, {
      anchor: wabbit.anchor,
      signer: 'wabbit/signer/certificate.crt',
      repository: `${FAR}/sallyport/revocation/${channel}`,
    })

  const facts = ({ path, digest: one, before, verdict, measure }: RejudgedArtifact): unknown[] => [
    path,
    one,
    before,
    verdict,
    measure?.measure,
    measure?.outcome,
    measure?.reachable,
  ]

  it('refuses the image where one of its two lists was left out: REVOCATION_UNKNOWN', async () => {
    const { far } = stage
    await far.refused(16, 'REVOCATION_UNKNOWN', `import blind.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.tool('crane', `catalog ${FAR}`), '')
    await far.done(`import blind.tar --to ${FAR} --state state --channel-only`)
    assert.equal(await seeded(), 'unknown')
  })

  it('validates the image inside, by the lists that came with it', async () => {
    const { far } = stage
    for (const host of [FAR, KEEPS, SEALED])
      await far.done(`import cargo.tar --to ${host} --state state --policy policy`)
    await far.done(`check ${FAR}/${NAME}:1.0 --policy policy --state state`)
    assert.equal(await seeded(), 'trusted')
    assert.equal(await openssl('wabbit'), 'OK')
  })

  it('finds it by the lists that came alone, and takes it away where that can be done', async () => {
    const { far } = stage
    const line = `import rev.tar --to ${FAR} --state state --policy policy`
    const { artifacts, elsewhere } = rejudgedIn(await far.refused(14, 'CERTIFICATE_REVOKED', line))
    assert.deepEqual(artifacts.map(facts), [[NAME, digest, 'trusted', 'rejected', 'remove', 'done', false]])
    assert.equal(elsewhere, 2)
    for (const reference of [`${FAR}/${NAME}:1.0`, `${FAR}/${NAME}@${digest}`])
      assert.equal(await far.pulls(reference), false, reference)
    assert.equal(await openssl('wabbit-lists'), 'certificate revoked')
    await far.refused(14, 'CERTIFICATE_REVOKED', `check ${KEEPS}/${NAME}:1.0 --policy policy --state state`)
    assert.equal(await seeded(KEEPS), 'revoked')
  })

  it('puts a tombstone in its place where nothing can be deleted, and says that it can still be pulled', async () => {
    const { far } = stage
    const line = `revocation judge --to ${KEEPS} --state state --policy policy`
    const { artifacts } = rejudgedIn(await far.refused(14, 'CERTIFICATE_REVOKED', line))
    assert.deepEqual(artifacts.map(facts), [[NAME, digest, 'trusted', 'rejected', 'remove', 'impossible', true]])
    assert.notEqual(await far.digest(`${KEEPS}/${NAME}:1.0`), digest)
    const tombstone = await far.tool('crane', `manifest ${KEEPS}/${NAME}:1.0`)
    assert.match(tombstone, /vnd\.sallyport\.tombstone/)
    assert.equal(await far.pulls(`${KEEPS}/${NAME}@${digest}`), true)
  })

  it('can do nothing where nothing may be written, and says so', async () => {
    const { far } = stage
    await far.hands.stop(SEALED)
    await far.hands.registry({ port: 5002, storage: far.path('sealed'), readonly: true, deletes: true })
    const line = `revocation judge --to ${SEALED} --state state --policy policy`
    const { artifacts } = rejudgedIn(await far.refused(14, 'CERTIFICATE_REVOKED', line))
    assert.deepEqual(artifacts.map(facts), [[NAME, digest, 'trusted', 'rejected', 'remove', 'impossible', true]])
    assert.equal(await far.digest(`${SEALED}/${NAME}:1.0`), digest)
    const { held } = await far.done('quarantine list --state state')
    assert.deepEqual(
      (held as { target: string; reachable: boolean }[]).map(({ target, reachable }) => [target, reachable]),
      [
        [FAR, false],
        [KEEPS, true],
        [SEALED, true],
      ],
    )
  })
})
