/** Lists that are cut, changed, or larger than any authority makes them. */
import assert from 'node:assert/strict'
import { der } from '../../src/codec/index.ts'
import { SallyportError } from '../../src/errors/index.ts'
import { LIST_CAP, demandIssuedList, parseList, type RevocationList } from '../../src/revocation/index.ts'
import { extension } from '../signature/hand-made.ts'
import {
  KEY_ID,
  authorityKeyId,
  entry,
  freshest,
  fullName,
  invalidity,
  issuingPoint,
  listAuthority,
  listDer,
  listNumber,
  longList,
  reason,
  uri,
} from './list-maker.ts'

const authority = listAuthority()
const small = listDer({
  authority,
  entries: [
    entry('1f'.repeat(16), [reason(1)]),
    entry('2', [extension('1.2.3', Buffer.of(5, 0)), invalidity('20260101000000Z')]),
    entry('3'),
  ],
  extensions: [
    authorityKeyId(KEY_ID),
    listNumber('10'),
    issuingPoint(fullName(uri('http://a'))),
    freshest([fullName(uri('http://d'))]),
  ],
})

/** The list if it is read, else the code of what was thrown, which is never anything but ours. */
function attempt(bytes: Buffer): RevocationList | string {
  try {
    return parseList(bytes)
  } catch (error) {
    if (error instanceof SallyportError) return error.code
    throw error
  }
}

describe('revocation/list-hostile', () => {
  it('refuses a list cut at every octet', () => {
    for (let end = 0; end < small.length; end += 1)
      assert.equal(attempt(small.subarray(0, end)), 'LIST_MALFORMED', `${end}`)
    assert.notEqual(typeof attempt(small), 'string')
  })

  it('lets no list verify that has a bit changed, whichever it is', () => {
    const counts = { refused: 0, read: 0 }
    for (let at = 0; at < small.length; at += 1)
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(small)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const read = attempt(changed)
        if (typeof read === 'string') {
          counts.refused += 1
          assert.ok(read === 'LIST_MALFORMED' || read === 'LIMIT_EXCEEDED', `${at}.${bit}`)
        } else {
          counts.read += 1
          assert.equal([...read.entries()].length, read.size)
          for (const { serial } of read.entries()) assert.equal(read.find(serial)?.serial, serial)
          const demand = (): void => demandIssuedList(read, authority.certificate)
          assert.throws(demand, { code: 'LIST_INVALID' }, `${at}.${bit}`)
        }
      }
    assert.ok(counts.refused > 1000 && counts.read > 500, JSON.stringify(counts))
    demandIssuedList(parseList(small), authority.certificate)
  })

  it('refuses a list with an octet left out or put in at every place, or does not let it verify', () => {
    for (let at = 0; at < small.length; at += 1)
      for (const changed of [
        Buffer.concat([small.subarray(0, at), small.subarray(at + 1)]),
        Buffer.concat([small.subarray(0, at), Buffer.of(0), small.subarray(at)]),
      ]) {
        const read = attempt(changed)
        if (typeof read !== 'string')
          assert.throws(() => demandIssuedList(read, authority.certificate), { code: 'LIST_INVALID' }, `${at}`)
      }
  })

  it('reads a million entries, and finds what stands there and nothing else', function () {
    this.timeout(60_000)
    const count = 1_000_000
    const list = parseList(millionList(count, (at) => Math.imul(at, 0x9e3779b1) >>> 0))
    assert.equal(list.size, count)
    assert.ok(list.der.length < LIST_CAP)
    for (const at of [0, 1, 4711, 500_000, count - 1]) {
      const serial = serialOf(Math.imul(at, 0x9e3779b1) >>> 0)
      assert.deepEqual(list.find(serial), { serial, revoked: new Date('2026-03-01T00:00:00Z'), reason: 1 + (at % 5) })
    }
    assert.equal(list.find(serialOf(Math.imul(count, 0x9e3779b1) >>> 0)), undefined)
    // One at a time: whoever has seen enough stops.
    let seen = 0
    for (const { serial, reason: code } of list.entries()) {
      assert.equal(serial, serialOf(Math.imul(seen, 0x9e3779b1) >>> 0))
      assert.equal(code, 1 + (seen % 5))
      if (++seen === 20_000) break
    }
    demandIssuedList(list, authority.certificate)
    const middle = list.der.length >> 1
    list.der[middle] = (list.der[middle] ?? 0) ^ 1
    assert.throws(() => demandIssuedList(list, authority.certificate), { code: 'LIST_INVALID' })
  })

  it('orders serial numbers that differ only at their ends, or not at all, as fast as others', function () {
    this.timeout(60_000)
    const count = 300_000
    for (const number of [(at: number) => count - at, () => 7]) {
      const list = parseList(millionList(count, number))
      assert.equal(list.size, count)
      assert.equal(list.find(serialOf(7))?.serial, serialOf(7))
    }
  })

  it('reads the longest entry that there may be, and refuses a list of nothing but heads', () => {
    const long = extension('1.2.3', Buffer.alloc(1 << 20))
    assert.equal(parseList(listDer({ authority, entries: [entry('1', [long]), entry('2')] })).size, 2)
    const deep = Buffer.concat(Array.from({ length: 100_000 }, () => Buffer.of(0x30, 0x80)))
    for (const revoked of [der(0x30, deep), der(0x30, Buffer.alloc(1 << 20, 0x30))])
      assert.equal(attempt(listDer({ authority, revoked })), 'LIST_MALFORMED')
  })
})

const HEAD = Buffer.from('7f112233445566778899aabb', 'hex')

function serialOf(number: number): string {
  return HEAD.toString('hex') + number.toString(16).padStart(8, '0')
}

/** Serial numbers that all begin alike and end in what `number` gives. */
function millionList(count: number, number: (at: number) => number): Buffer {
  return longList(authority, count, (octets, at) => {
    HEAD.copy(octets)
    octets.writeUInt32BE(number(at), HEAD.length)
  })
}
