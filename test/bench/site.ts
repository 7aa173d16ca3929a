/** Our own side of the bench: a channel, a site that has pinned it, and the command lines. */
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Registry } from '../peers/setup/registry.ts'
import type { Workload } from './data.ts'
import { type Command, succeed } from './measure.ts'

const BUILT = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** Equal times and sequences give equal bytes: nothing depends on when the bench ran. */
const SEQUENCE = '1'

export interface Site {
  /** A command line of ours. `profile` is a folder for `--cpu-prof`. */
  sallyport(args: readonly string[]): Command
  exportTo(file: string, registry: Registry, workload: Workload): Command
  /** All that a layout folder holds. */
  exportLayout(file: string, folder: string): Command
  /** By the channel alone, or by a policy folder too. */
  verify(file: string, policy?: string): Command
  /** With a state in which nothing has been accepted, unless `again`. */
  importFrom(file: string, registry: Registry, again?: boolean): Command
  /** Into a layout folder, with a state as {@link importFrom}. */
  importInto(file: string, folder: string): Command
}

export interface SiteOptions {
  readonly folder: string
  /** Another build than `dist/`. */
  readonly main?: string
  /** Writes a processor profile of each run of ours there. */
  readonly profile?: string
}

function reach({ caFile }: Registry): string[] {
  return caFile === undefined ? ['--plain-http'] : ['--ca-file', caFile]
}

export async function makeSite({ folder, main = BUILT, profile }: SiteOptions): Promise<Site> {
  const at = (name: string) => join(folder, name)
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const sallyport = (args: readonly string[]) => ({ argv: [process.execPath, ...profiling, main, ...args] })
  const run = (args: readonly string[]) => succeed({ argv: [process.execPath, main, ...args] })
  const fresh = (name: string) => {
    rmSync(at(`${name}.used`), { recursive: true, force: true })
    cpSync(at(name), at(`${name}.used`), { recursive: true })
    return at(`${name}.used`)
  }

  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const secret = at('passphrase')
  writeFileSync(secret, 'only for the bench\n', { mode: 0o600 })
  const content = ['--for', 'content']
  await run(['channel', 'init', 'bench', ...content, '--dir', at('keys'), '--solo', '--passphrase-file', secret])
  await run(['state', 'init', '--site', 'site-a', '--reason', 'bench', '--state', at('state')])
  const root = join(at('keys'), 'root.json')
  const fingerprint = `sha256:${createHash('sha256').update(readFileSync(root)).digest('hex')}`
  await run(['channel', 'pin', 'bench', root, ...content, '--fingerprint', fingerprint, '--state', at('state')])

  const exporting = (file: string, plan: object, ...further: string[]) => {
    // YAML takes JSON as it is.
    writeFileSync(at('plan.yaml'), JSON.stringify({ channel: 'bench', audience: ['site-a'], ...plan }))
    const keys = ['--keys', fresh('keys'), '--passphrase-file', secret, '--sequence', SEQUENCE]
    return sallyport(['export', '-f', at('plan.yaml'), ...keys, '-o', file, ...further])
  }
  const importing = (file: string, to: string, again: boolean, ...further: string[]) =>
    sallyport(['import', file, '--to', to, '--state', again ? at('state.used') : fresh('state'), ...further])

  return {
    sallyport,
    exportTo(file, registry, { repository, tags }) {
      const ref = `${registry.host}/${repository}`
      const plan = { map: [{ from: ref, to: repository }], artifacts: [{ ref, tags: Object.keys(tags) }] }
      return exporting(file, plan, ...reach(registry))
    },
    exportLayout: (file, layout) => exporting(file, { artifacts: [{ ref: `oci:${layout}` }] }),
    verify(file, policy) {
      const judged = policy === undefined ? [] : ['--policy', policy]
      return sallyport(['verify', file, ...judged, '--state', at('state'), '--json'])
    },
    importFrom: (file, registry, again = false) => importing(file, registry.host, again, ...reach(registry)),
    importInto: (file, layout) => importing(file, `oci:${layout}`, false),
  }
}
