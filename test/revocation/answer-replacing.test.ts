import assert from 'node:assert/strict'
import { der, derSequence } from '../../src/codec/index.ts'
import { offerAnswer, parseAnswer, type AnswerOffer, type OcspAnswer } from '../../src/revocation/index.ts'
import { curveKey, extension } from '../signature/hand-made.ts'
import { answerDer, single, time } from './answer-maker.ts'
import { invalidity, listAuthority } from './list-maker.ts'

const authority = listAuthority('issuer', curveKey('P-256'))
const asked = { issuer: authority.certificate, serial: '4711' }
const NOW = new Date('2026-06-15T00:00:00Z')

type Status = 'good' | 'unknown' | number

/** About the certificate: good, unknown, or revoked for a reason. */
const answer = (
  day: number,
  status: Status,
  more: { produced?: number; serial?: string; extension?: Buffer } = {},
): OcspAnswer => {
  const { produced = day, serial = asked.serial, extension } = more
  const one = single({
    issuer: authority,
    serial,
    status,
    thisUpdate: time(`202606${String(day).padStart(2, '0')}000000Z`),
    ...(extension === undefined ? {} : { extensions: der(0xa1, derSequence(extension)) }),
  })
  return parseAnswer(
    answerDer({ authority, singles: [one], producedAt: time(`202606${String(produced).padStart(2, '0')}000000Z`) }),
  )
}
const offer = (held: OcspAnswer | undefined, offered: OcspAnswer, now = NOW): AnswerOffer =>
  offerAnswer(held, offered, asked, now)

describe('revocation/answer-replacing', () => {
  it('takes the first answer, the same again as held, and a newer one', () => {
    const [one, two] = [answer(1, 'good'), answer(2, 'good')]
    assert.equal(offer(undefined, one).outcome, 'taken')
    assert.equal(offer(one, one).outcome, 'held')
    assert.deepEqual(offer(one, two), { outcome: 'taken', answer: two })
    assert.deepEqual(offer(two, one), { outcome: 'older', answer: two })
    assert.equal(offer(one, answer(1, 'good', { produced: 2 })).outcome, 'taken')
  })

  it('lets no later answer take a revocation for good back, and lets a hold end', () => {
    const revoked = answer(1, 1)
    for (const status of ['good', 'unknown', 6] as const)
      assert.deepEqual(offer(revoked, answer(2, status)), { outcome: 'older', answer: revoked })
    assert.equal(offer(answer(1, 6), answer(2, 'good')).outcome, 'taken')
    assert.equal(offer(answer(2, 'good'), revoked).outcome, 'taken')
    assert.equal(offer(revoked, answer(2, 4)).outcome, 'taken')
  })

  it('lets no later answer loosen a revocation for good, by words that nobody knows or a later loss of the key', () => {
    const lost = (year: number): { extension: Buffer } => ({ extension: invalidity(`${year}0101000000Z`) })
    const odd = { extension: extension('1.2.3', Buffer.of(5, 0), true) }
    for (const [firm, loose] of [
      [answer(1, 1), answer(2, 1, odd)],
      [answer(1, 1), answer(2, 1, lost(2025))],
      [answer(1, 1, lost(2024)), answer(2, 1, lost(2025))],
      [answer(1, 1, lost(1000)), answer(2, 1, lost(1001))],
    ] as const) {
      assert.deepEqual(offer(firm, loose), { outcome: 'older', answer: firm })
      assert.deepEqual(offer(loose, firm), { outcome: 'taken', answer: firm })
    }
    assert.equal(offer(answer(1, 1, odd), answer(2, 'good')).outcome, 'taken')
  })

  it('ends with one answer whatever the order', () => {
    const all = [answer(3, 'good'), answer(2, 6), answer(1, 1), answer(4, 'unknown')]
    const ends = new Set<string>()
    for (const first of all)
      for (const second of all)
        for (const third of all)
          for (const fourth of all) {
            const order = [first, second, third, fourth]
            if (new Set(order).size < all.length) continue
            ends.add(
              order.reduce<OcspAnswer | undefined>((held, one) => offer(held, one).answer, undefined)?.sha256 ?? '',
            )
          }
    assert.deepEqual([...ends], [all[2]?.sha256])
  })

  it('raises an alarm at two answers of one time that say different things', () => {
    assert.throws(() => offer(answer(1, 'good'), answer(1, 'unknown')), { code: 'LIST_EQUIVOCATION' })
    assert.throws(() => offer(answer(1, 6), answer(1, 'good')), { code: 'LIST_EQUIVOCATION' })
    // Signed twice, which ECDSA does differently each time.
    const [one, two] = [answer(1, 'good'), answer(1, 'good')]
    assert.notEqual(one.sha256, two.sha256)
    assert.deepEqual(offer(one, two), { outcome: 'held', answer: one })
  })

  it('R6 refuses an answer dated ahead, beyond five minutes', () => {
    const before = (seconds: number): Date => new Date(Date.UTC(2026, 5, 1) - seconds * 1000)
    assert.equal(offer(undefined, answer(1, 'good'), before(300)).outcome, 'taken')
    assert.throws(() => offer(undefined, answer(1, 'good'), before(301)), { code: 'LIST_FUTURE' })
    assert.throws(() => offer(undefined, answer(1, 1, { produced: 20 })), { code: 'LIST_FUTURE' })
  })

  it('refuses an answer that does not speak of the certificate', () => {
    assert.throws(() => offer(undefined, answer(1, 'good', { serial: '4712' })), { code: 'ANSWER_INVALID' })
  })
})
