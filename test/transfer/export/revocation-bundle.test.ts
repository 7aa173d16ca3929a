/** `revocation collect` and `deny` on the near side: a channel of its own, for lists and denials alone. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SallyportError } from '../../../src/errors/index.ts'
import { REPORTS } from '../../../bundles/report-schemas.ts'
import { isFault } from '../../../src/errors/index.ts'
import { readDenials } from '../../../src/revocation/index.ts'
import {
  approveBundle,
  channelPin,
  denyArtifact,
  importBundle,
  inspectBundle,
  stateInit,
  verifyBundle,
} from '../../../src/transfer/index.ts'
import { revocationBundle, type RevocationBundleReport } from '../../../src/transfer/export/revocation-bundle.ts'
import { ExportLog } from '../../../src/transfer/channel/export-log.ts'
import type { ExportOptions } from '../../../src/transfer/export/terms.ts'
import { sallyport } from '../../cli/program.ts'
import { RevocationWorld, SITE } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

const ARTIFACT = `sha256:${'a1'.repeat(32)}`
const SIGNER = 'b2'.repeat(32)

describe('transfer/export/revocation-bundle', function () {
  this.timeout(60_000)
  let world: RevocationWorld
  let ref: string
  let content: string

  before(async () => {
    world = await RevocationWorld.open()
    ref = await world.signed()
    content = await world.channel('content')
  })
  beforeEach(() => world.publish())
  after(() => world?.close())

  function collect(keys: string, more: Partial<ExportOptions> = {}): Promise<RevocationBundleReport> {
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
    return revocationBundle({ ...world.options(keys, { revocation }), output: world.path('rev.tar'), ...more })
  }

  async function site(keys: string, channel: string, purpose: 'content' | 'revocation'): Promise<string> {
    const state = world.path('state')
    await stateInit({ state, site: SITE, reason: 'test', now: world.now })
    const root = join(keys, 'root.json')
    const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
    await channelPin({ state, channel, root, fingerprint, purpose, now: world.now })
    return state
  }

  it('waits for no pipe in the place of the denials', async () => {
    const keys = await world.channel('revocation')
    execFileSync('mkfifo', [join(keys, 'denials.json')])
    await assert.rejects(denyArtifact({ keys, artifact: ARTIFACT, reason: 'test' }), fault('FILE_UNREADABLE'))
    await assert.rejects(collect(keys), fault('FILE_UNREADABLE'))
  })

  it('writes a bundle of lists alone, which a site that pinned the channel takes', async () => {
    const keys = await world.channel('revocation')
    const report = await collect(keys)
    assert.deepEqual(
      report.repositories.map(({ name, to }) => [name, to]),
      [['local/sallyport/revocation/revocation-x', 'sallyport/revocation/revocation-x']],
    )
    assert.deepEqual(report.revocation?.pieces.map(({ kind }) => kind).sort(), ['answer', 'list', 'list'])
    assert.ok(REPORTS['revocation collect'].safeParse(report).success)
    const state = await site(keys, 'revocation-x', 'revocation')
    const input = { file: report.output }
    assert.equal((await verifyBundle({ input, state, now: world.now })).verdict, 'trusted')
    const to = `oci:${world.path('out')}`
    const imported = await importBundle({ input, state, to, map: [], registry: {}, concurrency: 4, now: world.now })
    assert.equal(imported.tags.length, 3)
  })

  it('takes the chains of the artifacts that the plan names, and none of the artifacts', async () => {
    const keys = await world.channel('revocation')
    const artifacts = [{ ref, referrers: 'all' as const }]
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    const report = await collect(keys, { plan: { map: [], audience: [SITE], artifacts, revocation } })
    assert.deepEqual([report.repositories.length, report.revocation?.pieces.length], [1, 3])
  })

  it('leaves out the passengers of a plan that serves for content too, one of which it makes', async () => {
    const plan = { artifacts: [{ ref, referrers: 'all' as const }], passengers: [world.path('not yet.tar')] }
    const keys = await world.channel('revocation')
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    const options = world.options(keys, { ...plan, revocation })
    const { passengers, revocation: carried } = await revocationBundle({ ...options, output: world.path('rev.tar') })
    assert.deepEqual([passengers, carried?.pieces.length], [[], 3])
  })

  it('says what has changed since the last, and is a heartbeat when nothing has', async () => {
    const keys = await world.channel('revocation')
    world.publish({ 'POST /ocsp': { body: world.answer() } })
    const list = (report: RevocationBundleReport, url: string): string =>
      report.revocation?.pieces.find((piece) => piece.url === url)?.tag ?? assert.fail()
    const first = await collect(keys)
    assert.deepEqual([first.changes.added.length, first.heartbeat], [3, false])
    const second = await collect(keys)
    assert.deepEqual([second.sequence, second.heartbeat], [first.sequence + 1, true])
    assert.deepEqual(second.changes, { added: [], renewed: [], gone: [] })
    assert.notEqual(second.id, first.id)
    world.server.script['GET /ca.crl'] = { body: world.list(world.issuing, { number: 17 }) }
    await denyArtifact({ keys, artifact: ARTIFACT, reason: 'test', now: world.now })
    const third = await collect(keys)
    assert.deepEqual(third.changes, { added: ['denials'], renewed: [list(third, world.listUrl)], gone: [] })
    assert.deepEqual([third.heartbeat, third.denials], [false, 1])
    world.server.script['POST /ocsp'] = { status: 500 }
    assert.deepEqual((await collect(keys)).changes.gone, [list(third, world.responderUrl)])
  })

  it('suggests no option that it lacks for a list that cannot be had', async () => {
    const keys = await world.channel('revocation')
    world.publish({ 'GET /ca.crl': { status: 404 } })
    await assert.rejects(
      collect(keys),
      ({ code, remedy }: SallyportError) => code === 'LIST_UNAVAILABLE' && !remedy.includes('--revocation'),
    )
  })

  it('carries nothing at all as a heartbeat too', async () => {
    const keys = await world.channel('revocation')
    const revocation = { collect: 'none' as const, accept: [], nextBundle: '7d', allowPrivate: false, chains: [] }
    const report = await collect(keys, { plan: { map: [], audience: [SITE], artifacts: [], revocation } })
    assert.deepEqual([report.repositories, report.heartbeat], [[], true])
    const state = await site(keys, 'revocation-x', 'revocation')
    await verifyBundle({ input: { file: report.output }, state, now: world.now })
  })

  it('streams behind an approved head what that head holds, though lists and denials have changed since', async () => {
    const keys = await world.channel('revocation', 2)
    await denyArtifact({ keys, artifact: ARTIFACT, reason: 'before', now: world.now })
    const head = world.path('head.tar')
    const made = await collect(keys, { output: head, headOnly: true })
    const bob = { bundle: head, key: join(keys, 'bob.pem'), passphrase: world.passphrase, now: world.now }
    const { revocation } = await approveBundle(bob)
    assert.deepEqual(
      revocation?.denials.map(({ artifact, reason }) => [artifact, reason]),
      [[ARTIFACT, 'before']],
    )
    await denyArtifact({ keys, artifact: ARTIFACT, signer: SIGNER, reason: 'after', now: world.now })
    const shown = await inspectBundle({ input: { file: head }, now: world.now })
    assert.deepEqual(
      [shown.revocation?.pieces.length, shown.revocation?.denials.map(({ reason }) => reason)],
      [4, ['before']],
    )
    world.publish({ 'GET /ca.crl': { body: world.list(world.issuing, { number: 18 }) } })
    const chunks: Buffer[] = []
    const output = { write: async (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)) }
    assert.equal((await collect(keys, { output, approved: head })).id, made.id)
    const file = world.path('streamed.tar')
    writeFileSync(file, Buffer.concat(chunks))
    const state = await site(keys, 'revocation-x', 'revocation')
    assert.equal((await verifyBundle({ input: { file }, state, now: world.now })).id, made.id)
  })

  it('refuses keys of another purpose, on both sides of the gap', async () => {
    await assert.rejects(collect(content), fault('PURPOSE_MISMATCH'))
    const keys = await world.channel('revocation')
    await assert.rejects(world.export(keys, [ref]), fault('PURPOSE_MISMATCH'))
    await assert.rejects(denyArtifact({ keys: content, artifact: ARTIFACT, reason: 'x' }), fault('PURPOSE_MISMATCH'))
    assert.equal(existsSync(join(content, 'denials.json')), false)
  })

  describe('deny', () => {
    it('keeps each artifact and signer once, the earlier one, and denials only grow', async () => {
      const keys = await world.channel('revocation')
      const deny = (over: object): ReturnType<typeof denyArtifact> =>
        denyArtifact({ keys, artifact: ARTIFACT, reason: 'CVE-2026-1', now: world.now, ...over })
      assert.equal((await deny({ dryRun: true })).added, true)
      assert.equal(existsSync(join(keys, 'denials.json')), false)
      assert.equal((await deny({})).added, true)
      const again = await deny({ reason: 'another', now: new Date(world.now.getTime() + 60_000) })
      assert.deepEqual([again.added, again.denial.reason, again.denials], [false, 'CVE-2026-1', 1])
      assert.equal((await deny({ signer: `sha256:${SIGNER}` })).denials, 2)
      const held = readDenials(readFileSync(join(keys, 'denials.json')))
      assert.deepEqual(
        held.map(({ artifact, signer, reason }) => [artifact, signer, reason]),
        [
          [ARTIFACT, undefined, 'CVE-2026-1'],
          [ARTIFACT, SIGNER, 'CVE-2026-1'],
        ],
      )
    })

    it('refuses what is no digest, no key and no reason', async () => {
      const keys = await world.channel('revocation')
      for (const over of [
        { artifact: 'app:1.0' },
        { artifact: ARTIFACT.toUpperCase() },
        { signer: 'b2' },
        { signer: SIGNER.toUpperCase() },
        { reason: '' },
        { reason: 'two\nlines' },
      ])
        await assert.rejects(denyArtifact({ keys, artifact: ARTIFACT, reason: 'x', ...over }), fault('USAGE'))
    })

    it('is told so while another run works with the channel, and loses none of several that deny at once', async () => {
      const keys = await world.channel('revocation')
      const log = await ExportLog.open(keys, world.now)
      const busy = denyArtifact({ keys, artifact: ARTIFACT, reason: 'x', now: world.now })
      await assert.rejects(busy, fault('STATE_LOCKED'))
      assert.equal(existsSync(join(keys, 'denials.json')), false)
      await log.close()
      const done = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) =>
          denyArtifact({ keys, artifact: `sha256:${String(i).repeat(64)}`, reason: 'x', now: world.now }),
        ),
      )
      const kept = done.filter(({ status }) => status === 'fulfilled').length
      for (const one of done) if (one.status === 'rejected') assert.ok(isFault(one.reason, 'STATE_LOCKED'))
      assert.ok(kept > 0)
      assert.equal(readDenials(readFileSync(join(keys, 'denials.json'))).length, kept)
    })

    it('refuses a file that was edited by hand into another form, and carries none of it', async () => {
      const keys = await world.channel('revocation')
      await denyArtifact({ keys, artifact: ARTIFACT, reason: 'x', now: world.now })
      const file = join(keys, 'denials.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace('{', '{ '))
      await assert.rejects(collect(keys), fault('DENIALS_MALFORMED'))
      await assert.rejects(denyArtifact({ keys, artifact: ARTIFACT, reason: 'x' }), fault('DENIALS_MALFORMED'))
    })
  })

  describe('from the command line', () => {
    it('collects, with status 3 when something is lacking by name', async () => {
      const keys = await world.channel('revocation')
      const passphrase = world.path('passphrase')
      writeFileSync(passphrase, 'only for tests', { mode: 0o600 })
      const plan = world.path('plan.yaml')
      const write = (accept: string): void =>
        writeFileSync(
          plan,
          `audience: [${SITE}]\nrevocation:\n  chains: ['${world.chainFile()}']\n  accept: [${accept}]\n`,
        )
      const run = (...more: string[]): ReturnType<typeof sallyport> =>
        sallyport(['revocation', 'collect', '-f', plan, '--keys', keys, '--passphrase-file', passphrase, ...more])
      write('')
      const denied = await sallyport(['revocation', 'deny', ARTIFACT, '--reason', 'x', '--keys', keys])
      assert.equal(denied.status, 0, denied.stderr)
      assert.equal((await run('-o', world.path('a.tar'))).status, 20)
      const done = await run('-o', world.path('b.tar'), '--allow-private')
      assert.equal(done.status, 0, done.stderr)
      assert.match(done.stdout, /denials: 1/)
      world.publish({ 'GET /ca.crl': { status: 404 } })
      write(`'${world.listUrl}'`)
      const lacking = await run('-o', world.path('c.tar'), '--allow-private')
      assert.equal(lacking.status, 3, lacking.stderr)
      const piped = await run('-o', '-', '--allow-private')
      assert.equal(piped.status, 3, piped.stderr)
      assert.ok(piped.stdout.startsWith('oci-layout'))
    })
  })
})
