/** What a repeat of a stopped export must share with it, what it may change, and what it takes from the record. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { SallyportError } from '../../src/errors/index.ts'
import { hoursLater, NOW, planFor, Stage, tree, type StageExport } from '../transfer/stage.ts'
import { fault } from '../fault.ts'

describe('review: a stopped export', () => {
  let stage: Stage
  let demoDir: string
  let demo: DemoLayout
  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob'], threshold: 1, kind: 'ed25519' })
    demoDir = stage.path('demo')
    demo = await buildDemoLayout(demoDir)
  })
  after(() => stage?.close())

  /** Stops once all is promised and nothing is fetched. */
  async function stop(output: string, options: StageExport): Promise<void> {
    const onEvent = ({ type }: { type: string }): void => {
      if (type === 'total') throw new SallyportError('INTERRUPTED', { side: 'state' })
    }
    await assert.rejects(stage.export({ ...options, output, onEvent }), fault('INTERRUPTED'))
    assert.ok(existsSync(`${output}.part.json`))
  }

  const plan = (more: object = {}): NonNullable<StageExport['plan']> => ({ ...planFor(`oci:${demoDir}`), ...more })

  const INPUTS: Record<string, () => StageExport> = {
    'other references': () => ({ plan: planFor(`oci:${demoDir}:1.0`) }),
    'fewer referrers': () => ({ plan: { artifacts: [{ ref: `oci:${demoDir}`, referrers: 'none' }] } }),
    'a platform': () => ({
      plan: { artifacts: [{ ref: `oci:${demoDir}`, referrers: 'all', platforms: ['linux/amd64'] }] },
    }),
    'another audience': () => ({ plan: plan({ audience: ['site-b'] }) }),
    'a further site': () => ({ plan: plan({ audience: ['site-a', 'site-b'] }) }),
    'another mapping': () => ({ plan: plan({ map: [{ from: 'registry.example/demo/app', to: 'else' }] }) }),
    'another person': () => ({ holder: 'bob' }),
    'another validity': () => ({ validDays: 31 }),
    'another time': () => ({ created: hoursLater(1) }),
    'another number': () => ({ sequence: 9 }),
    'the head alone': () => ({ headOnly: true }),
  }
  for (const [what, change] of Object.entries(INPUTS))
    it(`is not gone on with for ${what}, and stays as it is`, async () => {
      const keys = stage.forkKeys()
      const output = stage.path('june.tar')
      await stop(output, { keys, plan: plan() })
      const record = readFileSync(`${output}.part.json`)
      const before = tree(keys)
      await assert.rejects(stage.export({ keys, plan: plan(), ...change(), output }), fault('EXPORT_CHANGED'))
      assert.deepEqual(tree(keys), before)
      assert.ok(readFileSync(`${output}.part.json`).equals(record))
      const { sequence, created } = await stage.export({ keys, plan: plan(), output, now: hoursLater(1) })
      assert.deepEqual([sequence, created], [1, '2026-06-01T12:00:00Z'])
    })

  it('is gone on with whatever the hour, the number of requests and the spelling of its path', async () => {
    const keys = stage.forkKeys()
    const output = stage.path('june.tar')
    await stop(output, { keys, plan: plan({ audience: ['site-b', 'site-a'] }) })
    const same = { keys, plan: plan({ audience: ['site-b', 'site-a'] }), concurrency: 1, now: hoursLater(9) }
    const report = await stage.export({ ...same, output: join(output, '..', '.', output.slice(stage.dir.length + 1)) })
    assert.deepEqual([report.sequence, report.created], [1, '2026-06-01T12:00:00Z'])
  })

  it('keeps the digests that its tags were bound to, each of them, and nothing else of the record', async () => {
    const keys = stage.forkKeys()
    const output = stage.path('june.tar')
    await stop(output, { keys, plan: plan() })
    const { resolved, ...rest } = JSON.parse(readFileSync(`${output}.part.json`, 'utf8')) as {
      resolved: Record<string, { digest: string }>
    }
    const { mediaType, digest, size } = demo.index
    const bound = (tag: string): [string, object] => [`${demo.repository}:${tag}`, { mediaType, digest, size }]
    assert.deepEqual(resolved, Object.fromEntries([bound('1.0'), bound('latest')]))
    assert.deepEqual(Object.keys(rest).sort(), ['created', 'format', 'id', 'inputs', 'removed', 'sequence'])
    const { repositories } = await stage.export({ keys, plan: plan(), output })
    assert.deepEqual(repositories[0]?.tags, { '1.0': digest, latest: digest })
  })

  it('binds all tags anew when the source has other tags by then, under a number of its own', async () => {
    const layout = stage.path('layout')
    cpSync(demoDir, layout, { recursive: true })
    const keys = stage.forkKeys()
    const output = stage.path('june.tar')
    const all: StageExport = { keys, plan: planFor(`oci:${layout}`) }
    await stop(output, all)
    const file = join(layout, 'index.json')
    const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: Record<string, unknown>[] }
    const name = (tag: string): object => ({ 'org.opencontainers.image.ref.name': `${demo.repository}:${tag}` })
    const { mediaType, digest, size } = demo.amd64
    for (const entry of index.manifests)
      if (JSON.stringify(entry).includes(`${demo.repository}:latest"`))
        Object.assign(entry, { mediaType, digest, size })
    index.manifests.push({ mediaType, digest, size, annotations: name('3.0') })
    writeFileSync(file, JSON.stringify(index))
    const report = await stage.export({ ...all, output })
    assert.deepEqual(report.repositories[0]?.tags, { '1.0': demo.index.digest, '3.0': digest, latest: digest })
    assert.deepEqual([report.sequence, report.resumed, report.moved], [2, false, []])
  })

  it('to a pipe leaves no record, and repeated with its number and time gives the same bytes from the start', async () => {
    const keys = stage.forkKeys()
    const fixed = { keys, plan: plan(), sequence: 7, created: NOW }
    const chunks: Buffer[] = []
    let room = 12
    const write = async (bytes: Uint8Array): Promise<void> => {
      if (room-- === 0) throw new RangeError('the diode is dark')
      chunks.push(Buffer.from(bytes))
    }
    const before = Object.keys(tree(stage.dir)).filter((path) => path.includes('.part'))
    await assert.rejects(stage.export({ ...fixed, output: { write } }), RangeError)
    assert.deepEqual(
      Object.keys(tree(stage.dir)).filter((path) => path.includes('.part')),
      before,
    )
    const begun = Buffer.concat(chunks.splice(0))
    assert.ok(begun.length > 0)
    // Whatever is not that bundle may not have its number.
    for (const other of [{ plan: planFor(`oci:${demoDir}:1.0`) }, { validDays: 31 }, { created: hoursLater(1) }])
      await assert.rejects(stage.export({ ...fixed, ...other, output: { write } }), fault('USAGE'))
    assert.equal(chunks.length, 0)
    room = Infinity
    const report = await stage.export({ ...fixed, output: { write }, now: hoursLater(3) })
    assert.equal(report.sequence, 7)
    assert.ok(Buffer.concat(chunks).subarray(0, begun.length).equals(begun))
    assert.equal(Buffer.concat(chunks).length, report.size)
  })
})
