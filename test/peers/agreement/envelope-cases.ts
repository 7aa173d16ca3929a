/** The envelope itself: algorithms, critical headers, schemes, times, encodings. */
import { type AgreementCase, accept, FORMATS, refuse } from './case.ts'
import { cbor } from './cbor.ts'
import { header, NAMES } from './header.ts'
import type { EnvelopeParts } from './world.ts'

const JWS_UNIQUE =
  'RFC 7515 §4: "The Header Parameter names within the JOSE Header MUST be unique; JWS parsers MUST either reject JWSs with duplicate Header Parameter names or use a JSON parser that returns only the lexically last duplicate member name". We reject; notation takes the last.'

/** An hour from now, to the second. */
function ahead(): Date {
  return new Date((Math.floor(Date.now() / 1000) + 3600) * 1000)
}

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return flipped
}

/** Text of a JWS envelope, changed as text. */
function edit(change: (text: string) => string): (envelope: Buffer) => Buffer {
  return (envelope) => Buffer.from(change(envelope.toString()))
}

const BOTH: readonly AgreementCase[] = FORMATS.flatMap((format) => [
  accept(`${format}: crafted, everything right`, (world) => world.signed({ format })),
  accept(`${format}: an expiry ahead`, (world) => world.signed({ format, header: { expiry: ahead() } })),
  accept(`${format}: an unknown header that is not critical`, (world) =>
    world.signed({ format, header: { extra: { 'com.example.may': 'x' } } }),
  ),
  refuse(`${format}: payload changed after signing`, 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ format, change: (parts) => (parts.payload = flip(parts.payload, 40)) }),
  ),
  refuse(`${format}: signature changed`, 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ format, change: (parts) => (parts.signature = flip(parts.signature, 20)) }),
  ),
  refuse(`${format}: signature cut short`, 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ format, change: (parts) => (parts.signature = parts.signature.subarray(0, 63)) }),
  ),
  refuse(`${format}: another protected header than the signed one`, 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({
      format,
      change: (parts) => (parts.protected = header(format, 'p256', { signingTime: new Date('2026-01-01T00:00:00Z') })),
    }),
  ),
  refuse(`${format}: a leaf that did not sign`, 'ENVELOPE_SIGNATURE', async (world) => {
    const other = await world.leaf('p384')
    return world.signed({
      format,
      signer: { ...(await world.leaf('p256')), chain: other.chain },
      kind: 'p384',
      hash: 'sha384',
    })
  }),
  refuse(`${format}: the header names another algorithm than the key's`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { alg: 'ES384' } }),
  ),
  refuse(`${format}: RSA of 2048 bits with PS384, truly so signed`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, kind: 'rsa2048', header: { alg: 'PS384' }, hash: 'sha384' }),
  ),
  refuse(`${format}: RSA signed by PKCS #1 v1.5`, 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ format, kind: 'rsa2048', pkcs1: true }),
  ),
  refuse(`${format}: no algorithm`, 'ENVELOPE_MALFORMED', (world) => world.signed({ format, header: { alg: null } })),
  refuse(`${format}: a keyed hash for an algorithm`, 'ALGORITHM_REFUSED', (world) =>
    world.signed({ format, header: { alg: 'HS256' } }),
  ),
  refuse(`${format}: no content type`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { cty: null } }),
  ),
  refuse(`${format}: another content type`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { cty: 'application/json' } }),
  ),
  refuse(`${format}: no list of critical headers`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { crit: null } }),
  ),
  refuse(`${format}: an empty list of critical headers`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { crit: [] } }),
  ),
  refuse(`${format}: the signing scheme is not critical`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { crit: [NAMES.expiry], expiry: ahead() } }),
  ),
  refuse(`${format}: the expiry is not critical`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { crit: [NAMES.scheme], expiry: ahead() } }),
  ),
  refuse(`${format}: a critical header that is absent`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { crit: [NAMES.scheme, 'com.example.absent'] } }),
  ),
  refuse(
    `${format}: a registered header called critical`,
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ format, header: { crit: [NAMES.scheme, 'cty'] } }),
    ...(format === 'cose'
      ? [
          'Signature envelope (COSE), crit: "It MUST only contain parameters apart from integer labels in the range of 0 to 8." notation looks only in JWS.',
        ]
      : []),
  ),
  refuse(
    `${format}: an unknown critical header`,
    'ATTRIBUTE_UNKNOWN',
    (world) =>
      world.signed({
        format,
        header: { crit: [NAMES.scheme, 'com.example.must'], extra: { 'com.example.must': 'x' } },
      }),
    'Signature specification, extended attributes: "the attribute MUST be understood and processed by a verifier, unknown critical attributes MUST cause signature verification to fail". notation looks at them only when the signature names a plugin.',
  ),
  refuse(`${format}: a verification plugin that is not here`, 'ATTRIBUTE_UNKNOWN', (world) =>
    world.signed({
      format,
      header: { crit: [NAMES.scheme, NAMES.plugin], extra: { [NAMES.plugin]: 'com.example.plugin' } },
    }),
  ),
  refuse(`${format}: an unknown signing scheme`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { scheme: 'notary.x509.other' } }),
  ),
  refuse(`${format}: no signing scheme`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { scheme: null, crit: [NAMES.expiry], expiry: ahead() } }),
  ),
  refuse(`${format}: no signing time`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, header: { signingTime: null } }),
  ),
  refuse(
    `${format}: the other scheme's time beside the signing time`,
    'ENVELOPE_MALFORMED',
    (world) =>
      world.signed({
        format,
        header: { authenticSigningTime: new Date(), crit: [NAMES.scheme, NAMES.authenticSigningTime] },
      }),
    ...(format === 'cose'
      ? [
          'Signature specification, authentic signing time: "This claim is REQUIRED and only valid when signing scheme is `notary.x509.signingAuthority`." notation looks only in JWS.',
        ]
      : []),
  ),
  refuse(`${format}: an expiry not behind the signing time`, 'ENVELOPE_MALFORMED', (world) => {
    const time = new Date('2026-05-01T00:00:00Z')
    return world.signed({ format, header: { signingTime: time, expiry: time } })
  }),
  refuse(`${format}: a payload that is not JSON`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, payload: Buffer.from('not JSON') }),
  ),
  refuse(`${format}: a payload without a target`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, payload: Buffer.from('{"other":{}}') }),
  ),
  refuse(`${format}: an envelope cut short`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, bytes: (envelope) => envelope.subarray(0, -1) }),
  ),
  refuse(`${format}: an empty envelope`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, bytes: () => Buffer.alloc(0) }),
  ),
  refuse(`${format}: bytes behind the envelope`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, bytes: (envelope) => Buffer.concat([envelope, Buffer.from('0')]) }),
  ),
  refuse(`${format}: no certificate`, 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format, change: (parts) => (parts.chain = []) }),
  ),
  refuse(`${format}: a certificate that is none`, 'CERTIFICATE_MALFORMED', (world) =>
    world.signed({ format, change: (parts) => (parts.chain[0] = Buffer.from('certificate')) }),
  ),
])

const FRACTION =
  '"the optional fractional second SHOULD NOT be used". Whoever writes it breaks the form, and signers of ours never do; notation reads it.'

const JWS: readonly AgreementCase[] = [
  accept('jws: a signing time in another zone', (world) =>
    world.signed({ header: { signingTime: '2026-06-27T13:30:33+08:00' } }),
  ),
  refuse(
    'jws: a signing time with a fraction',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ header: { signingTime: '2026-06-27T13:30:33.5Z' } }),
    `Signature envelope (JWS), signing time: ${FRACTION}`,
  ),
  refuse('jws: algorithm none', 'ALGORITHM_REFUSED', (world) => world.signed({ header: { alg: 'none' } })),
  refuse('jws: a signing time that is no time', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ header: { signingTime: 'yesterday' } }),
  ),
  refuse(
    'jws: a protected header twice',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ header: { doubled: 'scheme' } }),
    JWS_UNIQUE,
  ),
  refuse(
    'jws: a member of the envelope twice',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ bytes: edit((text) => text.replace('{', '{"signature":"AAAA",')) }),
    JWS_UNIQUE,
  ),
  refuse(
    'jws: a further member in the envelope',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ bytes: edit((text) => text.replace('{', '{"more":1,')) }),
    'Signature envelope (JWS): "The final signature envelope comprises of Payload, ProtectedHeaders, UnprotectedHeaders, and Signature, no additional top level fields are supported." notation ignores them.',
  ),
  refuse(
    'jws: members written in capitals',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ bytes: edit((text) => text.replace('"payload"', '"PAYLOAD"')) }),
    'RFC 7515 §7.2.1 names the member "payload", and JSON names are compared byte by byte (RFC 8259 §8.3). Go\'s JSON reader ignores case.',
  ),
  refuse('jws: base64url with padding', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ bytes: edit((text) => text.replace(/"signature":"([^"]+)"/, '"signature":"$1=="')) }),
  ),
  refuse('jws: general serialization', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      bytes: edit((text) => {
        const { payload, ...signature } = JSON.parse(text) as { payload: string }
        return JSON.stringify({ payload, signatures: [signature] })
      }),
    }),
  ),
  refuse('jws: compact serialization', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      bytes: edit((text) => {
        const { payload, protected: head, signature } = JSON.parse(text) as Record<string, string>
        return `${head}.${payload}.${signature}`
      }),
    }),
  ),
  refuse('jws: a byte order mark', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ bytes: (envelope) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), envelope]) }),
  ),
  accept('jws: a PSS salt shorter than the hash', (world) => world.signed({ kind: 'rsa2048', saltLength: 20 })),
  refuse('jws: ECDSA signature as DER', 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ change: (parts) => (parts.signature = derSignature(parts.signature)) }),
  ),
]

const COSE: readonly AgreementCase[] = [
  refuse('cose: without its tag', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', bytes: (envelope) => envelope.subarray(1) }),
  ),
  refuse('cose: with the tag of COSE_Sign', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: (envelope) => Buffer.concat([Buffer.from([0xd8, 98]), envelope.subarray(1)]),
    }),
  ),
  refuse('cose: a signing time without a tag', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', header: { times: 'no tag' } }),
  ),
  refuse(
    'cose: a signing time with a fraction',
    'ENVELOPE_MALFORMED',
    (world) => world.signed({ format: 'cose', header: { times: 'fraction' } }),
    `Signature envelope (COSE), signing time: ${FRACTION.replace('second', 'seconds')}`,
  ),
  refuse('cose: a signing time as text', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', header: { times: 'tag 0' } }),
  ),
  refuse('cose: a protected header twice', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({ format: 'cose', header: { doubled: 'scheme' } }),
  ),
  refuse('cose: an unprotected header twice', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: unprotected((chain) => ({
        pairs: [
          [33, chain],
          [33, chain],
        ],
      })),
    }),
  ),
  refuse('cose: a chain that is one certificate, without its array', 'ENVELOPE_MALFORMED', async (world) => {
    const alone = await world.maker.issue({ kind: 'p256', extensions: ['keyUsage=critical,digitalSignature'] })
    const trust = { stores: { 'ca:acme': [alone] } }
    const bytes = unprotected(([leaf = Buffer.alloc(0)]) => ({ pairs: [[33, leaf]] }))
    return world.signed({ format: 'cose', signer: alone, trust, bytes })
  }),
  refuse('cose: an array without a length', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      bytes: (envelope) =>
        Buffer.concat([envelope.subarray(0, 1), Buffer.from([0x9f]), envelope.subarray(2), Buffer.from([0xff])]),
    }),
  ),
  refuse('cose: the payload detached', 'ENVELOPE_MALFORMED', (world) =>
    world.signed({
      format: 'cose',
      change: (parts) => (parts.payload = Buffer.alloc(0)),
      bytes: (envelope) => {
        const at = envelope.lastIndexOf(Buffer.from([0x40, 0x58, 0x40]))
        return Buffer.concat([envelope.subarray(0, at), Buffer.from([0xf6]), envelope.subarray(at + 1)])
      },
    }),
  ),
  refuse('cose: a PSS salt shorter than the hash', 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({ format: 'cose', kind: 'rsa2048', saltLength: 20 }),
  ),
  refuse('cose: an algorithm that nobody has', 'ALGORITHM_REFUSED', (world) =>
    world.signed({ format: 'cose', header: { alg: 'nobody' } }),
  ),
]

/** Rebuilds a COSE envelope by ES256 around another unprotected header. */
function unprotected(
  make: (chain: Buffer[]) => Parameters<typeof cbor>[0],
): (envelope: Buffer, parts: EnvelopeParts) => Buffer {
  return (_, parts) => cbor({ tag: 18, value: [parts.protected, make(parts.chain), parts.payload, parts.signature] })
}

function derSignature(raw: Buffer): Buffer {
  const integer = (bytes: Buffer) => {
    const positive = Buffer.concat([Buffer.alloc((bytes[0] ?? 0) >> 7), bytes])
    return Buffer.concat([Buffer.from([2, positive.length]), positive])
  }
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

export const ENVELOPE_CASES = [...BOTH, ...JWS, ...COSE]
