import assert from 'node:assert/strict'
import * as oci from '../../src/oci/index.ts'

const OCI = 'application/vnd.oci'
const DOCKER = 'application/vnd.docker'
const IS = {
  index: oci.isIndexType,
  manifest: oci.isManifestType,
  foreign: oci.isForeignLayer,
  envelope: oci.isEnvelopeType,
  signature: oci.isSignatureType,
}
type Kind = keyof typeof IS

const TYPES: Record<string, Kind[]> = {
  [`${OCI}.image.index.v1+json`]: ['index', 'manifest'],
  [`${OCI}.image.manifest.v1+json`]: ['manifest'],
  [`${DOCKER}.distribution.manifest.list.v2+json`]: ['index', 'manifest'],
  [`${DOCKER}.distribution.manifest.v2+json`]: ['manifest'],
  // Schema 1 is refused elsewhere; here it is nothing that could be followed.
  [`${DOCKER}.distribution.manifest.v1+json`]: [],
  [`${DOCKER}.distribution.manifest.v1+prettyjws`]: [],
  [`${OCI}.image.manifest.v2+json`]: [],
  [`${OCI}.image.manifest.v1+json; charset=utf-8`]: [],
  [`${OCI}.image.manifest.v1+json `]: [],
  [`${OCI.toUpperCase()}.image.manifest.v1+json`]: [],
  [`${OCI}.artifact.manifest.v1+json`]: [],
  [`${OCI}.image.layer.v1.tar+gzip`]: [],
  [`${OCI}.image.layer.nondistributable.v1.tar`]: ['foreign'],
  [`${OCI}.image.layer.nondistributable.v1.tar+gzip`]: ['foreign'],
  [`${OCI}.image.layer.nondistributable.v1.tar+zstd`]: ['foreign'],
  [`${DOCKER}.image.rootfs.foreign.diff.tar.gzip`]: ['foreign'],
  [`${DOCKER}.image.rootfs.foreign.diff.tar`]: ['foreign'],
  [`${DOCKER}.image.rootfs.diff.tar.gzip`]: [],
  [`x${OCI}.image.layer.nondistributable.v1.tar`]: [],
  'application/jose+json': ['envelope'],
  'application/cose': ['envelope'],
  'application/pkix-crl': ['envelope'],
  'application/pkix-cert': ['envelope'],
  'application/ocsp-response': ['envelope'],
  'application/ocsp-request': [],
  'application/vnd.dsse.envelope.v1+json': ['envelope'],
  'application/vnd.dev.cosign.simplesigning.v1+json': ['envelope'],
  'application/vnd.dev.sigstore.bundle.v0.3+json': ['envelope', 'signature'],
  'application/vnd.sallyport.policy.v1+json': ['envelope'],
  'application/vnd.sallyportx': [],
  'application/vnd.cncf.notary.signature': ['signature'],
  'application/vnd.dev.cosign.artifact.sig.v1+json': ['signature'],
  'application/vnd.cncf.notary.signature.v2': [],
  'application/cose-key': [],
  'application/JOSE+json': [],
  'application/jose+json\n': [],
  'text/html': [],
  '': [],
}

describe('oci/media-type', () => {
  for (const [type, kinds] of Object.entries(TYPES))
    it(`takes ${JSON.stringify(type)} for ${kinds.join(' and ') || 'nothing special'}`, () => {
      const found = (Object.keys(IS) as Kind[]).filter((kind) => IS[kind](type))
      assert.deepEqual(found, kinds)
    })

  it('takes what is to be judged for law up to its cap: 64 MiB of a list, 32 MiB of all else', () => {
    const MiB = 1024 * 1024
    for (const [mediaType, cap] of [
      ['application/pkix-crl', 64 * MiB],
      ['application/pkix-cert', 32 * MiB],
      ['application/ocsp-response', 32 * MiB],
      ['application/cose', 32 * MiB],
    ] as const)
      assert.deepEqual(
        [0, cap, cap + 1].map((size) => oci.isLaw({ mediaType, size })),
        [true, true, false],
        mediaType,
      )
    assert.equal(oci.isLaw({ mediaType: 'text/plain', size: 1 }), false)
  })

  it('asks registries for all that it can follow, indexes first, and for nothing else', () => {
    assert.equal(new Set(oci.MANIFEST_TYPES).size, 4)
    assert.deepEqual(oci.MANIFEST_TYPES.map(oci.isManifestType), [true, true, true, true])
    assert.equal(oci.MANIFEST_TYPES[0], oci.OCI_INDEX)
    assert.ok(!oci.MANIFEST_TYPES.some((type) => type.includes('v1+prettyjws') || type.includes('manifest.v1+json;')))
  })
})
