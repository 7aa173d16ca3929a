import assert from 'node:assert/strict'
import { plainText } from '../../src/registry/errors.ts'
import { refusal } from '../../src/registry/refusal.ts'
import { hide, keepSecret } from '../../src/registry/secrets.ts'

const PASSWORD = 'hunter2&correct<horse>"x'

describe('registry/secrets', () => {
  before(() => keepSecret(PASSWORD))

  const said = (body: string): string =>
    refusal(400, Buffer.from(body), 'manifest', 'source', 'registry.site/a').message

  for (const [what, text] of [
    ['as it is', JSON.stringify({ errors: [{ code: 'DENIED', message: `no ${PASSWORD} here` }] })],
    [
      'as Go writes it',
      `{"errors":[{"code":"DENIED","message":"no hunter2\\u0026correct\\u003chorse\\u003e\\"x here"}]}`,
    ],
    [
      'letter by letter',
      `{"errors":[{"code":"DENIED","message":"no ${PASSWORD.split('')
        .map((c) => `\\u00${c.charCodeAt(0).toString(16)}`)
        .join('')} here"}]}`,
    ],
    ['outside any JSON', `no ${PASSWORD} here`],
    ['escaped outside any JSON', 'no hunter2\\u0026correct\\u003chorse\\u003e\\"x here'],
  ] as const)
    it(`hides a password that is said back ${what}`, () => assert.match(said(text), /no \*\*\* here/))

  it('hides a password in every text from outside, one that is cut too', () => {
    assert.equal(plainText(`text/${PASSWORD}`), 'text/***')
    assert.ok(!plainText(`${'x'.repeat(290)}${PASSWORD}`).includes('hunter2'))
  })

  it('takes no short text for a secret', () => {
    keepSecret('abc')
    keepSecret(undefined)
    assert.equal(hide('abc'), 'abc')
  })
})
