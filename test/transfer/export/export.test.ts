import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault, type Code } from '../../../src/errors/index.ts'
import { channelInit, inspectBundle, parsePlan, type Plan, type RunEvent } from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, NOW, planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/export/export', () => {
  let stage: Stage
  let demoDir: string
  let demo: DemoLayout

  before(async () => {
    stage = await Stage.make()
    demoDir = join(stage.dir, 'demo')
    demo = await buildDemoLayout(demoDir)
  })

  after(() => stage?.close())

  /** A run that is told to stop after so many blobs; one request at a time, so that it stops just there. */
  async function interrupted(output: string, keys: string, layout: string, blobs: number): Promise<void> {
    const stop = new AbortController()
    let count = 0
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'blob' && ++count === blobs) stop.abort()
    }
    const run = { output, keys, plan: planFor(`oci:${layout}`), concurrency: 1, signal: stop.signal, onEvent }
    await assert.rejects(stage.export(run), fault('INTERRUPTED'))
    assert.equal(count, blobs)
    assert.ok(existsSync(`${output}.part`) && !existsSync(output))
  }

  const of = (...platforms: string[]): Pick<Plan, 'artifacts'> => ({
    artifacts: [{ ref: `oci:${demoDir}`, referrers: 'all', platforms }],
  })

  it('gives equal bytes for equal input, to a file and to a pipe', async () => {
    const fixed = { plan: planFor(`oci:${demoDir}`), created: NOW, sequence: 7 }
    const files = [stage.path('a.tar'), stage.path('b.tar')]
    for (const [i, output] of files.entries())
      await stage.export({ ...fixed, output, keys: stage.forkKeys(), concurrency: 1 + 7 * i, now: hoursLater(i) })
    const chunks: Buffer[] = []
    const write = async (bytes: Uint8Array): Promise<void> => void chunks.push(Buffer.from(bytes))
    const report = await stage.export({ ...fixed, output: { write }, keys: stage.forkKeys() })
    assert.equal(report.output, '-')
    const [first, second] = files.map((file) => readFileSync(file))
    assert.ok(first !== undefined && second !== undefined)
    assert.ok(first.equals(second))
    assert.ok(first.equals(Buffer.concat(chunks)))
    assert.equal(first.length, report.size)
  })

  it('makes no folder for its output, where a stick may not be mounted, and takes no number', async () => {
    const keys = stage.forkKeys()
    const output = join(stage.path('media'), 'stick', 'june.tar')
    const run = { output, keys, plan: planFor(`oci:${demoDir}`) }
    const before = tree(keys)
    for (const dryRun of [true, false]) await assert.rejects(stage.export({ ...run, dryRun }), fault('OUTPUT_FAILED'))
    assert.ok(!existsSync(join(output, '../..')))
    assert.deepEqual(tree(keys), before)
  })

  it('goes on after an interrupt, brings only what is missing, and ends with the same bytes', async () => {
    const layout = stage.path('layout')
    cpSync(demoDir, layout, { recursive: true })
    const output = stage.path('june.tar')
    const keys = stage.forkKeys()
    await interrupted(output, keys, layout, 4)
    const claimed = readFileSync(`${output}.part.log`, 'latin1').trim().split('\n')
    assert.equal(claimed.length, 4)
    // What was brought is not asked for again: the source need not have it any more.
    for (const line of claimed) rmSync(join(layout, 'blobs', ...(line.split(' ')[0] ?? '').split(':')))
    const report = await stage.export({ output, keys, plan: planFor(`oci:${layout}`), now: hoursLater(5) })
    assert.equal(report.resumed, true)
    assert.equal(report.created, '2026-06-01T12:00:00Z')
    assert.equal(report.sequence, 1)
    for (const left of ['.part', '.part.json', '.part.log']) assert.ok(!existsSync(output + left), left)

    const whole = stage.path('whole.tar')
    await stage.export({ output: whole, keys: stage.forkKeys(), plan: planFor(`oci:${demoDir}`), created: NOW })
    assert.ok(readFileSync(output).equals(readFileSync(whole)))
  })

  it('brings a blob anew when what a stopped run left of it is damaged', async () => {
    const output = stage.path('june.tar')
    const keys = stage.forkKeys()
    await interrupted(output, keys, demoDir, 11)
    const part = readFileSync(`${output}.part`)
    const layer = readFileSync(join(demoDir, 'blobs', ...demo.layer.digest.split(':')))
    const at = part.indexOf(layer)
    assert.ok(at > 0)
    part[at + 5] = (part[at + 5] ?? 0) ^ 1
    writeFileSync(`${output}.part`, part)
    await stage.export({ output, keys, plan: planFor(`oci:${demoDir}`) })
    assert.equal((await stage.verify(output, { state: await stage.site() })).verdict, 'trusted')
  })

  it('keeps a tag where it was resolved, and names one that moved', async () => {
    const layout = stage.path('layout')
    cpSync(demoDir, layout, { recursive: true })
    const output = stage.path('june.tar')
    const keys = stage.forkKeys()
    await interrupted(output, keys, layout, 2)
    const index = readFileSync(join(layout, 'index.json'), 'utf8')
    const entry = `{"mediaType":"${demo.index.mediaType}","digest":"${demo.index.digest}","size":${demo.index.size}`
    const moved = `{"mediaType":"${demo.amd64.mediaType}","digest":"${demo.amd64.digest}","size":${demo.amd64.size}`
    assert.ok(index.indexOf(entry) < index.indexOf(`${demo.repository}:1.0`))
    writeFileSync(join(layout, 'index.json'), index.replace(entry, moved))
    const report = await stage.export({ output, keys, plan: planFor(`oci:${layout}`) })
    assert.deepEqual(report.repositories[0]?.tags, { '1.0': demo.index.digest, latest: demo.index.digest })
    assert.deepEqual(report.moved, [`${demo.repository}:1.0`])
  })

  it('refuses to go on with another plan, and begins anew when the part is taken away', async () => {
    const output = stage.path('june.tar')
    const keys = stage.forkKeys()
    await interrupted(output, keys, demoDir, 2)
    const before = tree(keys)
    const other = { output, keys, plan: planFor(`oci:${demoDir}:1.0`) }
    await assert.rejects(stage.export(other), fault('EXPORT_CHANGED'))
    assert.deepEqual(tree(keys), before)
    for (const left of ['.part', '.part.json', '.part.log']) rmSync(output + left)
    const report = await stage.export(other)
    // The number of the bundle that never was is not given out again.
    assert.deepEqual([report.resumed, report.sequence], [false, 2])
  })

  it('stops before it has begun when it is told so', async () => {
    const output = stage.path('never.tar')
    const run = { output, keys: stage.forkKeys(), plan: planFor(`oci:${demoDir}`), signal: AbortSignal.abort() }
    await assert.rejects(stage.export(run), fault('INTERRUPTED'))
    assert.ok(!existsSync(output))
  })

  it('never writes over a file', async () => {
    const output = stage.path('mine.txt')
    writeFileSync(output, 'mine')
    const keys = stage.forkKeys()
    await assert.rejects(stage.export({ output, keys, plan: planFor(`oci:${demoDir}`) }), fault('OUTPUT_EXISTS'))
    assert.equal(readFileSync(output, 'utf8'), 'mine')
    assert.deepEqual(tree(keys), tree(stage.keys))
  })

  it('counts the bundles of a channel, and names the one before to each site', async () => {
    const keys = stage.forkKeys()
    const made = []
    for (const audience of [['site-a'], ['site-b'], ['site-b', 'site-a']]) {
      const output = stage.path('counted.tar')
      const plan = { ...planFor(`oci:${demoDir}:1.0`), audience }
      made.push({ file: output, ...(await stage.export({ output, keys, plan, created: NOW })) })
    }
    assert.deepEqual(
      made.map(({ sequence }) => sequence),
      [1, 2, 3],
    )
    const { previous, audience } = await inspectBundle({ input: { file: made[2]?.file ?? '' } })
    assert.deepEqual(audience, ['site-a', 'site-b'])
    assert.deepEqual(previous, {
      'site-a': { sequence: 1, id: made[0]?.id },
      'site-b': { sequence: 2, id: made[1]?.id },
    })
    const again = { output: stage.path('low.tar'), keys, plan: planFor(`oci:${demoDir}`), sequence: 3 }
    await assert.rejects(stage.export(again), fault('USAGE'))
    assert.equal((await stage.export({ ...again, sequence: 9 })).sequence, 9)
  })

  it('lets one export of a channel run at a time', async () => {
    const keys = stage.forkKeys()
    let second: unknown
    const onEvent = ({ type }: RunEvent): void => {
      if (type !== 'total') return
      second = stage
        .export({ output: stage.path('second.tar'), keys, plan: planFor(`oci:${demoDir}`) })
        .catch((error: unknown) => error)
    }
    // Slow enough for the second one to begin meanwhile.
    const write = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))
    await stage.export({ output: { write }, keys, plan: planFor(`oci:${demoDir}`), onEvent })
    assert.ok(isFault(await second, 'STATE_LOCKED'), String(await second))
  })

  it('passes on that an output takes no more, and leaves the channel free', async () => {
    const keys = stage.forkKeys()
    const write = (): Promise<void> => Promise.reject(new RangeError('the diode is dark'))
    await assert.rejects(stage.export({ output: { write }, keys, plan: planFor(`oci:${demoDir}`) }), RangeError)
    const report = await stage.export({ output: stage.path('next.tar'), keys, plan: planFor(`oci:${demoDir}`) })
    assert.equal(report.sequence, 2)
  })

  const REFUSED: Record<string, [Code, (keys: string) => Parameters<Stage['export']>[0]]> = {
    'a passphrase that opens no key': [
      'KEY_PASSPHRASE',
      (keys) => ({ output: '', keys, passphrase: () => Promise.resolve(Buffer.from('wrong')) }),
    ],
    'a person without a key': ['KEY_MISSING', (keys) => ({ output: '', keys, holder: 'mallory' })],
    'a folder that holds no channel': ['KEY_MISSING', () => ({ output: '', keys: stage.dir })],
    'a plan for another channel': ['CHANNEL_MISMATCH', (keys) => ({ output: '', keys, plan: { channel: 'other' } })],
    'a plan for nobody': ['USAGE', (keys) => ({ output: '', keys, plan: { audience: undefined } })],
    'a site that can be none': ['USAGE', (keys) => ({ output: '', keys, plan: { audience: ['Site A'] } })],
    'a layout that is not there': [
      'FILE_UNREADABLE',
      (keys) => ({ output: '', keys, plan: planFor(`oci:${join(stage.dir, 'nowhere')}`) }),
    ],
    'a tag that is not there': [
      'MANIFEST_MISSING',
      (keys) => ({ output: '', keys, plan: planFor(`oci:${demoDir}:9`) }),
    ],
    'a signature tag by itself': [
      'REFERENCE_INVALID',
      (keys) => ({ output: '', keys, plan: planFor(`registry.example/a:sha256-${'0'.repeat(64)}.sig`) }),
    ],
    'a reference with characters that act on a terminal': [
      'REFERENCE_INVALID',
      (keys) => ({ output: '', keys, plan: planFor('registry.example/\u001b[2J:1') }),
    ],
    'a reference that follows no grammar': [
      'REFERENCE_INVALID',
      (keys) => ({ output: '', keys, plan: planFor('registry.example/UPPER:1') }),
    ],
    'platforms of which an artifact has none': [
      'MANIFEST_MISSING',
      (keys) => ({ output: '', keys, plan: of('linux/amd46', 'linux/arm') }),
    ],
    'a mapping that is for nothing in the bundle': [
      'MAP_INVALID',
      (keys) => ({ output: '', keys, plan: { map: [{ from: 'registry.example/dem', to: 'mirror' }] } }),
    ],
  }

  it('names line and column of what a plan says that does not fit', async () => {
    const keys = stage.forkKeys()
    const text = (channel: string, from: string): string =>
      `channel: ${channel}\nmap:\n  - { from: ${demo.repository}, to: a }\n  - from: ${from}\n    to: b\nartifacts:\n  - ref: oci:${demoDir}\n`
    for (const [plan, code, at] of [
      [text('other', demo.repository), 'CHANNEL_MISMATCH', '1:10'],
      [text(CHANNEL, 'registry.example/dem'), 'MAP_INVALID', '4:11'],
    ] as const) {
      const { map, ...read } = await parsePlan(plan, 'plan.yaml')
      // As with `--map`: those of the command line stand in front.
      const more = [{ from: 'registry.example', to: 'c' }, ...map]
      const run = stage.export({ output: stage.path('no.tar'), keys, plan: { ...read, map: more } })
      await assert.rejects(run, fault(code, `plan.yaml:${at}`))
    }
    const idle = { map: [{ from: 'registry.example/dem', to: 'b' }], ...planFor(`oci:${demoDir}`) }
    const run = stage.export({ output: stage.path('no.tar'), keys, plan: idle })
    await assert.rejects(run, fault('MAP_INVALID', 'registry.example/dem=b'))
  })

  it('looks at a channel in a dry run without a trace, even while another run writes', async () => {
    const keys = stage.forkKeys()
    const before = tree(keys)
    const output = stage.path('dry.tar')
    const dry = { output, keys, plan: planFor(`oci:${demoDir}`), dryRun: true }
    assert.equal((await stage.export(dry)).sequence, 1)
    assert.deepEqual(tree(keys), before)
    let meanwhile: Promise<unknown> | undefined
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'total') meanwhile = stage.export(dry).then(({ sequence }) => sequence)
    }
    await stage.export({ output: stage.path('wet.tar'), keys, plan: planFor(`oci:${demoDir}`), onEvent })
    assert.equal(await meanwhile, 2)
  })

  for (const [what, [code, options]] of Object.entries(REFUSED)) {
    it(`refuses ${what}, and writes nothing`, async () => {
      const keys = stage.forkKeys()
      // The empty journal of the channel is made by whoever first may write.
      await stage.export({ output: stage.path('first.tar'), keys, plan: planFor(`oci:${demoDir}:1.0`) })
      const before = tree(keys)
      const output = stage.path('refused.tar')
      const given = options(keys)
      const plan = { ...planFor(`oci:${demoDir}`), ...given.plan }
      await assert.rejects(stage.export({ ...given, output, plan }), fault(code))
      assert.ok(!existsSync(output) && !existsSync(`${output}.part`))
      assert.deepEqual(tree(keys), before)
    })
  }

  it('names what an index has when it has none of the platforms', async () => {
    const run = stage.export({ output: stage.path('refused.tar'), keys: stage.forkKeys(), plan: of('linux/amd46') })
    await assert.rejects(run, (error) => {
      assert.ok(isFault(error, 'MANIFEST_MISSING'))
      assert.match(error.subject ?? '', new RegExp(`^${demo.repository}:`))
      return /linux\/amd46.*linux\/amd64, linux\/arm64/.test(error.message)
    })
  })

  it('notes a platform that is not there beside one that is', async () => {
    const notes: string[] = []
    const onEvent = (event: RunEvent): void => void (event.type === 'note' && notes.push(event.text))
    const output = stage.path('some.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: of('linux/amd64', 'linux/s390x'), onEvent })
    const about = notes.filter((text) => text.includes('linux/s390x'))
    assert.deepEqual([about.length, about[0]?.includes(`${demo.repository}:1.0`)], [1, true], notes.join('; '))
    assert.ok(!notes.some((text) => text.includes('linux/amd64')))
  })

  it('signs with P-384 keys as with Ed25519 ones', async () => {
    const p384 = await Stage.make({ people: ['ann'], threshold: 1, kind: 'p384' })
    try {
      const output = p384.path('june.tar')
      const run = { plan: planFor(`oci:${demoDir}`), created: NOW, sequence: 1 }
      const fork = p384.forkKeys()
      const report = await p384.export({ ...run, output })
      assert.deepEqual([report.signedBy, report.approvalsMissing], ['ann', 0])
      assert.equal((await p384.verify(output, { state: await p384.site() })).verdict, 'trusted')
      const again = p384.path('again.tar')
      await p384.export({ ...run, output: again, keys: fork })
      assert.ok(readFileSync(output).equals(readFileSync(again)))
    } finally {
      p384.close()
    }
  })

  it('makes no channel over another, and none whose people cannot sign', async () => {
    const init = { channel: 'x', purpose: 'content' as const, kind: 'ed25519' as const, rootDays: 1, now: NOW }
    const initWith = (more: object) =>
      channelInit({ ...init, dir: stage.path('k'), people: ['a'], threshold: 1, passphrase: stage.passphrase, ...more })
    await assert.rejects(initWith({ dir: stage.keys }), fault('KEY_EXISTS'))
    for (const more of [
      { threshold: 2 },
      { threshold: 0 },
      { people: ['a', 'a'] },
      { people: ['snapshot'] },
      { people: ['../up'] },
      { channel: 'Not A Channel' },
    ])
      await assert.rejects(initWith(more), fault('USAGE'), JSON.stringify(more))
  })
})
