import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { parseChallenge } from '../../src/registry/challenge.ts'
import { nextLink } from '../../src/registry/link.ts'

const bearer = { scheme: 'bearer', realm: 'https://r/t', service: 's', scope: undefined }

describe('registry/challenge', () => {
  for (const [header, wanted] of [
    ['Basic realm="x"', { scheme: 'basic' }],
    ['Bearer realm="https://r/t",service="s"', bearer],
    ['Negotiate, Basic realm="x"', { scheme: 'basic' }],
    ['Negotiate YWJj==, Bearer realm="https://r/t" , service=s', bearer],
    ['NTLM TlRMTVNTUAAC/+==', undefined],
    ['Digest', undefined],
  ] as const)
    it(`reads ${header}`, () => assert.deepEqual(parseChallenge(header, 'source', 'r'), wanted))

  const blanks = ' '.repeat(8000)
  const tokens = 'a '.repeat(4000)
  for (const [what, header] of [
    ['blanks', `x${blanks}y=z`],
    ['blanks before a comma', `x ${blanks},${'='.repeat(100)}`],
    ['words', `x ${tokens}`],
    ['equals signs', `x a${'='.repeat(8000)}b`],
    ['commas', `${', '.repeat(4000)}x`],
    ['quotes', `x y="${'\\"'.repeat(3900)}`],
  ] as const)
    it(`passes over a header of ${what} in time`, function () {
      // The pattern of old took minutes.
      this.timeout(5_000)
      for (let i = 0; i < 50; i++)
        try {
          parseChallenge(header, 'source', 'r')
        } catch (error) {
          assert.ok(isFault(error, 'REGISTRY_PROTOCOL'))
        }
    })
})

describe('registry/link', () => {
  for (const [header, wanted] of [
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
    ['<x>;rel=next', 'x'],
    ['<a>; rel="prev", <b>; title="a, b"; rel="next"', 'b'],
    ['<a>; rel="nextish"', undefined],
    ['<a>; title="; rel=next"', undefined],
    ['', undefined],
  ] as const)
    it(`reads ${header}`, () => assert.equal(nextLink(header), wanted))

  for (const piece of ['<', '<a>', '<a>;', '<a>; ', ';rel=', '<a>;rel', '"', '<a>"', '; ', ' '])
    it(`passes over a header of ${piece} in time`, function () {
      this.timeout(5_000)
      for (let i = 0; i < 50; i++) nextLink(piece.repeat(Math.ceil(16_384 / piece.length)))
    })
})
