import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { der, derBits, derInteger, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { LIST_CAP, compareNumbers, parseList } from '../../src/revocation/index.ts'
import { acme, extension } from '../signature/hand-made.ts'
import {
  KEY_ID,
  TRUE,
  authorityKeyId,
  deltaIndicator,
  entry,
  freshest,
  fullName,
  generalized,
  issuingPoint,
  listAuthority,
  listDer,
  listNumber,
  reason,
  uri,
  utc,
  type ListTerms,
} from './list-maker.ts'

const authority = listAuthority()
const NUMBERED = [listNumber('10')]

function parse(terms: Omit<ListTerms, 'authority'> = {}): ReturnType<typeof parseList> {
  return parseList(listDer({ authority, ...terms }))
}

function refuses(terms: Omit<ListTerms, 'authority'>, why: string): void {
  assert.throws(() => parse(terms), { code: 'LIST_MALFORMED' }, why)
}

describe('revocation/list', () => {
  it('reads every field of a list', () => {
    const list = listDer({
      authority,
      entries: [entry('11', [reason(1)])],
      extensions: [
        authorityKeyId(KEY_ID),
        listNumber('ff00'),
        freshest([fullName(uri('http://d/1'), uri('ldap://d'))]),
      ],
    })
    const read = parseList(list)
    assert.ok(read.der.equals(list))
    assert.equal(read.sha256, hash('sha256', list, 'hex'))
    assert.ok(read.rawIssuer.equals(authority.name))
    assert.equal(read.authorityKeyId, KEY_ID.toString('hex'))
    assert.equal(read.number, 'ff00')
    assert.equal(read.thisUpdate.toISOString(), '2026-06-01T00:00:00.000Z')
    assert.equal(read.nextUpdate.toISOString(), '2026-07-01T00:00:00.000Z')
    assert.equal(read.deltaBase, undefined)
    assert.deepEqual(read.freshest, ['http://d/1', 'ldap://d'])
    assert.equal(read.freshestElsewhere, false)
    assert.equal(read.issuingPoint, undefined)
    assert.equal(read.indirect, false)
    assert.equal(read.size, 1)
    assert.deepEqual([...read.entries()], [read.find('11')])
    assert.ok(Object.isFrozen(read))
  })

  it('reads a list of nobody, whether or not an empty list of entries stands in it', () => {
    for (const revoked of [Buffer.alloc(0), derSequence()]) {
      const read = parse({ revoked })
      assert.equal(read.size, 0)
      assert.equal(read.find('1'), undefined)
    }
  })

  it('reads a delta', () => {
    const read = parse({ extensions: [listNumber('12'), deltaIndicator('10')] })
    assert.deepEqual([read.number, read.deltaBase], ['12', '10'])
  })

  it('refuses a delta that is not marked as one for all to see, or that has a delta', () => {
    refuses({ extensions: [listNumber('12'), deltaIndicator('10', false)] }, 'not critical')
    refuses(
      { extensions: [...NUMBERED, deltaIndicator('9'), freshest([fullName(uri('http://d'))])] },
      'delta of a delta',
    )
  })

  it('reads times of both kinds, and from 2050 on', () => {
    const read = parse({ thisUpdate: utc('491231235959Z'), nextUpdate: generalized('20500101000000Z') })
    assert.equal(read.thisUpdate.getUTCFullYear(), 2049)
    assert.equal(read.nextUpdate.toISOString(), '2050-01-01T00:00:00.000Z')
    assert.equal(parse({ thisUpdate: utc('500101000000Z') }).thisUpdate.getUTCFullYear(), 1950)
    const late = parse({
      nextUpdate: generalized('99991231235959Z'),
      entries: [entry('1', [], generalized('20500101000000Z'))],
    })
    assert.equal(late.find('1')?.revoked.getUTCFullYear(), 2050)
  })

  it('refuses times that are missing, do not exist, or run backward', () => {
    refuses({ nextUpdate: Buffer.alloc(0) }, 'no nextUpdate')
    refuses({ nextUpdate: Buffer.alloc(0), entries: [entry('1')] }, 'no nextUpdate, with entries')
    refuses({ thisUpdate: Buffer.alloc(0), nextUpdate: Buffer.alloc(0) }, 'no time at all')
    refuses({ nextUpdate: utc('260531235959Z') }, 'before thisUpdate')
    for (const text of [
      '260631000000Z',
      '260230000000Z',
      '260601240000Z',
      '2606010000Z',
      '260601000000+0000',
      '26060100000aZ',
    ])
      refuses({ nextUpdate: utc(text) }, text)
    for (const text of ['20260701000000.5Z', '202607010000Z', '20260701000000'])
      refuses({ nextUpdate: generalized(text) }, text)
    refuses({ nextUpdate: der(0x13, Buffer.from('260701000000Z')) }, 'another type')
  })

  it('refuses a list without a number, or with one that is negative, twice there or too long', () => {
    refuses({ extensions: [authorityKeyId(KEY_ID)] }, 'no number')
    refuses({ tail: Buffer.alloc(0) }, 'no extensions')
    refuses({ extensions: [] }, 'an empty list of extensions')
    refuses({ tail: der(0xa0, derSequence(...NUMBERED), derSequence(...NUMBERED)) }, 'two lists of extensions')
    refuses({ extensions: [extension('2.5.29.20', Buffer.of(2, 1, 0x80))] }, 'negative')
    refuses({ extensions: [extension('2.5.29.20', Buffer.of(2, 2, 0, 1))] }, 'a second spelling')
    refuses({ extensions: [...NUMBERED, listNumber('11')] }, 'twice')
    assert.equal(parse({ extensions: [listNumber('f'.repeat(40))] }).number, 'f'.repeat(40))
    refuses({ extensions: [listNumber(`1${'0'.repeat(40)}`)] }, '21 octets')
    assert.equal(parse({ extensions: [listNumber('0')] }).number, '0')
  })

  it('refuses versions other than 2', () => {
    refuses({ version: Buffer.alloc(0) }, 'version 1')
    refuses({ version: derInteger(0) }, 'version 1, spelled out')
    refuses({ version: derInteger(2) }, 'version 3')
  })

  it('refuses two algorithms, and a signature that is not whole octets', () => {
    refuses({ innerAlgorithm: derSequence(derOid('1.2.840.10045.4.3.3')) }, 'another one inside')
    refuses({ innerAlgorithm: derSequence(derOid('1.2.840.10045.4.3.2'), der(0x05)) }, 'another spelling inside')
    refuses({ signature: der(0x03, Buffer.of(1, 0x80)) }, 'unused bits')
    refuses({ signature: der(0x03) }, 'no octet')
    refuses({ signature: derOctets(Buffer.alloc(64)) }, 'no bits')
    refuses({ issuer: derSequence() }, 'no issuer')
  })

  it('reads the scope of a list', () => {
    const scope = (...fields: Buffer[]): object => {
      const { issuingPoint: point, indirect } = parse({ extensions: [...NUMBERED, issuingPoint(...fields)] })
      return { ...point, der: undefined, indirect }
    }
    const none = { der: undefined, someReasons: false, indirect: false }
    assert.deepEqual(scope(fullName(uri('http://a'), der(0xa4, acme('x')))), { ...none, urls: ['http://a'] })
    assert.deepEqual(scope(fullName(der(0xa4, acme('x')))), { ...none, urls: [] })
    assert.deepEqual(scope(der(0xa0, der(0xa1, Buffer.from('300a06035504030c0378797a', 'hex')))), { ...none, urls: [] })
    assert.deepEqual(scope(der(0x81, TRUE)), { ...none, only: 'user' })
    assert.deepEqual(scope(der(0x82, TRUE)), { ...none, only: 'authority' })
    assert.deepEqual(scope(der(0x83, Buffer.of(6, 0x40))), { ...none, someReasons: true })
    assert.deepEqual(scope(der(0x84, TRUE)), { ...none, indirect: true })
    assert.deepEqual(scope(der(0x85, TRUE)), { ...none, only: 'attribute' })
  })

  it('refuses a scope that is empty, excludes itself or is written in a second way', () => {
    const bad: Record<string, Buffer[]> = {
      empty: [],
      'users and authorities': [der(0x81, TRUE), der(0x82, TRUE)],
      'a false spelled out': [der(0x81, Buffer.of(0))],
      'a true of another spelling': [der(0x81, Buffer.of(1))],
      'out of order': [der(0x82, TRUE), fullName(uri('http://a'))],
      'no bits': [der(0x83)],
      'bits that are not in their one form': [der(0x83, Buffer.of(5, 0x40))],
      'a field too many': [der(0x86, TRUE)],
      'a name of nothing': [fullName()],
      'two names': [der(0xa0, der(0xa0, uri('http://a')), der(0xa0, uri('http://b')))],
      'a URI with a line break': [fullName(uri('http://a\n'))],
    }
    for (const [why, fields] of Object.entries(bad))
      refuses({ extensions: [...NUMBERED, issuingPoint(...fields)] }, why)
  })

  it('says when a delta lies where no URI leads', () => {
    const read = parse({
      extensions: [...NUMBERED, freshest([fullName(uri('http://d'))], [fullName(der(0xa4, acme('x')))])],
    })
    assert.deepEqual(read.freshest, ['http://d'])
    assert.equal(read.freshestElsewhere, true)
    assert.equal(
      parse({ extensions: [...NUMBERED, freshest([der(0xa2, der(0xa4, acme('x')))])] }).freshestElsewhere,
      true,
    )
    refuses({ extensions: [...NUMBERED, freshest([])] }, 'an empty point')
    refuses({ extensions: [...NUMBERED, freshest()] }, 'no point')
  })

  it('notes critical extensions that it does not know, and no others', () => {
    const odd = (critical: boolean): Buffer => extension('1.2.3.4', Buffer.from('not DER'), critical)
    assert.deepEqual(parse({ extensions: [...NUMBERED, odd(true)] }).unknownCritical, ['1.2.3.4'])
    assert.deepEqual(parse({ extensions: [...NUMBERED, odd(false)] }).unknownCritical, [])
    refuses({ extensions: [...NUMBERED, odd(true), odd(false)] }, 'twice')
    const plain = derSequence(derOid('1.2.3'), Buffer.of(1, 1, 0), derOctets(derSequence()))
    refuses({ extensions: [...NUMBERED, plain] }, 'a false spelled out')
  })

  it('notes an entry about the certificate of another issuer', () => {
    const other = extension('2.5.29.29', derSequence(der(0xa4, acme('other'))), true)
    assert.equal(parse({ entries: [entry('1'), entry('2', [other]), entry('3')] }).indirect, true)
  })

  it('refuses bytes before, between and behind its parts', () => {
    const right = listDer({ authority })
    assert.throws(() => parseList(Buffer.concat([right, Buffer.of(5, 0)])), { code: 'LIST_MALFORMED' })
    assert.throws(() => parseList(Buffer.concat([right, right])), { code: 'LIST_MALFORMED' })
    assert.throws(() => parseList(Buffer.alloc(0)), { code: 'LIST_MALFORMED' })
    assert.throws(() => parseList(Buffer.from(`-----BEGIN X509 CRL-----\n`)), { code: 'LIST_MALFORMED' })
    refuses({ signature: Buffer.concat([derBits(Buffer.alloc(64)), der(0x05)]) }, 'a field behind the signature')
    refuses({ tail: Buffer.concat([der(0xa0, derSequence(...NUMBERED)), der(0x05)]) }, 'a field behind the extensions')
  })

  it('refuses what is over the cap, before it looks at it, and parts that a tree would be made of', () => {
    assert.throws(() => parseList(Buffer.alloc(LIST_CAP + 1)), { code: 'LIMIT_EXCEEDED' })
    const many = Array.from({ length: 9000 }, (_, at) => extension(`1.2.3.${at}`, Buffer.of(5, 0)))
    assert.throws(() => parse({ extensions: [...NUMBERED, ...many] }), { code: 'LIMIT_EXCEEDED' })
  })

  it('compares numbers by what they are worth', () => {
    assert.equal(compareNumbers('ff', '100'), -1)
    assert.equal(compareNumbers('100', 'ff'), 1)
    assert.equal(compareNumbers('9', 'a'), -1)
    assert.equal(compareNumbers('0', '0'), 0)
    assert.equal(compareNumbers('f'.repeat(40), 'f'.repeat(39)), 1)
  })
})
