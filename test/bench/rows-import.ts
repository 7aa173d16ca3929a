/** From a bundle into an empty registry; then once more, when all is there. */
import type { Registry } from '../peers/setup/registry.ts'
import { checkStorage } from './check.ts'
import { type Bar, type Contender, MEMORY_BAR, type Row } from './contest.ts'
import { totalBytes } from './data.ts'
import { type Command, Failed, succeed } from './measure.ts'
import { bigImports, smallImports } from './rivals.ts'
import {
  bareCommand,
  bundleOf,
  emptyFolder,
  emptyRegistry,
  extracted,
  rivalCommand,
  type Size,
  type Stage,
} from './stage.ts'

const UNEQUAL =
  'oras and regctl judge nothing, record nothing and read nothing back; oras does not hash what it sends. ' +
  'regctl reads the bundle extracted, which is not counted. Ours reads the bundle twice: it is hashed whole before the first request, and compared with its seals on the way.'

function importer(stage: Stage, size: Size, name: string, command: (target: Registry) => Command): Contender {
  const workload = stage.data[size]
  let target: Registry | undefined
  return {
    name,
    async prepare() {
      target = await emptyRegistry(stage, size)
      return command(target)
    },
    check() {
      if (target !== undefined) checkStorage(target.storage, workload.repository, workload)
      return { requests: target?.requests().length ?? NaN }
    },
    async clean() {
      await target?.stop()
      target = undefined
      emptyFolder(stage)
    },
  }
}

export async function importRow(stage: Stage, size: Size): Promise<Row> {
  const bundle = await bundleOf(stage, size)
  const folder = await extracted(bundle)
  const workload = stage.data[size]
  const scripts = size === 'big' ? bigImports : smallImports
  const rivals = Object.entries(scripts).map(([name, script]) =>
    importer(stage, size, name, (target) => rivalCommand(stage, target, script(target, workload, bundle, folder))),
  )
  const peers: Bar = { against: Object.keys(scripts), must: 0.95, record: 0.7 }
  return {
    key: `import-${size}`,
    title: `import ${Object.keys(workload.tags).length} images, ${Math.round(totalBytes(workload) / 2 ** 20)} MiB, into an empty registry`,
    unequal: UNEQUAL,
    contenders: [
      importer(stage, size, 'sallyport import', (target) => stage.site.importFrom(bundle, target)),
      ...rivals,
      importer(stage, size, 'bare upload', (target) => bareCommand(stage, target, workload, bundle)),
    ],
    bars:
      size === 'big'
        ? [peers, { against: ['bare upload'], must: 1.6, record: 1.2 }, MEMORY_BAR]
        : [{ ...peers, must: 0.75, record: 0.55 }, { against: ['bare upload'], must: 1.25, record: 1 }, MEMORY_BAR],
    cold: [bundle, folder],
  }
}

const PER_MANIFEST = 'requests a manifest'
const BLOB_BODIES = 'requests that carry a blob'

/** The same bundle again, at the same site: what the registry's log says of it. */
export async function againRow(stage: Stage, size: Size): Promise<Row> {
  const bundle = await bundleOf(stage, size)
  const workload = stage.data[size]
  let target: Registry | undefined
  const ours: Contender = {
    name: 'sallyport import',
    async prepare() {
      target = await emptyRegistry(stage, size)
      await succeed(stage.site.importFrom(bundle, target))
      await target.settled()
      target.clearRequests()
      return stage.site.importFrom(bundle, target, true)
    },
    async check() {
      if (target === undefined) throw new Failed('no target')
      await target.settled()
      const requests = target.requests()
      const carrying = requests.filter(({ method, path }) => /\/blobs\//.test(path) && method !== 'HEAD')
      return {
        [PER_MANIFEST]: requests.length / Object.keys(workload.manifests).length,
        [BLOB_BODIES]: carrying.length,
      }
    },
    async clean() {
      await target?.stop()
      target = undefined
      emptyFolder(stage)
    },
  }
  return {
    key: `again-${size}`,
    title: `import the same bundle again, ${Object.keys(workload.manifests).length} manifests`,
    contenders: [ours],
    bars: [{ against: [PER_MANIFEST], must: 1, record: 1 }, { against: [BLOB_BODIES], must: 0, record: 0 }, MEMORY_BAR],
    cold: [bundle],
    rounds: 1,
  }
}
