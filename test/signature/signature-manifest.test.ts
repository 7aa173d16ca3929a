import assert from 'node:assert/strict'
import { OCI_EMPTY, OCI_MANIFEST, parseManifest, type Descriptor, type Manifest } from '../../src/oci/index.ts'
import { EMPTY_CONFIG, envelopeOf, signatureManifest } from '../../src/signature/signature-manifest.ts'
import { TARGET, party, refuses } from './envelope-fixture.ts'

const TYPE = 'application/vnd.cncf.notary.signature'
const EMPTY = 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
const envelope: Descriptor = { mediaType: 'application/jose+json', digest: `sha256:${'e'.repeat(64)}`, size: 2048 }
const subject: Descriptor = { ...TARGET, annotations: { x: 'y' }, artifactType: 'a/b' }
const { chain } = party()
const created = new Date('2026-01-02T03:04:05.678Z')
const read = (bytes: Uint8Array, type = OCI_MANIFEST): Manifest => parseManifest(bytes, type, 'bundle', 'test')

function changed(members: object, form: 'legacy' | 'artifactType' = 'legacy'): Manifest {
  const genuine = JSON.parse(signatureManifest({ subject, envelope, chain, created, form }).toString()) as object
  return read(Buffer.from(JSON.stringify({ ...genuine, ...members })))
}

describe('signature/signature-manifest', () => {
  const common = {
    layers: [envelope],
    subject: { mediaType: TARGET.mediaType, digest: TARGET.digest, size: TARGET.size },
    annotations: {
      'io.cncf.notary.x509chain.thumbprint#S256': JSON.stringify(chain.map(({ sha256 }) => sha256)),
      'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
    },
  }

  it('writes the legacy form by default', () => {
    assert.equal(
      signatureManifest({ subject, envelope, chain, created }).toString(),
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: TYPE, digest: EMPTY, size: 2 },
        ...common,
      }),
    )
    assert.equal(EMPTY_CONFIG.toString(), '{}')
  })

  it('writes the form with an artifact type when asked to', () => {
    assert.equal(
      signatureManifest({ subject, envelope, chain, created, form: 'artifactType' }).toString(),
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: TYPE,
        config: { mediaType: OCI_EMPTY, digest: EMPTY, size: 2 },
        ...common,
      }),
    )
  })

  it('names the chain in lower-case hex, leaf first', () => {
    const { annotations } = read(signatureManifest({ subject, envelope, chain, created }))
    const list = annotations['io.cncf.notary.x509chain.thumbprint#S256'] ?? ''
    assert.match(list, /^\["[0-9a-f]{64}","[0-9a-f]{64}"\]$/)
  })

  it('finds the envelope in both forms, and without the annotations', () => {
    for (const form of ['legacy', 'artifactType'] as const) {
      assert.deepEqual(envelopeOf(changed({}, form)), envelope)
      assert.deepEqual(envelopeOf(changed({ annotations: undefined }, form)), envelope)
    }
    const cose = { ...envelope, mediaType: 'application/cose' }
    assert.deepEqual(envelopeOf(changed({ layers: [cose] })), cose)
  })

  it('takes nothing else for a signature', () => {
    const config = (mediaType: string): object => ({ config: { mediaType, digest: EMPTY, size: 2 } })
    const image = 'application/vnd.oci.image.config.v1+json'
    assert.equal(envelopeOf(changed(config(image))), undefined)
    assert.equal(envelopeOf(changed(config(OCI_EMPTY))), undefined)
    assert.equal(envelopeOf(changed(config(image), 'artifactType')), undefined)
    assert.equal(envelopeOf(changed({ artifactType: 'a/b' })), undefined)
    assert.equal(envelopeOf(changed({ artifactType: 'a/b' }, 'artifactType')), undefined)
    const docker = 'application/vnd.docker.distribution.manifest.v2+json'
    const genuine = JSON.parse(signatureManifest({ subject, envelope, chain, created }).toString()) as object
    assert.equal(envelopeOf(read(Buffer.from(JSON.stringify({ ...genuine, mediaType: docker })), docker)), undefined)
    const index = 'application/vnd.oci.image.index.v1+json'
    const list = { schemaVersion: 2, mediaType: index, artifactType: TYPE, manifests: [], subject: common.subject }
    assert.equal(envelopeOf(read(Buffer.from(JSON.stringify(list)), index)), undefined)
  })

  it('refuses a signature without a subject, or without exactly one envelope of a known type', () => {
    for (const form of ['legacy', 'artifactType'] as const) {
      const members = [
        { subject: undefined },
        { layers: [] },
        { layers: [envelope, envelope] },
        { layers: [{ ...envelope, mediaType: 'application/json' }] },
      ]
      for (const member of members) refuses('ENVELOPE_MALFORMED', () => envelopeOf(changed(member, form)))
    }
  })
})
