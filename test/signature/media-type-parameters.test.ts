import assert from 'node:assert/strict'
import { withoutParameters } from '../../src/signature/media-type-parameters.ts'

describe('signature/media-type-parameters', () => {
  for (const parameters of [
    '; charset=utf-8',
    ';charset=utf-8',
    ' \t; \tcharset=UTF-8',
    '; a=1; b=2',
    '; q="a; b=\\" \\\\ "',
    '; q=""',
    `; a=${'x'.repeat(1000)}`,
  ])
    it(`leaves them out: ${parameters.slice(0, 30)}`, () => {
      assert.equal(withoutParameters(`text/plain${parameters}`), 'text/plain')
    })

  for (const rest of [
    '',
    ';',
    '; ',
    ' ',
    '; charset',
    '; charset=',
    '; =utf-8',
    '; a = 1',
    '; a=1;',
    '; a=1 ',
    '; a=1; A=2',
    '; a="',
    '; a="\\"',
    '; a="\n"',
    '; a=ä',
    '; a=1\n',
    ', a=1',
    `; a=${'x'.repeat(1020)}`,
  ])
    it(`gives back the whole of what has none, or wrong ones: ${JSON.stringify(rest).slice(0, 30)}`, () => {
      assert.equal(withoutParameters(`text/plain${rest}`), `text/plain${rest}`)
    })

  it('takes no time that grows faster than the text', () => {
    const begin = process.hrtime.bigint()
    for (const hostile of [';a="\\'.repeat(250), `;a="${'\\"'.repeat(500)}`, ' \t'.repeat(512)])
      withoutParameters(hostile)
    assert.ok(process.hrtime.bigint() - begin < 50_000_000n)
  })
})
