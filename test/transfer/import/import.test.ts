import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault } from '../../../src/errors/index.ts'
import { log, status } from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, NOW, planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

/** Entries of `index.json` without their order, which is that of the pushes. */
function withoutOrder(dir: string): object {
  const index = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as { manifests: object[] }
  const entries = index.manifests.map((entry) => JSON.stringify(entry)).sort()
  return { ...tree(dir), 'index.json': entries }
}

describe('transfer/import/import', () => {
  let stage: Stage
  let demoDir: string
  let demo: DemoLayout
  /** Sequence 1, the demo. */
  let first: string
  /** Sequence 2, the demo and the zoo. */
  let second: string
  /** Sequence 2 as well, the zoo alone: another bundle under a number that was given out. */
  let twin: string

  before(async () => {
    stage = await Stage.make()
    demoDir = join(stage.dir, 'demo')
    demo = await buildDemoLayout(demoDir)
    await buildZooLayout(join(stage.dir, 'zoo'))
    const both = planFor(`oci:${demoDir}`, `oci:${join(stage.dir, 'zoo')}`)
    first = stage.path('first.tar')
    second = stage.path('second.tar')
    twin = stage.path('twin.tar')
    await stage.export({ output: first, plan: planFor(`oci:${demoDir}`) })
    const fork = stage.forkKeys()
    await stage.export({ output: second, plan: both, now: hoursLater(1) })
    await stage.export({ output: twin, keys: fork, plan: planFor(`oci:${join(stage.dir, 'zoo')}`), now: hoursLater(1) })
  })

  after(() => stage?.close())

  const journal = (state: string): string => readFileSync(join(state, 'journal.jsonl'), 'utf8')

  it('brings the same from a pipe as from a file', async () => {
    const [fileOut, pipeOut] = [stage.path('file'), stage.path('pipe')]
    const now = hoursLater(1)
    const report = await stage.import(second, `oci:${fileOut}`, { state: await stage.site(), now })
    const state = await stage.site()
    await stage
      .piped(second, (input) => stage.import(input, `oci:${pipeOut}`, { state, now }))
      .then((other) => {
        assert.deepEqual(other.counts, report.counts)
        assert.deepEqual(other.tags.map(({ tag }) => tag).sort(), report.tags.map(({ tag }) => tag).sort())
      })
    assert.deepEqual(withoutOrder(pipeOut), withoutOrder(fileOut))
    const again = await stage.piped(second, (input) => stage.import(input, `oci:${pipeOut}`, { state, now }))
    assert.deepEqual([again.repeat, again.counts.blobsPushed, again.counts.manifestsPushed], [true, 0, 0])
    const verdict = await stage.piped(second, (input) => stage.verify('', { input, state, now }))
    assert.deepEqual([verdict.verdict, verdict.repeat], ['trusted', true])
  })

  it('writes nothing from a file whose last byte is wrong, and no tag from such a pipe', async () => {
    const bytes = readFileSync(first)
    const at = bytes.lastIndexOf(readFileSync(join(demoDir, 'blobs', ...demo.layer.digest.split(':'))))
    bytes[at + 9] = (bytes[at + 9] ?? 0) ^ 1
    const damaged = stage.path('damaged.tar')
    writeFileSync(damaged, bytes)
    const state = await stage.site()
    const before = journal(state)
    const out = stage.path('out')
    await assert.rejects(stage.import(damaged, `oci:${out}`, { state }), fault('DIGEST_MISMATCH'))
    assert.ok(!existsSync(out))
    assert.equal(journal(state), before)
    await assert.rejects(
      stage.piped(damaged, (input) => stage.import(input, `oci:${out}`, { state })),
      fault('DIGEST_MISMATCH'),
    )
    // Neither the tag of an image nor that of a signature, which was whole by then.
    assert.ok(!journal(state).includes('"kind":"tag-intent"'))
    const { manifests } = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')) as { manifests: object[] }
    assert.ok(!JSON.stringify(manifests).includes('.sig'))
    assert.equal((await stage.import(first, `oci:${out}`, { state })).repeat, true)
  })

  it('journals head, verdicts, start, tags and end, in this order', async () => {
    const state = await stage.site()
    const out = stage.path('out')
    await stage.import(first, `oci:${out}`, { state })
    const { rows } = await log({ state, now: NOW })
    assert.deepEqual(
      rows.map(({ kind, tag, phase }) => [kind, tag ?? phase].filter((part) => part !== undefined).join(' ')),
      [
        'journal',
        'init',
        'pin',
        'head',
        'verdict',
        'import start',
        `tag-intent ${demo.amd64.digest.replace(':', '-')}.sig`,
        `tag-done ${demo.amd64.digest.replace(':', '-')}.sig`,
        'held',
        'tag-intent 1.0',
        'tag-intent latest',
        'tag-done 1.0',
        'tag-done latest',
        'import done',
      ],
    )
    const of = async (ref: string) => (await log({ state, ref, now: NOW })).rows.map(({ kind }) => kind)
    // A layout has no host, so the registry's and the layout's repository of this path are both meant.
    assert.deepEqual(await of('registry.example/demo/app:1.0'), ['verdict', 'held', 'tag-intent', 'tag-done'])
    assert.deepEqual(await of('demo/app:2.0'), [])
    assert.ok((await of(demo.index.digest)).includes('tag-done'))
    const now = await status({ state, now: NOW })
    assert.deepEqual([now.site, now.floor, now.openTags], ['site-a', '2026-06-01T12:00:00Z', []])
    assert.deepEqual(
      now.bundles.map(({ channel, sequence, phase, target }) => [channel, sequence, phase, target]),
      [[CHANNEL, 1, 'done', `oci:${out}`]],
    )
    assert.deepEqual([now.channels[0]?.lastSequence, now.channels[0]?.fingerprint], [1, stage.fingerprint])
  })

  it('refuses what is older, and what is other under the same number; the next genuine bundle is accepted', async () => {
    const state = await stage.site()
    const out = stage.path('out')
    const run = { state, now: hoursLater(2) }
    await stage.import(second, `oci:${out}`, run)
    const before = [journal(state), tree(out)]
    for (const [bundle, code] of [
      [first, 'ROLLBACK'],
      [twin, 'EQUIVOCATION'],
    ] as const) {
      await assert.rejects(stage.import(bundle, `oci:${out}`, run), fault(code))
      await assert.rejects(stage.verify(bundle, run), fault(code))
      await assert.rejects(
        stage.piped(bundle, (input) => stage.import(input, `oci:${out}`, run)),
        fault(code),
      )
    }
    assert.deepEqual([journal(state), tree(out)], before)
    const third = stage.path('third.tar')
    await stage.export({ output: third, plan: planFor(`oci:${demoDir}:1.0`), now: hoursLater(2) })
    const report = await stage.import(third, `oci:${out}`, run)
    assert.deepEqual([report.sequence, report.repeat], [3, false])
    await assert.rejects(stage.import(second, `oci:${out}`, run), fault('ROLLBACK'))
  })

  it('refuses a bundle for another site, and is none the worse for it', async () => {
    const state = await stage.site('site-b')
    const before = journal(state)
    await assert.rejects(stage.import(second, `oci:${stage.path('out')}`, { state, now: hoursLater(1) }), (error) =>
      isFault(error, 'AUDIENCE_MISMATCH'),
    )
    assert.equal(journal(state), before)
    const ours = stage.path('ours.tar')
    const keys = stage.forkKeys()
    await stage.export({ output: ours, keys, plan: { ...planFor(`oci:${demoDir}`), audience: ['site-b'] } })
    assert.equal((await stage.import(ours, `oci:${stage.path('out')}`, { state })).repeat, false)
  })

  it('judges by its own time: too early, too late, and never before what it has seen', async () => {
    const state = await stage.site()
    const out = `oci:${stage.path('out')}`
    const at = (now: Date) => stage.import(second, out, { state, now })
    await assert.rejects(at(hoursLater(-24)), fault('CLOCK_BEHIND'))
    await assert.rejects(at(hoursLater(24 * 31)), fault('EXPIRED'))
    // The bundle was made an hour later than this clock says: it does not lock the site out until then.
    assert.equal((await at(hoursLater(0))).repeat, false)
    assert.equal((await at(hoursLater(0))).repeat, true)
    const third = stage.path('third.tar')
    await stage.export({ output: third, keys: stage.forkKeys(), plan: planFor(`oci:${demoDir}`), sequence: 9 })
    await stage.import(third, out, { state, now: hoursLater(3) })
    await assert.rejects(stage.import(third, out, { state, now: hoursLater(-1) }), fault('CLOCK_BEHIND'))
    assert.equal((await stage.import(third, out, { state, now: hoursLater(0) })).repeat, true)
  })

  it('refuses a channel that is not pinned, an empty state, and a stranger who took the name', async () => {
    const out = `oci:${stage.path('out')}`
    await assert.rejects(stage.import(first, out, { state: stage.path('none') }), fault('STATE_EMPTY'))
    const { stateInit, channelUnpin } = await import('../../../src/transfer/index.ts')
    const bare = stage.path('bare')
    await stateInit({ state: bare, site: 'site-a', reason: 'test', now: NOW })
    await assert.rejects(stage.import(first, out, { state: bare }), fault('CHANNEL_NOT_PINNED'))
    const stranger = await Stage.make()
    try {
      const theirs = stranger.path('theirs.tar')
      await stranger.export({ output: theirs, plan: planFor(`oci:${demoDir}`) })
      const state = await stage.site()
      await assert.rejects(stage.import(theirs, out, { state }), fault('ROOT_UNKNOWN'))
      await channelUnpin({ state, channel: CHANNEL, reason: 'test', now: NOW })
      await assert.rejects(stage.import(first, out, { state }), fault('CHANNEL_NOT_PINNED'))
    } finally {
      stranger.close()
    }
  })

  it('keeps the counters of a channel that is unpinned and pinned again', async () => {
    const { channelUnpin } = await import('../../../src/transfer/index.ts')
    const state = await stage.site()
    const run = { state, now: hoursLater(1) }
    await stage.import(second, `oci:${stage.path('out')}`, run)
    await channelUnpin({ state, channel: CHANNEL, reason: 'test', now: hoursLater(1) })
    await stage.pin(state, hoursLater(1))
    await assert.rejects(stage.verify(first, run), fault('ROLLBACK'))
  })

  it('lets one import run with a state at a time', async () => {
    const state = await stage.site()
    let other: Promise<unknown> | undefined
    const onEvent = (): void => {
      other ??= stage.import(first, `oci:${stage.path('other')}`, { state }).catch((error: unknown) => error)
    }
    await stage.import(first, `oci:${stage.path('out')}`, { state, onEvent })
    assert.ok(isFault(await other, 'STATE_LOCKED'), String(await other))
  })

  it('gives the state free when it is refused early', async () => {
    const state = await stage.site()
    for (const [run, code] of [
      [() => stage.import(stage.path('absent.tar'), 'oci:out', { state }), 'FILE_UNREADABLE'],
      [() => stage.import(first, 'no such/target', { state }), 'REFERENCE_INVALID'],
      [() => stage.import(first, '', { state }), 'REFERENCE_INVALID'],
    ] as const)
      await assert.rejects(run(), fault(code))
    await stage.import(first, `oci:${stage.path('out')}`, { state })
  })

  it('stops where it is told to, and completes when it is run again', async () => {
    const state = await stage.site()
    const out = stage.path('out')
    const stop = new AbortController()
    let blobs = 0
    const run = stage.import(second, `oci:${out}`, {
      state,
      now: hoursLater(1),
      concurrency: 1,
      signal: stop.signal,
      onEvent: ({ type }) => {
        if (type === 'blob' && ++blobs === 5) stop.abort()
      },
    })
    await assert.rejects(run, fault('INTERRUPTED'))
    assert.doesNotMatch(journal(state), /"phase":"done"/)
    const report = await stage.import(second, `oci:${out}`, { state, now: hoursLater(1) })
    assert.equal(report.repeat, true)
    assert.ok(report.counts.blobsPresent > 0)
    const whole = stage.path('whole')
    await stage.import(second, `oci:${whole}`, { state: await stage.site(), now: hoursLater(1) })
    assert.deepEqual(withoutOrder(out), withoutOrder(whole))
  })
})
