/** A reader that was written from the text of FORMAT.md alone judges the corpus: what it finds other than ours, the text leaves open. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nearSide, type NearSide } from './near-side.ts'
import { need } from '../need.ts'

const READER = join(import.meta.dirname, 'format-reader.py')
const BUNDLES = join(import.meta.dirname, '..', '..', 'bundles')
/** What shows without keys, state, site or time, and not only by a cap or the shape of a manifest. */
const SHOWS = /^(?:TAR_|CENSUS_|DIGEST_MISMATCH|SUMS_|METADATA_MIXED|TRANSFER_|REVOCATION_|DENIAL_)/

const run = promisify(execFile)

async function judge(files: readonly string[]): Promise<string[]> {
  const { stdout } = await run('python3', [READER, ...files])
  return stdout.trimEnd().split('\n')
}

function corpus(folder: 'accept' | 'reject'): string[] {
  return readdirSync(join(BUNDLES, folder)).filter((name) => name.endsWith('.tar'))
}

describe('docs/format-reader', function () {
  this.timeout(120_000)
  let near: NearSide

  before(async function () {
    const python = await run('python3', ['-c', 'import sys; assert sys.version_info >= (3, 9)']).catch(() => undefined)
    need(this, python !== undefined, 'python3 is missing')
    near = await nearSide()
  })
  after(() => near?.close())

  it('accepts what we write', async () => {
    assert.deepEqual(await judge([await near.bundle('demo', 'demo'), await near.bundle('zoo', 'zoo')]), ['ok', 'ok'])
  })

  it('accepts each accepted bundle of the corpus', async () => {
    const names = corpus('accept')
    const verdicts = await judge(names.map((name) => join(BUNDLES, 'accept', name)))
    assert.deepEqual(
      Object.fromEntries(names.map((name, i) => [name, verdicts[i]])),
      Object.fromEntries(names.map((name) => [name, 'ok'])),
    )
  })

  it('refuses each rejected bundle that shows what is wrong with it', async () => {
    const names = corpus('reject').filter((name) => SHOWS.test(name))
    assert.ok(names.length > 50)
    const verdicts = await judge(names.map((name) => join(BUNDLES, 'reject', name)))
    assert.equal(verdicts.length, names.length)
    assert.deepEqual(
      names.filter((_, i) => verdicts[i] === 'ok'),
      [],
    )
  })
})
