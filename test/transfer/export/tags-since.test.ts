import assert from 'node:assert/strict'
import type { PromiseFiles } from '../../../src/bundle/index.ts'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { tagsSince } from '../../../src/transfer/export/tags-since.ts'
import { digest } from '../../state/folder.ts'
import { planFor, Stage } from '../stage.ts'

type Bindings = Record<string, string>

function promised(repositories: Record<string, Bindings>): Pick<PromiseFiles, 'transfer'> {
  const listed = Object.entries(repositories).map(([name, bindings]) => ({ name, bindings }))
  return { transfer: { channel: 'vendor-a', repositories: listed } } as unknown as Pick<PromiseFiles, 'transfer'>
}

describe('transfer/export/tags-since', () => {
  const [one, two] = [digest('one'), digest('two')]

  it('names what moved, came and went, and not what stayed', () => {
    const earlier = promised({ 'r.x/app': { '1.0': one, '1.1': one, stays: one }, 'r.x/tools': { '2.0': two } })
    const now = promised({ 'r.x/app': { '1.0': two, stays: one, '1.2': two } })
    const { changed, count } = tagsSince(now, earlier)
    assert.deepEqual(
      changed.map(({ repository, tag, old, new: named }) => [`${repository}:${tag}`, old, named]),
      [
        ['r.x/app:1.0', one, two],
        ['r.x/app:1.1', one, null],
        ['r.x/app:1.2', null, two],
        ['r.x/tools:2.0', two, null],
      ],
    )
    assert.equal(count, 4)
    assert.deepEqual(tagsSince(now, now), { changed: [], count: 0 })
  })

  it('leaves lists and denials to those that compare what they say', () => {
    const lists = 'local/sallyport/revocation/vendor-a'
    assert.equal(tagsSince(promised({ [lists]: { 'list-1': one } }), promised({ [lists]: { 'list-1': two } })).count, 0)
  })

  it('counts all, and names a thousand', () => {
    const many = Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`t${at}`, one]))
    const { changed, count } = tagsSince(promised({ 'r.x/app': many }), promised({}))
    assert.deepEqual([changed.length, count], [1000, 1500])
  })

  it('is told to whoever approves, before the key is opened', async () => {
    const stage = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    try {
      const demo = stage.path('demo')
      await buildDemoLayout(demo)
      const [june, july] = [stage.path('june.tar'), stage.path('july.tar')]
      await stage.export({ output: june, plan: planFor(`oci:${demo}:1.0`) })
      await stage.export({ output: july, plan: planFor(`oci:${demo}:latest`) })
      const { tags } = await stage.approve(july, 'bob', { since: june })
      assert.deepEqual(
        tags?.changed.map(({ tag, old, new: named }) => [tag, old === null, named === null]),
        [
          ['1.0', false, true],
          ['latest', true, false],
        ],
      )
      assert.equal((await stage.approve(june, 'bob')).tags, null)
    } finally {
      stage.close()
    }
  })
})
