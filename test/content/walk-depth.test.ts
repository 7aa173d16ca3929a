/** Chains built to exhaust the walk (CVE-2023-33957): real graphs are 3 or 4 deep, and 16 levels are followed. */
import assert from 'node:assert/strict'
import { Graph, MemoryPlace, Walk, type Source } from '../../src/content/index.ts'
import { isFault } from '../../src/errors/index.ts'
import type { Descriptor, Digest } from '../../src/oci/index.ts'
import { index, manifest, randomBlob, type Piece } from '../contract/content.ts'

const LEVELS = 16

const walk = async (source: Source, root: Descriptor): Promise<Graph> => {
  const graph = new Graph(source.repository)
  await new Walk(source, graph, (task) => task()).artifact(root, { referrers: 'all' })
  return graph
}

const tooDeep = (error: unknown): boolean => isFault(error, 'GRAPH_TOO_DEEP') && error.side === 'source'

/** A source that makes up one more manifest whenever it is asked what hangs on one. */
function endless(hangs: 'referrers' | 'tags'): { source: Source; root: Descriptor; made: () => number } {
  const given = new Map<Digest, Piece>()
  const make = (more: { subject?: Descriptor } = {}): Descriptor => {
    const one = manifest(randomBlob(8), { ...more, artifactType: 'application/vnd.example.link' })
    given.set(one.descriptor.digest, one)
    return one.descriptor
  }
  const root = make()
  const source = {
    repository: 'endless',
    tagSet: () => Promise.resolve(undefined),
    resolve: (tag: string) => Promise.resolve(hangs === 'tags' && tag.endsWith('.sig') ? make() : undefined),
    referrers: (digest: Digest) => {
      const subject = given.get(digest)?.descriptor
      return Promise.resolve(hangs === 'referrers' && subject !== undefined ? [make({ subject })] : [])
    },
    manifest: ({ digest }: Descriptor) => Promise.resolve(given.get(digest)?.bytes ?? assert.fail(digest)),
  } as unknown as Source
  return { source, root, made: () => given.size }
}

describe('content/walk-depth', () => {
  /** A chain of so many indexes over one image. */
  async function nested(count: number): Promise<{ source: Source; root: Descriptor }> {
    const source = new MemoryPlace('h.example', 'source').repository('deep')
    let top = manifest(randomBlob(9))
    await source.pushManifest(top.descriptor, top.bytes)
    for (let i = 0; i < count; i++) {
      top = index(top)
      await source.pushManifest(top.descriptor, top.bytes)
    }
    return { source, root: top.descriptor }
  }

  it('follows as many levels as are followed, and refuses one more', async () => {
    const { source, root } = await nested(LEVELS)
    assert.equal((await walk(source, root)).nodes.size, LEVELS + 1)
    for (const count of [LEVELS + 1, 100]) {
      const deep = await nested(count)
      await assert.rejects(walk(deep.source, deep.root), tooDeep)
    }
  })

  for (const hangs of ['referrers', 'tags'] as const)
    it(`ends at an endless chain of ${hangs}`, async () => {
      const { source, root, made } = endless(hangs)
      await assert.rejects(walk(source, root), tooDeep)
      assert.ok(made() > LEVELS && made() < LEVELS + 5, `${made()}`)
    })

  it('counts levels from the root, however a manifest is reached', async () => {
    const { source, root } = await nested(LEVELS)
    const place = source as ReturnType<MemoryPlace['repository']>
    const lowest = [...(await walk(source, root)).nodes.values()].at(-1)?.descriptor ?? assert.fail()
    const odd = manifest(randomBlob(9), { subject: lowest, artifactType: 'application/vnd.example.link' })
    await place.pushManifest(odd.descriptor, odd.bytes)
    await assert.rejects(walk(source, root), tooDeep)
    assert.equal((await walk(source, lowest)).nodes.size, 2)
  })
})
