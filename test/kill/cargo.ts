/** What the kill tests carry: the demo, and a second repository that shares a layer, has a large one, and an untagged image. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { configOf, layerOf } from '../../fixtures/layouts/image.ts'
import { LayoutBuilder, OCI_LAYER } from '../../fixtures/layouts/layout-builder.ts'

const HOST = 'registry.example/'
// Above the size from which a registry's blob is fetched by a thread of its own, and from which it is sent as a stream.
const LARGE = [300 * 1024, 1100 * 1024]

export interface Cargo {
  /** Layout folders. */
  layouts: string[]
  /** The digest of an image that has no tag. */
  untagged: string
  tags: Record<string, string[]>
}

function noise(length: number, name: string): Buffer {
  const runs: Buffer[] = []
  for (let have = 0, i = 0; have < length; have += 32, i++) {
    runs.push(createHash('sha256').update(`${name} ${i}`).digest())
  }
  return Buffer.concat(runs).subarray(0, length)
}

async function buildTool(dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true })
  const builder = new LayoutBuilder(dir)
  const platform = { os: 'linux', architecture: 'amd64' }
  const common = await layerOf(builder, 'common')
  const large = LARGE.map((size) => builder.blob(OCI_LAYER, noise(size, `large ${size}`)))
  const config = configOf(builder, platform, [common])
  const tool = builder.manifest({ config, layers: [common.descriptor, ...large] })
  const annotations = { 'org.opencontainers.image.version': 'none' }
  const untagged = builder.manifest({ config, layers: [common.descriptor], annotations })
  builder.tag(`${HOST}demo/tool`, '1', tool)
  builder.entry(untagged)
  builder.finish()
  return untagged.digest
}

/** Writes the layouts into a folder. */
export async function buildCargo(dir: string): Promise<Cargo> {
  const layouts = [join(dir, 'demo'), join(dir, 'tool')]
  const demo = await buildDemoLayout(join(dir, 'demo'))
  const untagged = await buildTool(join(dir, 'tool'))
  return { layouts, untagged, tags: { 'demo/app': Object.keys(demo.tags), 'demo/tool': ['1'] } }
}

interface Entry {
  mediaType: string
  digest: string
  annotations?: Record<string, string>
}

async function put(url: string, mediaType: string, body: Buffer): Promise<boolean> {
  const answer = await fetch(url, { method: 'PUT', headers: { 'content-type': mediaType }, body: new Uint8Array(body) })
  await answer.arrayBuffer()
  return answer.status === 201
}

async function pushBlob(repository: string, bytes: Buffer): Promise<void> {
  const session = await fetch(`${repository}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(session.headers.get('location') ?? '', repository)
  location.searchParams.set('digest', `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  if (!(await put(location.href, 'application/octet-stream', bytes))) throw new Error(`no push to ${location.href}`)
}

/** Brings a layout into a registry by nothing but HTTP; `path` is the repository of what has no name. */
export async function pushLayout(dir: string, origin: string, path: string): Promise<void> {
  const blobs = join(dir, 'blobs', 'sha256')
  const repository = `${origin}/v2/${path}`
  const left = new Map<string, { mediaType: string; bytes: Buffer }>()
  for (const hex of readdirSync(blobs)) {
    const bytes = readFileSync(join(blobs, hex))
    await pushBlob(repository, bytes)
    const text = bytes.toString('latin1')
    const mediaType = /^\{"schemaVersion":2,"mediaType":"([^"]+)"/.exec(text)?.[1]
    if (mediaType !== undefined) left.set(`sha256:${hex}`, { mediaType, bytes })
  }
  // Children first: whatever the registry refuses now is asked again when the others are there.
  while (left.size > 0) {
    const before = left.size
    for (const [digest, { mediaType, bytes }] of left)
      if (await put(`${repository}/manifests/${digest}`, mediaType, bytes)) left.delete(digest)
    if (left.size === before) throw new Error(`the registry takes none of ${[...left.keys()].join(' ')}`)
  }
  const { manifests } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as { manifests: Entry[] }
  for (const { digest, mediaType, annotations } of manifests) {
    const name = annotations?.['org.opencontainers.image.ref.name']
    if (name === undefined) continue
    const tag = name.slice(name.lastIndexOf(':') + 1)
    await put(`${repository}/manifests/${tag}`, mediaType, readFileSync(join(blobs, digest.slice(7))))
  }
}
