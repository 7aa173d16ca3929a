import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { MemoryRepository } from '../../../src/content/index.ts'
import type { Selection } from '../../../src/transfer/place/sources.ts'
import { blob, image as imageIn, repository } from '../../review/source-world.ts'
import { isFault } from '../../../src/errors/index.ts'
import { OCI_INDEX, type Descriptor } from '../../../src/oci/index.ts'
import { parsePlan } from '../../../src/index.ts'
import { gather, type GatheredRepository } from '../../../src/transfer/place/gather.ts'
import { Sources } from '../../../src/transfer/place/sources.ts'
import { index, manifest, piece, randomBlob, type Piece } from '../../contract/content.ts'
import { errors, Opened, QUICK, scripted, type Answering } from '../../registry/scripted.ts'

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const image = manifest(randomBlob(10))
const listing = (...manifests: Descriptor[]): Piece =>
  piece(OCI_INDEX, JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
const config = piece('application/vnd.buildkit.cacheconfig.v0', '{}').descriptor
const layer = { ...randomBlob(11).descriptor, mediaType: LAYER }
/** As `docker buildx build --cache-to type=registry` writes it. */
const CACHE = listing(layer, config)
const LARGE = listing({ ...layer, size: 5 * 1024 * 1024 }, config)

function entry(source: MemoryRepository, of: Partial<Selection>): Selection {
  return { source, tags: [], digests: [], complete: false, choice: { referrers: 'all' }, ...of }
}

describe('transfer/place/gather', () => {
  const opened = new Opened()
  afterEach(() => opened.close())

  /** What an export of these tags takes, out of `1.0` and more. */
  async function taken(tags: Record<string, Piece>, tagPattern = '*'): Promise<GatheredRepository[]> {
    const give = ({ descriptor, bytes }: Piece): Answering => ({
      headers: { 'content-type': descriptor.mediaType },
      body: bytes,
    })
    const there = { '1.0': image, ...tags }
    const fake = await opened.add(
      scripted({
        'GET /v2/a/b/tags/list': {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ tags: Object.keys(there) }),
        },
        'GET /v2/a/b/manifests/*': { status: 404, body: errors('MANIFEST_UNKNOWN') },
        ...Object.fromEntries(
          Object.entries(there).flatMap(([tag, of]) =>
            [tag, of.descriptor.digest].map((name) => [`GET /v2/a/b/manifests/${name}`, give(of)]),
          ),
        ),
      }),
    )
    const sources = await opened.add(new Sources({ plainHttp: true, retries: 1, timing: QUICK }))
    const plan = await parsePlan(JSON.stringify({ artifacts: [{ ref: `${fake.host}/a/b`, tagPattern }] }), 'plan')
    return gather(await sources.select(plan, 'plan'), { map: [], concurrency: 4 })
  }

  for (const [what, cache] of [
    ['of layers', CACHE],
    ['of layers over the cap of manifests', LARGE],
  ] as const)
    it(`names the tag of an index ${what}, and takes the others where a pattern leaves it out`, async () => {
      await assert.rejects(
        taken({ buildcache: cache }),
        (error) => isFault(error, 'INDEX_OF_BLOBS') && error.subject?.endsWith('/a/b:buildcache') === true,
      )
      const [repository] = await taken({ buildcache: cache }, '!(buildcache)')
      assert.deepEqual([...(repository?.bindings.keys() ?? [])], ['1.0'])
    })

  it('names the index within an index that lists layers', async () => {
    const nested = index(CACHE)
    await assert.rejects(
      taken({ nested, cache: CACHE }, 'nested'),
      (error) => isFault(error, 'INDEX_OF_BLOBS') && error.subject?.endsWith(`@${CACHE.descriptor.digest}`) === true,
    )
  })

  it('goes on saying of a child that should be a manifest that it is absent', async () => {
    const absent = index(manifest(randomBlob(12)))
    await assert.rejects(taken({ absent }), (error) => isFault(error, 'MANIFEST_MISSING'))
  })

  it('resolves a tag that several entries name once, and carries one tree for it', async () => {
    const source = repository()
    const [first, second] = [await imageIn(source, [blob(source, 'one')]), await imageIn(source, [blob(source, 'two')])]
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
