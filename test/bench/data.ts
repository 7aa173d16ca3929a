/** The content that is carried: made once from seeds, pushed into a distribution registry, its storage kept. */
import { createCipheriv, createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '../../src/oci/index.ts'
import { startRegistry } from '../peers/setup/registry.ts'

/** A new number makes everybody's data anew. */
const GENERATOR = 1
const MIB = 1024 * 1024
const CHUNK = MIB
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

export interface Workload {
  readonly repository: string
  /** Tag to manifest digest. */
  readonly tags: Readonly<Record<string, string>>
  /** Size by digest: configs and layers. */
  readonly blobs: Readonly<Record<string, number>>
  readonly manifests: Readonly<Record<string, number>>
}

export interface BenchData {
  readonly big: Workload
  readonly small: Workload
  readonly scale: number
  /** The storage folder of a distribution registry that holds both. */
  readonly storage: string
  /** For what is made from this data: bundles, layouts. */
  readonly folder: string
}

export interface Part {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
}

export function benchFolder(): string {
  return process.env['SALLYPORT_BENCH'] ?? join(homedir(), '.cache', 'sallyport-bench')
}

/** Incompressible bytes that depend on the name only, in pieces of at most 1 MiB. */
function* seededBytes(name: string, size: number): Generator<Buffer> {
  const seed = createHash('sha256').update(`sallyport bench ${GENERATOR} ${name}`).digest()
  const cipher = createCipheriv('aes-128-ctr', seed.subarray(0, 16), seed.subarray(16))
  const zeros = Buffer.alloc(CHUNK)
  for (let left = size; left > 0; left -= CHUNK) yield cipher.update(zeros.subarray(0, Math.min(left, CHUNK)))
}

/** Keeps connections; to be destroyed after. */
export const agent = new Agent({ keepAlive: true, maxSockets: 8 })

function send(method: string, url: string, headers: Record<string, string | number>, body?: Iterable<Buffer>) {
  return new Promise<{ status: number; location: string }>((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent }, (response) => {
      const { statusCode: status = 0 } = response
      response.resume().on('end', () => resolve({ status, location: response.headers.location ?? '' }))
    }).on('error', reject)
    void (async () => {
      for (const piece of body ?? []) {
        if (!request.write(piece)) await new Promise((drained) => request.once('drain', drained))
      }
      request.end()
    })()
  })
}

/** Fills a repository and writes down what is in it. */
export class Pusher {
  readonly blobs: Record<string, number> = {}
  readonly manifests: Record<string, number> = {}
  readonly tags: Record<string, string> = {}
  readonly base: string

  constructor(origin: string, repository: string) {
    this.base = `${origin}/v2/${repository}`
  }

  async blob(mediaType: string, size: number, bytes: () => Iterable<Buffer>): Promise<Part> {
    const hash = createHash('sha256')
    for (const piece of bytes()) hash.update(piece)
    const digest = `sha256:${hash.digest('hex')}` as const
    const { location } = await send('POST', `${this.base}/blobs/uploads/`, { 'content-length': 0 })
    const url = `${location}${location.includes('?') ? '&' : '?'}digest=${digest}`
    const headers = { 'content-length': size, 'content-type': 'application/octet-stream' }
    const { status } = await send('PUT', url, headers, bytes())
    if (status !== 201) throw new Error(`${digest}: the registry answered ${status}`)
    this.blobs[digest] = size
    return { mediaType, digest, size }
  }

  layer(name: string, size: number): Promise<Part> {
    return this.blob(LAYER, size, () => seededBytes(name, size))
  }

  async image(tag: string, layers: readonly Part[]): Promise<Part> {
    const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
    const text = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs, tag }))
    const config = await this.blob(CONFIG, text.length, () => [text])
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers }))
    const manifest = await this.manifest(tag, MANIFEST, bytes)
    this.manifests[manifest.digest] = manifest.size
    this.tags[tag] = manifest.digest
    return manifest
  }

  /** By a tag or a digest; in no list. */
  async manifest(reference: string, mediaType: string, bytes: Buffer): Promise<Part> {
    const headers = { 'content-length': bytes.length, 'content-type': mediaType }
    const { status } = await send('PUT', `${this.base}/manifests/${reference}`, headers, [bytes])
    if (status !== 201) throw new Error(`${reference}: the registry answered ${status}`)
    return { mediaType, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length }
  }

  workload(repository: string): Workload {
    return { repository, tags: this.tags, blobs: this.blobs, manifests: this.manifests }
  }
}

/** Three layers that eight images share, and one of each; the tags are v1 to v8. */
export async function pushBig(pusher: Pusher, scale: number): Promise<Part[]> {
  const layer = (name: string, mib: number) => pusher.layer(`big ${name}`, Math.max(1, Math.round(mib * scale)) * MIB)
  const shared = [await layer('shared 1', 64), await layer('shared 2', 64), await layer('shared 3', 64)]
  const images: Part[] = []
  for (let n = 1; n <= 8; n += 1) images.push(await pusher.image(`v${n}`, [...shared, await layer(`own ${n}`, 192)]))
  return images
}

async function makeBig(origin: string, scale: number): Promise<Workload> {
  const pusher = new Pusher(origin, 'bench/big')
  await pushBig(pusher, scale)
  return pusher.workload('bench/big')
}

async function makeSmall(origin: string, scale: number): Promise<Workload> {
  const pusher = new Pusher(origin, 'bench/small')
  const numbers = Array.from({ length: Math.max(4, Math.round(400 * scale)) }, (_, n) => n + 1)
  const next = numbers.values()
  const work = async () => {
    for (const n of next) {
      const layers: Part[] = []
      for (let at = 1; at <= 4; at += 1) layers.push(await pusher.layer(`small ${n} ${at}`, 32 * 1024))
      await pusher.image(`v${n}`, layers)
    }
  }
  await Promise.all([work(), work(), work(), work()])
  return pusher.workload('bench/small')
}

/** The content at a scale (1 is the table's), made when it is not there yet. */
export async function benchData(scale: number): Promise<BenchData> {
  const folder = join(benchFolder(), `v${GENERATOR}-scale-${scale}`)
  const storage = join(folder, 'storage')
  const listed = join(folder, 'data.json')
  if (!existsSync(listed)) {
    process.stderr.write(`making the content at scale ${scale} in ${folder}\n`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(storage, { recursive: true })
    const registry = await startRegistry({ storage })
    try {
      const made = { big: await makeBig(registry.origin, scale), small: await makeSmall(registry.origin, scale) }
      writeFileSync(`${listed}.new`, JSON.stringify(made))
      renameSync(`${listed}.new`, listed)
    } finally {
      agent.destroy()
      await registry.stop()
    }
  }
  const { big, small } = JSON.parse(readFileSync(listed, 'utf8')) as Pick<BenchData, 'big' | 'small'>
  return { big, small, scale, storage, folder }
}

/** Bytes of all the blobs and manifests. */
export function totalBytes({ blobs, manifests }: Workload): number {
  return [...Object.values(blobs), ...Object.values(manifests)].reduce((sum, size) => sum + size, 0)
}
