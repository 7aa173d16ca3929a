import assert from 'node:assert/strict'
import { BODY_CAP, BodyReader, type BodyState } from '../../src/registry/raw-body.ts'
import { parseRawHead } from '../../src/registry/raw-head.ts'

/** What a reader of the answer's body makes of the runs; the state after the last of them that it wanted. */
function reading(lines: readonly string[], runs: readonly string[], method = 'GET') {
  const head = parseRawHead(['HTTP/1.1 200 OK', ...lines].join('\r\n'))
  assert.ok(head !== undefined)
  const reader = new BodyReader(method, head)
  let state: BodyState = reader.add(Buffer.alloc(0))
  for (const run of runs) if (state === 'more') state = reader.add(Buffer.from(run, 'latin1'))
  return { state, body: reader.body.toString('latin1'), stays: reader.stays, large: reader.large }
}

const CHUNKED = 'Transfer-Encoding: chunked'

describe('registry/raw-body', () => {
  it('reads a body of a told length, in any runs', () => {
    for (const runs of [['hello'], ['h', 'ello'], ['hel', 'lo'], 'hello'.split('')]) {
      const whole = { state: 'whole', body: 'hello', stays: true, large: false }
      assert.deepEqual(reading(['Content-Length: 5'], runs), whole)
    }
    assert.equal(reading(['Content-Length: 5'], ['hell']).state, 'more')
  })

  it('reads chunks, cut at any place', () => {
    const text = '4\r\nwiki\r\n00A\r\npedia\r\n in\r\n0\r\n\r\n'
    for (let cut = 0; cut <= text.length; cut++) {
      const { state, body, stays } = reading([CHUNKED], [text.slice(0, cut), text.slice(cut)])
      assert.deepEqual({ state, body, stays }, { state: 'whole', body: 'wikipedia\r\n in', stays: true }, String(cut))
    }
    assert.equal(reading([CHUNKED], text.split('')).body, 'wikipedia\r\n in')
    for (let cut = 0; cut < text.length; cut++)
      assert.equal(reading([CHUNKED], [text.slice(0, cut)]).state, 'more', String(cut))
  })

  it('passes over extensions of chunks and trailers', () => {
    const { state, body, stays } = reading([CHUNKED], ['5 ; a="b"\r\nhello\r\n0;c\r\nTrailer: x\r\n\r\n'])
    assert.deepEqual({ state, body, stays }, { state: 'whole', body: 'hello', stays: true })
  })

  it('reads what ends with its connection as far as its cap', () => {
    const { state, body, stays } = reading([], ['hel', 'lo'])
    assert.deepEqual({ state, body, stays }, { state: 'more', body: 'hello', stays: false })
    assert.equal(reading([], ['x'.repeat(BODY_CAP - 1), 'x']).large, true)
  })

  it('knows an empty body at once', () => {
    assert.equal(reading(['Content-Length: 0'], []).state, 'whole')
    assert.equal(reading(['Content-Length: 7'], [], 'HEAD').state, 'whole')
    assert.equal(reading([], [], 'HEAD').state, 'whole')
  })

  it('trusts no connection on which more came than was told', () => {
    for (const [lines, run] of [
      ['Content-Length: 5', 'hello!'],
      [CHUNKED, '1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK'],
    ] as const) {
      const { state, stays } = reading([lines], [run])
      assert.deepEqual({ state, stays }, { state: 'whole', stays: false })
    }
    assert.equal(reading(['Content-Length: 5'], ['HTTP/'], 'HEAD').stays, true)
    assert.equal(reading(['Content-Length: 5', 'Connection: close'], ['hello']).stays, false)
  })

  it('leaves to undici what two readers could see two ends of', () => {
    const both = ['Content-Length: 5', CHUNKED]
    const twice = ['Content-Length: 5', 'Content-Length: 5']
    const lengths = ['-5', '5, 5', '0x5', '5.0', '', '1e3'].map((length) => [`Content-Length: ${length}`])
    const codings = ['gzip, chunked', 'chunked, chunked', 'identity', 'chunked;q=1'].map((c) => [
      `Transfer-Encoding: ${c}`,
    ])
    for (const lines of [both, twice, [CHUNKED, CHUNKED], ...lengths, ...codings])
      for (const method of ['GET', 'PUT'])
        assert.equal(reading(lines, ['hello'], method).state, 'unusual', `${method} ${lines.join('|')}`)
  })

  it('leaves to undici what is no plain chunk', () => {
    for (const text of [
      'g\r\n',
      '\r\n',
      '+5\r\nhello\r\n',
      '0x5\r\nhello\r\n',
      ' 5\r\nhello\r\n',
      '5\nhello\r\n',
      '5\r\nhello0\r\n\r\n',
      '5\r\nhello\n0\r\n\r\n',
      '0\r\n\n',
      'fffffffff\r\n',
      `5;${'x'.repeat(16 * 1024)}`,
      `0\r\n${'a: b\r\n'.repeat(4 * 1024)}`,
    ])
      assert.equal(reading([CHUNKED], [text]).state, 'unusual', JSON.stringify(text))
  })

  it('gathers no more than its cap', () => {
    const told = reading([`Content-Length: ${BODY_CAP + 1}`], [])
    assert.deepEqual([told.state, told.large], ['unusual', true])
    const size = (BODY_CAP / 2).toString(16)
    const half = `${size}\r\n${'x'.repeat(BODY_CAP / 2)}\r\n`
    const chunks = reading([CHUNKED], [half, half, '1\r\n'])
    assert.deepEqual([chunks.state, chunks.large], ['unusual', true])
    assert.equal(reading([CHUNKED], [half, half, '0\r\n\r\n']).body.length, BODY_CAP)
  })
})
