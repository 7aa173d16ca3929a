import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { fingerprintWords, parseFingerprint } from '../../src/codec/index.ts'

const ALL = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('hex')
const HEX = createHash('sha256').update('a certificate').digest('hex')

/** True when one letter changed, added or left out makes b of a. */
function oneLetterApart(a: string, b: string): boolean {
  if (a.length > b.length) return oneLetterApart(b, a)
  const at = a.split('').findIndex((letter, i) => letter !== b[i])
  if (at < 0) return b.length - a.length === 1
  return a.slice(a.length === b.length ? at + 1 : at) === b.slice(at + 1)
}

describe('codec/fingerprint-words', () => {
  const words = fingerprintWords(ALL)

  it('has a word of its own for each byte, told apart by four letters', () => {
    assert.equal(words.length, 256)
    assert.ok(words.every((word) => /^[a-z]{3,8}$/.test(word)))
    assert.equal(new Set(words.map((word) => word.slice(0, 4))).size, 256)
  })

  it('has no two words that one letter makes the same', () => {
    assert.ok(oneLetterApart('mango', 'tango') && oneLetterApart('cat', 'cart') && !oneLetterApart('cat', 'dog'))
    const close = words.flatMap((a, i) =>
      words.slice(i + 1).flatMap((b) => (oneLetterApart(a, b) ? [`${a} ${b}`] : [])),
    )
    assert.deepEqual(close, [])
  })

  it('keeps the meaning of every word for ever', () => {
    const sum = createHash('sha256').update(words.join(' ')).digest('hex')
    assert.equal(sum, 'f5d4539b877bf1b83900c2c11c2d52e97deeef51344a95c8d24b10bd6761ee77')
  })

  it('reads back what it wrote, however it was set', () => {
    const said = fingerprintWords(HEX)
    assert.equal(said.length, 32)
    for (const text of [said.join(' '), said.join('\n'), said.join(', ').toUpperCase(), `  ${said.join(' - ')}.`])
      assert.equal(parseFingerprint(text), HEX)
  })

  it('reads hex with and without its prefix and colons', () => {
    const colons = HEX.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')
    for (const text of [HEX, `sha256:${HEX}`, ` ${HEX.toUpperCase()}\n`, colons, `SHA256:${colons}`])
      assert.equal(parseFingerprint(text), HEX, text)
  })

  for (const [what, text] of [
    ['nothing', ''],
    ['a short fingerprint', HEX.slice(0, 32)],
    ['a digit too many', `${HEX}0`],
    ['another hash', `sha512:${HEX}`],
    ['what is not hex', `g${HEX.slice(1)}`],
    ['a word left out', fingerprintWords(HEX).slice(1).join(' ')],
    ['a word too many', `${fingerprintWords(HEX).join(' ')} acorn`],
    ['a word that is none', `wizard ${fingerprintWords(HEX).slice(1).join(' ')}`],
    ['the name of a member of objects', `constructor ${fingerprintWords(HEX).slice(1).join(' ')}`],
  ] as const)
    it(`takes ${what} for no fingerprint`, () => assert.equal(parseFingerprint(text), undefined))

  it('does not take swapped words for the same', () => {
    const [first = '', second = '', ...rest] = fingerprintWords(HEX)
    assert.notEqual(first, second)
    assert.notEqual(parseFingerprint([second, first, ...rest].join(' ')), HEX)
  })
})
