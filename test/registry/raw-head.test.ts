import assert from 'node:assert/strict'
import { HeadReader, parseRawHead, promises, staysOpen, type RawHead } from '../../src/registry/raw-head.ts'

const OK = 'HTTP/1.1 200 OK'
const PART = 'HTTP/1.1 206 Partial Content'

const head = (...lines: string[]): RawHead => {
  const parsed = parseRawHead(lines.join('\r\n'))
  assert.ok(parsed !== undefined, lines.join('|'))
  return parsed
}

describe('registry/raw-head', () => {
  it('reads status and headers, names in any case, blanks around values', () => {
    const { status, headers } = head(OK, 'CONTENT-Length: \t5 ', 'x:', 'Set-Cookie: a', 'set-cookie: b')
    assert.equal(status, 200)
    assert.deepEqual(
      [...headers],
      [
        ['content-length', ['5']],
        ['x', ['']],
        ['set-cookie', ['a', 'b']],
      ],
    )
  })

  it('rejects what is no plain head', () => {
    const status = ['', 'HTTP/1.2 200 OK', 'HTTP/1.1 000 No', 'HTTP/1.1 2000', 'HTTP/1.1  200 OK', 'ICY 200 OK']
    for (const line of [...status, ` ${OK}`, 'HTTP/1.1 200OK', 'HTTP/2 200', `${OK}\u0000`, `${OK}\n`])
      assert.equal(parseRawHead(`${line}\r\nContent-Length: 5`), undefined, JSON.stringify(line))
    const headers = ['a', ' a: b', '\ta: b', 'a : b', ': b', 'a: b\nc: d', 'a: b\rc: d', 'a: \u0000', 'a b: c', '']
    for (const line of headers)
      assert.equal(parseRawHead(`${OK}\r\nContent-Length: 5\r\n${line}`), undefined, JSON.stringify(line))
  })

  it('keeps no connection of HTTP/1.0', () => {
    assert.equal(staysOpen(head('HTTP/1.0 200 OK', 'Connection: keep-alive')), false)
  })

  it('reads a line of blanks as fast as any', () => {
    const blanks = ' '.repeat(60_000)
    assert.equal(parseRawHead(`${OK}\r\nx: ${blanks}\u0001`), undefined)
    assert.deepEqual(head(OK, `x: ${blanks}a${blanks}b${blanks}`).headers.get('x'), [`a${blanks}b`])
  })

  it('waits for no head of a peer that speaks something else, and for none that is too long', () => {
    const reads = (...runs: string[]) => {
      const reader = new HeadReader()
      return runs.map((run) => reader.add(Buffer.from(run, 'latin1')))
    }
    for (const text of ['SSH-2.0-OpenSSH_9.2\r\n', '\r\n', 'x', 'HTTP/2', `${OK}\nContent-Length: 5\n\n`, '\n'])
      assert.equal(reads(text)[0]?.head, undefined, JSON.stringify(text))
    for (const text of ['SSH', '\r', `${OK}\n`]) assert.notEqual(reads(text)[0], undefined, JSON.stringify(text))
    for (const text of ['H', 'HTTP/1.', `${OK}\r\na: b`]) assert.equal(reads(text)[0], undefined, JSON.stringify(text))
    const [first, second] = reads(`${OK}\r\na: `, 'x'.repeat(16 * 1024))
    assert.equal(first, undefined)
    assert.deepEqual(second?.head, undefined)
    assert.notEqual(second, undefined)
  })

  it('knows the one head that promises the whole', () => {
    assert.equal(promises(head(OK, 'Content-Length: 5'), 0, 5), true)
    for (const lines of [
      [OK],
      [OK, 'Content-Length: 6'],
      [OK, 'Content-Length: 4'],
      [OK, 'Content-Length: +5'],
      [OK, 'Content-Length: 5, 5'],
      [OK, 'Content-Length: 0x5'],
      [OK, 'Content-Length: 5.0'],
      [OK, 'Content-Length: 5', 'content-length: 5'],
      [OK, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
      [OK, 'Content-Length: 5', 'Transfer-Encoding: identity'],
      [OK, 'Content-Length: 5', 'Content-Encoding: gzip'],
      [OK, 'Content-Length: 5', 'Content-Range: bytes 0-4/5'],
      [PART, 'Content-Length: 5', 'Content-Range: bytes 0-4/5'],
      ['HTTP/1.1 203 Other', 'Content-Length: 5'],
      ['HTTP/1.1 307 There', 'Content-Length: 5'],
    ])
      assert.equal(promises(head(...lines), 0, 5), false, lines.join('|'))
  })

  it('knows the one head that promises the rest', () => {
    assert.equal(promises(head(PART, 'Content-Length: 3', 'Content-Range: bytes 2-4/5'), 2, 5), true)
    for (const lines of [
      [OK, 'Content-Length: 3'],
      [OK, 'Content-Length: 5'],
      [PART, 'Content-Length: 3'],
      [PART, 'Content-Length: 5', 'Content-Range: bytes 2-4/5'],
      ...['1-4/5', '2-3/5', '2-5/5', '2-4/6', '2-4/*', '*/5', '2-4', '2-4/5 '.repeat(2), '+2-4/5'].map((range) => [
        PART,
        'Content-Length: 3',
        `Content-Range: bytes ${range}`,
      ]),
      [PART, 'Content-Length: 3', 'Content-Range: bytes 2-4/5', 'Content-Range: bytes 2-4/5'],
    ])
      assert.equal(promises(head(...lines), 2, 5), false, lines.join('|'))
  })

  it('sees that a connection ends with its answer', () => {
    for (const value of ['close', 'Close', 'foo, close', 'close,foo'])
      assert.equal(staysOpen(head(OK, `Connection: ${value}`)), false)
    assert.equal(staysOpen(head(OK, 'Connection: keep-alive')), true)
    assert.equal(staysOpen(head(OK, 'x: close')), true)
  })
})
