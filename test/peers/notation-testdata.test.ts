/** What notation's own tests are made of, through our reader. What each is was read from their tests. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Code } from '../../src/errors/index.ts'
import { openEnvelope, openTimestamp } from '../../src/signature/index.ts'
import { readTrustMaterial } from '../../src/trust/index.ts'
import { MEDIA_TYPES, NotationJudge } from './notation.ts'
import { notationTestdata } from './setup/peer-data.ts'

/** Refused with a code, or opened; then what it names beyond the specified attributes. */
type Said = Code | readonly string[]

const PLUGIN = ['io.cncf.notary.verificationPlugin', 'io.cncf.notary.verificationPluginMinVersion']

const JWS: Readonly<Record<string, Said>> = {
  'internal/mock/testdata/ca_valid_sig_env.json': [],
  'internal/mock/testdata/sa_valid_sig_env.json': [],
  'internal/mock/testdata/ca_invalid_sig_env.json': 'ENVELOPE_MALFORMED',
  'internal/mock/testdata/sa_invalid_sig_env.json': 'ENVELOPE_MALFORMED',
  // Expired, which an envelope by itself may be.
  'internal/mock/testdata/ca_expired_sig_env.json': [],
  'internal/mock/testdata/sa_expired_sig_env.json': [],
  'internal/mock/testdata/sig_env_with_metadata.json': [],
  'internal/mock/testdata/ca_plugin_sig_env.json': ['SomeKey', 'io.cncf.notary.verificationPlugin'],
  'internal/mock/testdata/sa_plugin_sig_env.json': ['SomeKey', 'io.cncf.notary.verificationPlugin'],
  'internal/mock/testdata/ca_compatible_pluginver_sig_env_0.0.9.json': PLUGIN,
  'internal/mock/testdata/ca_compatible_pluginver_sig_env_1.0.0-alpha.beta.json': PLUGIN,
  'internal/mock/testdata/ca_compatible_pluginver_sig_env_1.0.0-alpha.json': PLUGIN,
  'internal/mock/testdata/ca_compatible_pluginver_sig_env_1.0.0.json': PLUGIN,
  'internal/mock/testdata/ca_incompatible_pluginver_sig_env_1.0.1.json': PLUGIN,
  'internal/mock/testdata/ca_incompatible_pluginver_sig_env_1.0.9.json': PLUGIN,
  'internal/mock/testdata/ca_incompatible_pluginver_sig_env_1.1.0-alpha.json': PLUGIN,
  'internal/mock/testdata/ca_incompatible_pluginver_sig_env_1.2.3.json': PLUGIN,
  'internal/testdata/jws_signature.sig': [],
  'verifier/testdata/timestamp/sigEnv/jwsWithTimestamp.sig': [],
  'verifier/testdata/timestamp/sigEnv/jwsExpiredWithTimestamp.sig': [],
  'verifier/testdata/timestamp/sigEnv/timestampBeforeNotBefore.sig': [],
  'verifier/testdata/timestamp/sigEnv/withoutTimestamp.sig': [],
}

const COSE: Readonly<Record<string, Said>> = {
  'internal/testdata/cose_signature.sig': [],
  'verifier/testdata/timestamp/sigEnv/coseWithTimestamp.sig': [],
  'verifier/testdata/timestamp/sigEnv/coseExpiredWithTimestamp.sig': [],
  'verifier/testdata/timestamp/sigEnv/timestampAfterNotAfter.sig': [],
}

/** Envelopes with a timestamp, and whether it is right: by its signature and imprint, not by anyone's dates. */
const STAMPED = [
  ['jws', 'jwsWithTimestamp.sig'],
  ['jws', 'jwsExpiredWithTimestamp.sig'],
  ['jws', 'timestampBeforeNotBefore.sig'],
  ['cose', 'coseWithTimestamp.sig'],
  ['cose', 'coseExpiredWithTimestamp.sig'],
  ['cose', 'timestampAfterNotAfter.sig'],
] as const

/** Named stores, and whether their files are trust anchors all; notation says the same unless told. */
const STORES: Readonly<Record<string, { ours: boolean; notation: boolean }>> = {
  'ca:valid-trust-store-self-signed': { ours: true, notation: true },
  'ca:trust-store-with-leaf-certs': { ours: false, notation: false },
  'ca:trust-store-with-leaf-certs-in-single-file': { ours: false, notation: false },
  'ca:trust-store-with-invalid-certs': { ours: false, notation: false },
  'tsa:test-timestamp': { ours: true, notation: true },
  'tsa:test-mismatch': { ours: true, notation: true },
  'tsa:test-nonCA': { ours: false, notation: false },
  'tsa:test-nonSelfIssued': { ours: false, notation: false },
  // They hold a GlobalSign.der; files end in .pem, .crt or .cer by the specification.
  'ca:valid-trust-store': { ours: false, notation: true },
  'ca:valid-trust-store-2': { ours: false, notation: true },
  'signingAuthority:valid-trust-store': { ours: false, notation: true },
  'signingAuthority:valid-trust-store-2': { ours: false, notation: true },
}

describe('peers/notation-testdata', () => {
  let folder: string
  let coreFolder: string
  let judge: NotationJudge

  before(function () {
    judge = NotationJudge.start(this)
    folder = notationTestdata(this, 'notation-go')
    coreFolder = notationTestdata(this, 'notation-core-go')
  })
  after(() => judge?.stop())

  function opened(mediaType: string, bytes: Buffer): Said {
    try {
      const { critical, plugin } = openEnvelope(mediaType, bytes)
      const named =
        plugin === undefined ? [] : [PLUGIN[0] ?? '', ...(plugin.minVersion === undefined ? [] : [PLUGIN[1] ?? ''])]
      return [...critical.keys(), ...named]
    } catch (error) {
      if (error instanceof Error && 'code' in error) return error.code as Code
      throw error
    }
  }

  for (const [format, table] of [
    ['jws', JWS],
    ['cose', COSE],
  ] as const) {
    for (const [path, said] of Object.entries(table)) {
      const expected = typeof said === 'object' && 'refused' in said ? said.refused : said
      it(`${typeof expected === 'string' ? 'refuses' : 'opens'} ${basename(path)} as ${format}`, async () => {
        const bytes = readFileSync(join(folder, path))
        assert.deepEqual(opened(MEDIA_TYPES[format], bytes), expected)
        const theirs = await judge.verifyEnvelope(MEDIA_TYPES[format], bytes)
        assert.equal(theirs.ok, typeof said !== 'string')
      })
    }
  }

  it('opens no file as a signature that notation does not open', async () => {
    const seen = { files: 0, accepted: 0 }
    for (const root of [folder, coreFolder]) {
      for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue
        const bytes = readFileSync(join(entry.parentPath, entry.name))
        seen.files += 1
        for (const mediaType of Object.values(MEDIA_TYPES)) {
          if (typeof opened(mediaType, bytes) === 'string') continue
          seen.accepted += 1
          assert.ok((await judge.verifyEnvelope(mediaType, bytes)).ok, entry.name)
        }
      }
    }
    assert.equal(seen.accepted, [...Object.values(JWS), ...Object.values(COSE)].filter(Array.isArray).length)
    assert.ok(seen.files > 70)
  })

  for (const [format, name] of STAMPED) {
    it(`proves the timestamp of ${name}, and none over another signature`, () => {
      const bytes = readFileSync(join(folder, 'verifier/testdata/timestamp/sigEnv', name))
      const { timestamp, signature } = openEnvelope(MEDIA_TYPES[format], bytes)
      assert.ok(timestamp)
      const { genTime } = openTimestamp(timestamp, signature)
      assert.equal(genTime.toISOString().slice(0, 7), '2024-06')
      assert.throws(() => openTimestamp(timestamp, signature.subarray(1)), { code: 'TIMESTAMP_INVALID' })
    })
  }

  it('proves no time by a token that is broken', () => {
    const right = readFileSync(join(folder, 'verifier/testdata/timestamp/countersignature/TimeStampToken.p7s'))
    const tokens = readdirSync(join(folder, 'verifier/testdata/timestamp/countersignature'))
    assert.equal(tokens.length, 4)
    for (const name of tokens) {
      const token = readFileSync(join(folder, 'verifier/testdata/timestamp/countersignature', name))
      // notation's tests stamp the word "notation" and call only the first right.
      const prove = (): unknown => openTimestamp(token, Buffer.from('notation'))
      if (token.equals(right)) assert.doesNotThrow(prove, name)
      else assert.throws(prove, { code: 'TIMESTAMP_INVALID' }, name)
    }
    const bad = readFileSync(join(coreFolder, 'internal/timestamp/testdata/TimeStampTokenWithInvalidSignature.p7s'))
    assert.throws(() => openTimestamp(bad, Buffer.from('notation')), { code: 'TIMESTAMP_INVALID' })
  })

  for (const [store, { ours, notation }] of Object.entries(STORES)) {
    it(`${ours ? 'takes' : 'refuses'} the trust store ${store}`, async () => {
      const [type = '', name = ''] = store.split(':')
      const path = `truststore/x509/${type}/${name}`
      const files = new Map(
        readdirSync(join(folder, 'verifier/testdata', path)).map((file) => [
          `${path}/${file}`,
          readFileSync(join(folder, 'verifier/testdata', path, file)),
        ]),
      )
      const read = (): unknown => readTrustMaterial(files)
      if (ours) assert.doesNotThrow(read)
      else assert.throws(read, { code: 'TRUST_STORE_MALFORMED' })
      const theirs = await judge.readStore(join(folder, 'verifier/testdata'), type, name)
      assert.equal(theirs.ok, notation, theirs.error ?? 'notation takes it')
    })
  }
})
