import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const REF_NAME = 'org.opencontainers.image.ref.name'

/** Leaves of a layout's index one manifest alone, the first unless `at` says, under these names. */
export function retag(dir: string, tags: readonly string[], at = 0): void {
  const file = join(dir, 'index.json')
  const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: { annotations?: Record<string, string> }[] }
  const manifests = tags.map((tag) => ({ ...index.manifests.at(at), annotations: { [REF_NAME]: tag } }))
  writeFileSync(file, JSON.stringify({ ...index, manifests }))
}
