import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { channelInit, channelShow, type ChannelRotateReport } from '../../../src/index.ts'
import { exportKeys, openChannelFolder } from '../../../src/transfer/channel/folder.ts'
import { judgeRoots, readRoot } from '../../../src/tuf/index.ts'
import { ask, NEW_PASS, PASS, refusal, RotationStage } from './rotation-stage.ts'

describe('transfer/channel/rotate', function () {
  this.timeout(30_000)
  const stage = new RotationStage()
  let keys: string

  before(() => stage.raise())
  after(() => stage.lower())
  beforeEach(() => {
    keys = stage.anew()
  })

  const rotate: RotationStage['rotate'] = (...args) => stage.rotate(...args)
  const inSafe = (name: string): string => join(stage.safe, name)
  const lockAway = (...left: readonly string[]): void => stage.lockAway(...left)
  const rootFile = (version: number): Buffer => stage.rootFile(version)

  const filesOf = ({ keys: all }: ChannelRotateReport, which: 'new' | 'retired' | 'staying'): string[] =>
    all
      .filter(({ is }) => is === which)
      .map(({ file }) => file)
      .toSorted()

  it('renews a root whose keys all stay', async () => {
    const before = openChannelFolder(keys).root
    const report = await rotate({ renew: true })
    assert.deepEqual([report.phase, report.version], ['in force', 2])
    assert.ok(report.keys.every(({ is }) => is === 'staying'))
    assert.equal(report.countersBeginAgain, false)
    const bytes = readFileSync(join(keys, 'root.json'))
    assert.equal(report.fingerprint, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
    assert.ok(bytes.equals(rootFile(2)))
    const next = readRoot(bytes, { side: 'state', subject: 'root.json' })
    assert.deepEqual([...next.roles.root.keys.keys()], [...before.roles.root.keys.keys()])
    assert.ok(next.expires > before.expires)
    assert.ok(!existsSync(join(keys, 'next')))
  })

  it('gives a site a chain to follow, and lets it count anew when the host keys went', async () => {
    const report = await rotate({ replace: ['host', 'ann'] })
    assert.equal(report.countersBeginAgain, true)
    assert.deepEqual(filesOf(report, 'retired'), ['ann.pem', 'snapshot.pem', 'timestamp.pem'])
    const verdict = judgeRoots({
      channel: 'vendor-a',
      purpose: 'content',
      trusted: { rootBytes: rootFile(1), version: 1 },
      roots: new Map([1, 2].map((version) => [version, rootFile(version)])),
    })
    assert.deepEqual([verdict.root.version, verdict.reset], [2, { rootVersion: 2 }])
  })

  it('signs the next bundles with the new keys', async () => {
    await rotate({ replace: ['host', 'ann'] })
    const folder = openChannelFolder(keys)
    const passphrase = (file: string): Promise<Buffer> =>
      Promise.resolve(Buffer.from(file.endsWith('.2.pem') ? NEW_PASS : PASS))
    const { signers: opened } = await exportKeys(folder, 'ann', passphrase)
    const { snapshot, timestamp, targets } = folder.root.roles
    assert.deepEqual(
      opened.map(({ keyid }) => [snapshot, timestamp, targets].some((role) => role.keys.has(keyid))),
      [true, true, true],
    )
    await assert.rejects(exportKeys(folder, 'dee', passphrase), refusal('KEY_MISSING'))
  })

  it('rotates again, and the chain goes on from the first root', async () => {
    await rotate({ add: ['dee'], threshold: 3 })
    const mixed = (file: string): Promise<Buffer> =>
      Promise.resolve(Buffer.from(/\.\d\.pem$/.test(file) ? NEW_PASS : PASS))
    const report = await rotate({ remove: ['ben'], replace: ['root-dee'] }, { passphrase: mixed })
    assert.deepEqual([report.phase, report.version, report.people], ['in force', 3, ['ann', 'cy', 'dee']])
    const roots = new Map([1, 2, 3].map((version) => [version, rootFile(version)]))
    const trusted = { rootBytes: rootFile(1), version: 1 }
    assert.equal(judgeRoots({ channel: 'vendor-a', purpose: 'content', trusted, roots }).root.version, 3)
    const { folder } = await channelShow({ dir: keys })
    assert.deepEqual([folder?.people, folder?.rootVersion, folder?.threshold], [['ann', 'cy', 'dee'], 3, 3])
  })

  it('makes new keys of the channel’s own kind', async () => {
    const p384 = join(stage.dir, 'p384')
    const init = {
      channel: 'vendor-b',
      purpose: 'trust' as const,
      dir: p384,
      people: ['ann'],
      threshold: 1,
      rootDays: 30,
    }
    await channelInit({ ...init, kind: 'p384', passphrase: ask })
    await rotate({ replace: ['root-ann', 'ann'] }, { dir: p384 })
    const { root } = openChannelFolder(p384)
    assert.deepEqual(
      [...root.roles.root.keys.values()].map(({ kind }) => kind),
      ['p384'],
    )
  })

  describe('whose root keys lie elsewhere', () => {
    it('waits until enough have signed, each in a run of their own', async () => {
      lockAway()
      const first = await rotate({ replace: ['host'] })
      assert.deepEqual([first.phase, first.fingerprint, first.missing], ['waiting', null, ['ann', 'ben', 'cy']])
      assert.deepEqual(first.signed, { before: { signed: 0, threshold: 2 }, own: { signed: 0, threshold: 2 } })
      assert.equal(openChannelFolder(keys).root.version, 1)
      assert.ok(!existsSync(join(keys, 'snapshot.2.pem')))
      const second = await rotate({}, { keys: [inSafe('root-cy.pem')] })
      assert.deepEqual([second.phase, second.missing], ['waiting', ['ann', 'ben']])
      assert.equal((await channelShow({ dir: keys })).folder?.waiting, 2)
      const again = await rotate({ replace: ['host'] }, { keys: [inSafe('root-cy.pem')] })
      assert.deepEqual(again.signed?.before, { signed: 1, threshold: 2 })
      const third = await rotate({}, { keys: [inSafe('root-ann.pem')] })
      assert.deepEqual([third.phase, third.missing], ['in force', []])
      assert.ok(existsSync(join(keys, 'snapshot.2.pem')))
      assert.equal((await channelShow({ dir: keys })).folder?.waiting, null)
    })

    it('is not put in force by the new root’s own keys alone', async () => {
      lockAway()
      const report = await rotate({ add: ['dee', 'eve', 'fay'] })
      assert.equal(report.phase, 'waiting')
      assert.deepEqual([report.signed?.own.signed, report.signed?.before.signed], [3, 0])
      assert.equal(openChannelFolder(keys).root.version, 1)
    })

    it('is not put in force by those who leave, without those who come', async () => {
      lockAway('ann', 'ben')
      const report = await rotate({ remove: ['ann', 'ben'], add: ['dee'], threshold: 2 })
      // dee and cy must sign the new root; dee's key was made here.
      assert.deepEqual(
        [report.phase, report.signed, report.missing],
        ['waiting', { before: { signed: 2, threshold: 2 }, own: { signed: 1, threshold: 2 } }, ['cy']],
      )
    })

    it('refuses a key that decides about neither root, and a wrong passphrase, and leaves nothing', async () => {
      lockAway()
      await assert.rejects(rotate({ replace: ['host'] }, { keys: [join(keys, 'ann.pem')] }), refusal('KEY_REFUSED'))
      const wrong = (): Promise<Buffer> => Promise.resolve(Buffer.from('wrong'))
      const bad = rotate({ replace: ['host'] }, { keys: [inSafe('root-ann.pem')], passphrase: wrong })
      await assert.rejects(bad, refusal('KEY_PASSPHRASE'))
      const empty = rotate({ replace: ['host'] }, { newPassphrase: () => Promise.resolve(Buffer.alloc(0)) })
      await assert.rejects(empty, refusal('KEY_PASSPHRASE'))
      assert.ok(!existsSync(join(keys, 'next')))
    })

    it('refuses another change while one waits, and takes it back when asked', async () => {
      lockAway()
      await rotate({ replace: ['host'] })
      await assert.rejects(rotate({ replace: ['ann'] }), refusal('USAGE'))
      await assert.rejects(rotate({ replace: ['host'] }, { abandon: true }), refusal('USAGE'))
      assert.equal((await rotate({}, { abandon: true, dryRun: true })).phase, 'abandoned')
      assert.ok(existsSync(join(keys, 'next')))
      assert.equal((await rotate({}, { abandon: true })).phase, 'abandoned')
      assert.ok(!existsSync(join(keys, 'next')))
      await assert.rejects(rotate({}, { abandon: true }), refusal('USAGE'))
      assert.equal((await rotate({ replace: ['ann'] })).version, 2)
    })
  })

  it('shows a plan and makes nothing', async () => {
    const report = await rotate({ replace: ['host'], add: ['dee'] }, { dryRun: true })
    assert.deepEqual([report.phase, report.fingerprint, report.signed], ['planned', null, null])
    assert.equal(filesOf(report, 'new').length, 4)
    assert.ok(!existsSync(join(keys, 'next')) && !existsSync(join(keys, 'journal.jsonl')))
  })

  it('names a folder that is no channel, and makes nothing in it', async () => {
    await assert.rejects(rotate({}, { dir: stage.safe }), refusal('KEY_MISSING'))
    assert.ok(!existsSync(join(stage.safe, 'journal.jsonl')))
  })
})
