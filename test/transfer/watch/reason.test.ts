import assert from 'node:assert/strict'
import type { ImportReport } from '../../../src/transfer/index.ts'
import { reasonOf } from '../../../src/transfer/watch/reason.ts'

const NONE = { artifacts: null, passengers: [], revocation: null, rejudged: null }
const ELSE = { target: 'oci:out', known: 1, signatures: 1, elsewhere: 0, complete: true }
const DIGEST = `sha256:${'0'.repeat(64)}` as const

type Rejudged = NonNullable<ImportReport['rejudged']>['artifacts'][number]

function standing(more: Partial<Rejudged>): typeof NONE {
  const one = { path: 'app', digest: DIGEST, tags: [], because: [], before: 'trusted', verdict: 'rejected' } as const
  const artifacts = [{ ...one, why: 'its signer', measure: null, ...more }]
  return { ...NONE, rejudged: { ...ELSE, artifacts } } as unknown as typeof NONE
}

describe('transfer/watch/reason', () => {
  it('gives none where all is well', () => assert.equal(reasonOf(NONE, 0), undefined))

  it('names what lay at the target and is trusted no more', () => {
    const reason = reasonOf(standing({ code: 'CERTIFICATE_REVOKED' }), 14)
    assert.equal(reason?.code, 'CERTIFICATE_REVOKED')
    assert.match(reason.why, /^app@sha256:0{64} .*its signer$/)
  })

  it('names what was left to the next run', () => {
    const reason = reasonOf(standing({ verdict: 'unasked', why: 'no answer' }), 21)
    assert.deepEqual([reason?.code, reason?.why.endsWith('no answer')], [undefined, true])
  })

  it('names passengers and lists that were refused, the one first that the status is of', () => {
    const passengers = [{ channel: 'office', outcome: 'refused', code: 'ROOT_UNKNOWN', why: 'another root' }]
    const lists = [{ url: 'http://crl.x/a', outcome: 'refused', code: 'LIST_INVALID' }]
    const report = { ...NONE, passengers, revocation: { lists } } as unknown as typeof NONE
    assert.deepEqual(
      [12, 13, 99].map((exit) => reasonOf(report, exit)?.code),
      ['LIST_INVALID', 'ROOT_UNKNOWN', 'ROOT_UNKNOWN'],
    )
  })
})
