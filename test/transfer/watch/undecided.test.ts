/** A bundle that the site can't decide on yet: it waits, and its channel with it, but for others nobody waits. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { SallyportError } from '../../../src/errors/index.ts'
import { channelPin, type ImportReport, type WatchReport } from '../../../src/transfer/index.ts'
import { isRefused, outcomeOfImport, type Ended } from '../../../src/transfer/watch/report.ts'
import { artifactIn, mustHaveVendor, policyFolder, policyText, signAt, statement } from '../policies.ts'
import { hoursLater, NOW, planFor, Stage } from '../stage.ts'
import { look, outcomes, until, type Work } from './watching.ts'

const OTHER = 'vendor-b'

describe('transfer/watch/undecided', function () {
  this.timeout(120_000)
  let stage: Stage
  /** Of another channel. */
  let other: Stage
  /** The first channel by its name, under other keys. */
  let forger: Stage
  const bundles: string[] = []
  let otherBundle: string
  let forged: string
  /** Speaks for the artifact of the other channel alone. */
  let missing: string
  /** Wants a list that nobody carries. */
  let unknown: string
  let whole: string

  before(async () => {
    const people = { people: ['alice'], threshold: 1, kind: 'ed25519' } as const
    stage = await Stage.make()
    other = await Stage.make({ ...people, channel: OTHER })
    forger = await Stage.make()
    for (const hours of [0, 1]) bundles.push(await signed(stage, 'app', hours))
    otherBundle = await signed(other, 'other', 0)
    await signed(forger, 'app', 0)
    forged = await signed(forger, 'app', 1)
    missing = policyOf({ 'trustpolicy.json': policyText(statement({ registryScopes: ['local/other'] })) })
    const strict = statement({ signatureVerification: { level: 'strict' } })
    unknown = policyOf({ 'trustpolicy.json': policyText(strict), 'policy.yaml': mustHaveVendor() })
    whole = policyOf({})
  })
  after(() => {
    for (const one of [stage, other, forger]) one?.close()
  })

  function policyOf(files: Record<string, string>): string {
    return policyFolder(stage.path('policy'), files)
  }

  async function signed(by: Stage, repository: string, hours: number): Promise<string> {
    const dir = by.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, `registry.example/${repository}`, '1.0', `cargo ${hours}`)
    builder.finish()
    const ref = `oci:${dir}:registry.example/${repository}:1.0`
    await signAt(ref)
    const output = by.path('bundle.tar')
    await by.export({ output, plan: planFor(ref), now: hoursLater(hours) })
    return output
  }

  async function work(): Promise<Work> {
    const inbox = stage.path('inbox')
    mkdirSync(inbox)
    const state = await stage.site()
    const { keys, fingerprint } = other
    await channelPin({
      state,
      channel: OTHER,
      root: join(keys, 'root.json'),
      fingerprint,
      purpose: 'content',
      now: NOW,
    })
    const out = stage.path('out')
    const notes: string[] = []
    const onEvent: Work['onEvent'] = (event) => void (event.type === 'note' && notes.push(event.text))
    return { inbox, state, out, to: `oci:${out}`, clock: () => hoursLater(3), notes, onEvent }
  }

  /** The bundles of the channel by sequence, and whatever else. */
  function put({ inbox }: Work, files: Readonly<Record<string, string | undefined>>): void {
    for (const [name, file] of Object.entries(files)) copyFileSync(file ?? assert.fail(), join(inbox, name))
  }

  function codes({ status }: WatchReport): string[][] {
    return (status?.alarms ?? []).map(({ code, subject }) => [code, subject])
  }

  for (const [what, code, exit] of [
    ['that no statement speaks for', 'POLICY_MISSING', 13],
    ['whose list is not here', 'REVOCATION_UNKNOWN', 16],
  ] as const)
    it(`lets a bundle wait ${what}, by name, and its channel alone, and brings it when that is cured`, async () => {
      const site = await work()
      put(site, { 'b.tar': bundles[1], 'a.tar': bundles[0], 'other.tar': otherBundle })
      const policy = exit === 13 ? missing : unknown
      for (const _again of [1, 2]) {
        const report = await look(site, { policy })
        assert.deepEqual(
          outcomes(report).filter(([name]) => name !== 'other.tar'),
          [
            ['a.tar', 'waiting', code],
            ['b.tar', 'waiting'],
          ],
        )
        assert.equal(report.bundles.find(({ name }) => name === 'b.tar')?.waitsFor, 'a.tar')
        assert.deepEqual([codes(report).at(0), report.exit], [[code, 'a.tar'], exit])
      }
      assert.equal(existsSync(join(site.inbox, 'done', 'other.tar')), exit === 13)
      const cured = await look(site, { policy: whole })
      assert.deepEqual(outcomes(cured).slice(0, 2), [
        ['a.tar', 'imported'],
        ['b.tar', 'imported'],
      ])
      assert.deepEqual([codes(cured), cured.exit], [[], 0])
    })

  it('writes into the journal once, however often it is tried', async () => {
    const site = await work()
    put(site, { 'a.tar': bundles[0] })
    await look(site, { policy: missing })
    const before = readFileSync(join(site.state, 'journal.jsonl'))
    assert.deepEqual(outcomes(await look(site, { policy: missing })), [['a.tar', 'waiting', 'POLICY_MISSING']])
    assert.deepEqual(readFileSync(join(site.state, 'journal.jsonl')), before)
    assert.equal((await look(site, { policy: whole })).imported, 1)
  })

  it('gives way after a day to a proven bundle that follows, and goes with its own code', async () => {
    const site = await work()
    put(site, { 'a.tar': bundles[0] })
    await look(site, { policy: missing })
    // Nothing follows, so it waits on; what only claims to follow changes nothing.
    const late = { ...site, clock: () => hoursLater(3 + 25) }
    assert.deepEqual(outcomes(await look(late, { policy: missing })), [['a.tar', 'waiting', 'POLICY_MISSING']])
    put(site, { 'forged.tar': forged })
    assert.equal((await look(late, { policy: missing })).rejected, 0)
    rmSync(join(site.inbox, 'forged.tar'))
    put(site, { 'b.tar': bundles[1] })
    const early = { ...site, clock: () => hoursLater(3 + 23) }
    assert.equal((await look(early, { policy: missing })).rejected, 0)
    const report = await look(late, { policy: missing })
    assert.deepEqual(outcomes(report), [
      ['a.tar', 'rejected', 'POLICY_MISSING'],
      ['b.tar', 'waiting', 'POLICY_MISSING'],
    ])
    assert.equal(report.bundles[0]?.at, 'rejected/a.tar')
    assert.equal((await look(late, { policy: whole })).imported, 1)
  })

  it('gives way while it watches, too, although it would be tried again much later', async () => {
    const site = await work()
    let time = hoursLater(3)
    const stop = new AbortController()
    put(site, { 'a.tar': bundles[0] })
    const running = look({ ...site, clock: () => time }, { policy: missing, once: false, signal: stop.signal })
    const tries = (): number => site.notes.filter((note) => note.startsWith('a.tar waits')).length
    try {
      await until(() => tries() >= 5)
      put(site, { 'b.tar.part': bundles[1] })
      time = hoursLater(3 + 25)
      renameSync(join(site.inbox, 'b.tar.part'), join(site.inbox, 'b.tar'))
      await until(() => existsSync(join(site.inbox, 'rejected', 'a.tar')))
    } finally {
      stop.abort()
    }
    assert.equal((await running).rejected, 1)
    assert.ok(tries() <= 6)
  })

  it('rejects at once what has something of its own that is refused, whatever else is undecided', () => {
    const ended = (...artifacts: readonly object[]): Ended => ({
      report: {
        verdict: 'rejected',
        artifacts,
        counts: { manifestsPushed: 0, manifestsPresent: 0, blobsPushed: 0 },
        tags: [],
      } as unknown as ImportReport,
      exit: 13,
    })
    const undecided = { verdict: 'inconclusive', code: 'REVOCATION_UNKNOWN' }
    const unspoken = { verdict: 'rejected', code: 'POLICY_MISSING' }
    const stranger = { verdict: 'rejected', code: 'SIGNER_UNTRUSTED' }
    const good = { verdict: 'trusted' }
    assert.equal(outcomeOfImport(ended(undecided, unspoken, good)), 'waiting')
    assert.equal(outcomeOfImport(ended(undecided, unspoken, stranger)), 'rejected')
    for (const code of ['ATTRIBUTE_UNKNOWN', 'POLICY_MISSING'] as const)
      assert.equal(isRefused(new SallyportError(code, { side: 'bundle' })), false, code)
  })
})
