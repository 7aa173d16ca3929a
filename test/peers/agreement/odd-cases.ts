/** Where two readers might read two things: payloads, unsigned headers, encodings, and what lies behind a descriptor. */
import { truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Part, SignedLayout } from '../setup/signed-layout.ts'
import { accept, type AgreementCase, FORMATS, refuse } from './case.ts'
import { cbor, type CborValue, sorted } from './cbor.ts'
import { type Format, NAMES } from './header.ts'
import { type EnvelopeParts, other, payloadOf, type Situation, type World } from './world.ts'

const TWICE =
  'RFC 8259 §4: "The names within an object SHOULD be unique", and what is not unique is read in two ways: we refuse, Go takes the last.'
const CASE =
  'RFC 8259 §8.3 has names compared code unit by code unit, and the specification writes "targetArtifact". Go\'s JSON reader ignores case.'

/** A signature over a payload that the target's own payload is changed into. */
async function over(world: World, format: Format, change: (payload: string) => string): Promise<Situation> {
  const { layout, target } = world.artifact()
  const payload = Buffer.from(change(payloadOf(target).toString()))
  world.attach(layout, target, format, await world.envelope(target, { format, payload }))
  return world.situation(layout, target)
}

const PAYLOADS: readonly AgreementCase[] = FORMATS.flatMap((format) => [
  refuse(
    `${format}: a member beside the target`,
    'ENVELOPE_MALFORMED',
    (world) => over(world, format, (text) => text.replace('{', '{"more":1,')),
    'Signature specification, signed attributes: "Such metadata MUST NOT be stored/appended in the payload". notation ignores what stands beside the target.',
  ),
  accept(`${format}: a member within the target`, (world) =>
    over(world, format, (text) => text.replace('"mediaType"', '"artifactType":"application/x","mediaType"')),
  ),
  accept(`${format}: a payload with spaces`, (world) => over(world, format, (text) => text.replaceAll(',', ' ,\n\t'))),
  refuse(
    `${format}: a target twice, the second right`,
    'ENVELOPE_MALFORMED',
    (world) =>
      over(world, format, (text) => {
        const { targetArtifact } = JSON.parse(text) as { targetArtifact: Part }
        const wrong = { ...targetArtifact, digest: other(targetArtifact.digest) }
        return text.replace('{', `{"targetArtifact":${JSON.stringify(wrong)},`)
      }),
    TWICE,
  ),
  refuse(
    `${format}: a digest twice, the second right`,
    'ENVELOPE_MALFORMED',
    (world) => over(world, format, (text) => text.replace('"digest"', `"digest":"sha256:${'0'.repeat(64)}","digest"`)),
    TWICE,
  ),
  refuse(
    `${format}: the target’s name in capitals`,
    'ENVELOPE_MALFORMED',
    (world) => over(world, format, (text) => text.replace('targetArtifact', 'TARGETARTIFACT')),
    CASE,
  ),
  refuse(`${format}: the digest in capitals`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) =>
      text.replace(/sha256:[0-9a-f]+/, (digest) => `sha256:${digest.slice(7).toUpperCase()}`),
    ),
  ),
  refuse(`${format}: the size as text`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) => text.replace(/"size":(\d+)/, '"size":"$1"')),
  ),
  refuse(`${format}: the size with a fraction`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) => text.replace(/"size":(\d+)/, '"size":$1.5')),
  ),
  refuse(`${format}: no size`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) => text.replace(/,"size":\d+/, '')),
  ),
  refuse(`${format}: a target that is nothing`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, () => '{"targetArtifact":null}'),
  ),
  refuse(`${format}: bytes behind the payload`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) => `${text}{}`),
  ),
  refuse(`${format}: a payload that is a list`, 'ENVELOPE_MALFORMED', (world) =>
    over(world, format, (text) => `[${text}]`),
  ),
  accept(`${format}: a signing time years ahead`, (world) =>
    world.signed({ format, header: { signingTime: new Date('2040-01-01T00:00:00Z') } }),
  ),
])

/** Rebuilds a COSE envelope with further pairs in its unsigned header. */
function unsigned(...pairs: readonly (readonly [CborValue, CborValue])[]): (_: Buffer, parts: EnvelopeParts) => Buffer {
  return (_, { protected: signed, chain, payload, signature }) =>
    cbor({ tag: 18, value: [signed, sorted([[33, chain], ...pairs]), payload, signature] })
}

function unsignedJws(members: Readonly<Record<string, unknown>>): (envelope: Buffer) => Buffer {
  return (envelope) => {
    const document = JSON.parse(envelope.toString()) as { header: object }
    return Buffer.from(JSON.stringify({ ...document, header: { ...document.header, ...members } }))
  }
}

const UNSIGNED: readonly AgreementCase[] = [
  accept('jws: an unsigned header that nobody knows', (world) =>
    world.signed({ bytes: unsignedJws({ 'com.example.note': 'x' }) }),
  ),
  accept('cose: an unsigned header that nobody knows', (world) =>
    world.signed({ format: 'cose', bytes: unsigned(['com.example.note', 'x'], [4, Buffer.from('key')]) }),
  ),
  refuse(
    'jws: an expiry in the unsigned header',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ bytes: unsignedJws({ [NAMES.expiry]: '2040-01-01T00:00:00Z' }) }),
    'Signature envelope (JWS), unprotected headers: "The Notary Project signature supports following unprotected headers: `timestamp`, `x5c` and `io.cncf.notary.signingAgent`". A claim that must be signed is refused where anyone may write it; notation ignores it.',
  ),
  refuse(
    'cose: a signing scheme in the unsigned header too',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ format: 'cose', bytes: unsigned([NAMES.scheme, 'notary.x509.signingAuthority']) }),
    'RFC 9052 §3: "Labels in each of the maps MUST be unique … Applications SHOULD verify that the same label does not occur in both the protected and unprotected header parameters." notation does not.',
  ),
  refuse(
    'jws: the algorithm in the unsigned header too',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ bytes: unsignedJws({ alg: 'ES256' }) }),
    'RFC 7515 §7.2.1: "The Header Parameter names in the two locations MUST be disjoint." notation does not look.',
  ),
  refuse('cose: critical labels in the unsigned header', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', bytes: unsigned([2, ['com.example.must']]) }),
  ),
  refuse('cose: a chain in the signed header alone', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: (_, { protected: signed, payload, signature }) =>
        cbor({ tag: 18, value: [signed, { pairs: [] }, payload, signature] }),
    }),
  ),
]

const ENCODINGS: readonly AgreementCase[] = [
  refuse(
    'cose: a length in more bytes than it needs',
    'ENVELOPE_MALFORMED',
    (world) =>
      world.signed({
        format: 'cose',
        bytes: (_, { protected: signed, chain, payload, signature }) => {
          const long = Buffer.concat([Buffer.from([0x59, signature.length >> 8, signature.length & 0xff]), signature])
          return cbor({ tag: 18, value: [signed, sorted([[33, chain]]), payload, { raw: long }] })
        },
      }),
    'RFC 8949 §4.2.1 asks for the shortest form of deterministic encodings, which notation and we write; it reads others, and we do not: one envelope, one encoding.',
  ),
  refuse('cose: the signed header as a map, not as bytes', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: (_, { protected: signed, chain, payload, signature }) =>
        cbor({ tag: 18, value: [{ raw: signed }, sorted([[33, chain]]), payload, signature] }),
    }),
  ),
  refuse('cose: five parts', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: (_, { protected: signed, chain, payload, signature }) =>
        cbor({ tag: 18, value: [signed, sorted([[33, chain]]), payload, signature, 0] }),
    }),
  ),
  refuse('cose: a signed header of nothing', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', change: (parts) => (parts.protected = Buffer.alloc(0)) }),
  ),
  refuse('cose: nested a thousand deep', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: () => Buffer.concat([Buffer.from([0xd2]), Buffer.alloc(1000, 0x81), Buffer.from([0])]),
    }),
  ),
  refuse('jws: nested a thousand deep', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ bytes: () => Buffer.from(`${'{"header":'.repeat(1000)}0${'}'.repeat(1000)}`) }),
  ),
]

/** Where the bytes of a part lie. */
function file(layout: SignedLayout, part: Part): string {
  return join(layout.folder, 'blobs', 'sha256', part.digest.slice(7))
}

async function spoilt(world: World, spoil: (path: string) => void): Promise<Situation> {
  const { layout, target } = world.artifact()
  const envelope = await world.envelope(target)
  world.attach(layout, target, 'jws', envelope)
  spoil(file(layout, layout.blob('application/jose+json', envelope)))
  return world.situation(layout, target)
}

const BY_DIGEST =
  'Signature specification, signature discovery: "by using OCI Distribution Referrers API", which goes by the digest of the subject alone. What the signer signed holds media type and size, and is compared. In a layout notation compares the unsigned subject too, and sees no signature.'

const BLOBS: readonly AgreementCase[] = [
  refuse('the envelope is gone', 'BLOB_MISSING', (world) => spoilt(world, unlinkSync)),
  refuse('the envelope is cut short on the disk', 'SIZE_MISMATCH', (world) =>
    spoilt(world, (path) => {
      truncateSync(path, 100)
    }),
  ),
  refuse('other bytes lie under the envelope’s digest', 'DIGEST_MISMATCH', async (world) => {
    const { layout, target } = world.artifact()
    const envelope = await world.envelope(target)
    world.attach(layout, target, 'jws', envelope)
    const path = file(layout, layout.blob('application/jose+json', envelope))
    const twin = await world.envelope(target)
    writeFileSync(
      path,
      Buffer.concat([twin, Buffer.alloc(Math.max(0, envelope.length - twin.length), ' ')]).subarray(0, envelope.length),
    )
    return world.situation(layout, target)
  }),
  refuse('an envelope of 33 MiB', 'LIMIT_EXCEEDED', (world) =>
    world.signed({ bytes: unsignedJws({ 'io.cncf.notary.signingAgent': 'x'.repeat(33 << 20) }) }),
  ),
  accept(
    'the signature’s subject has another media type',
    (world) =>
      world.signed({
        manifest: { subject: (target) => ({ ...target, mediaType: 'application/vnd.oci.image.index.v1+json' }) },
      }),
    BY_DIGEST,
  ),
]

const CRITICAL: readonly AgreementCase[] = FORMATS.map((format) =>
  refuse(
    `${format}: a critical header named twice`,
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ format, header: { crit: [NAMES.scheme, NAMES.scheme] } }),
    ...(format === 'cose'
      ? [
          'RFC 7515 §4.1.11: "Producers MUST NOT include … duplicate names", which RFC 9052 does not repeat for COSE. We ask it of both; notation of JWS alone.',
        ]
      : []),
  ),
)

export const ODD_CASES = [...PAYLOADS, ...UNSIGNED, ...ENCODINGS, ...BLOBS, ...CRITICAL]
