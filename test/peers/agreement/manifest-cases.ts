/** The signature manifest, and what the payload says about its target. */
import { type AgreementCase, accept, FORMATS, refuse } from './case.ts'
import { other, payloadOf } from './world.ts'

const TWO_FORMS =
  'Signing and verification workflow, verification step 2: "The `artifactType` parameter is set to the Notary Project signature\'s artifact type `application/vnd.cncf.notary.signature`", which manifests of both forms answer to. In a layout notation v1.3.2 compares the config\'s media type alone and sees no signature; over a registry it sees it.'

export const MANIFEST_CASES: readonly AgreementCase[] = [
  ...FORMATS.flatMap((format) => [
    accept(
      `${format}: the manifest of the newer form, in a layout`,
      (world) => world.signed({ format, manifest: { form: 'artifactType' } }),
      TWO_FORMS,
    ),
    refuse(`${format}: a payload for another digest`, 'TARGET_MISMATCH', async (world) => {
      const { layout, target } = world.artifact()
      const payload = payloadOf({ ...target, digest: other(target.digest) })
      world.attach(layout, target, format, await world.envelope(target, { format, payload }))
      return world.situation(layout, target)
    }),
    refuse(`${format}: a payload with another media type`, 'TARGET_MISMATCH', async (world) => {
      const { layout, target } = world.artifact()
      const payload = payloadOf({ ...target, mediaType: 'application/vnd.oci.image.index.v1+json' })
      world.attach(layout, target, format, await world.envelope(target, { format, payload }))
      return world.situation(layout, target)
    }),
    refuse(`${format}: a payload with another size`, 'TARGET_MISMATCH', async (world) => {
      const { layout, target } = world.artifact()
      const payload = payloadOf({ ...target, size: target.size + 1 })
      world.attach(layout, target, format, await world.envelope(target, { format, payload }))
      return world.situation(layout, target)
    }),
    accept(`${format}: user metadata beside the target`, async (world) => {
      const { layout, target } = world.artifact()
      const payload = payloadOf(target, { 'io.sallyport.origin': 'registry.example/port/cargo' })
      world.attach(layout, target, format, await world.envelope(target, { format, payload }))
      return world.situation(layout, target)
    }),
    refuse(`${format}: a manifest with the envelope twice`, 'ENVELOPE_MALFORMED', (world) =>
      world.signed({ format, manifest: { layers: 2 } }),
    ),
    refuse(`${format}: a manifest without an envelope`, 'ENVELOPE_MALFORMED', (world) =>
      world.signed({ format, manifest: { layers: 0 } }),
    ),
    refuse(`${format}: an envelope called by the other format's name`, 'ENVELOPE_MALFORMED', (world) =>
      world.signed({
        format,
        manifest: { mediaType: format === 'jws' ? 'application/cose' : 'application/jose+json' },
      }),
    ),
    refuse(`${format}: an envelope of an unknown type`, 'ENVELOPE_MALFORMED', (world) =>
      world.signed({ format, manifest: { mediaType: 'application/octet-stream' } }),
    ),
  ]),
  refuse('nobody signed', 'SIGNATURE_MISSING', async (world) => {
    const { layout, target } = world.artifact()
    return world.situation(layout, target)
  }),
  refuse('the only signature is another artifact’s', 'SIGNATURE_MISSING', async (world) => {
    const { layout, target } = world.artifact()
    const neighbour = layout.artifact('neighbour')
    world.attach(layout, neighbour, 'jws', await world.envelope(neighbour))
    return world.situation(layout, target)
  }),
  refuse('a neighbour’s signature, with this artifact for its subject', 'TARGET_MISMATCH', async (world) => {
    const { layout, target } = world.artifact()
    const neighbour = layout.artifact('neighbour')
    world.attach(layout, target, 'cose', await world.envelope(neighbour, { format: 'cose' }))
    return world.situation(layout, target)
  }),
  accept('a broken signature before a good one', async (world) => {
    const { layout, target } = world.artifact()
    world.attach(layout, target, 'jws', await world.envelope(target, { header: { alg: 'ES384' } }))
    world.attach(layout, target, 'cose', await world.envelope(target, { format: 'cose' }))
    return world.situation(layout, target)
  }),
  accept('a stranger’s signature before a good one', async (world) => {
    const { layout, target } = world.artifact()
    const signer = await world.maker.issue({ issuer: await world.stranger() })
    world.attach(layout, target, 'jws', await world.envelope(target, { signer }))
    world.attach(layout, target, 'cose', await world.envelope(target, { format: 'cose' }))
    return world.situation(layout, target)
  }),
  {
    name: 'a signature manifest without an envelope beside a good one',
    expect: 'accept',
    byChance: true,
    build: async (world) => {
      const { layout, target } = world.artifact()
      world.attach(layout, target, 'jws', await world.envelope(target), { layers: 0 })
      world.attach(layout, target, 'cose', await world.envelope(target, { format: 'cose' }))
      return world.situation(layout, target)
    },
    differs:
      'Signing and verification workflow, verification step 3: "If the signature verification fails, skip the below steps and move to the next signature artifact descriptor". notation ends at the first manifest that it cannot read, if it comes to it before a good one, so whoever may push to a repository can make the good signatures there count for nothing.',
  },
]
