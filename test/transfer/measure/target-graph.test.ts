/** What belongs to an artifact is read within bounds, whoever pushed it. */
import assert from 'node:assert/strict'
import { digestOf, MANIFEST_CAP, OCI_INDEX, OCI_MANIFEST, type Descriptor } from '../../../src/oci/index.ts'
import { graphAt } from '../../../src/transfer/measure/target-graph.ts'
import { EMPTY_CONFIG, piece } from '../../contract/content.ts'
import { fault } from '../../fault.ts'
import { Ward } from '../ward.ts'

describe('transfer/measure/target-graph', () => {
  let ward: Ward
  beforeEach(async () => (ward = await Ward.make()))
  afterEach(() => ward?.close())

  it('refuses more than 256 MiB of manifests, and takes that much', async () => {
    const text = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: EMPTY_CONFIG.descriptor, layers: [] }
    const large = Buffer.from(JSON.stringify(text).padEnd(MANIFEST_CAP))
    const child = (at: number): Descriptor => ({
      mediaType: OCI_MANIFEST,
      digest: digestOf(Buffer.from(`${at}`)),
      size: large.length,
    })
    const indexOf = (count: number): ReturnType<typeof piece> => {
      const manifests = Array.from({ length: count }, (_, at) => child(at))
      return piece(OCI_INDEX, JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
    }
    const { target } = ward
    // A layout of such manifests would take the disk 256 MiB, to say the same.
    const graph = (root: ReturnType<typeof piece>): ReturnType<typeof graphAt> => {
      const manifest = ({ digest }: Descriptor): Promise<Buffer> =>
        Promise.resolve(digest === root.descriptor.digest ? Buffer.from(root.bytes) : large)
      return graphAt(Object.assign(target, { manifest }), root.descriptor, {})
    }
    assert.equal((await graph(indexOf(63))).nodes.size, 64)
    await assert.rejects(graph(indexOf(64)), fault('GRAPH_TOO_LARGE'))
  })
})
