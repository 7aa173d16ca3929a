import assert from 'node:assert/strict'
import { TypedLine } from '../../src/cli/typed-line.ts'

/** What is left of these bytes when the last so many characters are taken back. */
function typed(text: string | Buffer, backs: number): string {
  const line = new TypedLine()
  for (const byte of Buffer.from(text as string)) assert.ok(line.add(byte))
  for (let i = 0; i < backs; i++) line.back()
  return line.take().toString('latin1')
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

describe('cli/typed-line', () => {
  it('takes back a whole character, of however many bytes', () => {
    for (const last of ['x', 'ä', '€', '😀']) {
      assert.equal(typed(`secré${last}`, 1), utf8('secré'))
      assert.equal(typed(`secré${last}`, 2), utf8('secr'))
      assert.equal(typed(last, 1), '')
      assert.equal(typed(last, 3), '')
    }
    assert.equal(typed('', 1), '')
  })

  it('takes back one byte of what is no UTF-8', () => {
    for (const latin1 of ['b\xe4', '\xbb\xbb', 'b\xbb', '\xe4\xbb', 'a\x80\x80\x80\x80\x80'])
      assert.equal(typed(Buffer.from(latin1, 'latin1'), 1), latin1.slice(0, -1))
  })

  it('gives the bytes once, and takes no more than it has room for', () => {
    const line = new TypedLine()
    for (const byte of Buffer.from('ö')) line.add(byte)
    assert.equal(line.take().toString(), 'ö')
    assert.equal(line.take().length, 0)
    let count = 0
    while (line.add(0x78)) count++
    assert.equal(count, 64 * 1024)
    line.wipe()
    assert.ok(line.add(0x78))
  })
})
