/** Lists that come in pages: tags and referrers. */
import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import { fallbackTag, OCI_INDEX, OCI_MANIFEST, type Digest } from '../../src/oci/index.ts'
import { digests, index, manifest, randomBlob } from '../contract/content.ts'
import { clientOf, errors, Opened, scripted, type Answering, type Reply, type Scripted } from './scripted.ts'

const image = manifest(randomBlob(10))
const subject = image.descriptor.digest
const [one, two, three] = ['one', 'two', 'three'].map((name) =>
  manifest(randomBlob(20), { subject: image.descriptor, artifactType: `application/vnd.example.${name}` }),
) as [typeof image, typeof image, typeof image]
const TAGS = 'GET /v2/a/b/tags/list'
const API = `GET /v2/a/b/referrers/${subject}`
const FALLBACK = `GET /v2/a/b/manifests/${fallbackTag(subject)}`

function page(tags: unknown, link?: string): Answering {
  const headers = { 'content-type': 'application/json', ...(link === undefined ? {} : { link }) }
  return { headers, body: JSON.stringify({ name: 'a/b', tags }) }
}

function listing(...of: (typeof image)[]): Answering {
  return { headers: { 'content-type': OCI_INDEX }, body: index(...of).bytes }
}

describe('registry/list', () => {
  const opened = new Opened()
  let fake: Scripted

  afterEach(() => opened.close())

  const sourceOf = async (script: Record<string, Reply | Reply[]>) => {
    fake = await opened.add(scripted(script))
    return (await opened.add(clientOf('source', { retries: 1 }))).source(fake.host, 'a/b')
  }

  describe('tags', () => {
    it('follows pages and asks once', async () => {
      const pages = [page(['b', 'c'], '</v2/a/b/tags/list?last=c>; rel="next"'), page(['a'])]
      const source = await sourceOf({ [TAGS]: pages })
      assert.deepEqual(await source.tags(), ['a', 'b', 'c'])
      assert.deepEqual(await source.tags(), ['a', 'b', 'c'])
      assert.deepEqual(
        fake.asked.map(({ url }) => url),
        ['/v2/a/b/tags/list?n=1000', '/v2/a/b/tags/list?last=c'],
      )
    })

    it('takes an empty list, also as null', async () => {
      for (const tags of [[], null, undefined])
        assert.deepEqual(await (await sourceOf({ [TAGS]: page(tags) })).tags(), [])
    })

    it('rejects what is no list of tags', async () => {
      for (const reply of [
        page('x'),
        page([5]),
        page(['../../x']),
        page(['a\u001b[2J']),
        { headers: { 'content-type': 'text/html' }, body: '<html></html>' },
        { headers: { 'content-type': 'application/json' }, body: '<html></html>' },
        { headers: { 'content-type': 'application/json' }, body: '{"tags":["a"],"tags":["b"]}' },
        { headers: { 'content-type': 'application/json' }, body: '[]' },
      ])
        await assert.rejects((await sourceOf({ [TAGS]: reply })).tags(), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
    })

    it('stops at pages that go in a circle, at endless pages and at a page over the cap', async () => {
      const self = page(['a'], '</v2/a/b/tags/list?n=1000>; rel="next"')
      await assert.rejects((await sourceOf({ [TAGS]: self })).tags(), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
      const huge = page(['x'.repeat(100), ' '.repeat(4 * 1024 * 1024)])
      await assert.rejects((await sourceOf({ [TAGS]: huge })).tags(), (error) => isFault(error, 'LIMIT_EXCEEDED'))
      const endless: Reply = (_asked, times) => page([`t${times}`], `</v2/a/b/tags/list?last=${times}>; rel="next"`)
      await assert.rejects((await sourceOf({ [TAGS]: endless })).tags(), (error) => isFault(error, 'GRAPH_TOO_LARGE'))
      assert.equal(fake.asked.length, 10_000)
    }).timeout(60_000)

    it('counts more than a million tags as too many', async () => {
      const many: Reply = (_asked, times) =>
        page(
          Array.from({ length: 200_000 }, (_, i) => `${times}-${i}`),
          `</v2/a/b/tags/list?last=${times}>; rel="next"`,
        )
      await assert.rejects((await sourceOf({ [TAGS]: many })).tags(), (error) => isFault(error, 'GRAPH_TOO_LARGE'))
      assert.ok(fake.asked.length < 10)
    }).timeout(60_000)
  })

  describe('referrers', () => {
    for (const [what, reply, requests] of [
      ['twice where there is none', { status: 404, body: '404 page not found' }, 2],
      ['for each where there is one', listing(), 3],
      ['for each where it speaks of the manifest', { status: 404, body: errors('MANIFEST_UNKNOWN') }, 3],
      ['for each where it was denied', { status: 403 }, 3],
    ] as const)
      it(`asks the API, by many at once, ${what}`, async () => {
        const source = await sourceOf({ [TAGS]: page([]), 'GET /v2/a/b/referrers/*': reply })
        const asked = [image, one, two].map(({ descriptor }) => source.referrers(descriptor.digest))
        const outcomes = new Set((await Promise.allSettled(asked)).map(({ status }) => status))
        assert.deepEqual([...outcomes], ['status' in reply && reply.status === 403 ? 'rejected' : 'fulfilled'])
        assert.equal(fake.seen().filter((line) => line.includes('/referrers/')).length, requests)
      })

    it('unites the API and the fallback tag, sorted', async () => {
      const source = await sourceOf({
        [TAGS]: page([fallbackTag(subject)]),
        [API]: [
          { ...listing(one), headers: { 'content-type': OCI_INDEX, link: `<${API.slice(4)}?p=2>; rel="next"` } },
          listing(two),
        ],
        [FALLBACK]: listing(two, three),
      })
      const wanted = [one, two, three].map(({ descriptor }) => descriptor.digest).sort()
      assert.deepEqual(digests(await source.referrers(subject)), wanted)
    })

    it('asks an API that does not exist for one manifest alone, and no fallback tag that is not listed', async () => {
      const source = await sourceOf({
        [TAGS]: page(['1.0']),
        'GET /v2/a/b/referrers/*': { status: 404, body: '404 page not found' },
      })
      for (const { descriptor } of [image, one, two]) assert.deepEqual(await source.referrers(descriptor.digest), [])
      assert.deepEqual(fake.seen(), [API, API, TAGS])
    })

    const missing = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html></html>' }
    for (const [what, odd] of [
      ['404 of a gateway', missing],
      ['501', { status: 501 }],
    ] as const)
      it(`takes one ${what} for no answer`, async () => {
        const source = await sourceOf({ [TAGS]: page([]), [API]: [odd, listing(one)] })
        assert.deepEqual(digests(await source.referrers(subject)), digests([one.descriptor]))
      })

    it('refuses a missing API where there was one', async () => {
      const [first, second] = [one, two].map(({ descriptor }) => descriptor.digest)
      const source = await sourceOf({
        [TAGS]: page([]),
        [`GET /v2/a/b/referrers/${first}`]: listing(),
        [`GET /v2/a/b/referrers/${second}`]: missing,
      })
      assert.deepEqual(await source.referrers(first as Digest), [])
      await assert.rejects(source.referrers(second as Digest), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
    })

    it('takes no word from elsewhere that there is no API', async () => {
      const elsewhere = await opened.add(scripted({ 'GET /gone': missing }))
      const there = { status: 307, headers: { location: `${elsewhere.origin}/gone` } }
      const source = await sourceOf({ [TAGS]: page([]), [API]: there })
      await assert.rejects(source.referrers(subject), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
    })

    it('counts more than 64 MiB of pages as too many', async () => {
      const annotations = { x: 'y'.repeat(4_000_000) }
      const manifests = [{ mediaType: OCI_MANIFEST, digest: subject, size: 1, annotations }]
      const body = JSON.stringify({ schemaVersion: 2, manifests })
      const endless: Reply = (_asked, times) => ({
        headers: { 'content-type': OCI_INDEX, link: `<${API.slice(4)}?p=${times}>; rel="next"` },
        body,
      })
      await assert.rejects((await sourceOf({ [API]: endless })).referrers(subject), (error) =>
        isFault(error, 'GRAPH_TOO_LARGE'),
      )
      assert.ok(fake.asked.length < 20)
    }).timeout(60_000)

    it('takes 405 for a missing API, as ECR answers', async () => {
      const source = await sourceOf({
        [TAGS]: page([fallbackTag(subject)]),
        [API]: { status: 405 },
        [FALLBACK]: listing(one),
      })
      assert.deepEqual(digests(await source.referrers(subject)), [one.descriptor.digest])
    })

    it('asks on when a 404 only speaks of this manifest', async () => {
      const source = await sourceOf({
        [TAGS]: page([]),
        'GET /v2/a/b/referrers/*': { status: 404, body: errors('MANIFEST_UNKNOWN') },
        [API]: listing(one),
      })
      assert.deepEqual(await source.referrers(one.descriptor.digest), [])
      assert.deepEqual(digests(await source.referrers(subject)), [one.descriptor.digest])
    })

    it('asks for each fallback tag where tags cannot be listed', async () => {
      for (const denied of [{ status: 403 }, { status: 404 }, { status: 405 }]) {
        const source = await sourceOf({ [TAGS]: denied, [FALLBACK]: listing(one) })
        assert.deepEqual(digests(await source.referrers(subject)), [one.descriptor.digest])
        assert.deepEqual(await source.referrers(one.descriptor.digest), [])
        assert.ok(fake.seen().includes(`GET /v2/a/b/manifests/${fallbackTag(one.descriptor.digest)}`))
      }
    })

    it('never takes a failure for "none"', async () => {
      const cases: [Record<string, Reply>, Code][] = [
        [{ [API]: { status: 500 } }, 'REGISTRY_FAULT'],
        [{ [API]: { status: 429 } }, 'REGISTRY_LIMITED'],
        [{ [API]: { status: 403 } }, 'REGISTRY_DENIED'],
        [{ [API]: { status: 400 } }, 'REGISTRY_PROTOCOL'],
        [{ [API]: { headers: { 'content-type': 'text/html' }, body: '<html></html>' } }, 'REGISTRY_PROTOCOL'],
        [{ [API]: { headers: { 'content-type': OCI_INDEX }, body: '{}' } }, 'REGISTRY_PROTOCOL'],
        [{ [API]: { headers: { 'content-type': OCI_INDEX }, body: '{"manifests":[{}]}' } }, 'DESCRIPTOR_MALFORMED'],
        [{ [TAGS]: { status: 500 } }, 'REGISTRY_FAULT'],
        [{ [TAGS]: page([fallbackTag(subject)]), [FALLBACK]: { status: 500 } }, 'REGISTRY_FAULT'],
        [{ [TAGS]: page([fallbackTag(subject)]), [FALLBACK]: { status: 404 } }, 'MANIFEST_MISSING'],
        [
          {
            [TAGS]: page([fallbackTag(subject)]),
            [FALLBACK]: { headers: { 'content-type': OCI_MANIFEST }, body: image.bytes },
          },
          'MANIFEST_MALFORMED',
        ],
      ]
      for (const [script, code] of cases)
        await assert.rejects((await sourceOf(script)).referrers(subject), (error) => isFault(error, code), code)
    })

    it('counts more than 100,000 referrers as too many', async () => {
      const digest = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`
      const many: Reply = (_asked, times) => {
        const manifests = Array.from({ length: 20_000 }, (_, i) => ({
          mediaType: OCI_MANIFEST,
          digest: digest(times * 20_000 + i),
          size: 1,
        }))
        const link = `<${API.slice(4)}?p=${times}>; rel="next"`
        return { headers: { 'content-type': OCI_INDEX, link }, body: JSON.stringify({ schemaVersion: 2, manifests }) }
      }
      await assert.rejects((await sourceOf({ [API]: many })).referrers(subject), (error) =>
        isFault(error, 'GRAPH_TOO_LARGE'),
      )
      assert.ok(fake.asked.length < 10)
    }).timeout(60_000)
  })
})
