import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentIn, sallyport } from './program.ts'

describe('cli: options that decide nothing', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-company-'))
  const plan = join(dir, 'plan.yaml')

  before(() => writeFileSync(plan, 'audience: [a]\nartifacts: [{ ref: "oci:x" }]\n'))
  after(() => rmSync(dir, { recursive: true }))

  const exporting = ['--keys', 'keys', '-o', 'x.tar']
  for (const args of [
    ['export', '-f', plan, ...exporting, '--platform', 'linux/amd64'],
    ['export', '-f', plan, ...exporting, '--referrers', 'none'],
    ['export', 'oci:x', ...exporting, '--destination', 'registry.site'],
    ['verify', 'x.tar', '--destination', 'registry.site'],
    ['revocation', 'collect', '-f', plan, ...exporting, '--destination', 'registry.site'],
    ['revocation', 'deny', `sha256:${'0'.repeat(64)}`, '--reason', 'x', '--keys', 'keys', '--policy', 'policy'],
    ['import', 'x.tar', '--to', 'oci:out', '--keep-going'],
    ['watch', dir, '--to', 'oci:out', '--once', '--keep-going'],
  ])
    it(`refuses ${args.join(' ').replaceAll(dir, '').slice(0, 90)}`, async () => {
      const { status, stdout } = await sallyport([...args, '--json'], { cwd: dir })
      assert.deepEqual([status, documentIn(stdout).error.code], [2, 'USAGE'])
    })
})
