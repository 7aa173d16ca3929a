import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout } from '../../fixtures/layouts/build.ts'
import { start } from './program.ts'

describe('cli/repeated options', () => {
  let dir: string
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-repeated-'))
    writeFileSync(join(dir, 'passphrase'), 'repeated\n')
    await buildDemoLayout(join(dir, 'demo'))
    await buildZooLayout(join(dir, 'zoo'))
    const { status, stderr } = await run('channel', 'init', 'a', '--for', 'content', '--dir', 'keys', '--solo')
    assert.equal(status, 0, stderr)
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  async function run(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const passphrase = ['--passphrase-file', 'passphrase']
    return start([...args, ...passphrase, '--json'], { cwd: dir }).ended
  }

  it('takes every reference, site and mapping that is given', async () => {
    const sites = ['--for-site', 'site-a', '--for-site', 'site-b']
    const maps = ['--map', 'registry.example/demo=one', '--map', 'registry.example/zoo=two']
    const { status, stdout, stderr } = await run(
      'export',
      'oci:demo',
      'oci:zoo',
      ...sites,
      ...maps,
      '--keys',
      'keys',
      '-o',
      'all.tar',
    )
    // 3: the zoo holds a layer that may not be handed on.
    assert.equal(status, 3, stderr)
    const { report } = JSON.parse(stdout) as {
      report: { audience: string[]; repositories: { name: string; to: string }[] }
    }
    assert.deepEqual(report.audience, ['site-a', 'site-b'])
    const names = report.repositories.map(({ name }) => name)
    assert.ok(names.some((name) => name.includes('demo')) && names.some((name) => name.includes('zoo')), names.join())
    assert.ok(report.repositories.some(({ to }) => to.startsWith('one')))
  })

  it('takes the approvals of several people', async () => {
    const approvals = ['--approval', 'alice', '--approval', 'bob', '--json']
    const args = ['import', 'x.tar', '--to', 'oci:y', '--state', 'none', '--policy', 'p', ...approvals]
    const { stdout } = await start(args, { cwd: dir }).ended
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'FILE_UNREADABLE')
  })

  it('refuses an option twice that has room for one value', async () => {
    for (const twice of [
      ['--keys', 'keys', '--keys', 'other'],
      ['--keys', 'keys', '--valid-days', '1', '--valid-days', '2'],
    ]) {
      const { status, stdout } = await run('export', 'oci:demo', '--for-site', 'site-a', '-o', 'x.tar', ...twice)
      assert.equal(status, 2)
      assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'USAGE')
    }
  })
})
