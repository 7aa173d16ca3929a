/** What all rows share while the bench runs: content, source registry, our site, and bundles as they are needed. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peersBin, type Registry, startRegistry } from '../peers/setup/registry.ts'
import type { BareJob } from './bare-job.ts'
import { checkTar, tarMembers } from './check.ts'
import type { BenchData, Workload } from './data.ts'
import { type Command, shell, succeed } from './measure.ts'
import type { Site } from './site.ts'

export type Size = 'big' | 'small'

export interface Stage {
  readonly data: BenchData
  readonly source: Registry
  readonly site: Site
  readonly tls: boolean
  /** Where outputs go; emptied after each run. */
  readonly folder: string
  /**
   * Where many small files are kept until the bench ends. ext4 passes over inodes that were deleted in the last minutes
   * when it looks for a free one: the registry after one whose files had just been deleted took up to half as long again.
   */
  readonly attic: string
}

/** A counterpart's script, run in a new folder below `folder`. */
export function rivalCommand({ folder }: Stage, registry: Registry, script: string): Command {
  const cwd = join(folder, 'rival')
  mkdirSync(cwd, { recursive: true })
  const path = `${peersBin() ?? ''}:${process.env['PATH'] ?? ''}`
  return { argv: shell(script), cwd, env: { ...registry.env, PATH: path, OTEL_TRACES_EXPORTER: 'none' } }
}

export function emptyFolder({ folder }: Stage): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}

/** Bundles that this process has made: other code may write other bytes. */
const made = new Set<string>()

/** Tells that the bundle at `file` is of this process's making. */
export function markMade(file: string): void {
  made.add(file)
}

/** Makes the bundle at `file` unless this process has. */
export async function madeOnce(file: string, make: () => Promise<void>): Promise<void> {
  if (made.has(file)) return
  rmSync(file, { force: true })
  await make()
  made.add(file)
}

/** Our bundle of a workload. */
export function bundleOf(stage: Stage, size: Size): Promise<string> {
  return bundleFrom(stage, size, stage.data[size])
}

/** As {@link bundleOf}, of any content that the source holds. */
export async function bundleFrom({ data, source, site }: Stage, name: string, workload: Workload): Promise<string> {
  const file = join(data.folder, `${name}.tar`)
  await madeOnce(file, async () => {
    await succeed(site.exportTo(file, source, workload))
    checkTar(file, workload, true)
    rmSync(extractedPath(file), { recursive: true, force: true })
  })
  return file
}

const extractedPath = (bundle: string) => `${bundle}.extracted`

/** The bundle as a folder, for those that read no tar. */
export async function extracted(bundle: string): Promise<string> {
  const folder = extractedPath(bundle)
  if (!existsSync(folder)) {
    mkdirSync(folder)
    await succeed({ argv: ['tar', '-xf', bundle, '-C', folder] })
  }
  return folder
}

/** An empty registry, beside the source on the same processors. The storage of a small one stays, in the attic. */
export function emptyRegistry({ attic, tls }: Stage, size: Size): Promise<Registry> {
  if (size === 'big') return startRegistry({ tls })
  mkdirSync(attic, { recursive: true })
  return startRegistry({ tls, storage: mkdtempSync(join(attic, 'storage-')) })
}

const byDescendingSize = (a: [string, number], b: [string, number]) => b[1] - a[1]

/** A bare loop's command. Without a bundle the blobs go one after the other into a new file. */
export function bareCommand(stage: Stage, registry: Registry, workload: Workload, bundle?: string): Command {
  const members = bundle === undefined ? undefined : tarMembers(bundle)
  let end = 0
  const place = (digest: string, size: number) => {
    const offset = members?.get(`blobs/${digest.replace(':', '/')}`)?.offset ?? end
    end += size
    return { digest, size, offset }
  }
  const blobs = Object.entries(workload.blobs)
    .sort(byDescendingSize)
    .map(([digest, size]) => place(digest, size))
  const tags = bundle === undefined ? [] : Object.entries(workload.tags)
  const job: BareJob = {
    origin: registry.origin,
    ...(registry.caFile !== undefined && { caFile: registry.caFile }),
    repository: workload.repository,
    file: bundle ?? join(stage.folder, 'bare.out'),
    blobs,
    manifests: tags.map(([tag, digest]) => ({ ...place(digest, workload.manifests[digest] ?? 0), tag })),
  }
  const listed = join(stage.folder, 'job.json')
  writeFileSync(listed, JSON.stringify(job))
  const script = new URL(bundle === undefined ? 'bare-download.ts' : 'bare-upload.ts', import.meta.url)
  return { argv: [process.execPath, fileURLToPath(script), listed] }
}
