import assert from 'node:assert/strict'
import { parseJson } from '../../src/codec/index.ts'
import { detailOf, isFault, SallyportError } from '../../src/errors/index.ts'

describe('errors/error', () => {
  it('tells what is the matter, and of what', () => {
    const error = new SallyportError('USAGE', { side: 'state', subject: '--to', detail: 'say where' })
    assert.match(error.message, /: say where$/)
    assert.deepEqual([detailOf(error), error.subject], ['say where', '--to'])
  })

  it('tells no more of a hostile text than a person reads, and nothing that is half a character', () => {
    const name = '😀'.repeat(1024 * 1024)
    assert.throws(
      () => parseJson(Buffer.from(`{"${name}":1,"${name}":2}`), 'bundle', name),
      (error) => {
        if (!isFault(error, 'JSON_MALFORMED')) throw error
        const { message, subject = '' } = error
        for (const text of [message, subject]) {
          assert.ok(text.length > 4000 && text.length <= 4097, `${text.length}`)
          assert.ok(text.isWellFormed() && text.endsWith('…'))
        }
        return true
      },
    )
  })
})
