import assert from 'node:assert/strict'
import { decodeBase64 } from '../../src/signature/base64.ts'

describe('signature/base64', () => {
  it('reads what is canonical', () => {
    assert.deepEqual(decodeBase64('', 'base64url'), Buffer.alloc(0))
    assert.deepEqual(decodeBase64('-_8', 'base64url'), Buffer.from([0xfb, 0xff]))
    assert.deepEqual(decodeBase64('+/8=', 'base64'), Buffer.from([0xfb, 0xff]))
  })

  const others: readonly [string, 'base64' | 'base64url'][] = [
    ['-_8=', 'base64url'],
    ['+/8', 'base64url'],
    ['-_9', 'base64url'],
    ['A', 'base64url'],
    ['-_8\n', 'base64url'],
    [' -_8', 'base64url'],
    ['-_8*', 'base64url'],
    ['é', 'base64url'],
    ['+/8', 'base64'],
    ['-_8=', 'base64'],
    ['+/9=', 'base64'],
    ['+/8==', 'base64'],
    ['+/8=\n', 'base64'],
    ['====', 'base64'],
  ]
  for (const [text, form] of others) {
    it(`refuses ${JSON.stringify(text)} as ${form}`, () => {
      assert.equal(decodeBase64(text, form), undefined)
    })
  }
})
