/** The house: floors, doors, monopolies and style of everything under src/. The table in house-rules.ts is the diagram. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { bare, CLOCKS, faultsOf, FLOORS, importsOf, LOANS, TRANSFER, type SourceFile } from './house-rules.ts'

const ROOT = join(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

function sources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && statSync(join(SRC, name)).isFile())
    .map((name) => ({
      path: relative(SRC, join(SRC, name)).split(sep).join('/'),
      text: readFileSync(join(SRC, name), 'utf8'),
    }))
}

/** A source that breaks nothing, with one line more. */
function withLine(path: string, line: string): SourceFile {
  return { path, text: `/** What it owns. */\nexport const one = 1\n${line}\n` }
}

interface Case {
  name: string
  path: string
  line: string
  fault: RegExp
}

const UP = /goes up from/
const SIDEWAYS = /goes sideways/
const DOOR = /is not the door of/
const BROKEN: readonly Case[] = [
  { name: 'an arrow that goes up', path: 'oci/a.ts', line: "import { x } from '../bundle/index.ts'", fault: UP },
  {
    name: 'a type that comes from above',
    path: 'tuf/a.ts',
    line: "import type { X } from '../transfer/index.ts'",
    fault: UP,
  },
  { name: 'a re-export from above', path: 'errors/a.ts', line: "export { x } from '../codec/index.ts'", fault: UP },
  { name: 'an export of all from above', path: 'codec/a.ts', line: "export * from '../oci/index.ts'", fault: UP },
  { name: 'a dynamic import from above', path: 'state/a.ts', line: "const x = import('../cli/main.ts')", fault: UP },
  { name: 'an import type expression', path: 'state/a.ts', line: "let x: import('../index.ts').X", fault: UP },
  { name: 'a side effect from above', path: 'oci/a.ts', line: "import '../content/index.ts'", fault: UP },
  { name: 'the front door from below', path: 'transfer/a.ts', line: "import { x } from '../index.ts'", fault: UP },
  {
    name: 'an import over several lines',
    path: 'oci/a.ts',
    line: "import {\n  x,\n} from '../bundle/index.ts'",
    fault: UP,
  },
  { name: 'a neighbour', path: 'tuf/a.ts', line: "import { x } from '../state/index.ts'", fault: SIDEWAYS },
  {
    name: 'a neighbour by a door',
    path: 'bundle/a.ts',
    line: "import { x } from '../registry/client.ts'",
    fault: SIDEWAYS,
  },
  { name: 'a deep import', path: 'transfer/a.ts', line: "import { x } from '../bundle/reader.ts'", fault: DOOR },
  { name: 'a deep dynamic import', path: 'cli/a.ts', line: "void import('../transfer/export.ts')", fault: DOOR },
  {
    name: "a stranger's worker",
    path: 'transfer/a.ts',
    line: "new URL('../bundle/payload-worker.ts', import.meta.url)",
    fault: DOOR,
  },
  {
    name: 'a worker with a computed extension',
    path: 'cli/a.ts',
    line: 'new URL(`../bundle/payload-worker.${ext}`, import.meta.url)',
    fault: DOOR,
  },
  {
    name: 'an arrow that goes up within transfer',
    path: 'transfer/trust/a.ts',
    line: "import { x } from '../verdict/check.ts'",
    fault: UP,
  },
  {
    name: 'a type from above within transfer',
    path: 'transfer/revocation/a.ts',
    line: "import type { X } from '../passage/passage.ts'",
    fault: UP,
  },
  {
    name: 'a dynamic import from above within transfer',
    path: 'transfer/import/a.ts',
    line: "const x = await import('../watch/watch.ts')",
    fault: UP,
  },
  {
    name: 'a file beside the sub-folders of transfer',
    path: 'transfer/watch/a.ts',
    line: "import { x } from '../a.ts'",
    fault: UP,
  },
  {
    name: 'the door of transfer from within',
    path: 'transfer/watch/a.ts',
    line: "import { x } from '../index.ts'",
    fault: /circle/,
  },
  {
    name: 'a deep import out of a sub-folder',
    path: 'transfer/watch/a.ts',
    line: "import { x } from '../../bundle/reader.ts'",
    fault: DOOR,
  },
  {
    name: 'a sub-folder of transfer that is in no table',
    path: 'transfer/attic/a.ts',
    line: '',
    fault: /transfer\/attic is in no table/,
  },
  {
    name: 'an import from such a sub-folder',
    path: 'transfer/watch/a.ts',
    line: "import { x } from '../attic/b.ts'",
    fault: /in no table/,
  },
  { name: 'its own door', path: 'oci/a.ts', line: "import { x } from './index.ts'", fault: /circle/ },
  { name: 'a room that is on no floor', path: 'attic/a.ts', line: '', fault: /attic stands on no floor/ },
  {
    name: 'an import from such a room',
    path: 'cli/a.ts',
    line: "import { x } from '../attic/index.ts'",
    fault: /on no floor/,
  },
  { name: 'a file outside src/', path: 'cli/a.ts', line: "import { x } from '../../test/x.ts'", fault: /leaves src/ },
  {
    name: 'a name without an extension',
    path: 'oci/a.ts',
    line: "import { x } from './digest'",
    fault: /no extension/,
  },
  { name: 'a computed import', path: 'oci/a.ts', line: 'void import(name)', fault: /computed name/ },
  {
    name: 'the process module',
    path: 'cli/a.ts',
    line: "import { env } from 'node:process'",
    fault: /belongs to nobody/,
  },
  {
    name: 'the process global',
    path: 'transfer/a.ts',
    line: "const home = process.env['HOME']",
    fault: /process belongs/,
  },
  {
    name: 'the process by another name',
    path: 'state/a.ts',
    line: 'const { process: p } = globalThis',
    fault: /process belongs/,
  },
  { name: 'yargs', path: 'transfer/a.ts', line: "import { hideBin } from 'yargs/helpers'", fault: /belongs to cli/ },
  { name: 'undici', path: 'transfer/a.ts', line: "import { Pool } from 'undici'", fault: /belongs to registry/ },
  { name: 'a socket', path: 'state/a.ts', line: "import { connect } from 'node:net'", fault: /belongs to registry/ },
  {
    name: 'an HTTP client',
    path: 'content/a.ts',
    line: "import { get } from 'node:https'",
    fault: /belongs to registry/,
  },
  { name: 'TLS', path: 'cli/a.ts', line: "import { connect } from 'node:tls'", fault: /belongs to registry/ },
  {
    name: 'names asked of the network',
    path: 'cli/a.ts',
    line: "import { lookup } from 'node:dns/promises'",
    fault: /belongs to registry/,
  },
  {
    name: 'the global fetch',
    path: 'transfer/a.ts',
    line: "const x = await fetch('https://a.example')",
    fault: /sockets belong/,
  },
  { name: 'a web socket', path: 'transfer/a.ts', line: 'const x = new WebSocket(url)', fault: /sockets belong/ },
  {
    name: 'a program that is run',
    path: 'bundle/a.ts',
    line: "import { spawn } from 'node:child_process'",
    fault: /belongs to registry/,
  },
  {
    name: 'a program that is run beside the one file for plugins',
    path: 'signature/plugin.ts',
    line: "import { spawn } from 'node:child_process'",
    fault: /belongs to registry/,
  },
  {
    name: 'a socket where a program may be run',
    path: 'signature/plugin-process.ts',
    line: "import { connect } from 'node:net'",
    fault: /belongs to registry/,
  },
  {
    name: 'the environment where a program may be run',
    path: 'signature/plugin-process.ts',
    line: 'spawn(file, [], { env: process.env })',
    fault: /process belongs/,
  },
  {
    name: 'the end of a program elsewhere',
    path: 'signature/plugin.ts',
    line: 'process.kill(-pid)',
    fault: /process belongs/,
  },
  { name: 'tar', path: 'content/a.ts', line: "import { extract } from 'tar-stream'", fault: /belongs to bundle/ },
  { name: 'LevelDB', path: 'transfer/a.ts', line: "import { Level } from 'level'", fault: /belongs to state/ },
  { name: 'a module without node:', path: 'state/a.ts', line: "import { join } from 'path'", fault: /without node:/ },
  {
    name: 'a file in a pure room',
    path: 'oci/a.ts',
    line: "import { readFileSync } from 'node:fs'",
    fault: /touches no file/,
  },
  {
    name: 'a promised file in tuf',
    path: 'tuf/a.ts',
    line: "import { readFile } from 'node:fs/promises'",
    fault: /touches no file/,
  },
  { name: 'the clock', path: 'state/a.ts', line: 'const t = Date.now()', fault: /reads the clock/ },
  { name: 'the present date', path: 'tuf/a.ts', line: 'const t = new Date()', fault: /reads the clock/ },
  {
    name: "a caller's default outside transfer",
    path: 'tuf/a.ts',
    line: 'const t = now ?? new Date()',
    fault: /reads the clock/,
  },
  {
    name: 'another default in transfer',
    path: 'transfer/a.ts',
    line: 'const t = created ?? new Date()',
    fault: /reads the clock/,
  },
  { name: 'any', path: 'oci/a.ts', line: 'export const x = y as any', fault: /any is not/ },
  { name: 'any in a list', path: 'oci/a.ts', line: 'const x: Map<string, any[]> = y', fault: /any is not/ },
  { name: 'a default export', path: 'oci/a.ts', line: 'export default one', fault: /export default/ },
  { name: 'an enum', path: 'oci/a.ts', line: 'export const enum X { A }', fault: /enum is not/ },
  { name: 'a namespace', path: 'oci/a.ts', line: 'namespace X {}', fault: /namespace is not/ },
  { name: 'require', path: 'oci/a.ts', line: "const x = require('level')", fault: /require is not/ },
  { name: 'a silenced compiler', path: 'oci/a.ts', line: '// @ts-expect-error it is wrong', fault: /switched off/ },
  { name: 'a long file', path: 'oci/a.ts', line: '\n'.repeat(400), fault: /lines, at most/ },
  { name: 'an empty name', path: 'oci/utils.ts', line: '', fault: /names no concept/ },
  { name: 'an empty folder name', path: 'oci/common/a.ts', line: '', fault: /names no concept/ },
  { name: 'a name in camel case', path: 'oci/mediaType.ts', line: '', fault: /kebab-case/ },
]

const ALLOWED: readonly Omit<Case, 'fault'>[] = [
  {
    name: 'the program of a plugin, and its end',
    path: 'signature/plugin-process.ts',
    line: "import { spawn } from 'node:child_process'\nprocess.kill(-pid, 'SIGKILL')",
  },
  { name: 'a door further down', path: 'transfer/a.ts', line: "import { x } from '../bundle/index.ts'" },
  { name: 'a file of the same room', path: 'oci/a.ts', line: "import { x } from './digest.ts'" },
  {
    name: 'a sub-folder further down',
    path: 'transfer/watch/a.ts',
    line: "import { x } from '../run/run.ts'\nimport { y } from '../../bundle/index.ts'",
  },
  {
    name: 'a file of the same sub-folder',
    path: 'transfer/ca/a.ts',
    line: "import { x } from './folder.ts'",
  },
  {
    name: 'the door to its sub-folders',
    path: 'transfer/a.ts',
    line: "const x = await import('./watch/watch.ts')",
  },
  {
    name: 'a worker of the same room',
    path: 'bundle/a.ts',
    line: 'new URL(`./payload-worker.${ext}`, import.meta.url)',
  },
  { name: 'the front door from cli', path: 'cli/a.ts', line: "const { x } = await import('../index.ts')" },
  {
    name: 'an owner using what it owns',
    path: 'registry/a.ts',
    line: "import { Pool } from 'undici'\nawait fetch(url)",
  },
  { name: 'the clock in cli', path: 'cli/a.ts', line: 'const now = new Date()' },
  { name: "a caller's default", path: 'transfer/a.ts', line: 'const now = options.now ?? new Date()' },
  { name: "a caller's default in a parameter", path: 'transfer/a.ts', line: 'function f({ now = new Date() }: X) {}' },
  { name: 'a given time', path: 'tuf/a.ts', line: 'const t = new Date(text)' },
  {
    name: 'words in a comment',
    path: 'oci/a.ts',
    line: "// import { any } from '../cli/main.ts': process, enum X, Date.now()",
  },
  { name: 'words in a string', path: 'oci/a.ts', line: "const x = 'process any enum X Date.now() new Date()'" },
  { name: 'words in a template', path: 'oci/a.ts', line: 'const x = `process ${y} any`' },
  { name: 'words in a regular expression', path: 'oci/a.ts', line: 'const x = /[\'"`]any process/' },
  {
    name: 'a method of one of these names',
    path: 'oci/a.ts',
    line: "const s = AbortSignal.any(list), z = zod.enum(['a'])",
  },
  {
    name: 'a function of its own called fetch',
    path: 'transfer/a.ts',
    line: 'const fetch = (x: string) => x\nfetch(y)',
  },
]

describe('house', () => {
  for (const source of sources()) {
    it(`keeps src/${source.path} to its floor, its door and the style`, () => assert.deepEqual(faultsOf(source), []))
  }

  it('gives every room a door', () => {
    const paths = new Set(sources().map(({ path }) => path))
    const rooms = new Set([...paths].filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? ''))
    rooms.delete('cli')
    assert.deepEqual(
      [...rooms].filter((room) => !paths.has(`${room}/index.ts`)),
      [],
    )
  })

  it('lets no file into the list of clocks that needs none', () => {
    const text = new Map(sources().map((source) => [source.path, bare(source.text, false)]))
    for (const path of Object.keys(CLOCKS)) assert.match(text.get(path) ?? '', /Date\.now|new Date\(\)/, path)
  })

  it('lends no module to a file that does not use it', () => {
    const found = new Map(sources().map((source) => [source.path, importsOf(source)]))
    for (const [path, { module }] of Object.entries(LOANS)) assert.ok(found.get(path)?.includes(module), path)
  })

  it('skips a test by need.ts alone, which fails in CI', () => {
    const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    const skipping = files.filter(
      (name) =>
        name.endsWith('.ts') && /\.skip\(/.test(bare(readFileSync(join(import.meta.dirname, name), 'utf8'), false)),
    )
    assert.deepEqual(skipping, ['need.ts'])
  })

  it('has the floors that src/README.md shows', () => {
    const table = readFileSync(join(SRC, 'README.md'), 'utf8').matchAll(/^\| (\d) \| `([a-z.]+)\/?` \|/gm)
    assert.deepEqual(Object.fromEntries([...table].map(([, floor, room]) => [room, Number(floor)])), { ...FLOORS })
  })

  it('has the sub-folders of transfer that are there, as src/README.md shows them', () => {
    const page = readFileSync(join(SRC, 'README.md'), 'utf8')
    const table = [...page.matchAll(/^\| `transfer\/([a-z]+)\/` \|/gm)].map(([, folder]) => folder)
    assert.deepEqual(table, [...TRANSFER])
    const there = readdirSync(join(SRC, 'transfer'))
    assert.deepEqual(there.toSorted(), [...TRANSFER, 'index.ts'].toSorted())
  })

  describe('rules', () => {
    for (const { name, path, line, fault } of BROKEN) {
      it(`refuse ${name}`, () => {
        const faults = faultsOf(withLine(path, line))
        assert.equal(faults.length, 1, faults.join('\n'))
        assert.match(faults[0] ?? '', fault)
      })
    }
    for (const { name, path, line } of ALLOWED) {
      it(`allow ${name}`, () => assert.deepEqual(faultsOf(withLine(path, line)), []))
    }

    it('see imports behind a quote in a regular expression', () => {
      const text = "const q = /[\"']/g\nconst t = `a ${f('`')} b`\nimport { x } from './y.ts'\n"
      assert.deepEqual(importsOf({ path: 'oci/a.ts', text }), ['./y.ts'])
    })

    it('see a division as what it is', () => {
      const text = "const x = a / b\nimport { y } from './y.ts'\nconst z = (a) / 2 // it's half\n"
      assert.deepEqual(importsOf({ path: 'oci/a.ts', text }), ['./y.ts'])
    })
  })
})
