/** People approve the head before any payload is fetched; then the rest is streamed (design §3). */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { exitOf, isFault, type Code } from '../../../src/errors/index.ts'
import { verifyBundle, type ExportReport } from '../../../src/transfer/index.ts'
import { hoursLater, NOW, planFor, Stage, tree, type StageExport } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/export/approved-head', () => {
  let stage: Stage
  let demoDir: string
  let demo: DemoLayout
  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob', 'carol'], threshold: 2, kind: 'ed25519' })
    demoDir = stage.path('demo')
    demo = await buildDemoLayout(demoDir)
  })
  after(() => stage?.close())

  const common = (keys: string, layout = demoDir): StageExport => ({ keys, plan: planFor(`oci:${layout}`) })

  async function headIn(keys: string, more: StageExport = {}): Promise<{ head: string; report: ExportReport }> {
    const head = stage.path('june.head')
    return { head, report: await stage.export({ ...common(keys), ...more, output: head, headOnly: true }) }
  }

  async function streamed(options: StageExport): Promise<{ bytes: Buffer; report: ExportReport }> {
    const chunks: Buffer[] = []
    const write = async (bytes: Uint8Array): Promise<void> => void chunks.push(Buffer.from(bytes))
    const report = await stage.export({ ...options, output: { write } })
    return { bytes: Buffer.concat(chunks), report }
  }

  /** Refused, with no byte written and nothing booked. */
  async function refused(code: Code, options: StageExport & { keys: string }): Promise<void> {
    const before = readFileSync(join(options.keys, 'journal.jsonl'))
    let written = 0
    const write = async (): Promise<void> => void written++
    await assert.rejects(stage.export({ ...options, output: { write } }), fault(code))
    assert.equal(written, 0)
    assert.ok(readFileSync(join(options.keys, 'journal.jsonl')).equals(before))
  }

  it('refuses to stream what nobody could approve any more, before anything is asked or counted', async () => {
    const keys = stage.forkKeys()
    const before = tree(keys)
    let written = 0
    const write = async (): Promise<void> => void written++
    const run = stage.export({ ...common(keys, '/nonexistent'), output: { write } })
    await assert.rejects(run, (error) => isFault(error, 'APPROVAL_MISSING') && exitOf(error) === 18)
    assert.equal(written, 0)
    assert.deepEqual(tree(keys), before)
    const looked = await stage.export({ ...common(keys), output: { write }, dryRun: true })
    assert.equal(looked.approvalsMissing, 1)
  })

  it('is told from a damaged bundle when somebody verifies or imports it, from a file and from a pipe', async () => {
    const { head } = await headIn(stage.forkKeys())
    await stage.approve(head, 'bob')
    const state = await stage.site()
    const isHead = (error: unknown): boolean => isFault(error, 'TAR_TRUNCATED') && /--approved/.test(error.remedy)
    await assert.rejects(stage.verify(head, { state }), isHead)
    await assert.rejects(stage.import(head, `oci:${stage.path('from-head')}`, { state }), isHead)
    await assert.rejects(
      stage.piped(head, (input) => verifyBundle({ input, state, now: NOW })),
      isHead,
    )
    assert.ok(!existsSync(stage.path('from-head')))
  })

  it('gives the bytes of a file that was approved', async () => {
    const keys = stage.forkKeys()
    const { head, report } = await headIn(keys)
    assert.deepEqual([report.sequence, report.approvalsMissing, report.size], [1, 1, readFileSync(head).length])
    assert.ok(!existsSync(`${head}.part`) && !existsSync(`${head}.part.json`))
    assert.equal((await stage.approve(head, 'bob', { id: report.id })).signed, 2)
    const stream = await streamed({ ...common(keys), approved: head, now: hoursLater(5) })
    assert.deepEqual([stream.report.id, stream.report.sequence, stream.report.approvalsMissing], [report.id, 1, 0])

    const file = stage.path('june.tar')
    await stage.export({ ...common(stage.forkKeys()), output: file, created: NOW })
    await stage.approve(file, 'bob')
    const bytes = readFileSync(file)
    assert.ok(stream.bytes.equals(bytes))
    // The head is where the bundle begins, with an end mark.
    const written = readFileSync(head)
    assert.ok(written.length < bytes.length)
    assert.ok(bytes.subarray(0, written.length - 1024).equals(written.subarray(0, -1024)))
    const out = stage.path('out.tar')
    writeFileSync(out, stream.bytes)
    assert.equal((await stage.verify(out, { state: await stage.site() })).verdict, 'trusted')
  })

  it('fetches no payload for a head, and resolves no tag anew behind it', async () => {
    const layout = stage.path('layout')
    cpSync(demoDir, layout, { recursive: true })
    const layer = join(layout, 'blobs', demo.layer.digest.replace(':', '/'))
    rmSync(layer)
    const keys = stage.forkKeys()
    const { head, report } = await headIn(keys, common(keys, layout))
    await stage.approve(head, 'carol')
    cpSync(join(demoDir, 'blobs', demo.layer.digest.replace(':', '/')), layer)
    const index = readFileSync(join(layout, 'index.json'), 'utf8')
    const told = ({ mediaType, digest, size }: typeof demo.index): string =>
      `{"mediaType":"${mediaType}","digest":"${digest}","size":${size}`
    assert.ok(index.includes(told(demo.index)))
    writeFileSync(join(layout, 'index.json'), index.replace(told(demo.index), told(demo.amd64)))
    const { report: after } = await streamed({ ...common(keys, layout), approved: head })
    assert.equal(after.id, report.id)
    assert.deepEqual(after.repositories, report.repositories)
    assert.equal(after.moved?.length, 1)
  })

  it('streams the same again, whatever was sent since', async () => {
    const keys = stage.forkKeys()
    const first = await headIn(keys)
    await stage.approve(first.head, 'bob')
    await streamed({ ...common(keys), approved: first.head })
    const second = await headIn(keys, { now: hoursLater(1) })
    await stage.approve(second.head, 'bob')
    const once = await streamed({ ...common(keys), approved: second.head })
    const again = await streamed({ ...common(keys), approved: second.head, now: hoursLater(9) })
    assert.ok(once.bytes.equals(again.bytes))
    assert.deepEqual([first.report.sequence, second.report.sequence], [1, 2])
  })

  it('refuses a head that too few have signed, or that one has signed badly', async () => {
    const keys = stage.forkKeys()
    const { head } = await headIn(keys)
    await refused('APPROVAL_MISSING', { ...common(keys), keys, approved: head })
    await stage.approve(head, 'bob')
    const bytes = readFileSync(head)
    const at = bytes.lastIndexOf('"sig":"') + 7
    assert.ok(at > 7)
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30
    writeFileSync(head, bytes)
    await refused('SIGNATURE_INVALID', { ...common(keys), keys, approved: head })
  })

  it('refuses a head of another plan, of another number or time, and of keys that never made it', async () => {
    const keys = stage.forkKeys()
    const { head } = await headIn(keys)
    await stage.approve(head, 'bob')
    const given = { ...common(keys), keys, approved: head }
    await refused('HEAD_MISMATCH', { ...given, plan: planFor(`oci:${demoDir}:1.0`) })
    await refused('HEAD_MISMATCH', { ...given, validDays: 31 })
    await refused('HEAD_MISMATCH', { ...given, plan: { ...given.plan, audience: ['site-b'] } })
    await refused('HEAD_MISMATCH', { ...given, sequence: 2 })
    await refused('HEAD_MISMATCH', { ...given, created: hoursLater(1) })
    // Keys that leaked made it elsewhere: the channel's own log gave the number to no such bundle.
    const fork = stage.forkKeys()
    const stolen = await headIn(fork, { created: hoursLater(2) })
    await stage.approve(stolen.head, 'bob')
    await refused('HEAD_MISMATCH', { ...given, approved: stolen.head })
    const stranger = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    try {
      const theirs = stage.path('theirs.head')
      await stranger.export({ plan: planFor(`oci:${demoDir}`), output: theirs, headOnly: true })
      // Equal names and content give an equal id; the keys are others.
      await refused('SIGNATURE_INVALID', { ...given, approved: theirs })
    } finally {
      stranger.close()
    }
    assert.equal((await streamed(given)).report.sequence, 1)
  })

  it('refuses every bit that differs in the head of an approved file, and every cut', async () => {
    const keys = stage.forkKeys()
    const { head } = await headIn(keys)
    await stage.approve(head, 'bob')
    const whole = readFileSync(head)
    const bent = stage.path('bent.head')
    const step = Math.floor(whole.length / 20)
    const tries = [...Array.from({ length: 20 }, (_, i) => i * step + (i % 8)), whole.length - 1000, whole.length - 1]
    for (const at of tries) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(bent, bytes)
      await assert.rejects(streamed({ ...common(keys), approved: bent }), (error) => exitOf(error) > 1, String(at))
      writeFileSync(bent, whole.subarray(0, at))
      await assert.rejects(streamed({ ...common(keys), approved: bent }), (error) => exitOf(error) > 1, `cut ${at}`)
    }
  })

  it('is no bundle: the far side refuses it', async () => {
    const keys = stage.forkKeys()
    const { head } = await headIn(keys)
    await stage.approve(head, 'bob')
    const state = await stage.site()
    await assert.rejects(stage.verify(head, { state }), (error) => exitOf(error) === 10)
    await assert.rejects(stage.import(head, `oci:${stage.path('out')}`, { state }), (error) => exitOf(error) === 10)
  })

  it('wants a file for the head, and a stream behind it', async () => {
    const keys = stage.forkKeys()
    const { head } = await headIn(keys)
    const write = (): Promise<void> => Promise.resolve()
    await assert.rejects(stage.export({ ...common(keys), output: { write }, headOnly: true }), fault('USAGE'))
    await assert.rejects(stage.export({ ...common(keys), output: stage.path('x'), approved: head }), fault('USAGE'))
  })
})
