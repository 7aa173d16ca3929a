import assert from 'node:assert/strict'
import { informationLines, trustTreeText } from '../../src/cli/trust-tree-text.ts'
import type { TreeCertificate, TrustTree } from '../../src/index.ts'

const HOSTILE = 'a\u001b[2J\u009b2J\u202egpj\u2028b\u{e0041}\nc'
const NONE: TrustTree = {
  repository: 'local/sallyport/trust/vendor-a',
  items: [],
  faults: [],
  certificates: [],
  stores: [],
  statements: [],
  requirements: [],
}

const certificate: TreeCertificate = {
  subject: 'CN=root,O=Acme',
  fingerprint: `sha256:${'0'.repeat(64)}`,
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2036-01-01T00:00:00Z',
  validity: 'valid',
  depth: 0,
  delegation: { kind: 'root', purpose: 'signing', scope: [], pathLength: null, crlUrl: null },
  signs: [],
}

const item = { repository: HOSTILE, tag: HOSTILE, digest: 'sha256:1', kind: 'store', name: HOSTILE } as const

describe('cli/trust-tree-text', () => {
  it('shows no character that a terminal obeys, whatever a bundle says', () => {
    const lines = trustTreeText({
      repository: HOSTILE,
      items: [{ ...item, digest: `sha256:${'0'.repeat(64)}` }],
      faults: [{ digest: `sha256:${'1'.repeat(64)}`, tags: [HOSTILE], why: HOSTILE }],
      certificates: [
        {
          ...certificate,
          subject: HOSTILE,
          delegation: { kind: 'ca', purpose: 'timestamping', scope: [HOSTILE], pathLength: 1, crlUrl: HOSTILE },
          signs: ['signing', 'timestamping'],
        },
      ],
      stores: [{ store: HOSTILE, anchors: [{ ...certificate, subject: HOSTILE }] }],
      statements: [
        { file: 'oci', name: HOSTILE, level: 'strict', scopes: [HOSTILE], stores: [HOSTILE], identities: [HOSTILE] },
      ],
      requirements: [{ scope: HOSTILE, count: 1, of: [HOSTILE], trace: [HOSTILE], requireOrigin: true }],
    })
    lines.push(...informationLines([{ ...item, digest: `sha256:${'0'.repeat(64)}` }]))
    assert.ok(lines.length > 15)
    for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}]/u)
  })

  it('shows who stands below whom, for what, until when', () => {
    const root = certificate
    const delegation = { kind: 'signer', purpose: 'signing', scope: ['a.b/c'], pathLength: null, crlUrl: null } as const
    const signer: TreeCertificate = {
      ...certificate,
      subject: 'CN=ci',
      depth: 1,
      notAfter: '2027-02-03T00:00:00Z',
      delegation: { ...delegation, scope: ['a.b/c'] },
      signs: ['signing'],
    }
    const gone: TreeCertificate = { ...signer, subject: 'CN=gone', validity: 'expired', delegation: null, signs: [] }
    const later: TreeCertificate = { ...signer, subject: 'CN=later', validity: 'not yet valid', signs: [] }
    const items = [{ ...item, tag: 'chains', digest: `sha256:${'0'.repeat(64)}` as const }]
    const text = trustTreeText({ ...NONE, items, certificates: [root, signer, gone, later] })
    const at = (subject: string): number => text.findIndex((line) => line.trim() === subject)
    assert.equal(text[at('CN=root,O=Acme') + 1], '    until 2036-01-01 · root')
    assert.equal(text[at('CN=ci') + 1], '      until 2027-02-03 · signer · for a.b/c · signed what is carried')
    assert.equal(text[at('CN=gone') + 1], '      EXPIRED 2027-02-03 · no record of delegation')
    assert.match(text[at('CN=later') + 1] ?? '', /NOT VALID BEFORE 2026-01-01, until 2027-02-03/)
    assert.ok(text.some((line) => line.includes('makes nothing trusted')))
  })

  it('says so when nothing is carried', () => {
    assert.deepEqual(trustTreeText(NONE), ['trust information: none is carried'])
    assert.deepEqual(informationLines([]), [])
  })
})
