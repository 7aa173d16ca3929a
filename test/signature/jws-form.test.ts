import { JWS, openEnvelope } from '../../src/signature/envelope.ts'
import {
  EXPIRY,
  PAYLOAD,
  SCHEME,
  craftJws,
  jwsDocument,
  openJws,
  protectedJson,
  refuses,
  type JwsCraft,
} from './envelope-fixture.ts'
import type { Code } from '../../src/errors/index.ts'

const LATER = '2027-01-02T03:04:05Z'

describe('signature/jws', () => {
  const attacks: Readonly<Record<string, readonly [Code, JwsCraft]>> = {
    // C1, C3: form of the document
    'two signatures: the general form beside (C1)': ['ENVELOPE_MALFORMED', { document: { signatures: [] } }],
    'a member of the document that is not known (C1)': ['ENVELOPE_MALFORMED', { document: { x: 1 } }],
    'no payload': ['ENVELOPE_MALFORMED', { document: { payload: undefined } }],
    'a payload that is JSON': ['ENVELOPE_MALFORMED', { document: { payload: { targetArtifact: {} } } }],
    'no protected header': ['ENVELOPE_MALFORMED', { document: { protected: undefined } }],
    'an empty protected header': ['ENVELOPE_MALFORMED', { document: { protected: '' } }],
    'no header': ['ENVELOPE_MALFORMED', { document: { header: undefined } }],
    'a header that is null': ['ENVELOPE_MALFORMED', { document: { header: null } }],
    'no signature': ['ENVELOPE_MALFORMED', { document: { signature: undefined } }],
    'a signature that is null': ['ENVELOPE_MALFORMED', { document: { signature: null } }],
    'a protected header with a member twice (C3)': [
      'ENVELOPE_MALFORMED',
      { signed: JSON.stringify(protectedJson()).replace('{', '{"alg":"ES256",') },
    ],
    'a protected header with __proto__ (C3)': [
      'ENVELOPE_MALFORMED',
      { signed: JSON.stringify(protectedJson()).replace('{', '{"__proto__":{},') },
    ],
    'a protected header that is an array (C3)': ['ENVELOPE_MALFORMED', { signed: '[]' }],
    'a protected header that is null (C3)': ['ENVELOPE_MALFORMED', { signed: 'null' }],
    'a protected header nested 100000 deep (C3)': ['LIMIT_EXCEEDED', { signed: `{"x":${'['.repeat(100_000)}` }],
    'a protected header nested 30000 deep (C3)': ['ENVELOPE_MALFORMED', { signed: `{"x":${'['.repeat(30_000)}` }],
    'a protected header with 1e400 (C3)': [
      'ENVELOPE_MALFORMED',
      { signed: JSON.stringify(protectedJson()).replace('{', '{"x":1e400,') },
    ],
    'a payload with a member twice (C3)': [
      'ENVELOPE_MALFORMED',
      { payload: Buffer.from(`{"targetArtifact":{},${PAYLOAD.toString().slice(1)}`) },
    ],
  }
  describe('refuses', () => {
    for (const [what, [code, craft]] of Object.entries(attacks)) {
      it(`refuses ${what}`, () => {
        refuses(code, () => openJws(craft))
      })
    }

    it('refuses the document with any member twice, first or last (C3)', () => {
      const text = craftJws().toString()
      for (const [name, value] of Object.entries(jwsDocument(craftJws()))) {
        const again = `"${name}":${JSON.stringify(value)}`
        for (const twice of [text.replace('{', `{${again},`), text.replace(/\}$/, `,${again}}`)])
          refuses('ENVELOPE_MALFORMED', () => openEnvelope(JWS, Buffer.from(twice)))
      }
    })

    it('refuses text that is not one strict JSON object (C3)', () => {
      const text = craftJws().toString()
      const wrong = [
        '',
        '{}',
        '[]',
        'null',
        '"x"',
        `[${text}]`,
        `\u{feff}${text}`,
        `${text}x`,
        `${text}${text}`,
        text.slice(0, -1),
        '['.repeat(100_000),
        `{"payload":${'['.repeat(100_000)}`,
        text.replace('"', "'"),
        `/**/${text}`,
      ]
      for (const bytes of wrong) refuses('ENVELOPE_MALFORMED', () => openEnvelope(JWS, Buffer.from(bytes)))
      refuses('ENVELOPE_MALFORMED', () => openEnvelope(JWS, Buffer.from(text, 'utf16le')))
    })

    it('refuses the compact form', () => {
      const { protected: first, payload, signature } = jwsDocument(craftJws())
      const compact = [first, payload, signature].map(String).join('.')
      refuses('ENVELOPE_MALFORMED', () => openEnvelope(JWS, Buffer.from(compact)))
    })

    it('refuses base64 with padding, white space, idle bits or the other alphabet in every member', () => {
      const genuine = jwsDocument(craftJws())
      for (const name of ['payload', 'protected', 'signature']) {
        const text = String(genuine[name])
        const last = text.at(-1) ?? ''
        const next = String.fromCharCode(last.charCodeAt(0) + 1)
        for (const wrong of [`${text}=`, `${text}==`, `${text}\n`, ` ${text}`, `${text.slice(0, 5)}+${text.slice(6)}`])
          refuses('ENVELOPE_MALFORMED', () => openJws({ document: { ...genuine, [name]: wrong } }))
        if (text.length % 4 !== 0)
          refuses('ENVELOPE_MALFORMED', () => openJws({ document: { ...genuine, [name]: text.slice(0, -1) + next } }))
      }
    })

    it('refuses a payload or a protected header of another envelope of the same signer (C5)', () => {
      const one = jwsDocument(craftJws())
      const other = jwsDocument(
        craftJws({
          signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: LATER },
          payload: Buffer.from(PAYLOAD.toString().replace('528', '529')),
        }),
      )
      for (const name of ['payload', 'protected', 'signature'])
        refuses('ENVELOPE_SIGNATURE', () => openJws({ document: { ...one, [name]: other[name] } }))
    })
  })
})
