/** A target that is used no more keeps nothing waiting, and is looked at whole once it is used again. */
import assert from 'node:assert/strict'
import { digestOf } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
import { stateForget, type ForgetOptions, type ForgetReport } from '../../../src/transfer/rejudge/forget-target.ts'
import { revocationStatus, revocationStatusExit } from '../../../src/transfer/status/revocation.ts'
import type { Piece } from '../../contract/content.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'
import { BUNDLE } from '../ward.ts'
import { fault } from '../../fault.ts'

const SINCE = '2026-05-20T00:00:00Z'
const OTHER = 'other.example:5000'

describe('transfer/rejudge/forget-target', () => {
  let site: RevocableSite
  let made: Piece
  beforeEach(async () => {
    site = await RevocableSite.make()
    made = await site.admit([1])
  })
  afterEach(() => site?.close())

  /** The verb opens the state itself. */
  const forget = async (over: Partial<ForgetOptions> = {}): Promise<ForgetReport> => {
    await site.ward.pause()
    const common = { state: site.ward.stateDir, target: site.ward.to, reason: 'switched off', now: NOW }
    try {
      return await stateForget({ ...common, ...over })
    } finally {
      await site.ward.resume()
    }
  }
  const revoke = (number: number): Promise<void> => site.take(site.vendor.list(number, { 1: 1 }))
  const deny = (artifact: Piece['descriptor']['digest']): Promise<unknown> =>
    site.state.addDenials([{ artifact, reason: 'CVE', since: SINCE }], null)
  const waiting = (): number => site.state.pending().lists.length + site.state.pending().denials.length
  const told = async (over: Parameters<RevocableSite['rejudge']>[0] = {}): Promise<unknown[]> =>
    ((await site.rejudge(over))?.artifacts ?? []).map(({ digest, verdict, code }) => [digest, verdict, code])
  /** What an import leaves of it first. */
  const importThere = async (): Promise<void> => {
    const { name: target } = site.ward.place
    await site.state.recordImport({ id: BUNDLE, channel: 'x', sequence: 1, target, phase: 'start' })
  }
  /** An artifact that lies at another target too. */
  const alsoAt = async (target: string): Promise<void> => {
    const recorded = (await site.state.verdictOf(site.ward.placeOf(made.descriptor))) ?? assert.fail()
    const { n: _n, time: _time, ...verdict } = recorded
    await site.state.recordVerdicts([{ ...verdict, target }])
  }

  it('ends what waited for the target alone, which the next run looks at whole once it is used again', async () => {
    await revoke(2)
    assert.equal(waiting(), 1)
    const dry = await forget({ dryRun: true })
    assert.deepEqual([dry.added, dry.artifacts, dry.pending, waiting()], [true, 1, { lists: 0, denials: 0 }, 1])
    const report = await forget()
    assert.deepEqual([report.added, report.pending, waiting()], [true, { lists: 0, denials: 0 }, 0])
    assert.equal((await site.ward.rows('forget'))[0]?.['reason'], 'switched off')
    assert.equal((await site.state.verdictOf(site.ward.placeOf(made.descriptor)))?.verdict, 'trusted')
    assert.equal((await forget()).added, false)
    const status = await revocationStatus({ state: site.ward.stateDir, now: new Date('2026-12-30T00:00:00Z') })
    assert.deepEqual([status.lists.map(({ artifacts }) => artifacts), revocationStatusExit(status)], [[0], 0])
    assert.deepEqual(await told(), [])
    // Another list meanwhile, that nobody waits for.
    await revoke(3)
    assert.deepEqual([await told(), waiting()], [[], 0])
    await importThere()
    assert.deepEqual(await told(), [[made.descriptor.digest, 'rejected', 'CERTIFICATE_REVOKED']])
    assert.deepEqual(await told(), [])
  })

  it('goes on waiting for other targets, and no more for the one', async () => {
    await alsoAt(OTHER)
    await revoke(2)
    const report = await forget({ target: OTHER })
    assert.deepEqual([report.artifacts, report.pending, waiting()], [1, { lists: 1, denials: 0 }, 1])
    const judged = await site.rejudge()
    assert.deepEqual([judged?.elsewhere, judged?.complete, waiting()], [0, true, 0])
  })

  it('looks without a policy at what was denied meanwhile, by either hash', async () => {
    const [second, third] = [await site.admit([2]), await site.admit([3])]
    await forget()
    await deny(made.descriptor.digest)
    await deny(digestOf(second.bytes, 'sha512'))
    await site.state.markRejudged(site.state.head.n)
    await importThere()
    const wanted = [made, second].map(({ descriptor }) => [descriptor.digest, 'rejected', 'ARTIFACT_DENIED'])
    assert.deepEqual(new Set((await told({ policy: undefined })).map(String)), new Set(wanted.map(String)))
    assert.deepEqual(await told(), [[third.descriptor.digest, 'trusted', undefined]])
  })

  it('is the same after the state was opened anew', async () => {
    await forget()
    const { name } = site.ward.place
    await site.ward.pause()
    const read = await State.open(site.ward.stateDir, { write: false, now: NOW })
    assert.equal(read.isForgotten(name), true)
    await site.ward.resume()
    await importThere()
    await site.ward.pause()
    const again = await State.open(site.ward.stateDir, { write: false, now: NOW })
    assert.equal(again.isForgotten(name), false)
    assert.deepEqual(
      [...again.judgedArtifacts()].map((one) => again.isStale(one)),
      [true],
    )
    await site.ward.resume()
  })

  it('refuses a target that nothing is known of, a part of a registry, and an empty reason', async () => {
    await alsoAt(OTHER)
    await assert.rejects(forget({ target: 'unknown.example' }), fault('TARGET_UNKNOWN'))
    await assert.rejects(forget({ target: `${OTHER}/mirror` }), fault('USAGE'))
    await assert.rejects(forget({ reason: ' ' }), fault('USAGE'))
    await assert.rejects(forget({ target: 'no target' }), fault('REFERENCE_INVALID'))
    assert.deepEqual(await site.ward.rows('forget'), [])
  })
})
