/**
 * Makes `dist/` from the sources with as few modules as lazy loading allows: Node spends more on finding and linking
 * three hundred small files than on all that `verify` does before the first payload byte (a fifth of its start).
 * Types come from tsc beside it. What is copied in is named, with its licence, in dist/NOTICES.txt.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(ROOT, 'dist')

const sources = (suffix: string): string[] =>
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(ROOT, 'src', name))

for (const name of existsSync(OUT) ? readdirSync(OUT, { recursive: true, encoding: 'utf8' }) : [])
  if (name.endsWith('.js')) rmSync(join(OUT, name))

/** Texts of these alone, as all our help is, are as wide as they are long. */
const ONE_WIDE = '/^[ -~\u00b7\u2013\u2014\u2019\u2026\u2192]*$/'

/** What yargs measures help with makes a segmenter and large patterns when it loads: a fifth of every start, and a third of `--help`. */
const measuresLate: Plugin = {
  name: 'measures-late',
  setup({ onLoad, onResolve }) {
    // Paths from the root: builds in two places give the same bytes.
    onLoad({ filter: /[/\\]string-width[/\\]index\.js$/, namespace: 'file' }, ({ path }) => ({
      contents: `export default (text, ...more) =>
        typeof text === 'string' && ${ONE_WIDE}.test(text)
          ? text.length
          : require(${JSON.stringify(`late:${relative(ROOT, path)}`)}).default(text, ...more)`,
    }))
    onResolve({ filter: /^late:/ }, ({ path }) => ({ path: path.slice('late:'.length), namespace: 'late' }))
    onLoad({ filter: /./, namespace: 'late' }, ({ path }) => ({
      contents: readFileSync(join(ROOT, path), 'utf8'),
      resolveDir: dirname(join(ROOT, path)),
    }))
  },
}

const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: [join(ROOT, 'src/index.ts'), join(ROOT, 'src/cli/main.ts'), ...sources('-worker.ts')],
  outdir: OUT,
  outbase: join(ROOT, 'src'),
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  metafile: true,
  plugins: [measuresLate],
  logLevel: 'warning',
  // LevelDB finds its native half beside itself.
  external: ['level', 'abstract-level'],
  // CommonJS packages ask for built-in modules by require.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module'; const require = $createRequire(import.meta.url);",
  },
})

const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => /^(node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
)
const notices = [...packages].toSorted().map((folder) => {
  const about = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const file = readdirSync(join(ROOT, folder)).find((name) => /^(?:licen[cs]e|copying)/i.test(name))
  const text =
    file === undefined
      ? `(${String(about['license'])}; the package holds no text)`
      : readFileSync(join(ROOT, folder, file), 'utf8')
  return `${String(about['name'])} ${String(about['version'])}\n\n${text.trim()}\n`
})
writeFileSync(join(OUT, 'NOTICES.txt'), notices.join(`\n${'-'.repeat(80)}\n\n`))
