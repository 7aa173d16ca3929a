/** Import under kill: into a registry, and into a layout folder. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Registry } from '../peers/setup/registry.ts'
import { thorough, type Job } from './campaign.ts'
import { sight, walk, type LayoutSight } from './layout-eye.ts'
import type { RunOptions } from './program.ts'
import { RegistryEye, type Holding, type Missing } from './registry-eye.ts'
import { journal, type Site } from './site.ts'

interface ImportWork {
  dir: string
  state: string
  journal: Buffer
}

interface RegistryWork extends ImportWork {
  prefix: string
  missing: Map<string, Missing>
  /** Length of the registry's log when the rerun began. */
  mark: number
  thorough: boolean
}

/** Repository → what the undisturbed run left there. */
type Reference = Map<string, { holding: Holding; crane: Map<string, string> }>

function inputOf(bundle: string, pipe: boolean): { args: string[]; run: RunOptions } {
  return pipe ? { args: ['import', '-'], run: { stdin: bundle } } : { args: ['import', bundle], run: {} }
}

/** Every work has a prefix of its own in the registry, where it begins with nothing. */
export function registryJob(site: Site, registry: Registry, bundle: string, pipe: boolean): Job<RegistryWork> {
  const eye = new RegistryEye(registry)
  const repositories = Object.keys(site.cargo.tags)
  const input = inputOf(bundle, pipe)
  const name = pipe ? 'import-pipe' : 'import'
  let reference: Reference | undefined
  let requests = 0
  let questions = 0
  const untagged = (repository: string): string[] => (repository === 'demo/tool' ? [site.cargo.untagged] : [])
  return {
    name,
    async prepare(work) {
      const dir = site.work(`${name}-${work}`)
      const state = site.copy('state', dir)
      const prefix = `${name}/${work}`
      return {
        dir,
        state,
        prefix,
        journal: Buffer.alloc(0),
        missing: new Map(),
        mark: 0,
        thorough: thorough(work),
      }
    },
    args: ({ state, prefix }) => [
      ...input.args,
      '--to',
      `${registry.host}/${prefix}`,
      '--plain-http',
      '--state',
      state,
    ],
    run: () => input.run,
    async atKill(work) {
      work.mark = await eye.mark(work.prefix)
      work.journal = journal(work.state)
      for (const repository of repositories) {
        await eye.walk(`${work.prefix}/${repository}`)
        const wanted = reference?.get(repository)?.holding
        assert.ok(wanted)
        work.missing.set(repository, await eye.missing(`${work.prefix}/${repository}`, wanted))
      }
    },
    async after(work, rerun) {
      assert.equal(rerun.status, 0)
      const found: Reference = new Map()
      let total = 0
      let held = 0
      for (const repository of repositories) {
        const place = `${work.prefix}/${repository}`
        const written = await eye.written(place, work.mark, rerun.steps)
        total += written.total
        const missing = work.missing.get(repository)
        if (missing !== undefined)
          for (const what of ['blobs', 'manifests', 'tags'] as const)
            assert.ok(
              written[what] <= missing[what],
              `${repository}: ${written[what]} ${what} written, ${missing[what]} missing`,
            )
        const holding = await eye.walk(place, untagged(repository))
        const known = reference?.get(repository)?.crane
        const crane = work.thorough || known === undefined ? await eye.byCrane(place, holding.manifests) : known
        found.set(repository, { holding, crane })
        held += holding.manifests.size + holding.blobs.size
      }
      reference ??= found
      requests ||= total
      // The undisturbed run finds no repository and asks for nothing in it; one that goes on asks for each thing once.
      questions ||= held
      assert.deepEqual(found, reference)
      const most = requests + questions
      if (work.missing.size > 0) assert.ok(total <= most, `${total} requests, of ${most} at most`)
      await site.checkState(work.state, work.journal)
    },
  }
}

interface LayoutWork extends ImportWork {
  out: string
  /** Blobs that are not there, or manifests that nothing leads to. */
  missing: number | undefined
}

export function layoutJob(site: Site, bundle: string, pipe: boolean): Job<LayoutWork> {
  const input = inputOf(bundle, pipe)
  const name = pipe ? 'import-layout-pipe' : 'import-layout'
  let reference: { sight: LayoutSight; manifests: Set<string> } | undefined
  return {
    name,
    async prepare(work) {
      const dir = site.work(`${name}-${work}`)
      const state = site.copy('state', dir)
      return { dir, state, out: join(dir, 'out'), journal: Buffer.alloc(0), missing: undefined }
    },
    args: ({ state, out }) => [...input.args, '--to', `oci:${out}`, '--state', state],
    run: () => input.run,
    async atKill(work) {
      assert.ok(reference)
      work.journal = journal(work.state)
      const reached = walk(work.out)
      const there = new Set(sight(work.out).blobs)
      work.missing = reference.sight.blobs.filter((path) => {
        const digest = path.slice('blobs/'.length).replace('/', ':')
        return !there.has(path) || (reference?.manifests.has(digest) === true && !reached.has(digest))
      }).length
    },
    async after(work, rerun) {
      assert.equal(rerun.status, 0)
      const manifests = walk(work.out)
      const seen = sight(work.out)
      const wrote = rerun.steps.some(({ kind, subject }) => kind !== 'fsync' && subject.startsWith(work.out))
      // A run that finds nothing to write (it syncs what it finds) takes no lock, and does not clear away the dead one's.
      const strays = seen.strays.filter((stray) => wrote || !stray.startsWith('.sallyport-lock-'))
      assert.deepEqual(strays, [])
      seen.strays = []
      reference ??= { sight: seen, manifests }
      assert.deepEqual(seen, reference.sight)
      const written = rerun.steps.filter(
        ({ kind, subject }) => kind === 'rename' && subject.startsWith(join(work.out, 'blobs')),
      ).length
      if (work.missing !== undefined)
        assert.ok(written <= work.missing, `${written} blobs written, ${work.missing} were missing`)
      await site.checkState(work.state, work.journal)
    },
  }
}
