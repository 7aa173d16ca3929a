/** The threat table of test/README.md: complete, and naming only what is there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const COUNTS = { T: 10, O: 11, R: 7, C: 5, B: 4 }

const PAGE = readFileSync(join(ROOT, 'test', 'README.md'), 'utf8')
const rows = [...PAGE.matchAll(/^\| ([TORCB]\d+) \| .* \| (.*) \|$/gm)].map(([, id, cases]) => ({
  id: id ?? '',
  cases: cases ?? '',
}))

function filesIn(text: string): string[] {
  return [...text.matchAll(/`((?:test|bundles)\/[^`]+)`/g)].map(([, file]) => file ?? '')
}

describe('docs/threats', () => {
  it('has a row for every threat, once', () => {
    const ids = Object.entries(COUNTS).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
    )
    assert.deepEqual(
      rows.map(({ id }) => id),
      ids,
    )
  })

  for (const { id, cases } of rows) {
    const files = filesIn(cases)
    it(`names for ${id} cases that are there, or says that it has none`, () => {
      assert.equal(files.length > 0, !cases.startsWith('—'))
      for (const file of files) assert.ok(existsSync(join(ROOT, file)), file)
    })
  }

  it('names no file on the whole page that is not there', () => {
    for (const file of filesIn(PAGE)) assert.ok(existsSync(join(ROOT, file)), file)
  })
})
