import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentIn, sallyport } from './program.ts'

describe('cli/switches', () => {
  let dir: string
  before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-switches-'))))
  after(() => rmSync(dir, { recursive: true, force: true }))

  const init = (...more: string[]): string[] => {
    const named = ['--site', 'site-a', '--reason=--dry-run=yes']
    return ['state', 'init', '--state', join(dir, 'state'), ...named, ...more]
  }
  const made = (): boolean => existsSync(join(dir, 'state'))

  for (const odd of ['--dry-run=yes', '--dryRun=yes', '--dry-run=1', '--dry-run=TRUE', '--dry-run=', '-q=yes']) {
    it(`refuses ${odd}, and does nothing`, async () => {
      const { status, stdout } = await sallyport(init(odd, '--json'))
      const { error } = documentIn(stdout)
      assert.deepEqual([status, error.code, error.subject, made()], [2, 'USAGE', odd.replace(/=.*/, ''), false])
    })
  }

  it('refuses a switch with a word of its own behind it', async () => {
    const { status, stderr } = await sallyport(init('--dry-run', 'yes'))
    assert.equal(status, 2, stderr)
    assert.equal(made(), false)
  })

  it('takes true and false, and leaves values of other options alone', async () => {
    for (const yes of [['--dry-run=true'], ['--dry-run', 'true'], ['--dry-run'], ['--dry-run', '--quiet=false']]) {
      const { status, stderr } = await sallyport(init(...yes))
      assert.deepEqual([status, made()], [0, false], stderr)
    }
    assert.equal((await sallyport(init('--dry-run=false'))).status, 0)
    assert.equal(made(), true)
  })
})
