import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Choice } from '../../../src/content/index.ts'
import { fallbackTag, OCI_INDEX, OCI_MANIFEST, signatureTag } from '../../../src/oci/index.ts'
import { gather, type GatheredRepository } from '../../../src/transfer/place/gather.ts'
import { movedTags } from '../../../src/transfer/place/moved-tags.ts'
import { index, manifest, randomBlob, type Piece } from '../../contract/content.ts'
import { clientOf, Opened, scripted, type Script, type Scripted } from '../../registry/scripted.ts'
import { blob, image, repository } from '../../review/source-world.ts'

const app = manifest(randomBlob(10))
const { digest } = app.descriptor
const signature = manifest(randomBlob(10))
const signedAgain = manifest(randomBlob(10))
const referrer = manifest(randomBlob(10), { subject: app.descriptor, artifactType: 'application/vnd.example.one' })
const list = index(referrer)
const listAgain = index(referrer, signature)
const SIG = signatureTag(digest, 'sig')
const FALLBACK = fallbackTag(digest)

describe('transfer/place/moved-tags', () => {
  const opened = new Opened()
  let fake: Scripted
  let gathered: GatheredRepository[]

  afterEach(() => opened.close())

  /** What the registry says of a manifest, under its digest and under a tag. */
  function stands({ bytes, descriptor }: Piece, tag?: string, mediaType = OCI_MANIFEST): Script {
    const headers = { 'content-type': mediaType, 'docker-content-digest': descriptor.digest }
    const told = { headers: { ...headers, 'content-length': String(bytes.length) } }
    return {
      [`GET /v2/a/b/manifests/${descriptor.digest}`]: { headers, body: bytes },
      ...(tag === undefined ? {} : { [`GET /v2/a/b/manifests/${tag}`]: { headers, body: bytes } }),
      ...(tag === undefined ? {} : { [`HEAD /v2/a/b/manifests/${tag}`]: told }),
    }
  }

  /** Gathers `a/b:1.0` from a registry without a Referrers API, and forgets what it was asked. */
  async function run(choice: Choice = { referrers: 'all' }): Promise<void> {
    const tags = { name: 'a/b', tags: ['1.0', SIG, FALLBACK] }
    fake = await opened.add(
      scripted({
        'GET /v2/a/b/tags/list': { headers: { 'content-type': 'application/json' }, body: JSON.stringify(tags) },
        ...stands(app, '1.0'),
        ...stands(signature, SIG),
        ...stands(referrer),
        ...stands(list, FALLBACK, OCI_INDEX),
      }),
    )
    const source = (await opened.add(clientOf('source', { retries: 0 }))).source(fake.host, 'a/b')
    const selection = { source, tags: ['1.0'], digests: [], complete: false, choice }
    gathered = await gather([selection], { map: [], concurrency: 4 })
    fake.asked.length = 0
  }

  const named = (tag: string): string => `${fake.host}/a/b:${tag}`

  it('asks for each tag once, by a HEAD, and names none that stays', async () => {
    await run()
    assert.deepEqual(await movedTags(gathered, 4), [])
    assert.deepEqual(fake.seen().sort(), [
      'HEAD /v2/a/b/manifests/1.0',
      `HEAD /v2/a/b/manifests/${FALLBACK}`,
      `HEAD /v2/a/b/manifests/${SIG}`,
    ])
  })

  it('names a signature tag and a fallback tag that moved meanwhile', async () => {
    await run()
    Object.assign(fake.script, stands(signedAgain, SIG), stands(listAgain, FALLBACK, OCI_INDEX))
    assert.deepEqual(await movedTags(gathered, 1), [named(FALLBACK), named(SIG)].sort())
    delete fake.script[`HEAD /v2/a/b/manifests/${SIG}`]
    assert.deepEqual(await movedTags(gathered, 4), [named(FALLBACK), named(SIG)].sort())
  })

  it('asks for no tag of what the plan leaves out', async () => {
    await run({ referrers: 'none' })
    assert.deepEqual(await movedTags(gathered, 4), [])
    assert.deepEqual(fake.seen(), ['HEAD /v2/a/b/manifests/1.0'])
  })

  it('asks no more at once than it may, and nothing more behind a failure', async () => {
    const source = repository()
    const tags = Array.from({ length: 40 }, (_, i) => `t${i}`)
    for (const tag of tags) await source.tag(tag, await image(source, [blob(source, tag)]))
    const selection = { source, tags, digests: [], complete: false, choice: { referrers: 'all' as const } }
    const repositories = await gather([selection], { map: [], concurrency: 4 })
    const asked: string[] = []
    let [running, most] = [0, 0]
    const ask = source.resolve.bind(source)
    source.resolve = async (tag) => {
      asked.push(tag)
      most = Math.max(most, ++running)
      await pause(1)
      running--
      return ask(tag)
    }
    assert.deepEqual(await movedTags(repositories, 3), [])
    assert.deepEqual([most, asked.length, new Set(asked).size], [3, 40, 40])
    asked.length = 0
    const gone = new Error('the registry is gone')
    source.resolve = async (tag) => {
      asked.push(tag)
      await pause(1)
      throw gone
    }
    await assert.rejects(movedTags(repositories, 3), (error) => error === gone)
    assert.equal(asked.length, 3)
  })
})
