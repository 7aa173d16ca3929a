/** OCSP answers of the real openssl, carried: first of all, and the lists where they leave it open. */
import assert from 'node:assert/strict'
import { der, derOid, derSequence } from '../../src/codec/index.ts'
import {
  parseAnswer,
  parseList,
  revocationCheck,
  type OcspAnswer,
  type RevocationResult,
} from '../../src/revocation/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import { Authority, lists, RESPONDER, responders, type AnswerTerms } from './authority.ts'
import { acme, certificate, curveKey, extension } from '../signature/hand-made.ts'
import { answerDer, single, time, type AnswerParts, type SingleTerms } from './answer-maker.ts'
import { listAuthority, uri } from './list-maker.ts'
import { Held } from './held.ts'

const URL = 'http://crl.example/a.crl'
const DAY = 86_400_000

describe('revocation/check-answer', function () {
  this.timeout(120_000)
  let root: Authority
  /** With a responder alone, with lists too, and with lists alone. */
  let only: Certificate
  let both: Certificate
  let listed: Certificate
  before(() => {
    root = new Authority('root')
    only = root.issue('only', [responders('http://ocsp.example')])
    both = root.issue('both', [responders('http://ocsp.example'), lists(URL)])
    listed = root.issue('listed', [lists(URL)])
    root.issue('responder', [], RESPONDER)
  })
  after(() => root.remove())

  const utc = (time: Date): string =>
    time
      .toISOString()
      .replaceAll(/[-:T]|\.\d+/g, '')
      .slice(2)
  const answer = (about: Certificate, why?: string, more: Partial<AnswerTerms> = {}): OcspAnswer => {
    const revoked = why === undefined ? [] : [{ serial: about.serial, why }]
    return parseAnswer(root.answer({ about: [about], revoked, ...more }))
  }
  /** The responder has no such certificate in its database. */
  const ignorant = (about: Certificate): OcspAnswer => parseAnswer(root.answer({ about: [about], ignorant: true }))
  const saying = (about: Certificate, why?: string, more: Partial<AnswerTerms> = {}): Held =>
    new Held().hold(root.certificate, about, answer(about, why, more))
  /** And a list of today that names the certificate, or nobody. */
  const withList = (held: Held, certificate?: Certificate, why?: string): Held => {
    const now = Date.now()
    const revoked = certificate === undefined ? [] : [{ serial: certificate.serial, ...(why !== undefined && { why }) }]
    const [from, until] = [utc(new Date(now - DAY)), utc(new Date(now + DAY))]
    return held.list(root.certificate, URL, parseList(root.list({ number: 1, revoked, from, until })))
  }
  const ask = (
    held: Held,
    certificate: Certificate,
    later = 0,
    maxStaleness?: number,
    mustHave: readonly Certificate[] = [],
  ): RevocationResult =>
    revocationCheck(held, {
      now: new Date(Date.now() + later),
      maxStaleness,
      mustHave: new Set(mustHave.map(({ spkiSha256 }) => spkiSha256)),
    })({
      chain: [certificate, root.certificate],
      purpose: 'codeSigning',
    })

  it('says what the answer says, and nothing without one', () => {
    assert.equal(ask(new Held(), only).status, 'unknown')
    assert.deepEqual(ask(saying(only), only), { status: 'good' })
    assert.equal(ask(saying(only, 'keyCompromise'), only).status, 'revoked')
    assert.equal(ask(saying(only, 'certificateHold'), only).status, 'revoked')
  })

  it('knows nobody for good by what is disputed, and revokes by it all the same', () => {
    const answered = (held: Held, of: Certificate): string =>
      ask(held.dispute(root.certificate, 'answer', of.serial), of).status
    assert.equal(answered(saying(only), only), 'unknown')
    // The list alone knows of no hold that a responder tells of.
    assert.equal(answered(withList(saying(both)), both), 'unknown')
    assert.equal(answered(withList(saying(both), both), both), 'revoked')
    assert.equal(answered(saying(only, 'certificateHold'), only), 'revoked')
    // Nobody asks a responder of a certificate that names none.
    assert.equal(answered(withList(saying(listed)), listed), 'good')
    const listing = (held: Held): string => ask(held.dispute(root.certificate, 'base', URL), listed).status
    assert.equal(listing(withList(new Held())), 'unknown')
    assert.equal(listing(withList(new Held(), listed)), 'revoked')
    assert.equal(ask(withList(new Held()).dispute(root.certificate, 'base', `${URL}?`), listed).status, 'good')
  })

  it('takes the answer of a responder that the issuer made', () => {
    assert.deepEqual(ask(saying(only, undefined, { by: 'responder' }), only), { status: 'good' })
    assert.equal(ask(saying(only, 'superseded', { by: 'responder' }), only).status, 'revoked')
  })

  it('goes on revoking by an answer past its next update, but for a hold, and knows nothing else by it', () => {
    assert.equal(ask(saying(only, 'keyCompromise'), only, 2 * DAY).status, 'revoked')
    assert.equal(ask(saying(only, 'certificateHold'), only, 2 * DAY).status, 'unknown')
    assert.equal(ask(saying(only), only, 2 * DAY).status, 'unknown')
    const late = ask(saying(only), only, 2 * DAY, 2 * 86_400)
    assert.equal(late.status === 'good' && late.notes?.length, 1)
  })

  it('R6 knows nothing by an answer dated ahead, beyond five minutes', () => {
    const held = saying(only)
    assert.equal(ask(held, only, -200_000).status, 'good')
    assert.equal(ask(held, only, -310_000).status, 'unknown')
  })

  it('knows nothing by an answer made ahead, or with a critical extension that nobody knows', () => {
    const authority = listAuthority()
    const issuer = { privateKey: authority.key.privateKey, name: authority.name }
    const responder = derSequence(derSequence(derOid('1.3.6.1.5.5.7.48.1'), uri('http://ocsp.example')))
    const extensions = [extension('1.3.6.1.5.5.7.1.1', responder)]
    const signer = certificate({ key: curveKey('P-256'), subject: acme('signer'), issuer, extensions })
    const by = (terms: Partial<SingleTerms>, parts: Partial<AnswerParts> = {}): string => {
      const one = single({ issuer: authority, serial: signer.serial, ...terms })
      const held = new Held().hold(
        authority.certificate,
        signer,
        parseAnswer(answerDer({ authority, singles: [one], ...parts })),
      )
      const now = new Date('2026-06-10T00:00:00Z')
      const chain = [signer, authority.certificate]
      return revocationCheck(held, { now, mustHave: new Set() })({ chain, purpose: 'codeSigning' }).status
    }
    assert.equal(by({}), 'good')
    assert.equal(by({}, { producedAt: time('20260610000500Z') }), 'good')
    assert.equal(by({}, { producedAt: time('20260610000501Z') }), 'unknown')
    assert.equal(by({ status: 1 }, { producedAt: time('20260610000501Z') }), 'revoked')
    const odd = (critical: boolean): Buffer => der(0xa1, derSequence(extension('1.2.3', Buffer.of(1), critical)))
    assert.equal(by({ extensions: odd(false) }), 'good')
    assert.equal(by({ extensions: odd(true) }), 'unknown')
    assert.equal(by({ extensions: odd(true), status: 1 }), 'unknown')
  })

  it('asks the lists where there is no answer, it is stale, or the responder does not know', () => {
    const unknown = new Held().hold(root.certificate, both, ignorant(both))
    for (const [held, later] of [
      [new Held(), 0],
      [saying(both, undefined, { options: ['-nmin', '1'] }), 600_000],
      [unknown, 0],
    ] as const) {
      assert.equal(ask(held, both, later).status, 'unknown')
      assert.equal(ask(withList(held), both, later).status, 'good')
      assert.equal(ask(withList(held, both), both, later).status, 'revoked')
      assert.equal(ask(withList(held, both, 'certificateHold'), both, later).status, 'revoked')
    }
  })

  it('needs no list where an answer is good, but heeds one that revokes for good', () => {
    assert.equal(ask(saying(both), both).status, 'good')
    assert.equal(ask(withList(saying(both), both, 'certificateHold'), both).status, 'good')
    assert.equal(ask(withList(saying(both), both, 'keyCompromise'), both).status, 'revoked')
  })

  it('takes a good answer for no list where the issuer must have one', () => {
    const strictly = (held: Held, about: Certificate): string =>
      ask(held, about, 0, undefined, [root.certificate]).status
    assert.equal(strictly(saying(only), only), 'unknown')
    assert.equal(strictly(saying(only, 'keyCompromise'), only), 'revoked')
    assert.equal(strictly(saying(both), both), 'unknown')
    assert.equal(strictly(withList(saying(both)), both), 'good')
    assert.equal(strictly(withList(saying(both), both, 'keyCompromise'), both), 'revoked')
    assert.equal(strictly(withList(saying(both), both, 'certificateHold'), both), 'revoked')
    // That another issuer must have one is nothing to this one.
    assert.equal(ask(saying(only), only, 0, undefined, [only]).status, 'good')
  })

  it('takes a good answer for no list where the certificate names lists alone', () => {
    assert.equal(ask(saying(listed), listed).status, 'unknown')
    assert.equal(ask(withList(saying(listed)), listed).status, 'good')
    assert.equal(ask(withList(saying(listed, 'keyCompromise')), listed).status, 'revoked')
    assert.equal(ask(withList(saying(listed, 'certificateHold')), listed).status, 'revoked')
  })

  it('heeds what any list of the issuer revokes for good, at whatever address', () => {
    const elsewhere = (about: Certificate, why?: string, by = root): string => {
      const revoked = [{ serial: about.serial, ...(why !== undefined && { why }) }]
      const [from, until] = [utc(new Date(Date.now() - DAY)), utc(new Date(Date.now() + DAY))]
      const list = parseList(by.list({ number: 2, revoked, from, until }))
      return ask(withList(saying(about)).list(root.certificate, `${URL}?old`, list), about).status
    }
    for (const about of [only, both, listed]) {
      assert.equal(elsewhere(about, 'keyCompromise'), 'revoked')
      // A hold may have ended in the list that the certificate names.
      assert.equal(elsewhere(about, 'certificateHold'), 'good')
    }
    assert.equal(ask(withList(saying(listed)), listed).status, 'good')
    const twin = new Authority('root')
    assert.equal(elsewhere(listed, 'keyCompromise', twin), 'good')
    twin.remove()
  })

  it('takes no answer about another certificate', () => {
    assert.equal(ask(new Held().hold(root.certificate, only, answer(both)), only).status, 'unknown')
    assert.equal(ask(new Held().hold(root.certificate, only, answer(only)), only).status, 'good')
  })

  it('R7 takes no answer of an authority of the same name with another key', () => {
    const twin = new Authority('root')
    const theirs = parseAnswer(twin.answer({ about: [only] }))
    assert.equal(ask(new Held().hold(root.certificate, only, theirs), only).status, 'unknown')
    twin.remove()
  })

  it('takes no good answer of a responder that must be asked about, while its list is not held', () => {
    const asked = RESPONDER.filter((line) => !line.startsWith('noCheck'))
    const made = root.issue('asked-responder', [lists(URL)], asked)
    root.issue('bare-responder', [], asked)
    const by = (name: string, why?: string): Held => saying(only, why, { by: name })
    assert.equal(ask(by('asked-responder'), only).status, 'unknown')
    assert.equal(ask(withList(by('asked-responder')), only).status, 'good')
    assert.equal(ask(withList(by('asked-responder'), made), only).status, 'unknown')
    assert.equal(ask(by('asked-responder', 'keyCompromise'), only).status, 'revoked')
    assert.equal(ask(by('asked-responder', 'certificateHold'), only).status, 'revoked')
    // It names no list that could be held.
    assert.equal(ask(by('bare-responder'), only).status, 'good')
  })

  it('takes no answer of a responder that was revoked, or whose certificate expired', () => {
    const made = root.issue('lists-responder', [lists(URL)], RESPONDER)
    const held = (): Held => saying(only, undefined, { by: 'lists-responder', options: ['-ndays', '60'] })
    assert.equal(ask(held(), only).status, 'good')
    assert.equal(ask(withList(held()), only).status, 'good')
    assert.equal(ask(withList(held(), made), only).status, 'unknown')
    // Made for 30 days.
    assert.equal(ask(held(), only, 29 * DAY).status, 'good')
    assert.equal(ask(held(), only, 31 * DAY).status, 'unknown')
  })
})
