import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentIn, sallyport } from './program.ts'

describe('cli/numbers', function () {
  this.timeout(120_000)
  let dir: string

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-numbers-'))
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  const exporting = (): string[] => [
    'export',
    'registry.example/a:1',
    '--keys',
    join(dir, 'k'),
    '-o',
    join(dir, 'o.tar'),
  ]
  const init = (): string[] => ['channel', 'init', 'a', '--for', 'content', '--dir', join(dir, 'new'), '--dry-run']
  const CASES: Record<string, [option: string, args: () => string[]]> = {
    'half a sequence': ['--sequence', () => [...exporting(), '--sequence', '1.5']],
    'a sequence that is no number': ['--sequence', () => [...exporting(), '--sequence', 'next']],
    'a sequence that JSON would round': ['--sequence', () => [...exporting(), '--sequence', '9007199254740993']],
    'half a day of validity': ['--valid-days', () => [...exporting(), '--valid-days', '1.5']],
    'half a request at once': ['--concurrency', () => [...exporting(), '--concurrency', '1.5']],
    'less than no retry': ['--retries', () => [...exporting(), '--retries=-1']],
    'half a person to approve': ['--threshold', () => [...init(), '--threshold', '1.5', '--people', '3']],
    'half a person after a rotation': [
      '--threshold',
      () => ['channel', 'rotate', '--dir', join(dir, 'k'), '--threshold', '1.5', '--dry-run'],
    ],
    'half a day until the next list': ['--days', () => ['ca', 'crl', '--dir', join(dir, 'ca'), '--days', '1.5']],
  }

  for (const [what, [option, args]] of Object.entries(CASES))
    it(`refuses ${what}, and names the option`, async () => {
      const { status, stdout } = await sallyport([...args(), '--json'])
      const { error } = documentIn(stdout)
      assert.deepEqual([status, error.code, error.subject], [2, 'USAGE', option])
    })
})
