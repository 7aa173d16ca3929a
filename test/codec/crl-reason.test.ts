import assert from 'node:assert/strict'
import { CRL_REASONS, crlReasonName, isCrlReason, isForGood } from '../../src/codec/index.ts'

describe('codec/crl-reason', () => {
  it('knows the ten reasons of RFC 5280, and no other number', () => {
    const known = Array.from({ length: 256 }, (_, number) => number).filter(isCrlReason)
    assert.deepEqual(known, [0, 1, 2, 3, 4, 5, 6, 8, 9, 10])
    for (const number of [-1, 0.5, NaN, 2 ** 32]) assert.equal(isCrlReason(number), false)
  })

  it('names each as it is spelled there, and takes none for unspecified', () => {
    for (const [name, reason] of Object.entries(CRL_REASONS)) assert.equal(crlReasonName(reason), name)
    assert.deepEqual([crlReasonName(undefined), crlReasonName(7)], ['unspecified', '7'])
  })

  it('takes all for good but a hold and its end', () => {
    const passing = Object.entries(CRL_REASONS).filter(([, reason]) => !isForGood(reason))
    assert.deepEqual(
      passing.map(([name]) => name),
      ['certificateHold', 'removeFromCRL'],
    )
    assert.equal(isForGood(undefined), true)
  })
})
