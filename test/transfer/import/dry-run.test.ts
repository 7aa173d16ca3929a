/** A rehearsal goes the way of the import, lists and measures included, and leaves no trace at the site or the target. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { channelPin, denyArtifact, importBundle, stateInit, type ImportReport } from '../../../src/transfer/index.ts'
import { revocationBundle } from '../../../src/transfer/export/revocation-bundle.ts'
import { needPeers, startRegistry, type Registry } from '../../peers/setup/registry.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from '../policies.ts'
import { at, RevocationWorld, SITE } from '../revocation-world.ts'
import { tree } from '../stage.ts'

describe('transfer/import/dry-run', function () {
  this.timeout(180_000)
  let registry: Registry
  let world: RevocationWorld
  let state: string
  let denied: string
  const bundles: Record<string, string> = {}

  before(async function () {
    needPeers(this)
    registry = await startRegistry({ deletes: true })
    world = await RevocationWorld.open()
    const [content, lists] = [await world.channel('content'), await world.channel('revocation')]
    state = world.path('state')
    await stateInit({ state, site: SITE, reason: 'test', now: world.now })
    for (const [channel, purpose, keys] of [
      ['content-x', 'content', content],
      ['revocation-x', 'revocation', lists],
    ] as const) {
      const root = join(keys, 'root.json')
      const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
      await channelPin({ state, channel, root, fingerprint, purpose, now: world.now })
    }
    const collect = async (name: string): Promise<void> => {
      const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
      bundles[name] = world.path(`${name}.tar`)
      await revocationBundle({ ...world.options(lists, { revocation }), output: bundles[name] })
    }
    const refs = [await world.signed(), await world.signed(world.signer, 'registry.example/tool')]
    const { output, repositories } = await world.export(content, refs)
    bundles['content'] = output
    denied = repositories.find(({ name }) => name.endsWith('/tool'))?.tags['1.0'] ?? assert.fail()
    await denyArtifact({ keys: lists, artifact: denied, reason: 'a backdoor', now: world.now })
    await collect('denial')
    const revoked = [{ serial: world.leaf.serial, at: at(world.now, -24) }]
    const body = world.list(world.issuing, { number: 17, revoked })
    world.publish({ 'GET /ca.crl': { body }, 'POST /ocsp': { body: world.answer({ revoked }) } })
    await collect('revoked')
    world.publish({ 'GET /ca.crl': { body: world.list(world.issuing, { number: 15 }) } })
    await collect('older')
  })
  after(async () => {
    await world?.close()
    await registry?.stop()
  })

  const policyOf = (measure: string): string =>
    policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(world.root.certificate),
      'policy.yaml': `version: 1\nrevocation: {measure: ${measure}}\n`,
    })
  const bring = (name: string, policy: string | undefined, dryRun: boolean): Promise<ImportReport> => {
    const terms = { to: `${registry.host}/site`, map: [], registry: { plainHttp: true }, concurrency: 2, policy }
    const channelOnly = policy === undefined
    return importBundle({ input: { file: bundles[name] ?? '' }, ...terms, channelOnly, state, now: world.now, dryRun })
  }
  /** What would become of which artifact, and how. */
  const planned = ({ rejudged }: ImportReport): unknown[] =>
    (rejudged?.artifacts ?? [])
      .map(({ digest, verdict, code, measure }) => [digest, verdict, code, measure?.measure, measure?.outcome])
      .sort()

  async function rehearsed(name: string, policy: string | undefined): Promise<ImportReport> {
    const before = tree(state)
    await registry.settled()
    registry.clearRequests()
    const report = await bring(name, policy, true)
    await registry.settled()
    assert.deepEqual(
      registry.requests().filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
      [],
    )
    assert.deepEqual(tree(state), before)
    if (report.rejudged !== null) assert.ok(registry.requests().length > 0)
    return report
  }

  it('says of each artifact that lies there what would be done, as the import then does it', async () => {
    const retag = policyOf('retag')
    assert.equal((await bring('content', retag, false)).verdict, 'trusted')

    const denying = await rehearsed('denial', retag)
    assert.deepEqual(planned(denying), [[denied, 'rejected', 'ARTIFACT_DENIED', 'retag', 'done']])
    assert.deepEqual(planned(await rehearsed('denial', undefined)), [
      [denied, 'rejected', 'ARTIFACT_DENIED', 'report', 'done'],
    ])
    const denial = await bring('denial', retag, false)
    assert.deepEqual(planned(denial), planned(denying))

    const remove = policyOf('remove')
    const revoking = await rehearsed('revoked', remove)
    assert.equal(planned(revoking).length, 2)
    const revoked = await bring('revoked', remove, false)
    assert.deepEqual(planned(revoked), planned(revoking))
    assert.ok(revoked.rejudged?.artifacts.every(({ measure }) => measure?.reachable === false))
    assert.equal((await rehearsed('content', remove)).verdict, 'rejected')
  })

  it('names the issuer of each list, and says which came into force and which are older', async () => {
    const report = await rehearsed('older', policyOf('report'))
    const told = report.revocation?.lists.filter(({ form }) => form === 'base') ?? []
    assert.deepEqual(
      told
        .map(({ number, outcome, code, issuerName }) => [number, outcome, code, /CN=[a-z]+/.exec(issuerName)?.[0]])
        .sort(),
      [
        ['15', 'older', 'LIST_ROLLBACK', 'CN=issuing'],
        ['16', 'held', undefined, 'CN=root'],
      ],
    )
  })
})
