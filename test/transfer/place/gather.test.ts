import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { MemoryRepository } from '../../../src/content/index.ts'
import { gather } from '../../../src/transfer/place/gather.ts'
import type { Selection } from '../../../src/transfer/place/sources.ts'
import { blob, image, repository } from '../../review/source-world.ts'

function entry(source: MemoryRepository, of: Partial<Selection>): Selection {
  return { source, tags: [], digests: [], complete: false, choice: { referrers: 'all' }, ...of }
}

describe('transfer/place/gather', () => {
  it('resolves a tag that several entries name once, and carries one tree for it', async () => {
    const source = repository()
    const [first, second] = [await image(source, [blob(source, 'one')]), await image(source, [blob(source, 'two')])]
    await source.tag('1.0', first)
    const asked: string[] = []
    const ask = source.resolve.bind(source)
    source.resolve = async (tagOrDigest) => {
      asked.push(tagOrDigest)
      const found = await ask(tagOrDigest)
      await source.tag('1.0', second)
      await pause(5)
      return found
    }
    const twice = [entry(source, { tags: ['1.0'] }), entry(source, { tags: ['1.0'], digests: [first.digest] })]
    const [gathered] = await gather([...twice, ...twice], { map: [], concurrency: 4 })
    assert.deepEqual(asked.sort(), ['1.0', first.digest].sort())
    assert.deepEqual([...(gathered?.graph.nodes.keys() ?? [])], [first.digest])
    assert.equal(gathered?.bindings.get('1.0')?.digest, first.digest)
  })
})
