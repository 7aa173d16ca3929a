import assert from 'node:assert/strict'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import type { Source } from '../../../src/content/index.ts'
import { inspectBundle, type ExportOptions, type RunEvent } from '../../../src/transfer/index.ts'
import type { ExportLog } from '../../../src/transfer/channel/export-log.ts'
import { removedTags } from '../../../src/transfer/export/removed-tags.ts'
import type { GatheredRepository } from '../../../src/transfer/place/gather.ts'
import { fault } from '../../fault.ts'
import { retag } from '../retag.ts'
import { planFor, Stage, type StageExport } from '../stage.ts'

describe('transfer/export/removed-tags', () => {
  let stage: Stage
  let layout: string
  let keys: string

  beforeEach(async () => {
    stage = await Stage.make()
    keys = stage.keys
    layout = stage.path('layout')
    await buildDemoLayout(layout)
    retag(layout, ['1.0', '1.1', 'latest'])
  })

  afterEach(() => stage?.close())

  const exported = async (
    more: StageExport = {},
    ...sites: string[]
  ): Promise<{ output: string; removed: string[] }> => {
    const output = stage.path('out.tar')
    const audience = sites.length === 0 ? ['site-a'] : sites
    const plan = { ...planFor(`oci:${layout}`), audience }
    const { repositories } = await stage.export({ output, keys, plan, ...more })
    return { output, removed: repositories.flatMap(({ removed }) => removed) }
  }

  it('names what its source has no more, in every further bundle, until it is there again', async () => {
    assert.deepEqual((await exported()).removed, [])
    retag(layout, ['latest', '2.0'])
    const { output, removed } = await exported()
    assert.deepEqual(removed, ['1.0', '1.1'])
    const { repositories } = await inspectBundle({ input: { file: output } })
    assert.deepEqual(
      repositories.map((repository) => repository.removed),
      [removed],
    )
    assert.equal((await stage.verify(output, { state: await stage.site() })).verdict, 'trusted')
    retag(layout, ['latest', '1.1'])
    assert.deepEqual((await exported()).removed, ['1.0', '2.0'])
  })

  it('names nothing that is only not asked for', async () => {
    await exported()
    const plan = { artifacts: [{ ref: `oci:${layout}`, tags: ['latest'], referrers: 'all' as const }] }
    assert.deepEqual((await exported({ plan })).removed, [])
  })

  it('tells no site of a tag that another had alone', async () => {
    await exported({}, 'site-a')
    retag(layout, ['latest'])
    assert.deepEqual((await exported({}, 'site-b')).removed, [])
    assert.deepEqual((await exported({}, 'site-a', 'site-b')).removed, ['1.0', '1.1'])
  })

  it('counts no dry run, and no head that was not followed by its bundle', async () => {
    await exported({ dryRun: true })
    await exported({ headOnly: true })
    retag(layout, ['latest'])
    assert.deepEqual((await exported()).removed, [])
  })

  it('goes on with what a stopped run found, whatever has gone since', async () => {
    await exported()
    retag(layout, ['latest', '1.1'])
    const output = stage.path('stopped.tar')
    const stop = new AbortController()
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'blob') stop.abort()
    }
    const options = { output, keys, plan: { ...planFor(`oci:${layout}:latest`), audience: ['site-a'] } }
    await assert.rejects(
      stage.export({ ...options, concurrency: 1, signal: stop.signal, onEvent }),
      fault('INTERRUPTED'),
    )
    retag(layout, ['latest'])
    const report = await stage.export(options)
    assert.ok(report.resumed)
    assert.deepEqual(report.repositories[0]?.removed, ['1.0'])
  })

  it('streams behind an approved head what it promised, whatever has gone since', async () => {
    await exported()
    retag(layout, ['latest', '1.1'])
    const plan = { ...planFor(`oci:${layout}:latest`), audience: ['site-a'] }
    const head = stage.path('head.tar')
    await stage.export({ output: head, keys, plan, headOnly: true })
    retag(layout, ['latest'])
    const output: ExportOptions['output'] = { write: async () => {} }
    const report = await stage.export({ output, keys, plan, approved: head })
    assert.deepEqual(report.repositories[0]?.removed, ['1.0'])
  })

  it('asks for each tag where the source gives out no list', async () => {
    const asked: string[] = []
    const source: Partial<Source> = {
      repository: 'r.io/app',
      tagSet: async () => undefined,
      resolve: async (tag) => {
        asked.push(tag)
        return tag === '1.0' ? undefined : { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1 }
      },
    }
    const log: Pick<ExportLog, 'tagsBrought'> = { tagsBrought: () => new Set(['1.0', '1.1', 'latest']) }
    const bindings = new Map([['latest', { mediaType: 'x', digest: `sha256:${'0'.repeat(64)}`, size: 1 }]])
    const repository = { source, bindings } as unknown as GatheredRepository
    const terms = { audience: ['site-a'], sequence: 2 }
    assert.deepEqual(await removedTags([repository], log as ExportLog, terms, { concurrency: 1 }), {
      'r.io/app': ['1.0'],
    })
    assert.deepEqual(asked, ['1.0', '1.1'])
  })
})
