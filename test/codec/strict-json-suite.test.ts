import assert from 'node:assert/strict'
import { parseJson, valuesIn } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { JSON_CASES, type JsonCase } from './strict-json-cases.ts'

const parse = (bytes: Uint8Array): unknown => parseJson(bytes, 'bundle', 'the case')
const isRefusal = (error: unknown): boolean => isFault(error, 'JSON_MALFORMED')

/** The runtime's own reader, which is lax where I-JSON is strict, or undefined where even it refuses. */
function laxly(bytes: Buffer): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown }
  } catch {
    return undefined
  }
}

describe('codec/strict-json-suite', () => {
  const of = (letter: JsonCase['letter']): JsonCase[] => JSON_CASES.filter((one) => one.letter === letter)

  it('holds at least a hundred texts of each verdict, none twice', () => {
    const texts = JSON_CASES.map(({ bytes }) => bytes.toString('hex'))
    const twice = JSON_CASES.filter(({ bytes }, i) => texts.indexOf(bytes.toString('hex')) !== i)
    assert.deepEqual(
      twice.map(({ name }) => name),
      [],
    )
    assert.ok(of('y').length >= 100 && of('n').length >= 300 && of('i').length >= 50, String(JSON_CASES.length))
  })

  for (const { name, bytes, letter, taken } of JSON_CASES) {
    const short = name.length > 90 ? `${name.slice(0, 90)}…` : name
    it(`${taken ? 'takes' : 'refuses'} ${letter}: ${short}`, () => {
      if (taken) assert.deepEqual(parse(bytes), laxly(bytes)?.value)
      else assert.throws(() => parse(bytes), isRefusal)
    })
  }

  it('is stricter than the runtime in what the standard leaves open, and no laxer anywhere', () => {
    for (const { name, bytes, letter, taken } of JSON_CASES) {
      if (letter === 'n') assert.equal(laxly(bytes), undefined, name)
      if (taken) assert.notEqual(laxly(bytes), undefined, name)
    }
  })

  it('holds as many values as it may, and no more', () => {
    for (const { name, bytes, taken } of JSON_CASES) {
      if (!taken) continue
      const values = valuesIn(parseJson(bytes, 'bundle', 'the case'))
      parseJson(bytes, 'bundle', 'the case', values)
      assert.throws(
        () => parseJson(bytes, 'bundle', 'the case', values - 1),
        (error) => isFault(error, 'LIMIT_EXCEEDED'),
        name,
      )
    }
  })

  it('leaves prototypes as they were, whatever a member is called', () => {
    const value = parse(Buffer.from('{"constructor":{"prototype":{"evil":1}},"toString":0}'))
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
    assert.equal(({} as { evil?: number }).evil, undefined)
    assert.deepEqual(Object.keys(value as object), ['constructor', 'toString'])
  })

  it('refuses every cut of a text that uses all of the grammar', () => {
    const text = Buffer.from('{"a":[1,-2.5e-3,true,false,null,"\\u00e9\\ud834\\udd1e\\n𝄞é"],"b":{"c":[]}}')
    parse(text)
    for (let end = 0; end < text.length; end++)
      assert.throws(() => parse(text.subarray(0, end)), isRefusal, String(end))
  })

  it('gives what the runtime gives, or refuses, for every byte put in every place', () => {
    const text = Buffer.from('{"a":[10,"\\u00e9b",null],"c":-1.5e3}')
    let taken = 0
    for (let at = 0; at < text.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const other = Buffer.from(text)
        other[at] = byte
        let value: unknown
        try {
          value = parse(other)
        } catch (error) {
          assert.ok(isRefusal(error), `${at} ${byte}`)
          continue
        }
        taken++
        assert.deepEqual(value, laxly(other)?.value, `${at} ${byte}`)
      }
    }
    assert.ok(taken > 500, String(taken))
  })
})
