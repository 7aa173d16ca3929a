/** OCSP answers: what is read, and what is refused for one part that is wrong. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { der, derInteger, derNull, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { ANSWER_CAP, entryOf, parseAnswer } from '../../src/revocation/index.ts'
import { acme, extension } from '../signature/hand-made.ts'
import {
  answerDer,
  certificateId,
  REVOKED_AT,
  single,
  time,
  type AnswerParts,
  type SingleTerms,
} from './answer-maker.ts'
import { listAuthority, utc } from './list-maker.ts'

const authority = listAuthority()
const TRUE = Buffer.from([1, 1, 0xff])
const FALSE = Buffer.from([1, 1, 0])
const DAY = new Date('2026-06-01T00:00:00Z')
const MONTH = new Date('2026-07-01T00:00:00Z')

const read = (parts: Partial<AnswerParts> = {}) => parseAnswer(answerDer({ authority, ...parts }))
const one = (terms: Partial<SingleTerms>) => read({ singles: [single({ issuer: authority, ...terms })] })
const refuses = (parts: Partial<AnswerParts>, why: string): void =>
  assert.throws(() => read(parts), { code: 'ANSWER_INVALID' }, why)
const refusesOne = (terms: Partial<SingleTerms>, why: string): void =>
  assert.throws(() => one(terms), { code: 'ANSWER_INVALID' }, why)
const extensions = (...list: Uint8Array[]): Buffer => der(0xa1, derSequence(...list))

describe('revocation/answer', () => {
  it('reads every field of an answer', () => {
    const bytes = answerDer({ authority })
    const answer = parseAnswer(bytes)
    assert.deepEqual(answer.der, bytes)
    assert.equal(answer.sha256, createHash('sha256').update(bytes).digest('hex'))
    assert.deepEqual(answer.producedAt, DAY)
    assert.deepEqual(answer.responder, { name: authority.name })
    const [entry] = answer.entries
    assert.deepEqual([entry?.status, entry?.thisUpdate, entry?.nextUpdate], ['good', DAY, MONTH])
    assert.deepEqual(entry?.id.serial, '4711')
    const keyHash = Buffer.alloc(20, 7)
    assert.deepEqual(read({ responder: der(0xa2, derOctets(keyHash)) }).responder, { keyHash })
  })

  it('keeps what it read, whatever becomes of the bytes it was given', () => {
    const bytes = answerDer({ authority })
    const answer = parseAnswer(bytes)
    bytes.fill(0)
    assert.equal(answer.entries[0]?.id.serial, '4711')
    assert.ok(answer.signed.bytes.some((octet) => octet !== 0))
  })

  it('reads every status, reason and invalidityDate', () => {
    assert.equal(one({ status: 'unknown' }).entries[0]?.status, 'unknown')
    const revoked = new Date('2026-03-01T00:00:00Z')
    for (const code of [0, 1, 2, 3, 4, 5, 6, 9, 10]) {
      const [entry] = one({ status: code }).entries
      assert.deepEqual([entry?.status, entry?.revoked, entry?.reason], ['revoked', revoked, code])
    }
    assert.equal(one({ status: -1 }).entries[0]?.reason, undefined)
    const invalid = extension('2.5.29.24', time('20260102030405Z'), true)
    const [entry] = one({ status: 1, extensions: extensions(invalid) }).entries
    assert.deepEqual([entry?.invalidity, entry?.unknownCritical], [new Date('2026-01-02T03:04:05Z'), undefined])
    assert.equal(
      one({ extensions: extensions(extension('1.2.3', Buffer.of(1), true)) }).entries[0]?.unknownCritical,
      true,
    )
    assert.equal(
      one({ extensions: extensions(extension('1.2.3', Buffer.of(1))) }).entries[0]?.unknownCritical,
      undefined,
    )
  })

  it('takes identifiers by SHA-1 and SHA-2, and tells certificates apart by issuer and serial number', () => {
    for (const [oid, name] of [
      ['1.3.14.3.2.26', 'sha1'],
      ['2.16.840.1.101.3.4.2.1', 'sha256'],
      ['2.16.840.1.101.3.4.2.2', 'sha384'],
      ['2.16.840.1.101.3.4.2.3', 'sha512'],
    ] as const) {
      const answer = one({ id: certificateId(authority, 'ff', oid, name) })
      assert.equal(entryOf(answer, authority.certificate, 'ff')?.status, 'good')
      assert.equal(entryOf(answer, authority.certificate, 'fe'), undefined)
      assert.equal(entryOf(answer, listAuthority().certificate, 'ff'), undefined, 'the same name, another key')
      const renamed = listAuthority('renamed', authority.key)
      assert.equal(entryOf(answer, renamed.certificate, 'ff'), undefined, 'the same key, another name')
    }
    refusesOne({ id: certificateId(authority, '1', '1.2.840.113549.2.5', 'md5') }, 'MD5')
    refusesOne({ id: certificateId(authority, '1', '2.16.840.1.101.3.4.2.1', 'sha1') }, 'SHA-1 called SHA-256')
    refusesOne({ id: certificateId(authority, '1'.repeat(41)) }, 'a serial number too long')
  })

  it('finds one certificate among several, and refuses an answer that speaks twice of it', () => {
    const other = listAuthority('other')
    const singles = ['1', '2', '3'].map((serial) =>
      single({ issuer: authority, serial, status: serial === '2' ? 1 : 'good' }),
    )
    singles.push(single({ issuer: other, serial: '2' }))
    const answer = read({ singles })
    assert.equal(entryOf(answer, authority.certificate, '2')?.status, 'revoked')
    assert.equal(entryOf(answer, authority.certificate, '3')?.status, 'good')
    assert.equal(entryOf(answer, other.certificate, '2')?.status, 'good')
    assert.equal(entryOf(answer, other.certificate, '3'), undefined)
    const again = single({ issuer: authority, id: certificateId(authority, '2', '2.16.840.1.101.3.4.2.1', 'sha256') })
    const twice = read({ singles: [...singles, again] })
    assert.throws(() => entryOf(twice, authority.certificate, '2'), { code: 'ANSWER_INVALID' })
    assert.equal(entryOf(twice, authority.certificate, '3')?.status, 'good')
  })

  it('refuses what the responder refuses, and another type of answer', () => {
    for (const code of [1, 2, 3, 5, 6, 9])
      refuses({ status: der(0x0a, Buffer.of(code)), body: Buffer.alloc(0) }, `${code}`)
    refuses({ status: der(0x0a, Buffer.of(6)) }, 'a refusal with an answer')
    refuses({ body: Buffer.alloc(0) }, 'success without an answer')
    refuses({ type: '1.3.6.1.5.5.7.48.1.2' }, 'another type')
    refuses({ tail: derNull() }, 'a field more')
  })

  it('refuses a time that is missing or not a GeneralizedTime to the second in UTC', () => {
    refusesOne({ nextUpdate: Buffer.alloc(0) }, 'no nextUpdate')
    refusesOne({ thisUpdate: Buffer.alloc(0) }, 'no thisUpdate')
    refusesOne({ thisUpdate: time('20260702000000Z') }, 'thisUpdate after nextUpdate')
    for (const bad of ['20260601000000', '20260601000000.5Z', '202606010000Z', '20260631000000Z', '20260601240000Z']) {
      refusesOne({ thisUpdate: time(bad) }, bad)
      refuses({ producedAt: time(bad) }, bad)
      refusesOne({ nextUpdate: der(0xa0, time(bad)) }, bad)
    }
    refuses({ producedAt: utc('260601000000Z') }, 'a UTCTime')
    refusesOne({ nextUpdate: der(0xa0, time('20260701000000Z'), time('20260701000000Z')) }, 'two times')
  })

  it('refuses a status of another form', () => {
    refusesOne({ rawStatus: der(0x80, Buffer.of(0)) }, 'good with contents')
    refusesOne({ rawStatus: der(0xa0, derNull()) }, 'good in a wrapper')
    refusesOne({ rawStatus: der(0x83) }, 'a fourth status')
    refusesOne({ rawStatus: Buffer.alloc(0) }, 'no status')
    refusesOne({ rawStatus: der(0xa1) }, 'revoked without a date')
    for (const code of [7, 8, 11]) refusesOne({ status: code }, `reason ${code}`)
    refusesOne({ rawStatus: der(0xa1, REVOKED_AT, der(0xa0, derInteger(1))) }, 'a reason of another type')
    refusesOne({ rawStatus: der(0xa1, REVOKED_AT, der(0xa0, der(0x0a, Buffer.of(1))), derNull()) }, 'a field more')
  })

  it('passes over a nonce, and refuses other critical extensions of the whole', () => {
    const nonce = (critical: boolean) => extension('1.3.6.1.5.5.7.48.1.2', derOctets(Buffer.alloc(16)), critical)
    read({ extensions: extensions(nonce(false)) })
    read({ extensions: extensions(nonce(true)) })
    read({ extensions: extensions(extension('1.2.3', Buffer.of(1))) })
    refuses({ extensions: extensions(extension('1.2.3', Buffer.of(1), true)) }, 'critical')
    refuses({ extensions: extensions(nonce(false), nonce(false)) }, 'twice')
    refuses({ extensions: extensions() }, 'none')
    refuses({ extensions: extensions(derSequence(derOid('1.2.3'), FALSE, derOctets(TRUE))) }, 'a default written out')
  })

  it('refuses what is signed along and never looked at', () => {
    refuses({ version: der(0xa0, derInteger(0)) }, 'the default version')
    refuses({ version: der(0xa0, derInteger(1)) }, 'another version')
    refuses({ singles: [] }, 'no certificate')
    refuses({ singles: Array.from({ length: 257 }, () => single({ issuer: authority })) }, 'too many')
    refuses({ responder: der(0xa1, acme('a'), acme('b')) }, 'two names')
    refuses({ responder: der(0xa3, authority.name) }, 'named in another way')
    refuses({ signature: der(0x03, Buffer.from([1, 0x80])) }, 'a signature with unused bits')
    refuses({ certificates: Array.from({ length: 9 }, () => authority.certificate.der) }, 'nine certificates')
    read({ certificates: Array.from({ length: 8 }, () => authority.certificate.der) })
  })

  it('refuses an answer cut at every octet, or with a byte behind it', () => {
    const bytes = answerDer({ authority })
    for (let end = 0; end < bytes.length; end += 1)
      assert.throws(() => parseAnswer(bytes.subarray(0, end)), { code: 'ANSWER_INVALID' })
    assert.throws(() => parseAnswer(Buffer.concat([bytes, Buffer.of(0)])), { code: 'ANSWER_INVALID' })
  })

  it('refuses more than 64 KiB unread', () => {
    assert.throws(() => parseAnswer(Buffer.alloc(ANSWER_CAP + 1)), { code: 'LIMIT_EXCEEDED' })
    assert.throws(() => parseAnswer(Buffer.alloc(ANSWER_CAP)), { code: 'ANSWER_INVALID' })
  })
})
