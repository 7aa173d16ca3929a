/** `accept/`: what a reader must take, for ever. */
import { descriptorJson, DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, type Descriptor } from '../../src/oci/index.ts'
import { duo, fading, renewed, solo, turned, turning } from './channels.ts'
import { AMD64, ARM64, Goods, OCI_LAYER, oneImage, type Shelf } from './goods.ts'
import { pack, SITE } from './pack.ts'
import type { AcceptVector } from './vector.ts'

const SPDX = 'application/spdx+json'
const NOTARY = 'application/vnd.cncf.notary.signature'
const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json'
const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar'

function sbomOf(shelf: Shelf, subject: Descriptor): Descriptor {
  const layers = [shelf.blob(SPDX, '{"spdxVersion":"SPDX-2.3","name":"vectors"}')]
  return shelf.manifest({ artifactType: SPDX, layers, subject })
}

function signatureOf(shelf: Shelf, subject: Descriptor): Descriptor {
  const layers = [shelf.blob('application/jose+json', `{"payload":"stands for ${subject.digest}"}`)]
  return shelf.manifest({ artifactType: NOTARY, layers, subject, annotations: { 'vectors/of': subject.digest } })
}

function cosignOf(shelf: Shelf, subject: Descriptor): Descriptor {
  const payload = `{"critical":{"image":{"docker-manifest-digest":"${subject.digest}"}}}`
  return shelf.manifest({ config: shelf.config(AMD64, 'cosign'), layers: [shelf.blob(SIMPLE_SIGNING, payload)] })
}

function multiPlatform(): Goods {
  return oneImage((shelf) => {
    const common = shelf.layer('common')
    const [amd64, arm64] = [AMD64, ARM64].map((platform) =>
      shelf.image(platform.architecture, platform, [common, shelf.layer(platform.architecture)]),
    ) as [Descriptor, Descriptor]
    const index = shelf.index({ manifests: [amd64, arm64] })
    for (const tag of ['1.0', 'latest']) shelf.tag(tag, index)
    const sbom = sbomOf(shelf, index)
    shelf.refer(index, sbom, SPDX)
    shelf.refer(index, signatureOf(shelf, index), NOTARY)
    shelf.refer(sbom, signatureOf(shelf, sbom), NOTARY)
    shelf.accompany(amd64, 'sig', cosignOf(shelf, amd64))
    shelf.accompany(index, 'att', cosignOf(shelf, index))
  })
}

// The index keeps its digest, one child and the SBOM are left out, and each is named.
function platformSelection(): Goods {
  return oneImage((shelf) => {
    const amd64 = shelf.image('amd64', AMD64)
    const other = new Goods().shelf('registry.example/elsewhere')
    const arm64 = other.image('arm64', ARM64)
    const index = shelf.index({ manifests: [amd64, arm64] })
    shelf.tag('1.0', index)
    shelf.refer(index, signatureOf(shelf, index), NOTARY)
    shelf.refer(index, sbomOf(other, index), SPDX)
    shelf.accompany(amd64, 'sig', cosignOf(shelf, amd64))
    shelf.accompany(amd64, 'sbom', sbomOf(other, amd64))
  })
}

// Our writer names none yet; a reader takes what another one names.
function withRemoved(): Goods {
  return oneImage((shelf) => {
    shelf.tag('1.0', shelf.image('one'))
    shelf.removed.push('0.9', '0.8')
  })
}

function foreignLayer(): Goods {
  return oneImage((shelf) => {
    const foreign = {
      mediaType: FOREIGN,
      digest: `sha256:${'f0'.repeat(32)}`,
      size: 123_456_789,
      urls: ['https://layers.registry.example/windows-base'],
    } as const
    const layers = [{ ...foreign, urls: [...foreign.urls] }, shelf.layer('own')]
    shelf.tag('ltsc', shelf.manifest({ mediaType: DOCKER_MANIFEST, config: shelf.config(AMD64), layers }))
  })
}

function zoo(): Goods {
  return oneImage((shelf) => {
    const docker = (platform: typeof AMD64): Descriptor => {
      const layers = [shelf.layer(`docker ${platform.architecture}`)]
      const config = shelf.config(platform, 'docker')
      return { ...shelf.manifest({ mediaType: DOCKER_MANIFEST, config, layers }), platform }
    }
    const inner = shelf.index({ manifests: [shelf.image('inner')] })
    shelf.tag('nested', shelf.index({ manifests: [inner, shelf.image('outer', ARM64)] }))
    shelf.tag('docker', shelf.index({ mediaType: DOCKER_LIST, manifests: [docker(AMD64), docker(ARM64)] }))
    const artifactType = 'application/vnd.example.report+json'
    shelf.tag('artifact', shelf.manifest({ artifactType, layers: [shelf.blob('application/json', '{"found":0}')] }))
    const unknown = 'application/vnd.example.unknown.manifest.v9+json'
    const opaque = shelf.raw(unknown, '{"whatever":["is","here"]}', { kind: 'opaque' })
    shelf.tag('opaque', shelf.index({ manifests: [shelf.image('beside'), opaque] }))
  })
}

function twoRepositories(): Goods {
  const goods = new Goods()
  const [app, tool] = ['team/app', 'team/tool'].map((path) => goods.shelf(`registry.example/${path}`))
  for (const shelf of [app, tool]) {
    const layers = [shelf?.layer('shared'), shelf?.layer(shelf === app ? 'app' : 'tool')]
    const image = shelf?.image('same config', AMD64, layers as Descriptor[])
    if (image !== undefined) shelf?.tag('1.0', image)
  }
  // The very same image in both.
  for (const shelf of [app, tool]) if (shelf !== undefined) shelf.tag('base', shelf.image('base'))
  return goods
}

function edges(): Goods {
  return oneImage((shelf) => {
    const sized = [0, 1, 511, 512, 513, 1024].map((size) => shelf.blob(OCI_LAYER, Buffer.alloc(size, 'e')))
    shelf.tags = 'complete'
    shelf.tag('sizes', shelf.image('sizes', AMD64, sized))
    shelf.untagged.push(shelf.image('by digest alone'))
    shelf.tag('empty', shelf.index({ mediaType: OCI_INDEX, manifests: [] }))
  })
}

/** Every accepted bundle; later ones may follow earlier ones. */
export function accepts(): AcceptVector[] {
  const sha512 = oneImage((shelf) => {
    const layers = [shelf.layer('long', OCI_LAYER, 'sha512'), shelf.layer('short')]
    shelf.tag('1.0', shelf.image('sha512', AMD64, layers))
  })
  const sha512Manifest = oneImage((shelf) => {
    const image = shelf.image('in an index named by sha512')
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptorJson(image)] })
    shelf.tag('1.0', shelf.raw(OCI_INDEX, index, { kind: 'index', manifests: [image] }, 'sha512'))
  })
  const seventh = pack(solo, 7, oneImage())
  const third = duo.keys.targets[2]
  if (third === undefined) throw new TypeError('duo has three people')
  const spoiled = { keyid: third.keyid, sig: `3066${'00'.repeat(102)}` }
  const ninth = pack(solo, 9, oneImage(), {
    terms: { audience: ['site-0', SITE], previous: { 'site-0': null, [SITE]: { sequence: 7, id: seventh.id } } },
  })
  return [
    { name: 'solo-ed25519', pinned: solo, sequence: 1, packed: pack(solo, 1, oneImage()) },
    { name: 'two-of-three-p384', pinned: duo, sequence: 1, packed: pack(duo, 1, oneImage()), signers: 2 },
    {
      name: 'three-of-three',
      pinned: duo,
      sequence: 2,
      packed: pack(duo, 2, oneImage(), { head: { signers: { targets: duo.keys.targets } } }),
      signers: 3,
    },
    {
      name: 'extra-invalid-signature',
      pinned: duo,
      sequence: 3,
      packed: pack(duo, 3, oneImage(), { head: { signatures: { targets: (entries) => [...entries, spoiled] } } }),
      signers: 2,
      badSignatures: 1,
    },
    { name: 'multi-platform', pinned: solo, sequence: 2, packed: pack(solo, 2, multiPlatform()) },
    { name: 'platform-selection', pinned: solo, sequence: 3, packed: pack(solo, 3, platformSelection()), omitted: 3 },
    { name: 'foreign-layer', pinned: solo, sequence: 4, packed: pack(solo, 4, foreignLayer()), omitted: 1 },
    { name: 'nested-docker-artifact-opaque', pinned: solo, sequence: 5, packed: pack(solo, 5, zoo()) },
    { name: 'two-repositories', pinned: solo, sequence: 6, packed: pack(solo, 6, twoRepositories()) },
    { name: 'sha512-layer', pinned: solo, sequence: 6, packed: pack(solo, 6, sha512) },
    { name: 'sha512-manifest', pinned: solo, sequence: 6, packed: pack(solo, 6, sha512Manifest) },
    { name: 'edge-sizes', pinned: solo, sequence: 6, packed: pack(solo, 6, edges()) },
    { name: 'removed-tags', pinned: solo, sequence: 6, packed: pack(solo, 6, withRemoved()) },
    { name: 'no-content', pinned: solo, sequence: 6, packed: pack(solo, 6, new Goods()) },
    { name: 'sequence-7', pinned: solo, sequence: 7, packed: seventh },
    { name: 'sequence-9-after-7', pinned: solo, sequence: 9, packed: ninth, before: 'sequence-7' },
    { name: 'root-1', pinned: turning, sequence: 900, packed: pack(turning, 900, oneImage()) },
    // The old root has expired; only the newest must not have.
    {
      name: 'expired-root-renewed',
      pinned: fading,
      sequence: 1,
      packed: pack(renewed, 1, oneImage()),
      rootVersionAfter: 2,
    },
    // Counters begin again: root 2 replaced the keys that had signed 900.
    {
      name: 'root-3',
      pinned: turning,
      sequence: 1,
      packed: pack(turned, 1, oneImage()),
      before: 'root-1',
      rootVersionAfter: 3,
    },
  ]
}
