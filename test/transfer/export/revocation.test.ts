/** Lists beside content: what an export judges by, what a strict site makes of it, and what is fetched when nothing is said. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { channelPin, importBundle, inspectBundle, stateInit, verifyBundle } from '../../../src/transfer/index.ts'
import { needPeers, peer, startRegistry } from '../../peers/setup/registry.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from '../policies.ts'
import { at, RevocationWorld, SITE } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

describe('transfer/export/revocation', function () {
  this.timeout(120_000)
  let world: RevocationWorld
  let keys: string
  let ref: string
  let policy: string

  before(async () => {
    world = await RevocationWorld.open()
    keys = await world.channel()
    ref = await world.signed()
    policy = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(world.root.certificate),
    })
  })
  beforeEach(() => world.publish())
  after(() => world?.close())

  const revoke = (): void => {
    const revoked = [{ serial: world.leaf.serial, at: at(world.now, -24) }]
    const answer = world.answer({ revoked: [{ serial: world.leaf.serial, at: at(world.now, -24) }] })
    world.publish({
      'GET /ca.crl': { body: world.list(world.issuing, { number: 17, revoked }) },
      'POST /ocsp': { body: answer },
    })
  }

  async function site(): Promise<string> {
    const state = world.path('state')
    await stateInit({ state, site: SITE, reason: 'test', now: world.now })
    const root = join(keys, 'root.json')
    const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
    const pin = { state, channel: 'content-x', root, fingerprint, purpose: 'content' as const }
    await channelPin({ ...pin, now: world.now })
    return state
  }

  it('judges by what it collects, as a strict site will', async () => {
    await world.export(keys, [ref], {}, { policy })
    await assert.rejects(world.export(keys, [ref], { collect: 'none' }, { policy }), fault('REVOCATION_UNKNOWN'))
    revoke()
    await assert.rejects(world.export(keys, [ref], {}, { policy }), fault('CERTIFICATE_REVOKED'))
  })

  it('lets a strict site without a network trust what is not revoked, and nothing else', async () => {
    const state = await site()
    const good = await world.export(keys, [ref])
    const common = { state, now: world.now, policy }
    const verified = await verifyBundle({ input: { file: good.output }, ...common })
    assert.equal(verified.verdict, 'trusted')
    // What proves itself is no artifact that a policy would have to name.
    assert.deepEqual(
      verified.artifacts?.map(({ repository }) => repository),
      ['registry.example/app'],
    )
    const bare = await world.export(keys, [ref], { collect: 'none' })
    assert.equal((await verifyBundle({ input: { file: bare.output }, ...common })).verdict, 'inconclusive')
    revoke()
    const bad = await world.export(keys, [ref])
    const refused = await verifyBundle({ input: { file: bad.output }, ...common })
    assert.deepEqual([refused.verdict, refused.artifacts?.[0]?.code], ['rejected', 'CERTIFICATE_REVOKED'])
    const rest = { to: `oci:${world.path('out')}`, map: [], registry: {}, concurrency: 4, ...common }
    const imported = await importBundle({ input: { file: bad.output }, ...rest })
    assert.deepEqual([imported.verdict, imported.counts.manifestsPushed], ['rejected', 0])
  })

  it('carries what it carried in an approved head behind that head', async () => {
    const head = world.path('head.tar')
    const made = await world.export(keys, [ref], {}, { output: head, headOnly: true })
    world.publish({ 'GET /ca.crl': { status: 404 }, 'POST /ocsp': { status: 404 } })
    const chunks: Buffer[] = []
    const output = { write: async (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)) }
    const streamed = await world.export(keys, [ref], {}, { output, approved: head })
    assert.deepEqual([streamed.id, streamed.revocation?.from, streamed.revocation?.pieces.length], [made.id, 'kept', 3])
  })

  it('goes where a mapping of its whole host leads, and nowhere else', async () => {
    const map = (to: string): Promise<unknown> =>
      world.export(
        keys,
        [ref],
        {},
        {
          ...world.options(keys, {
            artifacts: [{ ref, referrers: 'all' }],
            map: [{ from: 'local', to }],
            revocation: { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] },
          }),
        },
      )
    await map('mirror')
    const aside = [{ from: 'local/sallyport/revocation/content-x', to: 'team/app' }]
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    const plan = { artifacts: [{ ref, referrers: 'all' as const }], map: aside, revocation }
    await assert.rejects(world.export(keys, [ref], {}, world.options(keys, plan)), fault('MAP_INVALID'))
  })

  it('refuses content under a name that is kept for lists', async () => {
    const named = await world.signed(world.signer, 'local/sallyport/revocation/content-x')
    await assert.rejects(world.export(keys, [named]), fault('TARGET_COLLISION'))
  })

  it('fetches lists for what comes from a registry when nothing is said, but from no private address', async function () {
    needPeers(this)
    const registry = await startRegistry()
    try {
      const to = `${registry.host}/app:1.0`
      const layout = ref.slice('oci:'.length, ref.indexOf(':registry.example'))
      const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] }
      const digest = index.manifests[0]?.digest ?? assert.fail()
      await peer('oras', ['cp', '-r', '--from-oci-layout', `${layout}@${digest}`, '--to-plain-http', to], {
        env: registry.env,
      })
      const artifacts = [{ ref: to, referrers: 'all' as const }]
      const more = { registry: { plainHttp: [registry.host] } }
      await assert.rejects(
        world.export(keys, [], {}, { ...world.options(keys, { artifacts }), ...more }),
        fault('LIST_UNAVAILABLE'),
      )
      const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
      const done = await world.export(keys, [], {}, { ...world.options(keys, { artifacts, revocation }), ...more })
      assert.equal(done.revocation?.pieces.length, 3)
      const shown = await inspectBundle({ input: { file: done.output }, now: world.now })
      assert.ok(shown.repositories.some(({ name: of }) => of === 'local/sallyport/revocation/content-x'))
    } finally {
      await registry.stop()
    }
  })
})
