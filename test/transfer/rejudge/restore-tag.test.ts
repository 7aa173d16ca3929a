import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { hexOf, type Digest } from '../../../src/oci/index.ts'
import { log } from '../../../src/transfer/index.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import { restoreTag, type RestoreOptions, type RestoreReport } from '../../../src/transfer/rejudge/restore-tag.ts'
import { randomBlob, type Piece } from '../../contract/content.ts'
import { policyFolder, policyText, statement } from '../policies.ts'
import { Revocable } from '../revocable.ts'
import { NOW } from '../stage.ts'
import { BUNDLE, PATH, Ward } from '../ward.ts'
import { fault } from '../../fault.ts'

const WHY = { code: 'ARTIFACT_DENIED', detail: 'backdoor' } as const

describe('transfer/rejudge/restore-tag', () => {
  let ward: Ward
  let policy: string
  let first: Piece
  let second: Piece

  beforeEach(async () => {
    ward = await Ward.make()
    policy = policyFolder(join(ward.dir, 'policy'))
    first = await ward.image()
    second = await ward.image()
    for (const made of [first, second]) {
      await ward.sign(made)
      await ward.judge(made, 'trusted')
      await ward.tag(made, 'latest')
    }
  })
  afterEach(() => ward?.close())

  const restore = async (to: Digest, over: Partial<RestoreOptions> = {}): Promise<RestoreReport> => {
    await ward.pause()
    const common = { state: ward.stateDir, ref: `${ward.to}:${PATH}:latest`, to, reason: 'ticket 9', policy, now: NOW }
    try {
      return await restoreTag({ ...common, registry: {}, ...over })
    } finally {
      await ward.resume()
    }
  }

  it('puts a tag back to what it named before, and the journal says why', async () => {
    const { digest } = first.descriptor
    const rehearsed = await restore(digest, { dryRun: true })
    assert.deepEqual([rehearsed.outcome, rehearsed.old], ['moved', second.descriptor.digest])
    assert.equal(await ward.named('latest'), second.descriptor.digest)
    const report = await restore(digest)
    assert.deepEqual([report.outcome, report.old, report.new], ['moved', second.descriptor.digest, digest])
    assert.equal(await ward.named('latest'), digest)
    assert.equal((await restore(digest)).outcome, 'kept')
    const { moves } = await log({ state: ward.stateDir, now: NOW, ref: `${ward.to}:${PATH}:latest` })
    const last = moves.at(-1)
    assert.deepEqual(last?.cause, { by: 'restore', reason: 'ticket 9' })
    assert.deepEqual([last?.old, last?.new, last?.verdict], [second.descriptor.digest, digest, 'trusted'])
    const [signer] = last?.signers ?? []
    assert.match(signer?.subject ?? '', /CN=/)
    assert.match(signer?.certificate ?? '', /^[0-9a-f]{64}$/)
    // The next bundle moves it on as ever.
    await ward.tag(second, 'latest')
    assert.equal(await ward.named('latest'), second.descriptor.digest)
  })

  it('names the other tags that still point at what this one named', async () => {
    const { digest } = first.descriptor
    await ward.tag(second, '2.0')
    await ward.target.tag('by-others', second.descriptor, second.bytes)
    const rehearsed = await restore(digest, { dryRun: true })
    assert.deepEqual([rehearsed.others, rehearsed.tagsListed], [['2.0', 'by-others'], true])
    assert.deepEqual((await restore(digest)).others, ['2.0', 'by-others'])
    // What points where it belongs is no news.
    assert.deepEqual((await restore(digest)).others, [])
  })

  it('refuses a state that the tag never had here, unless it is told to', async () => {
    const other = await ward.image()
    await ward.sign(other)
    await assert.rejects(restore(other.descriptor.digest), fault('TAG_UNSEEN'))
    assert.equal((await restore(other.descriptor.digest, { unseen: true })).outcome, 'moved')
    const absent: Digest = `sha256:${'3'.repeat(64)}`
    await assert.rejects(restore(absent, { unseen: true }), fault('MANIFEST_MISSING'))
    for (const ref of [`${ward.to}:${PATH}`, `${ward.to}:${PATH}@${other.descriptor.digest}`])
      await assert.rejects(restore(other.descriptor.digest, { ref }), fault('USAGE'))
    await assert.rejects(restore(other.descriptor.digest, { reason: '' }), fault('USAGE'))
  })

  it('refuses what is not trusted now, by policy or by a denial, and moves nothing', async () => {
    const { digest } = first.descriptor
    const nobody = policyFolder(join(ward.dir, 'other'), {
      'trustpolicy.json': policyText(statement({ trustStores: ['ca:other'] })),
    })
    const refused = await restore(digest, { policy: nobody })
    assert.deepEqual([refused.outcome, refused.verdict.verdict], ['refused', 'rejected'])
    await ward.state.addDenials([{ artifact: digest, reason: 'backdoor', since: '2026-06-01T00:00:00Z' }], null)
    const denied = await restore(digest)
    assert.deepEqual([denied.outcome, denied.verdict.code], ['refused', 'ARTIFACT_DENIED'])
    assert.equal(await ward.named('latest'), second.descriptor.digest)
  })

  it('R6 refuses by a clock that is far wrong, and moves nothing', async () => {
    await ward.state.takeLists([new Revocable().list(1)], null)
    const { digest } = first.descriptor
    await assert.rejects(restore(digest, { now: new Date('2032-01-01T00:00:00Z') }), fault('CLOCK_AHEAD'))
    await assert.rejects(restore(digest, { built: new Date('2027-01-01T00:00:00Z') }), fault('CLOCK_BEHIND'))
    assert.equal(await ward.named('latest'), second.descriptor.digest)
  })

  it('refuses what a measure stands against, which has to be released', async () => {
    const { digest } = first.descriptor
    for (const measure of ['report', 'retag', 'remove'] as const) {
      await applyMeasure(ward.state, ward.place, ward.placeOf(first.descriptor), measure, WHY, { now: NOW })
      await assert.rejects(restore(digest), fault('ARTIFACT_QUARANTINED'))
    }
  })

  it('refuses what is not whole any more', async () => {
    const layer = randomBlob(700)
    const torn = await ward.image([layer])
    const parent = await ward.index(torn)
    await ward.sign(parent)
    const blob = join(ward.to.slice(4), 'blobs', 'sha256', hexOf(layer.descriptor.digest))
    rmSync(blob)
    await assert.rejects(restore(parent.descriptor.digest, { unseen: true }), fault('BLOB_MISSING'))
  })

  it('takes a tag back from a tombstone to the good state before the bad one', async () => {
    await applyMeasure(ward.state, ward.place, ward.placeOf(second.descriptor), 'retag', WHY, { now: NOW })
    assert.notEqual(await ward.named('latest'), second.descriptor.digest)
    assert.equal((await restore(first.descriptor.digest)).outcome, 'moved')
    assert.equal(await ward.named('latest'), first.descriptor.digest)
    const { moves } = await log({ state: ward.stateDir, now: NOW, ref: `${ward.to}:${PATH}:latest` })
    assert.deepEqual(
      moves.map(({ cause }) => cause.by),
      ['unknown', 'unknown', 'measure', 'restore'],
    )
  })

  it('tells which bundle moved a tag, also in a run that a later one settled', async () => {
    const name = { target: ward.place.name, repository: PATH, tag: 'v1' }
    const at = { id: BUNDLE, channel: 'vendor-a', sequence: 7, target: ward.place.name }
    const { digest } = first.descriptor
    await ward.state.recordImport({ ...at, phase: 'start' })
    await ward.state.intendTags([{ ...name, old: null, new: digest }])
    await ward.reopen()
    await ward.state.settleTags([{ ...name, outcome: 'moved' }])
    await ward.state.recordImport({ ...at, phase: 'done' })
    await ward.state.intendTags([{ ...name, old: digest, new: second.descriptor.digest }])
    await ward.state.settleTags([{ ...name, outcome: 'moved' }])
    const of = async (ref: string) => (await log({ state: ward.stateDir, now: NOW, ref })).moves
    const moves = await of(`${ward.to}:${PATH}:v1`)
    assert.deepEqual(
      moves.map(({ cause }) => cause),
      [{ by: 'import', channel: 'vendor-a', sequence: 7, bundle: BUNDLE }, { by: 'unknown' }],
    )
    assert.equal((await of(digest)).filter(({ tag }) => tag === 'v1').length, 2)
    assert.deepEqual(await of(`${ward.to}:elsewhere`), [])
  })
})
