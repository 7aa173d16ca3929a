/** SECURITY's table of powers: the five of the Notary Project's threat model and a stolen export host, each shown by tests. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const POWERS = [
  'alters network traffic',
  'breaks weak or old cryptography',
  'owns a repository and the keys on it',
  'owns a signing key',
  'owns a step of the supply chain',
  'stole the export host',
]

const PAGE = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
const [, section = ''] = /^## Five powers and a stolen export host\n([\s\S]*?)^## /m.exec(PAGE) ?? []
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map((line) => line.slice(2, -2).split(' | '))

function filesIn(text: string): string[] {
  return [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, file]) => file ?? '')
}

describe('docs/powers', () => {
  it('has a row for each power, in order', () => {
    assert.equal(rows.length, POWERS.length)
    for (const [n, power] of POWERS.entries()) assert.ok(rows[n]?.[0]?.startsWith(power), power)
  })

  for (const [power = '', notice = '', limit = '', recover = '', shown = ''] of rows)
    it(`says how to notice, limit and recover, and names tests that are there: ${power}`, () => {
      for (const cell of [notice, limit, recover]) assert.ok(cell.length > 20, cell)
      const files = filesIn(shown)
      assert.ok(files.length >= 3)
      // End to end, by real programs, and not only in parts.
      assert.ok(files.some((file) => file.startsWith('test/scenarios/')))
      for (const file of files) assert.ok(existsSync(join(ROOT, file)), file)
    })

  it('names every scenario of revocation, recovery and theft', () => {
    const named = new Set(filesIn(section))
    for (const name of ['05-revocation', '07-recover', '07-1-rollback', '08-key-compromise', '11-revoke-a-signature'])
      assert.ok(named.has(`test/scenarios/${name}.test.ts`), name)
  })
})
