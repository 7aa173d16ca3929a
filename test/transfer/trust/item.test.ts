import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOf, isEnvelopeType, OCI_MANIFEST, parseManifest } from '../../../src/oci/index.ts'
import {
  isTrustLabel,
  TRUST_KINDS,
  TRUST_LAYER_CAP,
  TRUST_NAME,
  trustItemOf,
  trustManifest,
  trustTag,
  trustType,
  type TrustLabel,
} from '../../../src/transfer/trust/item.ts'
import { isTrustPath } from '../../../src/transfer/trust/path.ts'

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', '..', 'bundles', 'FORMAT.md'), 'utf8')
const RULE = PAGE.slice(PAGE.indexOf('**8.7'), PAGE.indexOf('## 9.'))
const NAMES: Readonly<Record<string, string>> = { store: 'ca:acme', policy: 'trustpolicy.json' }
const LAYER = { digest: digestOf(Buffer.from('x')), size: 1 }

function read(bytes: Buffer): ReturnType<typeof trustItemOf> {
  return trustItemOf(parseManifest(bytes, OCI_MANIFEST, 'bundle', 'test'), bytes)
}

describe('transfer/trust/item', () => {
  for (const kind of TRUST_KINDS) {
    const label: TrustLabel = { kind, name: NAMES[kind] ?? '' }
    it(`reads what it writes of ${kind}, as FORMAT has it`, () => {
      const bytes = trustManifest(label, LAYER)
      const { layer, ...found } = read(bytes) ?? assert.fail()
      assert.deepEqual(found, label)
      assert.deepEqual([layer.digest, layer.size, layer.mediaType], [LAYER.digest, LAYER.size, trustType(kind)])
      assert.ok(isEnvelopeType(layer.mediaType), 'it is judged before payload flows')
      const title = layer.annotations?.['org.opencontainers.image.title'] ?? ''
      const row = RULE.split('\n').find((line) => line.includes(`| \`${trustType(kind)}\` |`)) ?? ''
      for (const word of [trustTag(label), title, ...(label.name === '' ? [] : [label.name])])
        assert.ok(row.includes(`\`${word}\``), word)
    })
  }

  it('has the cap and the annotation that FORMAT gives', () => {
    assert.ok(RULE.includes(TRUST_LAYER_CAP.toLocaleString('en-US')) && RULE.includes(`\`${TRUST_NAME}\``))
    const store: TrustLabel = { kind: 'store', name: 'ca:acme' }
    assert.ok(read(trustManifest(store, { ...LAYER, size: TRUST_LAYER_CAP })))
    assert.equal(read(trustManifest(store, { ...LAYER, size: TRUST_LAYER_CAP + 1 })), undefined)
  })

  it('takes no manifest with any one byte other', () => {
    const bytes = trustManifest({ kind: 'store', name: 'ca:acme' }, LAYER)
    for (let at = 0; at < bytes.length; at++) {
      const other = Buffer.from(bytes)
      other[at] = (other[at] ?? 0) ^ 1
      let found: ReturnType<typeof trustItemOf>
      try {
        found = read(other)
      } catch {
        continue
      }
      // Another layer, or another name and its title: a piece all the same, and its bytes are its own.
      if (found !== undefined) assert.ok(trustManifest(found, found.layer).equals(other))
      assert.ok(found === undefined || found.layer.digest !== LAYER.digest || found.layer.size !== LAYER.size, `${at}`)
    }
  })

  it('gives no two labels one tag, and none that is no tag', () => {
    assert.ok(isTrustLabel({ kind: 'store', name: 'signingAuthority:A_b.c-d' }))
    for (const name of ['', 'ca', 'ca:', 'ca:..', 'ca:a/b', 'other:a', `ca:${'a'.repeat(128)}`, 'ca:a\nb'])
      assert.ok(!isTrustLabel({ kind: 'store', name }), name)
    for (const name of ['', 'run.sh', 'policy.yml', '../policy.yaml', 'truststore/'])
      assert.ok(!isTrustLabel({ kind: 'policy', name }), name)
    for (const kind of ['chains', 'delegations'] as const) assert.ok(!isTrustLabel({ kind, name: 'x' }))
    const labels: TrustLabel[] = [
      { kind: 'store', name: 'ca:a-b' },
      { kind: 'store', name: 'tsa:a-b' },
      { kind: 'policy', name: 'policy.yaml' },
      { kind: 'chains', name: '' },
    ]
    assert.equal(new Set(labels.map(trustTag)).size, labels.length)
  })

  it('knows its path below any prefix, and no other', () => {
    for (const path of ['sallyport/trust/a', 'x/sallyport/trust/a', 'x/y/sallyport/trust/a'])
      assert.ok(isTrustPath(path, 'a'))
    for (const path of ['sallyport/trust/b', 'xsallyport/trust/a', 'sallyport/trust/a/b', 'trust/a', 'a'])
      assert.ok(!isTrustPath(path, 'a'), path)
  })
})
