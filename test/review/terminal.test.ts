import assert from 'node:assert/strict'
import { failureOf, outcomeOf } from '../../src/cli/outcome.ts'
import { SallyportError } from '../../src/errors/index.ts'

const HOSTILE = 'a\u001b[2J\u009b2J\u202egpj\u2028b\u{e0041}c'

describe('review: terminal', () => {
  it('shows no character that a terminal obeys in JSON, and loses none', () => {
    const { out } = outcomeOf({ verb: 'x', report: { text: HOSTILE }, text: [], exit: 0 }, true, false)
    assert.doesNotMatch(out.trimEnd(), /[\p{Cc}\p{Cf}\p{Zl}]/u)
    assert.equal((JSON.parse(out) as { report: { text: string } }).report.text, HOSTILE)
  })

  it('shows none in an error, ours or another', () => {
    const known = new SallyportError('USAGE', { side: 'state', subject: HOSTILE, detail: HOSTILE })
    for (const error of [known, new TypeError(HOSTILE)]) {
      for (const json of [true, false]) {
        const { out, err } = failureOf(error, 'x', json)
        assert.doesNotMatch((out + err).replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}]/u)
      }
    }
  })
})
