/** O1, O8: manifests under a good signature that two readers take for different things, or that exhaust one. */
import assert from 'node:assert/strict'
import { solo } from '../../../bundles/vectors/channels.ts'
import { oneImage, type Shelf } from '../../../bundles/vectors/goods.ts'
import { pack } from '../../../bundles/vectors/pack.ts'
import { image, indexed } from '../../../bundles/vectors/reject-law.ts'
import { memoryInput } from '../../../src/bundle/index.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../../src/oci/index.ts'
import { judging, prove, readExpectations, refusal } from '../../bundle/corpus.ts'

const judge = readExpectations().accept['accept/solo-ed25519.tar'] ?? assert.fail()

function proving(fill: (shelf: Shelf) => void): Promise<unknown> {
  return prove(memoryInput([pack(solo, 1, oneImage(fill)).tar]), judging(judge))
}

type Change = Record<string, unknown>
const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json'
const config = { mediaType: 'application/json', digest: `sha256:${'0'.repeat(64)}`, size: 2 }

describe('transfer/hostile/manifest', () => {
  for (const mediaType of [OCI_MANIFEST, DOCKER_MANIFEST])
    describe(`an image of type ${mediaType}`, () => {
      const hybrids: Change[] = [
        { manifests: [] },
        { manifests: [config] },
        { manifests: null },
        { fsLayers: [] },
        ...[OCI_INDEX, DOCKER_LIST, SCHEMA1, '', null, 7].map((own) => ({ mediaType: own })),
        { mediaType: mediaType === OCI_MANIFEST ? DOCKER_MANIFEST : OCI_MANIFEST },
      ]
      for (const change of hybrids)
        it(`is refused with ${JSON.stringify(change).slice(0, 80)}`, () =>
          assert.rejects(
            proving((shelf) => shelf.tag('1.0', image(shelf, change, mediaType))),
            refusal('MANIFEST_AMBIGUOUS', 'team/app@sha256:'),
          ))
      it('is accepted without any of them, and with no word on its own type', async () => {
        for (const change of [{}, { mediaType: undefined }])
          await proving((shelf) => shelf.tag('1.0', image(shelf, change, mediaType)))
      })
    })

  for (const mediaType of [OCI_INDEX, DOCKER_LIST])
    describe(`an index of type ${mediaType}`, () => {
      const hybrids: Change[] = [
        { layers: [] },
        { layers: null },
        { config },
        { fsLayers: [] },
        ...[OCI_MANIFEST, DOCKER_MANIFEST, SCHEMA1].map((own) => ({ mediaType: own })),
        { mediaType: mediaType === OCI_INDEX ? DOCKER_LIST : OCI_INDEX },
      ]
      for (const change of hybrids)
        it(`is refused with ${JSON.stringify(change).slice(0, 80)}`, () =>
          assert.rejects(
            proving((shelf) => indexed(shelf, change, mediaType)),
            refusal('MANIFEST_AMBIGUOUS', 'team/app@sha256:'),
          ))
      it('is accepted without any of them, and with no word on its own type', async () => {
        for (const change of [{}, { mediaType: undefined }]) await proving((shelf) => indexed(shelf, change, mediaType))
      })
    })

  it('refuses a manifest of more than 4 MiB, and takes one of exactly as much', async () => {
    const padded = (size: number) => (shelf: Shelf) => {
      const length = (fill: number): number => {
        const { size: made } = image(shelf, { annotations: { fill: 'x'.repeat(fill) } })
        return made
      }
      const fill = size - length(0)
      shelf.graph.nodes.clear()
      shelf.tag('1.0', image(shelf, { annotations: { fill: 'x'.repeat(fill) } }))
    }
    await proving(padded(4 * 1024 * 1024))
    await assert.rejects(proving(padded(4 * 1024 * 1024 + 1)), refusal('MANIFEST_TOO_LARGE', 'team/app@sha256:'))
  })
})
