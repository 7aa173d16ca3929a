/** Requests for timestamps, read by the real openssl, and answers that do not fit them. */
import assert from 'node:assert/strict'
import { der, derInteger, derNull, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import {
  freshTimestamp,
  openTimestamp,
  readTimestampResponse,
  timestampRequest,
  type TimestampRequest,
} from '../../src/signature/index.ts'
import { Authority, type Made } from './authority.ts'
import { digest, hashAlgorithm, makeToken } from './token-maker.ts'

const DATA = Buffer.from('the primitive signature of an envelope')
const refused = { code: 'TIMESTAMP_INVALID' }

describe('signature/timestamp-request', function () {
  this.timeout(30_000)
  let authority: Authority
  let signer: Made
  before(() => {
    authority = new Authority()
    signer = authority.signer('ec', 'p256')
  })
  after(() => authority.remove())

  const status = (code: number, ...more: Buffer[]): Buffer => derSequence(derInteger(code), ...more)

  function token(request: TimestampRequest, more: { nonce?: Buffer; imprint?: Buffer } = {}): Buffer {
    return makeToken({ signer, issuers: [], data: DATA, info: { nonce: der(2, request.nonce), ...more } })
  }

  it('takes the token of openssl ts for all three hashes', () => {
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const request = timestampRequest(DATA, hash)
      const read = readTimestampResponse(request, authority.reply(request.der, signer))
      assert.equal(openTimestamp(read, DATA).chain.length, 3)
    }
  })

  it('asks with another nonce each time, in the shortest form', () => {
    const nonces = Array.from({ length: 300 }, () => timestampRequest(DATA, 'sha256').nonce)
    assert.equal(new Set(nonces.map(String)).size, 300)
    for (const nonce of nonces) assert.ok((nonce[0] ?? 0) >= 0x40 && (nonce[0] ?? 0) < 0x80)
  })

  it('takes a token granted with changes, and a text beside the status', () => {
    const request = timestampRequest(DATA, 'sha256')
    const text = derSequence(der(0x0c, Buffer.from('fine')))
    const made = token(request)
    for (const first of [status(0), status(0, text), status(1, text)])
      assert.deepEqual(readTimestampResponse(request, derSequence(first, made)), made)
  })

  it('refuses a refusal, with or without a token', () => {
    const request = timestampRequest(DATA, 'sha256')
    for (const code of [2, 3, 4, 5, 6, 255]) {
      const failure = der(0x03, Uint8Array.of(7, 0x80))
      assert.throws(() => readTimestampResponse(request, derSequence(status(code))), refused)
      assert.throws(() => readTimestampResponse(request, derSequence(status(code, failure))), refused)
      assert.throws(() => readTimestampResponse(request, derSequence(status(code), token(request))), refused)
    }
  })

  it('refuses the answer of openssl ts to a hash it does not take', () => {
    const request = timestampRequest(DATA, 'sha512')
    assert.throws(
      () => readTimestampResponse(request, authority.reply(request.der, signer, ['digests=sha256'])),
      refused,
    )
  })

  it('refuses an answer to another request', () => {
    const [one, other] = [timestampRequest(DATA, 'sha256'), timestampRequest(DATA, 'sha256')]
    const reply = authority.reply(one.der, signer)
    assert.throws(() => readTimestampResponse(other, reply), refused)
    const without = makeToken({ signer, issuers: [], data: DATA })
    assert.throws(() => readTimestampResponse(one, derSequence(status(0), without)), refused)
  })

  it('refuses an answer for other bytes or by another hash', () => {
    const request = timestampRequest(DATA, 'sha256')
    const imprint = (hash: 'sha256' | 'sha512', data: Uint8Array): Buffer =>
      derSequence(hashAlgorithm(hash), derOctets(digest(hash, data)))
    for (const bad of [imprint('sha256', Buffer.from('other')), imprint('sha512', DATA)]) {
      const answer = derSequence(status(0), token(request, { imprint: bad }))
      assert.throws(() => readTimestampResponse(request, answer), refused)
    }
  })

  it('refuses what is no answer', () => {
    const request = timestampRequest(DATA, 'sha256')
    const good = derSequence(status(0), token(request))
    const bad = [
      Buffer.alloc(0),
      Buffer.from('<html>busy</html>'),
      derSequence(),
      derSequence(status(0)),
      derSequence(status(0), derSequence(derOid('1.2.840.113549.1.7.1'))),
      derSequence(status(0), token(request), derNull()),
      Buffer.concat([good, Buffer.alloc(1)]),
      good.subarray(0, -1),
    ]
    for (const answer of bad) assert.throws(() => readTimestampResponse(request, answer), refused)
  })

  it('hands over no token that does not verify', async () => {
    const send = (edit: (answer: Buffer) => Buffer) => async (query: Buffer) => edit(authority.reply(query, signer))
    openTimestamp(
      await freshTimestamp(
        DATA,
        'sha256',
        send((answer) => answer),
        'target',
      ),
      DATA,
    )
    const spoiled = send((answer) => {
      const copy = Buffer.from(answer)
      copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
      return copy
    })
    await assert.rejects(freshTimestamp(DATA, 'sha256', spoiled, 'target'), { code: 'TSA_FAILED', side: 'target' })
  })
})
