/** Each command loads what it needs: a start is paid by every run, and one import at the top of a file makes it twice as long. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Stage } from '../transfer/stage.ts'
import { COMPILE_CACHE, MAIN } from './program.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const BUNDLE = join(ROOT, 'bundles', 'accept', 'multi-platform.tar')
const HOOK = pathToFileURL(join(import.meta.dirname, 'loaded-process.ts')).href
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object }

interface Loaded {
  status: number | null
  /** Of our own dependencies, without what these bring. */
  packages: string[]
  /** Of `src/`. */
  rooms: string[]
}

const JUDGING = ['@noble/curves', '@tufjs/models', 'yargs', 'zod']
const BELOW = ['bundle', 'codec', 'content', 'errors', 'oci', 'state', 'transfer', 'tuf']

describe('cli/loaded', function () {
  this.timeout(60_000)
  let stage: Stage
  let state: string
  before(async () => {
    stage = await Stage.make()
    state = await stage.site('site-a', new Date())
  })
  after(() => stage?.close())

  function loaded(args: readonly string[]): Loaded {
    const log = stage.path('loaded')
    const env = { PATH: process.env['PATH'], HOME: stage.dir, LOADED: log, ...COMPILE_CACHE }
    const { status } = spawnSync(process.execPath, ['--import', HOOK, MAIN, ...args], { env, cwd: stage.dir })
    const urls = readFileSync(log, 'utf8').split('\n')
    rmSync(log)
    const found = (pattern: RegExp): string[] => urls.flatMap((url) => pattern.exec(url)?.[1] ?? [])
    const packages = new Set(found(/^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/))
    const rooms = new Set(found(/\/src\/([a-z]+)\//))
    const own = Object.keys(dependencies).filter((name) => packages.has(name))
    return { status, packages: own.sort(), rooms: [...rooms].sort() }
  }

  for (const words of ['--version', '--help', 'export --help', 'import --no-such-option'])
    it(`loads the reader of the command line and no other room: ${words}`, () => {
      const { packages, rooms } = loaded(words.split(' '))
      assert.deepEqual([packages, rooms], [['yargs'], ['cli', 'errors']])
    })

  it('loads no judge and no client to make a state', () => {
    const made = ['state', 'init', '--site', 'site-b', '--reason', 'first install', '--state', stage.path('new')]
    const { status, packages, rooms } = loaded(made)
    assert.deepEqual([status, packages], [0, ['abstract-level', 'level', 'yargs']])
    assert.deepEqual(rooms, ['cli', 'codec', 'content', 'errors', 'oci', 'state', 'transfer'])
  })

  it('loads no client, no index and no policy to inspect a bundle', () => {
    const { status, packages, rooms } = loaded(['inspect', BUNDLE])
    assert.deepEqual([status, packages], [0, JUDGING])
    assert.deepEqual(rooms, [...BELOW, 'cli'].sort())
  })

  it('loads no client, no index and no policy to verify a bundle by its channel', () => {
    const { status, packages, rooms } = loaded(['verify', BUNDLE, '--state', state])
    // No channel is pinned, which is known once all is loaded.
    assert.deepEqual([status, packages], [13, JUDGING])
    assert.deepEqual(rooms, [...BELOW, 'cli'].sort())
  })

  for (const verb of ['status', 'log'])
    it(`loads no index, no client and no policy for ${verb}`, () => {
      const { status, packages, rooms } = loaded([verb, '--state', state])
      assert.deepEqual([status, packages], [0, JUDGING])
      assert.deepEqual(rooms, [...BELOW, 'cli'].filter((room) => room !== 'bundle').sort())
    })
})
