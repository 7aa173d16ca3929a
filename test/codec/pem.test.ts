import assert from 'node:assert/strict'
import { decodePem, encodePem } from '../../src/codec/index.ts'

describe('codec/pem', () => {
  const bytes = Buffer.from(Array.from({ length: 100 }, (_, i) => i))
  const text = encodePem('THING', bytes)

  it('writes 64 columns and a final line feed', () => {
    assert.deepEqual(
      text.split('\n').map((line) => line.length),
      [21, 64, 64, 8, 19, 0],
    )
  })

  it('reads what it writes, with other line ends too', () => {
    for (const same of [text, text.trimEnd(), text.replaceAll('\n', '\r\n')])
      assert.deepEqual(decodePem('THING', same), bytes)
  })

  it('refuses another label, text around it, other columns and stray characters', () => {
    const bad = [
      '',
      'THING',
      `x\n${text}`,
      `${text}\n`,
      `${text}${text}`,
      text.replace('AAEC', ' AAEC'),
      text.replace('\n', ''),
      text.replace('=', ''),
    ]
    for (const other of bad) assert.equal(decodePem('THING', other), undefined, JSON.stringify(other))
    assert.equal(decodePem('OTHER', text), undefined)
  })
})
