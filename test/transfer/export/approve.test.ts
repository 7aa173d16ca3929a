import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { SallyportError } from '../../../src/errors/index.ts'
import { approveBundle, inspectBundle, type PromisedReport } from '../../../src/transfer/index.ts'
import { CHANNEL, members, NOW, PASSPHRASE, planFor, Stage } from '../stage.ts'
import { advised, fault } from '../../fault.ts'

describe('transfer/export/approve', () => {
  let stage: Stage
  let made: string
  let id: string

  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob', 'carol'], threshold: 2, kind: 'ed25519' })
    await buildDemoLayout(join(stage.dir, 'demo'))
    made = stage.path('made.tar')
    const report = await stage.export({ output: made, plan: planFor(`oci:${join(stage.dir, 'demo')}`) })
    assert.deepEqual([report.signedBy, report.approvalsMissing], ['alice', 1])
    id = report.id
  })

  after(() => stage?.close())

  function fresh(): string {
    const copy = stage.path('june.tar')
    copyFileSync(made, copy)
    return copy
  }

  it('makes of one person too few and of two enough', async () => {
    const june = fresh()
    const state = await stage.site()
    const journal = readFileSync(join(state, 'journal.jsonl'))
    await assert.rejects(stage.verify(june, { state }), fault('APPROVAL_MISSING'))
    const out = stage.path('out')
    await assert.rejects(stage.import(june, `oci:${out}`, { state }), fault('APPROVAL_MISSING'))
    assert.ok(!existsSync(out))
    assert.deepEqual(readFileSync(join(state, 'journal.jsonl')), journal)
    const report = await stage.approve(june, 'bob')
    assert.deepEqual([report.added, report.signed, report.threshold, report.id], [true, 2, 2, id])
    const verdict = await stage.verify(june, { state })
    assert.deepEqual([verdict.id, verdict.approval.signers.length], [id, 2])
    assert.equal((await stage.import(june, `oci:${out}`, { state })).approval.signers.length, 2)
  })

  it('changes nothing but the slot of targets.json', async () => {
    const june = fresh()
    await stage.approve(june, 'bob')
    const [before, after] = [readFileSync(made), readFileSync(june)]
    assert.equal(after.length, before.length)
    const slot = members(made).find(({ name }) => name === `metadata/${CHANNEL}/targets.json`)
    assert.ok(slot)
    assert.ok(before.subarray(0, slot.bodyAt).equals(after.subarray(0, slot.bodyAt)))
    const end = slot.bodyAt + slot.size
    assert.ok(before.subarray(end).equals(after.subarray(end)))
    assert.ok(!before.subarray(slot.bodyAt, end).equals(after.subarray(slot.bodyAt, end)))
    assert.ok(!existsSync(`${june}.approving`))
  })

  it('counts a person once, and people in any order alike', async () => {
    const [june, other] = [fresh(), fresh()]
    const again = await stage.approve(june, 'alice')
    assert.deepEqual([again.added, again.signed], [false, 1])
    assert.ok(readFileSync(june).equals(readFileSync(made)))
    for (const person of ['bob', 'carol']) await stage.approve(june, person)
    for (const person of ['carol', 'bob']) await stage.approve(other, person)
    const { approvals } = await inspectBundle({ input: { file: june } })
    assert.deepEqual([approvals.signed.length, approvals.open.length, approvals.bad], [3, 0, 0])
    assert.deepEqual((await inspectBundle({ input: { file: other } })).approvals.signed.length, 3)
  })

  it('approves the bundle that was meant and no other', async () => {
    const june = fresh()
    const other = `sha256:${'0'.repeat(64)}`
    await assert.rejects(stage.approve(june, 'bob', { id: other }), advised('USAGE', june))
    assert.ok(readFileSync(june).equals(readFileSync(made)))
    assert.equal((await stage.approve(june, 'bob', { id })).added, true)
  })

  it("refuses a key that the channel's root gives no say: a root key, the host's, another channel's", async () => {
    const june = fresh()
    const stranger = await Stage.make()
    try {
      const keys = ['root-bob.pem', 'snapshot.pem', 'timestamp.pem'].map((name) => join(stage.keys, name))
      for (const key of [...keys, join(stranger.keys, 'alice.pem')])
        await assert.rejects(
          approveBundle({ bundle: june, key, passphrase: stage.passphrase, now: NOW }),
          advised('KEY_REFUSED', key),
          key,
        )
    } finally {
      stranger.close()
    }
    assert.ok(readFileSync(june).equals(readFileSync(made)))
  })

  it('refuses a wrong passphrase, a file that is no key, a pipe, and a file that is no bundle', async () => {
    const june = fresh()
    const key = join(stage.keys, 'bob.pem')
    const wrong = { bundle: june, key, passphrase: () => Promise.resolve(Buffer.from(`${PASSPHRASE}!`)) }
    await assert.rejects(approveBundle(wrong), fault('KEY_PASSPHRASE'))
    const common = { bundle: june, key, passphrase: stage.passphrase }
    await assert.rejects(approveBundle({ ...common, key: join(stage.keys, 'root.json') }), fault('KEY_MALFORMED'))
    await assert.rejects(approveBundle({ ...common, key: join(stage.keys, 'none.pem') }), fault('FILE_UNREADABLE'))
    await assert.rejects(approveBundle({ ...common, bundle: '-' }), fault('APPROVAL_STREAM'))
    await assert.rejects(approveBundle({ ...common, bundle: stage.path('none.tar') }), fault('FILE_UNREADABLE'))
    const text = stage.path('text.tar')
    writeFileSync(text, 'x'.repeat(2000))
    await assert.rejects(approveBundle({ ...common, bundle: text }), fault('TAR_HEADER'))
    assert.ok(readFileSync(june).equals(readFileSync(made)))
  })

  it('shows what is promised before the key is asked for: who then refuses has signed nothing', async () => {
    const june = fresh()
    const shown: PromisedReport[] = []
    const refusing = stage.approve(june, 'bob', {
      onPromised: (promised) => shown.push(promised),
      passphrase: () => {
        assert.deepEqual([shown[0]?.id, shown[0]?.signed, shown[0]?.threshold], [id, 1, 2])
        assert.deepEqual(shown[0]?.summary.audience, ['site-a'])
        return Promise.reject(new SallyportError('INTERRUPTED', { side: 'state' }))
      },
    })
    await assert.rejects(refusing, fault('INTERRUPTED'))
    assert.equal(shown.length, 1)
    assert.ok(readFileSync(june).equals(readFileSync(made)))
  })

  it('keeps the signature of a person who signed while this one typed the passphrase', async () => {
    const june = fresh()
    const report = await stage.approve(june, 'bob', {
      passphrase: async () => {
        await stage.approve(june, 'carol')
        return stage.passphrase()
      },
    })
    assert.deepEqual([report.added, report.signed], [true, 3])
    assert.equal((await inspectBundle({ input: { file: june } })).approvals.signed.length, 3)
  })

  it('refuses a bundle that took the place of the one that was shown, and writes nothing into it', async () => {
    const june = fresh()
    const other = stage.path('other.tar')
    await stage.export({ output: other, plan: planFor(`oci:${join(stage.dir, 'demo')}`), sequence: 900 })
    const bytes = readFileSync(other)
    const refused = stage.approve(june, 'bob', {
      passphrase: () => {
        renameSync(other, june)
        return stage.passphrase()
      },
    })
    await assert.rejects(refused, fault('BUNDLE_REPLACED'))
    assert.ok(readFileSync(june).equals(bytes))
    assert.deepEqual(
      readdirSync(dirname(june)).filter((name) => name.startsWith('.sallyport-lock') || name.endsWith('.approving')),
      [],
    )
  })

  it('signs once for all who sign at the same time', async () => {
    const june = fresh()
    const runs = await Promise.allSettled(['bob', 'carol'].map((person) => stage.approve(june, person)))
    for (const run of runs) if (run.status === 'rejected') assert.ok(fault('FOLDER_LOCKED')(run.reason))
    const done = runs.filter(({ status }) => status === 'fulfilled').length
    assert.ok(done > 0)
    assert.equal((await inspectBundle({ input: { file: june } })).approvals.signed.length, 1 + done)
  })

  it('completes a signature that a kill cut in two, or one whose intent was never whole', async () => {
    const june = fresh()
    const signed = fresh()
    await stage.approve(signed, 'bob')
    const slot = members(made).find(({ name }) => name === `metadata/${CHANNEL}/targets.json`)
    assert.ok(slot)
    const bytes = readFileSync(signed).subarray(slot.bodyAt, slot.bodyAt + slot.size)
    const intent = JSON.stringify({ at: slot.bodyAt, bytes: bytes.toString('base64') })
    const half = readFileSync(june)
    bytes.copy(half, slot.bodyAt, 0, 300)
    writeFileSync(june, half)
    writeFileSync(`${june}.approving`, intent)
    const report = await stage.approve(june, 'bob')
    assert.deepEqual([report.added, report.signed], [false, 2])
    assert.ok(readFileSync(june).equals(readFileSync(signed)))
    assert.ok(!existsSync(`${june}.approving`))

    const untouched = fresh()
    writeFileSync(`${untouched}.approving`, intent.slice(0, 200))
    assert.equal((await stage.approve(untouched, 'bob')).added, true)
    assert.ok(readFileSync(untouched).equals(readFileSync(signed)))
  })
})
