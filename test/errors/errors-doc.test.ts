import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorsDocument, EXITS, lineOf } from '../../bundles/make-errors.ts'
import { CODES, exitOf, SallyportError, type Code, type Side } from '../../src/errors/index.ts'
import { bare } from '../house-rules.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CODE_NAMES = Object.keys(CODES) as Code[]

/** Codes whose rooms are still to be built. A code that is thrown by now must leave this list. */
const RESERVED: readonly Code[] = ['PREREQUISITE_MISSING']

function thrown(): Set<string> {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  const texts = files
    .filter((name) => name.endsWith('.ts') && name !== join('errors', 'codes.ts'))
    .map((name) => bare(readFileSync(join(ROOT, 'src', name), 'utf8'), true))
  return new Set(texts.flatMap((text) => [...text.matchAll(/'([A-Z][A-Z0-9_]+)'/g)].map(([, name]) => name ?? '')))
}

describe('errors/errors-doc', () => {
  it('has one line for each code, as the script makes it', () => {
    assert.equal(readFileSync(join(ROOT, 'bundles', 'ERRORS.md'), 'utf8'), errorsDocument())
    for (const code of CODE_NAMES) assert.equal(errorsDocument().split(lineOf(code)).length, 2, code)
  })

  it('has a row in the exit table for every status that an error can end with', () => {
    const known = new Set(EXITS.map(([exit]) => exit))
    for (const code of CODE_NAMES) {
      for (const side of ['source', 'bundle', 'target', 'state'] satisfies Side[])
        assert.ok(known.has(exitOf(new SallyportError(code, { side }))), `${code} ${side}`)
    }
  })

  it('keeps sentences and remedies to one line that a table can hold', () => {
    for (const code of CODE_NAMES) {
      const [, sentence, remedy] = CODES[code]
      assert.doesNotMatch(sentence + remedy, /[|\n]|\.$/, code)
    }
  })

  it('knows of each code where it is thrown, save those that are reserved', () => {
    const used = thrown()
    assert.deepEqual(
      CODE_NAMES.filter((code) => !used.has(code)),
      [...RESERVED],
    )
  })
})
