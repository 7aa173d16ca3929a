/** Exports from repositories that give out no list of their tags: what hangs on a tag is asked for by its name. */
import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import { fallbackTag, signatureTag } from '../../src/oci/index.ts'
import { RegistryClient } from '../../src/registry/index.ts'
import { gather, type GatheredRepository } from '../../src/transfer/place/gather.ts'
import { digests, index, manifest, pushImage, randomBlob, type Piece } from '../contract/content.ts'
import { needPeers, startRegistry } from '../peers/setup/registry.ts'
import {
  clientOf,
  errors,
  Opened,
  scripted,
  type Answering,
  type Reply,
  type Script,
  type Scripted,
} from './scripted.ts'

const image = manifest(randomBlob(10))
const subject = image.descriptor.digest
const [signature, attestation] = [manifest(randomBlob(11)), manifest(randomBlob(12))]
const sbom = manifest(randomBlob(13), { subject: image.descriptor, artifactType: 'application/vnd.example.sbom' })

const TAGS = 'GET /v2/a/b/tags/list'
const at = (reference: string): string => `GET /v2/a/b/manifests/${reference}`
const SIG = at(signatureTag(subject, 'sig'))
const give = ({ descriptor, bytes }: Piece): Answering => ({
  headers: { 'content-type': descriptor.mediaType },
  body: bytes,
})
const gone = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html></html>' }

/** All there is, but for a list of tags. */
const THERE: Script = {
  [at(subject)]: give(image),
  [SIG]: give(signature),
  [at(signatureTag(subject, 'att'))]: give(attestation),
  [at(fallbackTag(subject))]: give(index(sbom)),
  [at(sbom.descriptor.digest)]: give(sbom),
}
const CARRIED = digests([image, signature, attestation, sbom].map(({ descriptor }) => descriptor)).sort()

describe('registry/listless', () => {
  const opened = new Opened()
  let fake: Scripted

  afterEach(() => opened.close())

  const taken = async (client: RegistryClient, host: string, path: string): Promise<string[]> => {
    const source = client.source(host, path)
    const selection = { source, tags: [], digests: [subject], complete: false, choice: { referrers: 'all' as const } }
    const [gathered]: GatheredRepository[] = await gather([selection], { map: [], concurrency: 4 })
    return [...(gathered?.graph.nodes.keys() ?? [])].sort()
  }

  const exported = async (script: Record<string, Reply | Reply[]>): Promise<string[]> => {
    fake = await opened.add(scripted({ ...THERE, ...script }))
    return taken(await opened.add(clientOf('source', { retries: 1 })), fake.host, 'a/b')
  }

  for (const [what, refusal] of [
    ['denied', { status: 403 }],
    ['denied to the anonymous', { status: 401 }],
    ['missing', { status: 404, body: errors('NAME_UNKNOWN') }],
    ['missing for a gateway', gone],
    ['not allowed', { status: 405 }],
    ['a page of HTML', { headers: { 'content-type': 'text/html' }, body: '<html></html>' }],
  ] as const)
    it(`carries what hangs on tags whose list is ${what}`, async () => {
      assert.deepEqual(await exported({ [TAGS]: refusal }), CARRIED)
    })

  it('believes a repository that says of each tag that it is unknown', async () => {
    const unknown = { status: 404, body: errors('NAME_UNKNOWN') }
    const absent = { [TAGS]: unknown, 'GET /v2/a/b/manifests/*': unknown, [at(fallbackTag(subject))]: unknown }
    assert.deepEqual(await exported({ ...absent, [SIG]: unknown, [at(signatureTag(subject, 'att'))]: unknown }), [
      subject,
    ])
    assert.equal(fake.seen().filter((line) => line === SIG).length, 1)
  })

  it('takes no single 404 of a gateway for a tag that is absent', async () => {
    const [first, second, third] = [SIG, at(signatureTag(subject, 'att')), at(fallbackTag(subject))]
    const odd = {
      [first]: [gone, THERE[first] as Reply],
      [second]: [gone, THERE[second] as Reply],
      [third]: [gone, THERE[third] as Reply],
    }
    assert.deepEqual(await exported({ [TAGS]: { status: 403 }, ...odd }), CARRIED)
  })

  it('ends at a failure that may pass, of the list or of a tag', async () => {
    const cases: [Record<string, Reply>, Code][] = [
      [{ [TAGS]: { status: 500 } }, 'REGISTRY_FAULT'],
      [{ [TAGS]: { status: 429 } }, 'REGISTRY_LIMITED'],
      [{ [TAGS]: { status: 403 }, [SIG]: { status: 503 } }, 'REGISTRY_FAULT'],
      [{ [TAGS]: { status: 403 }, [SIG]: { status: 429 } }, 'REGISTRY_LIMITED'],
      [{ [TAGS]: { status: 403 }, [SIG]: { status: 403 } }, 'REGISTRY_DENIED'],
    ]
    for (const [script, code] of cases)
      await assert.rejects(exported(script), (error) => isFault(error, code), `${Object.keys(script).join()} ${code}`)
  })

  it('takes no word from elsewhere that a tag is absent', async () => {
    const elsewhere = await opened.add(scripted({ 'GET /gone': { status: 404, body: errors('MANIFEST_UNKNOWN') } }))
    const there = { status: 307, headers: { location: `${elsewhere.origin}/gone` } }
    await assert.rejects(exported({ [TAGS]: { status: 403 }, [SIG]: there }), (error) =>
      isFault(error, 'MANIFEST_MISSING'),
    )
  })

  it('exports what distribution holds by digest alone, without a tag in the repository', async function () {
    needPeers(this)
    const registry = await startRegistry()
    try {
      const far = await opened.add(new RegistryClient({ side: 'target' }))
      const target = far.targetPlace(registry.host).repository('by/digest')
      const layer = randomBlob(10)
      const untagged = manifest(layer)
      const parent = index(untagged)
      await pushImage(target, layer, untagged)
      await target.pushManifest(parent.descriptor, parent.bytes)
      const near = await opened.add(new RegistryClient({ side: 'source' }))
      const source = near.source(registry.host, 'by/digest')
      await assert.rejects(source.tags(), (error) => isFault(error, 'REPOSITORY_MISSING'))
      const wanted = { tags: [], digests: [parent.descriptor.digest], complete: false }
      const selection = { source, ...wanted, choice: { referrers: 'all' as const } }
      const [gathered] = await gather([selection], { map: [], concurrency: 4 })
      assert.deepEqual(
        [...(gathered?.graph.nodes.keys() ?? [])].sort(),
        digests([parent.descriptor, untagged.descriptor]).sort(),
      )
    } finally {
      await registry.stop()
    }
  })
})
