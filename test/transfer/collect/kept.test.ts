import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readKept } from '../../../src/transfer/collect/kept.ts'

describe('transfer/collect/kept', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-kept-'))
  const record = join(dir, 'revocation.json')
  after(() => rmSync(dir, { recursive: true }))
  afterEach(() => rmSync(record, { recursive: true, force: true }))

  it('takes what is no file for nothing, and waits for no pipe', () => {
    for (const plant of [
      () => execFileSync('mkfifo', [record]),
      () => mkdirSync(record),
      () => symlinkSync('/dev/zero', record),
    ]) {
      plant()
      assert.equal(readKept(dir), undefined)
      rmSync(record, { recursive: true })
    }
  })

  it('takes a record for nothing whose pieces are pipes, or are not there', () => {
    const row = { kind: 'list', url: 'http://a/b', issuer: 'AAAA', sha256: '0'.repeat(64) }
    const format = 'sallyport-part-revocation/1'
    writeFileSync(record, JSON.stringify({ format, collected: [row], lacking: [], warnings: [] }))
    assert.equal(readKept(dir), undefined)
    execFileSync('mkfifo', [join(dir, row.sha256)])
    assert.equal(readKept(dir), undefined)
  })
})
