/** SECURITY.md's table of where notation and we differ: exactly the agreement cases that differ, each by its sentence. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BLOB_CASES } from '../peers/agreement/blob-cases.ts'
import { ALL_CASES } from '../peers/agreement/groups.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const DIFFERENT = [...ALL_CASES, ...BLOB_CASES].filter(({ differs }) => differs !== undefined)

/** `a thing (jws, cose)` stands for `jws: a thing` and `cose: a thing`. */
function namesIn(cell: string): string[] {
  return cell.split('; ').flatMap((item) => {
    const [, name = '', formats] = /^(.*?)(?: \(((?:jws|cose)(?:, cose)?)\))?$/.exec(item) ?? []
    return formats === undefined ? [name] : formats.split(', ').map((format) => `${format}: ${name}`)
  })
}

/** What two texts can be compared by: words of a specification, and places in an RFC. */
function sentencesIn(text: string): string[] {
  return text.match(/"[^"]+"|RFC \d+ §[\d.]*\d/g) ?? []
}

const TABLE = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
  .split('\n## ')
  .find((section) => section.startsWith('Where notation v1.3.2 and we differ'))
const rows = [...(TABLE ?? '').matchAll(/^\| (.+) \| (.+) \| (refuse|accept) \| .+ \|$/gm)].map(
  ([, cases = '', rule = '', we]) => ({ cases, names: namesIn(cases), sentences: sentencesIn(rule), we }),
)

/** True when the case's own text holds the sentence, which in the table may be a part of it. */
function speaksOf({ differs = '' }: { readonly differs?: string }, sentence: string): boolean {
  return differs.includes(sentence.replace(/^"|"$/g, ''))
}

describe('docs/differences', () => {
  it('has each agreement case that differs, once, and no other', () => {
    assert.deepEqual(rows.flatMap(({ names }) => names).sort(), DIFFERENT.map(({ name }) => name).sort())
  })

  for (const { cases, names, sentences, we } of rows) {
    it(`says of “${cases.slice(0, 60)}” what we do, and by which sentence`, () => {
      const own = DIFFERENT.filter(({ name }) => names.includes(name))
      for (const one of own) {
        assert.equal(one.expect, we, one.name)
        assert.ok(
          sentences.some((sentence) => speaksOf(one, sentence)),
          one.name,
        )
      }
      for (const sentence of sentences)
        assert.ok(
          own.some((one) => speaksOf(one, sentence)),
          sentence,
        )
    })
  }
})
