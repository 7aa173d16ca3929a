/** What an approver is told of a revocation bundle before the key is used. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import {
  approveBundle,
  denyArtifact,
  type ApproveOptions,
  type ApproveReport,
  type RevokedSinceReport,
} from '../../../src/transfer/index.ts'
import { revocationBundle } from '../../../src/transfer/export/revocation-bundle.ts'
import type { Revoked } from '../../revocation/authority.ts'
import { at, RevocationWorld } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

const DENIED = `sha256:${'4b'.repeat(32)}`

describe('transfer/export/newly-revoked', function () {
  this.timeout(120_000)
  let world: RevocationWorld
  let keys: string
  const bundles: Record<string, string> = {}

  before(async () => {
    world = await RevocationWorld.open()
    keys = await world.channel('revocation', 2)
    const other = await world.channel('content', 2)
    const collect = async (name: string, number: number, revoked: readonly Revoked[]): Promise<void> => {
      world.publish({
        'GET /root.crl': { body: rootList(number) },
        'GET /ca.crl': { body: world.list(world.issuing, { number, revoked }) },
        'POST /ocsp': { body: world.answer() },
      })
      const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
      bundles[name] = world.path(`${name}.tar`)
      await revocationBundle({ ...world.options(keys, { revocation }), output: bundles[name] })
    }
    const rootList = (number: number): Buffer =>
      world.list(world.root, {
        number,
        revoked: number < 22 ? [] : [{ serial: world.issuing.certificate.serial, at: at(world.now, -1) }],
      })
    const old = { serial: 'a1', at: at(world.now, -48), why: 'superseded' }
    const held = { serial: 'a2', at: at(world.now, -48), why: 'certificateHold' }
    const gone = { serial: 'a3', at: at(world.now, -48), why: 'certificateHold' }
    await collect('first', 21, [old, held, gone])
    await denyArtifact({ keys, artifact: DENIED, reason: 'a backdoor', now: world.now })
    const many = Array.from({ length: 150 }, (_, i) => ({ serial: (0xb000 + i).toString(16), at: at(world.now, -2) }))
    await collect('second', 22, [old, { ...held, why: 'keyCompromise' }, ...many])
    // What whoever owns the export host can make: one list alone, no answer and no denials; and nothing at all.
    rmSync(join(keys, 'denials.json'))
    world.publish({
      'GET /root.crl': { body: rootList(22) },
      'GET /ca.crl': { status: 404 },
      'POST /ocsp': { status: 404 },
    })
    const accept = [world.listUrl, world.responderUrl]
    const starving = { accept, nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
    bundles['starving'] = world.path('starving.tar')
    await revocationBundle({ ...world.options(keys, { revocation: starving }), output: bundles['starving'] })
    bundles['empty'] = world.path('empty.tar')
    const nothing = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    await revocationBundle({ ...world.options(keys, { revocation: nothing }), output: bundles['empty'] })
    world.publish()
    bundles['content'] = (await world.export(other, [await world.signed()])).output
  })
  after(() => world?.close())

  const approve = (name: string, over: Partial<ApproveOptions> = {}): Promise<ApproveReport> => {
    const key = join(keys, 'bob.pem')
    const terms = { key, passphrase: world.passphrase, now: world.now, dryRun: true }
    return approveBundle({ bundle: bundles[name] ?? '', ...terms, ...over })
  }
  const since = (name: string): { since: string } => ({ since: bundles[name] ?? '' })

  it('tells what was not revoked before, a hold that became final, and what is no longer named, of many the first', async () => {
    const { revoked } = await approve('second', since('first'))
    assert.deepEqual([revoked?.since?.sequence, revoked?.since?.approved, revoked?.since?.threshold], [1, 1, 2])
    // The authority below, the key that is lost for good, and the many.
    assert.deepEqual([revoked?.count, revoked?.certificates.length], [152, 100])
    const told = new Map(revoked?.certificates.map((one) => [one.serial, one]))
    assert.equal(told.get('a2')?.reason, 'keyCompromise')
    assert.equal(told.get('a1'), undefined)
    assert.match(told.get('a2')?.issuerName ?? '', /CN=issuing/)
    assert.match(told.get(world.issuing.certificate.serial)?.subject ?? '', /CN=issuing/)
    assert.deepEqual([revoked?.dropped.map(({ serial }) => serial), revoked?.droppedCount], [['a3'], 1])
    assert.deepEqual(
      revoked?.denials.map(({ artifact, reason }) => [artifact, reason]),
      [[DENIED, 'a backdoor']],
    )
  })

  it('tells all that is revoked where nothing is named to compare with, and nothing without lists', async () => {
    const { revoked } = await approve('first')
    assert.deepEqual([revoked?.since, revoked?.count, revoked?.dropped], [null, 3, []])
    assert.deepEqual(revoked?.certificates.map(({ serial, reason }) => `${serial} ${reason}`).sort(), [
      'a1 superseded',
      'a2 certificateHold',
      'a3 certificateHold',
    ])
  })

  it('tells what is left out: a list, an answer, the denials, and whom nothing revokes any more', async () => {
    const { revoked } = await approve('starving', since('second'))
    assert.deepEqual([revoked?.count, revoked?.denials], [0, []])
    assert.deepEqual(
      revoked?.absent.map(({ kind, url, serial }) => [kind, url, serial]),
      [
        ['list', world.listUrl, null],
        ['answer', world.responderUrl, world.leaf.serial],
      ],
    )
    assert.deepEqual([revoked?.absentCount, revoked?.dropped.length, revoked?.droppedCount], [2, 100, 152])
    assert.deepEqual(
      revoked?.droppedDenials.map(({ artifact }) => artifact),
      [DENIED],
    )
  })

  it('tells it of a bundle that has nothing on revocation', async () => {
    const { revocation, revoked } = await approve('empty', since('second'))
    assert.deepEqual([revocation, revoked?.absentCount, revoked?.droppedDenials.length], [null, 3, 1])
    assert.equal((await approve('empty')).revoked, null)
  })

  it('tells it before the key is asked for: who then refuses has signed nothing', async () => {
    const shown: (RevokedSinceReport | null)[] = []
    const before = readFileSync(bundles['second'] ?? '')
    const refusing = approve('second', {
      dryRun: false,
      onPromised: ({ revoked }) => shown.push(revoked),
      passphrase: () => {
        assert.ok((shown[0]?.count ?? 0) > 0)
        return Promise.reject(new SallyportError('INTERRUPTED', { side: 'state' }))
      },
    })
    await assert.rejects(refusing, fault('INTERRUPTED'))
    assert.ok(readFileSync(bundles['second'] ?? '').equals(before))
  })

  it('compares with no bundle of another channel, nor with the bundle itself', async () => {
    await assert.rejects(approve('second', since('content')), fault('CHANNEL_MISMATCH'))
    await assert.rejects(approve('second', since('second')), fault('USAGE'))
    const half = join(keys, 'half.tar')
    writeFileSync(half, Buffer.alloc(14, 0x20))
    await assert.rejects(
      approve('second', { since: half }),
      (error) => error instanceof SallyportError && error.subject === `${half}: offset 14`,
    )
  })
})
