/** How the counterparts do the same work: the way of each that was found to be its fastest, or the only one. */
import type { Registry } from '../peers/setup/registry.ts'
import { orasFlags } from '../peers/setup/registry.ts'
import type { Workload } from './data.ts'

/** A script that leaves `out` as one tar with the whole workload, in an empty working folder. */
export type ExportScript = (registry: Registry, workload: Workload, out: string) => string

function each({ tags }: Workload, command: (tag: string) => string): string {
  return `for tag in ${Object.keys(tags).join(' ')}; do ${command('$tag')}; done`
}

const tarOf = (out: string) => `tar -cf ${out} -C layout .`

/** One process for all the images, into one layout. */
const crane: ExportScript = ({ host }, { repository, tags }, out) => {
  const references = Object.keys(tags).map((tag) => `${host}/${repository}:${tag}`)
  return `crane pull --format=oci --annotate-ref ${references.join(' ')} layout; ${tarOf(out)}`
}

/** One process an image: two at once in one layout break each other. */
const orasCopy: ExportScript = (registry, workload, out) => {
  const from = `${registry.host}/${workload.repository}`
  const copy = `oras cp --no-tty ${orasFlags(registry, 'from-').join(' ')} --to-oci-layout`
  return `${each(workload, (tag) => `${copy} ${from}:${tag} layout:${tag}`)}; ${tarOf(out)}`
}

/** One process for the repository; it writes a folder and the tar by itself. */
const orasBackup: ExportScript = (registry, { repository }, out) =>
  `oras backup --no-tty ${orasFlags(registry).join(' ')} --concurrency 8 -o ${out} ${registry.host}/${repository}`

const regctlCopy: ExportScript = ({ host }, workload, out) => {
  const from = `${host}/${workload.repository}`
  return `${each(workload, (tag) => `regctl image copy ${from}:${tag} ocidir://layout:${tag}`)}; ${tarOf(out)}`
}

export const bigExports: Readonly<Record<string, ExportScript>> = {
  'crane pull + tar': crane,
  'oras backup': orasBackup,
  'oras cp + tar': orasCopy,
  'regctl image copy + tar': regctlCopy,
}

/** A process an image takes oras 18 s and regctl 76 s here: they are not the fastest by far. */
export const smallExports: Readonly<Record<string, ExportScript>> = {
  'crane pull + tar': crane,
  'oras backup': orasBackup,
}

/** A script that brings the workload into an empty registry, from the bundle or from the extracted bundle. */
export type ImportScript = (registry: Registry, workload: Workload, bundle: string, extracted: string) => string

const orasRestore: ImportScript = (registry, { repository }, bundle) =>
  `oras restore --no-tty ${orasFlags(registry).join(' ')} --input ${bundle} ${registry.host}/${repository}`

const orasFromTar: ImportScript = (registry, workload, bundle) => {
  const copy = `oras cp --no-tty ${orasFlags(registry, 'to-').join(' ')} --from-oci-layout`
  return each(workload, (tag) => `${copy} ${bundle}:${tag} ${registry.host}/${workload.repository}:${tag}`)
}

/** Four processes at once; it does not read layouts in a tar without extracting them (`image import`: twice as slow). */
const regctlFromFolder: ImportScript = ({ host }, { repository, tags }, _, extracted) =>
  `printf '%s\\n' ${Object.keys(tags).join(' ')} | xargs -P 4 -I TAG ` +
  `regctl image copy ocidir://${extracted}:TAG ${host}/${repository}:TAG`

export const bigImports: Readonly<Record<string, ImportScript>> = {
  'oras restore': orasRestore,
  'oras cp': orasFromTar,
  'regctl image copy ×4': regctlFromFolder,
}

export const smallImports: Readonly<Record<string, ImportScript>> = {
  'oras restore': orasRestore,
  'regctl image copy ×4': regctlFromFolder,
}
