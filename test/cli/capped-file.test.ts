import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUpTo, readWhole } from '../../src/cli/capped-file.ts'
import { fault } from '../fault.ts'
import { sallyport } from './program.ts'

describe('cli/capped-file', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-capped-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('reads to the cap, and refuses what is longer where all of it is wanted', () => {
    const file = join(folder, 'file')
    writeFileSync(file, 'x'.repeat(100))
    assert.equal(readUpTo(file, 1000).toString(), 'x'.repeat(100))
    assert.equal(readUpTo(file, 99).toString(), 'x'.repeat(99))
    assert.equal(readWhole(file, 100).length, 100)
    assert.throws(() => readWhole(file, 99), fault('FILE_UNREADABLE', file))
    assert.throws(() => readWhole('/dev/zero', 1_000_000), fault('FILE_UNREADABLE'))
    assert.throws(() => readUpTo(join(folder, 'none'), 1), fault('FILE_UNREADABLE'))
  })

  it('takes a lone - for a file where no command says that it is standard input', () =>
    assert.throws(() => readUpTo('-', 10), fault('FILE_UNREADABLE', '-')))

  it('ends a command that is given a plan or certificates without end', async () => {
    const keys = ['--keys', join(folder, 'keys'), '--for-site', 'site-a', '-o', join(folder, 'x.tar')]
    const plan = await sallyport(['export', '-f', '/dev/zero', ...keys, '--json'])
    assert.deepEqual([plan.status, JSON.parse(plan.stdout).error.code], [2, 'FILE_UNREADABLE'])
    const fingerprint = `sha256:${'0'.repeat(64)}`
    const store = ['trust', 'store', 'add', 'ca', 'x', '/dev/zero', '--fingerprint', fingerprint, '--json']
    const added = await sallyport([...store, '--policy', join(folder, 'policy')])
    assert.deepEqual([added.status, JSON.parse(added.stdout).error.code], [2, 'FILE_UNREADABLE'])
  })
})
