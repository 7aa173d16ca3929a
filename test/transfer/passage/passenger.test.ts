/** Bundles of other channels ride in one of content: packed whole, judged alone (FORMAT 13). */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { carrying, denied, denying, informed } from '../../../bundles/vectors/accept-passenger.ts'
import { duo, impostorOffice, office, solo, type Channel } from '../../../bundles/vectors/channels.ts'
import { oneImage } from '../../../bundles/vectors/goods.ts'
import { pack, type Packed } from '../../../bundles/vectors/pack.ts'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { fileInput, layOut, type BundleLayout } from '../../../src/bundle/index.ts'
import { encodeBlobHeader } from '../../../src/bundle/layout.ts'
import { held, joined, memberParts } from '../../../src/bundle/member-body.ts'
import { openLayout } from '../../../src/content/index.ts'
import { isFault, SallyportError, type Code } from '../../../src/errors/index.ts'
import type { Digest } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
import { channelPin, inspectBundle } from '../../../src/transfer/index.ts'
import { passengerExit } from '../../../src/transfer/passage/passenger-report.ts'
import { passNearDoor, type Passage } from '../../../src/transfer/passage/passage.ts'
import { readCargo } from '../../../src/transfer/export/passenger-cargo.ts'
import { provePayload } from '../../../src/transfer/passage/payload.ts'
import { CHANNEL, NOW, planFor, Stage, tree, type StageExport } from '../stage.ts'

const LATE = '2026-05-01T00:00:00Z'

const fault =
  (code: Code, subject = '') =>
  (error: unknown): boolean =>
    isFault(error, code) && (error as { subject?: string }).subject?.includes(subject) === true

/** The bytes of a layout whose blobs are these. */
function encode(layout: BundleLayout, blobs: ReadonlyMap<Digest, Buffer>): Buffer {
  const tar = Buffer.alloc(layout.size)
  for (const { at, name, body } of layout.ready) joined(memberParts(name, body)).copy(tar, at)
  for (const { descriptor, headerAt, offset } of layout.blobs) {
    encodeBlobHeader(descriptor).copy(tar, headerAt)
    blobs.get(descriptor.digest)?.copy(tar, offset)
  }
  return tar
}

describe('transfer/passage/passenger', function () {
  this.timeout(60_000)
  let stage: Stage
  let demo: string
  const files = new Map<Packed, string>()

  before(async () => {
    stage = await Stage.make()
    demo = stage.path('demo')
    await buildDemoLayout(demo)
  })
  after(() => stage?.close())

  function fileOf(packed: Packed, bytes = packed.tar): string {
    const known = files.get(packed)
    if (known !== undefined && bytes === packed.tar) return known
    const file = stage.path('passenger.tar')
    writeFileSync(file, bytes)
    if (bytes === packed.tar) files.set(packed, file)
    return file
  }

  const five = denied()
  const chains = informed()

  async function exported(passengers: readonly string[], more: StageExport = {}): Promise<string> {
    const output = stage.path('june.tar')
    await stage.export({ keys: stage.forkKeys(), plan: planFor(`oci:${demo}`), passengers, output, ...more })
    return output
  }

  async function pin(state: string, channel: Channel = office): Promise<void> {
    const root = stage.path('root.json')
    writeFileSync(root, channel.roots[0] ?? '')
    const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
    await channelPin({ state, now: NOW, channel: channel.name, purpose: channel.purpose, root, fingerprint })
  }

  async function lastOf(state: string, channel: string): Promise<number | undefined> {
    const opened = await State.open(state, { now: NOW, write: false })
    try {
      return opened.channel(channel)?.last?.sequence
    } finally {
      await opened.close()
    }
  }

  async function lies(target: string, reference: string): Promise<boolean> {
    const [repository = '', tag = ''] = reference.split(':')
    const layout = await openLayout(target, 'target')
    try {
      if (!layout.repositories().includes(repository)) return false
      return (await layout.source(repository).resolve(tag)) !== undefined
    } finally {
      layout.close()
    }
  }

  async function passageOf(bundle: string): Promise<Passage> {
    const rootBytes = readFileSync(join(stage.keys, 'root.json'))
    const input = fileInput(bundle)
    try {
      const counters = { timestamp: 0, snapshot: 0, targets: 0 }
      const trusted = { rootBytes, version: 1, counters }
      const officeRoot = office.roots[0] ?? Buffer.alloc(0)
      const passage = await passNearDoor(input, {
        now: NOW,
        site: 'site-a',
        findPinned: (channel) =>
          channel === CHANNEL
            ? { channel, purpose: 'content', trusted }
            : { channel, purpose: office.purpose, trusted: { ...trusted, rootBytes: officeRoot } },
      })
      await provePayload(input, passage, {})
      return passage
    } finally {
      await input.close()
    }
  }

  describe('an export', () => {
    it('gives equal bytes for equal input, in a file and in a pipe', async () => {
      const passengers = [fileOf(five), fileOf(chains)]
      const bytes = readFileSync(await exported(passengers))
      assert.ok(readFileSync(await exported(passengers.toReversed())).equals(bytes))
      const chunks: Buffer[] = []
      const write = async (part: Uint8Array): Promise<void> => void chunks.push(Buffer.from(part))
      const plan = planFor(`oci:${demo}`)
      const report = await stage.export({ keys: stage.forkKeys(), plan, passengers, output: { write } })
      assert.ok(Buffer.concat(chunks).equals(bytes))
      assert.deepEqual(report.passengers, [
        { channel: 'office', sequence: 5, id: five.id },
        { channel: 'stores', sequence: 3, id: chains.id },
      ])
    })

    it('takes passengers of the plan as those of the option, and beside them', async () => {
      const bytes = readFileSync(await exported([fileOf(five), fileOf(chains)]))
      const of = (...passengers: string[]): StageExport => ({ plan: { ...planFor(`oci:${demo}`), passengers } })
      assert.ok(readFileSync(await exported([fileOf(five)], of(fileOf(chains)))).equals(bytes))
      assert.ok(readFileSync(await exported([], of(fileOf(five), fileOf(chains)))).equals(bytes))
      await refused('USAGE', [fileOf(five)], of(fileOf(five)))
      await refused('FILE_UNREADABLE', [], of(stage.path('none.tar')))
    })

    it('carries each whole: its own bundle comes out of it again, byte for byte', async () => {
      const bundle = await exported([fileOf(five)])
      const { passengers, payload, law } = await passageOf(bundle)
      const bytes = readFileSync(bundle)
      const blobs = new Map(law)
      for (const { descriptor, offset } of payload)
        blobs.set(descriptor.digest, bytes.subarray(offset, offset + descriptor.size))
      const [riding] = passengers
      assert.ok(riding !== undefined)
      const head = { ...riding.head, roots: [...riding.head.roots.values()] }
      const files = new Map([...riding.files.bytes].map(([name, own]) => [name, held(own)]))
      const out = encode(layOut(head, files, riding.census.content), blobs)
      assert.ok(out.equals(five.tar))
    })

    it('gives the bytes of a file behind an approved head', async () => {
      const keys = stage.forkKeys()
      const plan = planFor(`oci:${demo}`)
      const common = { keys, plan, passengers: [fileOf(five)] }
      const head = stage.path('june.head')
      await stage.export({ ...common, output: head, headOnly: true })
      const chunks: Buffer[] = []
      const write = async (part: Uint8Array): Promise<void> => void chunks.push(Buffer.from(part))
      await stage.export({ ...common, output: { write }, approved: head })
      assert.ok(Buffer.concat(chunks).equals(readFileSync(await exported([fileOf(five)]))))
      const approved = { ...common, output: { write }, approved: head }
      await assert.rejects(stage.export({ ...approved, passengers: [] }), fault('HEAD_MISMATCH'))
    })

    it('goes on with a stopped one only when the same rides along', async () => {
      const keys = stage.forkKeys()
      const output = stage.path('stopped.tar')
      const run = { keys, plan: planFor(`oci:${demo}`), output }
      const stop = new AbortController()
      const onEvent = (): void => stop.abort()
      const broken = stage.export({ ...run, passengers: [fileOf(five)], signal: stop.signal, onEvent, concurrency: 1 })
      await broken.then(
        () => undefined,
        (error: unknown) => assert.ok(isFault(error, 'INTERRUPTED')),
      )
      if (existsSync(`${output}.part.json`))
        await assert.rejects(stage.export({ ...run, passengers: [fileOf(denied(6))] }), fault('EXPORT_CHANGED'))
      if (!existsSync(output)) await stage.export({ ...run, passengers: [fileOf(five)] })
      assert.ok(readFileSync(output).equals(readFileSync(await exported([fileOf(five)]))))
    })

    async function refused(code: Code, passengers: readonly string[], more: StageExport = {}): Promise<void> {
      const keys = more.keys ?? stage.forkKeys()
      const before = tree(keys)
      const output = stage.path('never.tar')
      const run = stage.export({ plan: planFor(`oci:${demo}`), ...more, keys, passengers, output })
      await assert.rejects(run, fault(code))
      assert.deepEqual(tree(keys), before)
      assert.ok(!existsSync(output) && !existsSync(`${output}.part`))
    }

    it('refuses what is no bundle that may ride along, and books nothing', async () => {
      await refused('PURPOSE_MISMATCH', [fileOf(pack(solo, 1, oneImage()))])
      await refused('PURPOSE_MISMATCH', [fileOf(pack(office, 5, oneImage()))])
      await refused('PURPOSE_MISMATCH', [fileOf(carrying(1, [five]))])
      await refused('USAGE', [fileOf(five), fileOf(denied(6))])
      await refused(
        'LIMIT_EXCEEDED',
        Array.from({ length: 17 }, () => fileOf(five)),
      )
      await refused('AUDIENCE_MISMATCH', [fileOf(five)], {
        plan: { ...planFor(`oci:${demo}`), audience: ['site-a', 'site-b'] },
      })
      await refused('EXPIRED', [fileOf(denied(5, 'late', { head: { expires: LATE }, terms: { validUntil: LATE } }))])
      await refused('CLOCK_BEHIND', [fileOf(denied(5, 'early', { terms: { created: '2900-01-01T00:00:00Z' } }))])
      const people = { ...office, keys: { ...office.keys, targets: duo.keys.targets } }
      await refused('SIGNATURE_INVALID', [
        fileOf(denied(5, 'unsigned', { head: { signers: { targets: people.keys.targets } } })),
      ])
      await refused('FILE_UNREADABLE', [stage.path('nothing.tar')])
    })

    it('refuses one with any of its bytes damaged, or cut', async () => {
      const file = stage.path('damaged.tar')
      for (let at = 0; at < five.tar.length; at += 173) {
        const bytes = Buffer.from(five.tar)
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
        writeFileSync(file, bytes)
        const run = readCargo([file], { audience: ['site-a'], channel: CHANNEL, now: NOW })
        await assert.rejects(run, (error) => error instanceof SallyportError && error.subject === file, `byte ${at}`)
      }
      for (const length of [0, 511, 5000, five.tar.length - 1024, five.tar.length - 1])
        await assert.rejects(exported([fileOf(five, five.tar.subarray(0, length))]), fault('TAR_TRUNCATED'))
    })
  })

  describe('an import', () => {
    const denials = 'local/sallyport/revocation/office:denials'

    it('takes it with the content, and its head stands for itself from then on', async () => {
      for (const way of ['file', 'pipe'] as const) {
        const state = await stage.site()
        await pin(state)
        const target = stage.path('target')
        const bundle = await exported([fileOf(five)])
        const run = (input: { fd: number } | { file: string }): ReturnType<Stage['import']> =>
          stage.import(input, `oci:${target}`, { state })
        const report = await (way === 'file' ? run({ file: bundle }) : stage.piped(bundle, run))
        assert.deepEqual(
          report.passengers.map(({ channel, purpose, outcome }) => [channel, purpose, outcome]),
          [['office', 'revocation', 'accepted']],
        )
        assert.equal(passengerExit(report.passengers), 0)
        assert.equal(await lastOf(state, 'office'), 5)
        assert.ok(await lies(target, denials))
        // What rode along once is no news by itself, and an older one is refused like any.
        const alone = await stage.import(fileOf(five), `oci:${target}`, { state })
        assert.ok(alone.repeat)
        await assert.rejects(stage.import(fileOf(denied(4)), `oci:${target}`, { state }), fault('ROLLBACK'))
        const again = await run({ file: bundle })
        assert.deepEqual([again.repeat, again.passengers[0]?.outcome, again.counts.blobsPushed], [true, 'repeat', 0])
      }
    })

    it('takes the content beside one that is older or not pinned, with a note', async () => {
      const state = await stage.site()
      const bundle = await exported([fileOf(denied(4)), fileOf(chains)])
      const target = stage.path('target')
      await pin(state)
      await stage.import(fileOf(five), `oci:${target}`, { state })
      const { passengers, tags } = await stage.import(bundle, `oci:${stage.path('target')}`, { state })
      assert.deepEqual(
        passengers.map(({ channel, outcome, code }) => [channel, outcome, code]),
        [
          ['office', 'skipped', 'ROLLBACK'],
          ['stores', 'skipped', 'CHANNEL_NOT_PINNED'],
        ],
      )
      assert.ok(tags.length > 0 && tags.every(({ repository }) => !repository.includes('sallyport')))
      assert.equal(passengerExit(passengers), 0)
      assert.equal(await lastOf(state, 'office'), 5)
    })

    it('takes the content beside one that it refuses, uses nothing of that, and says so by its status', async () => {
      const elsewhere = denied(6, 'for others', { terms: { audience: ['site-b'], previous: { 'site-b': null } } })
      const stolen = pack(impostorOffice, 6, denying(impostorOffice, 'all of it'))
      const cases: [Packed, Code, number][] = [
        [stolen, 'ROOT_UNKNOWN', 13],
        [elsewhere, 'AUDIENCE_MISMATCH', 13],
        [denied(6, 'late', { head: { expires: LATE }, terms: { validUntil: LATE } }), 'EXPIRED', 15],
        [denied(6, 'unsigned', { head: { signers: { targets: duo.keys.targets } } }), 'SIGNATURE_INVALID', 12],
      ]
      for (const [packed, code, exit] of cases) {
        const state = await stage.site()
        await pin(state)
        await pin(state, solo)
        const target = stage.path('target')
        const { passengers, tags } = await stage.import(fileOf(carrying(8, [packed])), `oci:${target}`, { state })
        assert.deepEqual(
          passengers.map(({ outcome, code: why }) => [outcome, why]),
          [['refused', code]],
        )
        assert.equal(passengerExit(passengers), exit)
        assert.deepEqual(
          tags.map(({ tag }) => tag),
          ['1.0'],
        )
        assert.equal(await lies(target, denials), false)
        assert.equal(await lastOf(state, 'office'), undefined)
      }
    })

    it('refuses all of a bundle when the office says two things under one number', async () => {
      const state = await stage.site()
      await pin(state)
      const target = stage.path('target')
      await stage.import(fileOf(five), `oci:${target}`, { state })
      const before = [tree(target), readFileSync(join(state, 'journal.jsonl'), 'utf8')]
      const bundle = await exported([fileOf(denied(5, 'told to somebody else'))])
      await assert.rejects(stage.import(bundle, `oci:${target}`, { state }), fault('EQUIVOCATION', 'office'))
      assert.deepEqual([tree(target), readFileSync(join(state, 'journal.jsonl'), 'utf8')], before)
    })

    it('writes nothing on a dry run', async () => {
      const state = await stage.site()
      await pin(state)
      const bundle = await exported([fileOf(five)])
      const before = readFileSync(join(state, 'journal.jsonl'), 'utf8')
      const { passengers } = await stage.import(bundle, `oci:${stage.path('none')}`, { state, dryRun: true })
      assert.equal(passengers[0]?.outcome, 'accepted')
      assert.equal(readFileSync(join(state, 'journal.jsonl'), 'utf8'), before)
    })
  })

  it('is shown by verify as judged, by inspect and approve as claimed', async () => {
    const bundle = await exported([fileOf(five)])
    const state = await stage.site()
    assert.equal((await stage.verify(bundle, { state })).passengers[0]?.code, 'CHANNEL_NOT_PINNED')
    await pin(state)
    const { passengers } = await stage.verify(bundle, { state })
    assert.deepEqual([passengers[0]?.outcome, passengers[0]?.purpose], ['accepted', 'revocation'])
    const claims = await inspectBundle({ input: { file: bundle } })
    assert.deepEqual(claims.passengers, [{ channel: 'office', sequence: 5, id: five.id }])
    const { summary } = await stage.approve(bundle, 'alice')
    assert.deepEqual(summary.passengers, claims.passengers)
  })
})
