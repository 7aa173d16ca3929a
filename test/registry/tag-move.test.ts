import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { index, manifest, randomBlob } from '../contract/content.ts'
import { clientOf, Opened, scripted, type Answering, type Reply } from './scripted.ts'

const image = manifest(randomBlob(5_000))
const other = index(image)
const PUT = 'PUT /v2/a/b/manifests/1.0'
const HEAD = 'HEAD /v2/a/b/manifests/1.0'
const named = ({ descriptor: { mediaType, digest, size } }: typeof image): Answering => ({
  headers: { 'content-type': mediaType, 'docker-content-digest': digest, 'content-length': String(size) },
})

describe('registry/target: tags', () => {
  const opened = new Opened()

  afterEach(() => opened.close())

  const move = async (put: Answering, head: Reply | Reply[]): Promise<void> => {
    const fake = await opened.add(scripted({ [PUT]: put, [HEAD]: head }))
    const place = (await opened.add(clientOf('target', { retries: 2 }))).targetPlace(fake.host)
    await place.repository('a/b').tag('1.0', image.descriptor, image.bytes)
  }

  const login = { headers: { 'content-type': 'text/html' }, body: '<html></html>' }
  for (const [what, put] of [
    ['201', { status: 201 }],
    ['a login page', login],
  ] as const)
    for (const [where, head] of [
      ['stays away', { status: 404 }],
      ['stays where it was', named(other)],
    ] as const)
      it(`believes no answer of ${what} when the tag ${where}`, async () => {
        await assert.rejects(
          move(put, head),
          (error) => isFault(error, 'READ_BACK_MISMATCH') && error.side === 'target',
        )
      })

  it('looks again at a tag that is late', () => move({ status: 201 }, [named(other), named(image)]))
})
