/** What `--json` prints, held against the published schemas as a stranger reads them. */
import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { schemaFiles } from '../../bundles/make-schemas.ts'
import { MISFITS, REPORTS } from '../../bundles/report-schemas.ts'
import { FITS } from '../../bundles/site-schemas.ts'
import { failureOf, outcomeOf } from '../../src/cli/outcome.ts'
import { Progress } from '../../src/cli/progress.ts'
import * as sallyport from '../../src/index.ts'
import { applyMeasure } from '../../src/transfer/measure/measure.ts'
import { policyFolder, policyText, statement } from '../transfer/policies.ts'
import { NOW } from '../transfer/stage.ts'
import { RevocableSite } from '../transfer/revocable.ts'
import { PATH, Ward } from '../transfer/ward.ts'
import { CHANNEL, nearSide, SITE, type NearSide } from './near-side.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'bundles', 'schemas')

/** A schema file as a validator. */
function published(name: string): z.ZodType {
  const text = readFileSync(join(FOLDER, `${name}.json`), 'utf8')
  return z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0])
}

function demandValid(name: string, value: unknown): void {
  const result = published(name).safeParse(value)
  assert.ok(result.success, `${name}: ${result.error === undefined ? '' : z.prettifyError(result.error)}`)
}

type Verb = keyof typeof REPORTS

describe('docs/schemas', () => {
  let near: NearSide
  let june: string
  let state: string
  const seen = new Set<Verb>()
  const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from('only for the docs'))

  before(async () => {
    near = await nearSide()
    june = await near.bundle('zoo', 'june')
    state = join(near.dir, 'state')
  })
  after(() => near?.close())

  /** The report, once what is printed of it fits both schemas. */
  async function check<R extends object>(verb: Verb, running: Promise<R>, exit = 0): Promise<R> {
    const report = await running
    const { out } = outcomeOf({ verb, report, text: [], exit }, true, false)
    const printed = JSON.parse(out) as { report: unknown }
    demandValid('envelope', printed)
    demandValid(`report-${verb.replaceAll(' ', '-')}`, printed.report)
    seen.add(verb)
    return report
  }

  it('are what the script makes', async () => {
    const files = await schemaFiles()
    assert.deepEqual(readdirSync(FOLDER).sort(), [...files.keys()].sort())
    for (const [name, text] of files) assert.equal(readFileSync(join(FOLDER, name), 'utf8'), text, name)
  })

  it('fit the reports of the near side', async () => {
    const { keys } = near
    await check('channel init', Promise.resolve(near.channel))
    await check('channel show', sallyport.channelShow({ dir: keys }))
    const rotated = join(near.dir, 'rotated')
    cpSync(keys, rotated, { recursive: true })
    const nothing = { renew: false, add: [], remove: [], threshold: null, days: 5, kind: null }
    const change = { ...nothing, replace: ['host'] }
    const rotation = { dir: rotated, change, keys: [], passphrase, newPassphrase: passphrase }
    for (const phase of ['planned', 'in force'] as const) {
      const told = sallyport.channelRotate({ ...rotation, dryRun: phase === 'planned' })
      assert.equal((await check('channel rotate', told)).phase, phase)
    }
    const plan = await sallyport.parsePlan(
      `audience: [${SITE}]\nartifacts:\n  - { ref: 'oci:${join(near.dir, 'demo')}', platforms: [linux/arm64], referrers: signatures }\n`,
      'plan.yaml',
    )
    const output = join(near.dir, 'july.tar')
    const common = { plan, planName: 'plan.yaml', keys, passphrase, registry: {}, concurrency: 2, validDays: 5 }
    const report = await check('export', sallyport.exportBundle({ ...common, output }), 3)
    assert.deepEqual([...new Set(report.omitted.map(({ why }) => why))].sort(), ['platform', 'referrer'])
    await check('approve', sallyport.approveBundle({ bundle: output, key: join(keys, 'carol.pem'), passphrase }))
    await check('inspect', sallyport.inspectBundle({ input: { file: output } }))
  })

  it('fit the reports of the far side', async () => {
    const root = join(near.keys, 'root.json')
    const fingerprint = near.channel.fingerprint ?? ''
    await check('state init', sallyport.stateInit({ state, site: SITE, reason: 'test' }))
    await check('status', sallyport.status({ state }))
    const pin = { state, channel: CHANNEL, root, fingerprint, purpose: 'content' as const }
    await check('channel pin', sallyport.channelPin(pin))
    await check('channel show', sallyport.channelShow({ state }))
    await check('verify', sallyport.verifyBundle({ input: { file: june }, state }), 3)
    const to = `oci:${join(near.dir, 'out')}`
    const work = { input: { file: june }, state, to, map: [], registry: {}, concurrency: 2 }
    await check('import', sallyport.importBundle({ ...work, dryRun: true }), 3)
    await check('import', sallyport.importBundle(work), 3)
    await check('import', sallyport.importBundle(work), 3)
    await check('status', sallyport.status({ state }))
    await check('channel confine', sallyport.channelConfine({ state, channel: CHANNEL, into: ['mirror/a', 'b'] }))
    await check('channel confine', sallyport.channelConfine({ state, channel: CHANNEL, into: null }))
    await check('channel expect', sallyport.channelExpect({ state, channel: CHANNEL, every: 3600 }))
    await check('channel expect', sallyport.channelExpect({ state, channel: CHANNEL, every: null, dryRun: true }))
    const inbox = join(near.dir, 'inbox')
    mkdirSync(inbox)
    copyFileSync(june, join(inbox, 'june.tar'))
    writeFileSync(join(inbox, 'junk.tar'), Buffer.alloc(2048))
    mkdirSync(join(inbox, 'folder'))
    const status = join(near.dir, 'status.json')
    const { input: _june, registry, ...common } = work
    const watching = {
      ...common,
      inbox,
      access: () => Promise.resolve(registry),
      files: { status },
      settle: 10,
      interval: 10,
      once: true,
      clock: () => new Date(),
      document: () => '{}',
    }
    const watched = await check('watch', sallyport.watch(watching), 10)
    assert.deepEqual([watched.duplicate, watched.rejected, watched.strange], [1, 1, 1])
    demandValid('site-status', JSON.parse(readFileSync(status, 'utf8')))
    await check('status', sallyport.status({ state, files: { status } }))
    demandValid('site-status', JSON.parse(readFileSync(status, 'utf8')))
    const asOf = { time: new Date(), reason: 'test' }
    await check('verify', sallyport.verifyBundle({ input: { file: june }, state, asOf }), 3)
    const log = await check('log', sallyport.log({ state }))
    assert.ok(log.rows.some(({ kind }) => kind === 'tag-done'))
    await check('state check', sallyport.stateCheck({ state }))
    await check('state rebuild', sallyport.stateRebuild({ state }))
    const file = join(near.dir, 'state.backup')
    await check('state backup', sallyport.stateBackup({ state, file }))
    const forgotten = { state, target: to, reason: 'test', dryRun: true }
    await check('state forget', sallyport.stateForget(forgotten))
    await check('state restore', sallyport.stateRestore({ state: join(near.dir, 'again'), file, reason: 'test' }))
    await check('channel unpin', sallyport.channelUnpin({ state, channel: CHANNEL, reason: 'test' }))
  })

  it('fit the reports on certificates, signatures and trust', async () => {
    const subject = { country: 'XX', state: 'none', organization: 'x', commonName: 'x' }
    const dir = join(near.dir, 'ca')
    await check('ca init', sallyport.caInit({ preset: 'team', dir, subject, algorithm: 'ES256', passphrase }))
    const wanted = { dir, commonName: 'ci', kind: 'signer' as const, passphrase, newPassphrase: passphrase }
    await check('ca issue', sallyport.caIssue(wanted))
    const revoked = { dir, certificate: 'ci', invalidity: new Date('2026-01-01T00:00:00Z') }
    await check('ca revoke', sallyport.caRevoke({ ...revoked, reason: 'certificateHold', dryRun: true }))
    await check('ca revoke', sallyport.caRevoke({ ...revoked, reason: 'certificateHold' }))
    await check('ca show', sallyport.caShow({ dir }))
    await check('ca crl', sallyport.caCrl({ dir, passphrase, deltaUrl: 'http://crl.x/d', dryRun: true }))
    await check('ca crl', sallyport.caCrl({ dir, passphrase, deltaUrl: 'http://crl.x/d' }))
    await check('ca revoke', sallyport.caRevoke({ dir, certificate: 'ci', reason: 'unhold' }))
    await check('ca crl', sallyport.caCrl({ dir, passphrase, delta: true }))
    const { certificates } = await check('ca show', sallyport.caShow({ dir }))

    const rkeys = join(near.dir, 'rkeys')
    const alone = { channel: 'rev', purpose: 'revocation' as const, people: ['ann'], threshold: 1, rootDays: 30 }
    await sallyport.channelInit({ ...alone, kind: 'ed25519', dir: rkeys, passphrase })
    const denied = { keys: rkeys, artifact: `sha256:${'a'.repeat(64)}`, reason: 'test' }
    await check('revocation deny', sallyport.denyArtifact({ ...denied, dryRun: true }))
    await check('revocation deny', sallyport.denyArtifact({ ...denied, signer: 'b'.repeat(64) }))
    const chains = [join(dir, 'ci', 'chain.crt')]
    const wanting = { collect: 'folder' as const, from: dir, accept: [], nextBundle: '7d', allowPrivate: false, chains }
    const daily = { map: [], audience: [SITE], artifacts: [], revocation: wanting }
    const lists = { plan: daily, planName: 'plan', keys: rkeys, passphrase, registry: {}, concurrency: 2, validDays: 5 }
    await check('revocation collect', sallyport.revocationBundle({ ...lists, output: join(near.dir, 'rev.tar') }))

    const policy = join(near.dir, 'policy')
    const root = join(dir, 'root', 'certificate.crt')
    const fingerprints = certificates.filter(({ name }) => name === 'root').map(({ fingerprint }) => fingerprint ?? '')
    const anchor = { policy, kind: 'ca', name: 'x', bytes: readFileSync(root), from: root, fingerprints }
    await check('trust store add', sallyport.trustStoreAdd(anchor))
    await check('trust store add', sallyport.trustStoreAdd(anchor))
    await check('trust store list', sallyport.trustStoreList({ policy }))
    const strict = { policy, stores: ['ca:x'], identities: ['*'], level: 'strict', revocation: 'skip' } as const
    await check('trust policy add', sallyport.trustPolicyAdd({ ...strict, name: 'x', scopes: ['*'] }))
    await check('trust policy add', sallyport.trustPolicyAdd({ ...strict, name: 'y', scopes: ['registry.site/y'] }))
    await check('trust policy remove', sallyport.trustPolicyRemove({ policy, name: 'y' }))
    await check('trust policy check', sallyport.trustPolicyCheck({ policy }))
    await check('trust policy show', sallyport.trustPolicyShow({ policy }))
    await check('trust policy explain', sallyport.trustPolicyExplain({ policy, scope: 'registry.site/app' }))

    const ref = `oci:${join(near.dir, 'demo')}:latest`
    await check('check', sallyport.check({ ref, registry: {}, policy }), 13)
    const files = { key: join(dir, 'ci', 'key.pem'), chain: join(dir, 'ci', 'chain.crt'), passphrase }
    const signer = await sallyport.openSigner(files)
    const sign = { ref, registry: {}, signer, format: 'cose' as const, form: 'legacy' as const, metadata: {} }
    await check('sign', sallyport.sign({ ...sign, dryRun: true }))
    await check('sign', sallyport.sign(sign))
    await check('check', sallyport.check({ ref, registry: {}, policy }))
    const artifacts = [{ ref: `oci:${join(near.dir, 'demo')}:latest`, referrers: 'all' as const }]
    const plan = { map: [], audience: [SITE], artifacts, trust: { policy, delegations: [dir], chains: true } }
    const told = join(near.dir, 'told.tar')
    const common = {
      plan,
      planName: 'the test',
      keys: near.keys,
      passphrase,
      registry: {},
      concurrency: 2,
      validDays: 5,
    }
    await check('export', sallyport.exportBundle({ ...common, output: told }))
    const { trust } = await check('inspect', sallyport.inspectBundle({ input: { file: told }, trust: true }))
    assert.ok(trust?.certificates.length && trust.stores.length && trust.statements.length && trust.items.length === 4)
    await check('status', sallyport.status({ state, policy }))
    const cache = join(near.dir, 'notation')
    await check('revocation seed', sallyport.revocationSeed({ state, cache, config: cache, policy, dryRun: true }))
    await check('revocation seed', sallyport.revocationSeed({ state, cache, config: cache, policy }))
    const removed = { policy, kind: 'ca', name: 'x', fingerprint: fingerprints[0] ?? '' }
    await check('trust store remove', sallyport.trustStoreRemove(removed))
  })

  it('fit the reports on what is held, and on tags that are put back', async () => {
    const ward = await Ward.make()
    const policy = policyFolder(join(ward.dir, 'policy'))
    const made = await ward.image()
    await ward.sign(made)
    await ward.tag(made, '1.0')
    const { digest } = made.descriptor
    const why = { code: 'CERTIFICATE_REVOKED', detail: 'a test' } as const
    await applyMeasure(ward.state, ward.place, ward.placeOf(made.descriptor), 'remove', why, { now: NOW })
    await ward.pause()
    const run = { state: ward.stateDir, now: NOW }
    const dir = join(ward.dir, 'approvers')
    const people = ['ann', 'bob']
    const terms = { channel: 'quarantine', purpose: 'trust' as const, kind: 'ed25519' as const, dir, people, now: NOW }
    const { fingerprint } = await sallyport.channelInit({ ...terms, threshold: 2, rootDays: 30, passphrase })
    const pin = { channel: 'quarantine', root: join(dir, 'root.json'), purpose: 'trust' as const }
    await sallyport.channelPin({ ...run, ...pin, fingerprint: fingerprint ?? '' })
    await check('quarantine list', sallyport.quarantineList(run))
    const approvals = people.map((name) => join(ward.dir, `${name}.approval`))
    const release = { ...run, ref: digest, reason: 'test', by: ['ann'], approvals, policy, registry: {} }
    for (const [i, output] of approvals.entries()) {
      const approving = { ...run, ref: digest, reason: 'test', key: join(dir, `${people[i]}.pem`), passphrase, output }
      await check('quarantine approve', sallyport.quarantineApprove(approving))
    }
    const strict = policyFolder(join(ward.dir, 'strict'), {
      'trustpolicy.json': policyText(statement({ name: 's', trustStores: ['ca:none'] })),
    })
    await check('quarantine release', sallyport.quarantineRelease({ ...release, policy: strict }), 13)
    await check('quarantine release', sallyport.quarantineRelease({ ...release, dryRun: true }))
    await check('quarantine release', sallyport.quarantineRelease(release))
    await check('quarantine list', sallyport.quarantineList(run))
    const back = { ...run, ref: `${ward.to}:${PATH}:1.0`, to: digest, reason: 'test', policy, registry: {} }
    await check('restore', sallyport.restoreTag({ ...back, policy: strict }), 13)
    await check('restore', sallyport.restoreTag(back))
    const { moves } = await check('log', sallyport.log(run))
    assert.deepEqual(
      moves.map(({ cause }) => cause.by),
      ['unknown', 'measure', 'release'],
    )
    await ward.resume()
    await ward.close()
  })

  it('fit the reports on what is revoked at a site', async () => {
    const site = await RevocableSite.make()
    try {
      const made = await site.admit([1])
      await site.take(site.vendor.list(2, { 1: 1 }))
      await site.ward.pause()
      const run = { state: site.ward.stateDir, now: NOW }
      const judge = { ...run, to: site.ward.to, policy: site.policy, registry: {} }
      await check('revocation status', sallyport.revocationStatus(run), 15)
      await check('revocation judge', sallyport.judgeAgain({ ...judge, dryRun: true }))
      const { rejudged } = await check('revocation judge', sallyport.judgeAgain(judge), 14)
      assert.equal(rejudged?.artifacts.length, 1)
      await check('revocation judge', sallyport.judgeAgain(judge))
      await check('revocation affected', sallyport.revocationAffected({ ...run, what: made.descriptor.digest }))
      const denial = { artifact: made.descriptor.digest, reason: 'CVE' }
      await check('revocation deny', sallyport.denyAtSite({ ...run, ...denial, dryRun: true }))
      await check('revocation deny', sallyport.denyAtSite({ ...judge, ...denial }))
      await check('revocation status', sallyport.revocationStatus(run))
    } finally {
      await site.close()
    }
  })

  it('know of every verb what its report can be', () => assert.deepEqual([MISFITS, FITS], [[], true]))

  it('were all tried', () => assert.deepEqual([...seen].sort(), Object.keys(REPORTS).sort()))

  it('fit errors, and what is not one of ours', () => {
    const ours = new sallyport.SallyportError('DIGEST_MISMATCH', { side: 'bundle', subject: 'blobs/x', detail: 'why' })
    for (const [error, verb] of [
      [ours, 'verify'],
      [new sallyport.SallyportError('INTERRUPTED', { side: 'state' }), 'import'],
      [new TypeError('a bug'), 'export'],
      [new sallyport.SallyportError('USAGE', { side: 'state' }), 'no-such-verb'],
    ] as const) {
      const printed = JSON.parse(failureOf(error, verb, true).out) as { error: unknown }
      demandValid('envelope', printed)
      demandValid('error', printed.error)
    }
  })

  it('fit the lines of progress', async () => {
    const lines: string[] = []
    let time = 0
    const progress = new Progress({ write: (text) => lines.push(text) }, 'json', () => (time += 10_000))
    progress.listen({ type: 'note', text: 'a note' })
    const input = { file: june }
    const root = { file: join(near.keys, 'root.json'), fingerprint: near.channel.fingerprint ?? '' }
    await sallyport.verifyBundle({ input, root, onEvent: progress.listen })
    const events = lines.map((line) => JSON.parse(line) as { event: string })
    for (const event of events) demandValid('progress', event)
    assert.deepEqual([...new Set(events.map(({ event }) => event))].sort(), ['note', 'phase', 'progress'])
  })

  it('refuse what is not so', async () => {
    const report = JSON.parse(JSON.stringify(await sallyport.inspectBundle({ input: { file: june } }))) as object
    const schema = published('report-inspect')
    assert.ok(schema.safeParse(report).success)
    for (const wrong of [{ ...report, verified: true }, { ...report, further: 1 }, { ...report, id: 'sha256:0' }, {}])
      assert.ok(!schema.safeParse(wrong).success)
    const envelope = published('envelope')
    assert.ok(!envelope.safeParse({ ok: true, verb: 'verify', exit: 10, report }).success)
    assert.ok(!envelope.safeParse({ ok: false, verb: 'verify', exit: 10 }).success)
  })
})
