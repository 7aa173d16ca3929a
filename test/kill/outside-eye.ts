/**
 * Looks at all of a target from outside: every repository with its tags and all manifests that it answers for, tagged or not.
 * Tombstones are told by what they say but the time, which is each run's own.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { peer, type Registry } from '../peers/setup/registry.ts'
import { walk } from './layout-eye.ts'
import { RegistryEye } from './registry-eye.ts'

/** Of one repository: tag → manifest, and manifests; each by digest, or by what it says. */
export interface Shelf {
  tags: Record<string, string>
  manifests: string[]
}
/** By repository, without the prefix of the work. */
export type Holdings = Record<string, Shelf>

export interface OutsideEye {
  /** Fails when a tag or a manifest leads to something absent or wrong. */
  look(): Promise<Holdings>
  /** The same by a tool of others. */
  byTool(): Promise<Holdings>
}

const TOMBSTONE = 'application/vnd.sallyport.tombstone.v1'
const CREATED = 'org.opencontainers.image.created'
const NAME = 'org.opencontainers.image.ref.name'
const QUARANTINE = '.sallyport-quarantine'

function told(bytes: Buffer): string {
  const document = JSON.parse(bytes.toString()) as { artifactType?: string; annotations?: Record<string, string> }
  if (document.artifactType !== TOMBSTONE) return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const said = Object.entries(document.annotations ?? {}).filter(([name]) => name !== CREATED)
  return `tombstone ${JSON.stringify(said)}`
}

type Fetch = (reference: string) => Promise<Buffer>

async function shelfOf(tags: readonly string[], digests: readonly string[], fetch: Fetch): Promise<Shelf> {
  const shelf: Shelf = { tags: {}, manifests: [] }
  for (const tag of tags.toSorted()) shelf.tags[tag] = told(await fetch(tag))
  const all = new Set<string>()
  for (const digest of digests) all.add(told(await fetch(digest)))
  shelf.manifests = [...all].sort()
  return shelf
}

/** What lies below a prefix of a registry. Which manifests it has, its own storage says: nobody lists those without a tag. */
export class RegistryOutside implements OutsideEye {
  readonly #registry: Registry
  readonly #prefix: string
  readonly #eye: RegistryEye

  constructor(registry: Registry, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
    this.#eye = new RegistryEye(registry)
  }

  /** Nothing that a killed run sent is under way any more. */
  async settled(): Promise<void> {
    await this.#eye.mark(this.#prefix)
  }

  /** The quarantine has the whole path within its own. */
  #local(path: string): string {
    return path.replace(this.#prefix, 'PLACE')
  }

  #stored(): Map<string, string[]> {
    const root = join(this.#registry.storage, 'docker', 'registry', 'v2', 'repositories', this.#prefix)
    const found = new Map<string, string[]>()
    const visit = (path: string): void => {
      for (const name of readdirSync(join(root, path))) {
        if (name !== '_manifests') {
          if (!name.startsWith('_')) visit(join(path, name))
          continue
        }
        const revisions = join(root, path, name, 'revisions', 'sha256')
        const there = existsSync(revisions) ? readdirSync(revisions) : []
        const linked = there.filter((hex) => existsSync(join(revisions, hex, 'link')))
        if (linked.length > 0) found.set(path, linked.map((hex) => `sha256:${hex}`).sort())
      }
    }
    if (existsSync(root)) visit('')
    return found
  }

  async look(): Promise<Holdings> {
    const holdings: Holdings = {}
    for (const [path, digests] of this.#stored()) {
      const place = `${this.#prefix}/${path}`
      const { tags, manifests } = await this.#eye.walk(place, digests)
      const fetch = (reference: string): Promise<Buffer> => this.#eye.manifest(place, reference)
      holdings[this.#local(path)] = await shelfOf([...tags.keys()], [...manifests], fetch)
    }
    return holdings
  }

  async byTool(): Promise<Holdings> {
    const holdings: Holdings = {}
    const { env, host } = this.#registry
    const crane = (...args: string[]): Promise<string> => peer('crane', args, { env })
    for (const [path, digests] of this.#stored()) {
      const place = `${host}/${this.#prefix}/${path}`
      const tags = (await crane('ls', place)).split('\n').filter((line) => line !== '')
      holdings[this.#local(path)] = await shelfOf(tags, digests, async (reference) =>
        Buffer.from(await crane('manifest', `${place}${reference.includes(':') ? '@' : ':'}${reference}`)),
      )
    }
    return holdings
  }
}

/**
 * A list of what refers to a manifest. It is a layout's own and nobody's content: one that nothing leads to any more is
 * left lying by every change of it, and by a killed removal.
 */
function isReferrersList(bytes: Buffer): boolean {
  const { manifests } = JSON.parse(bytes.toString()) as { manifests?: { artifactType?: string }[] }
  return manifests?.every(({ artifactType }) => artifactType !== undefined) === true
}

/** A layout folder, and the layout of its quarantine within. */
export class LayoutOutside implements OutsideEye {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  #layouts(): [string, string][] {
    const both = [
      ['', this.#dir],
      [QUARANTINE, join(this.#dir, QUARANTINE)],
    ] as [string, string][]
    return both.filter(([, dir]) => existsSync(join(dir, 'index.json')))
  }

  async look(): Promise<Holdings> {
    const holdings: Holdings = {}
    for (const [name, dir] of this.#layouts()) {
      const reached = walk(dir)
      const blobs = join(dir, 'blobs', 'sha256')
      const bytesOf = (digest: string): Buffer => readFileSync(join(blobs, digest.slice('sha256:'.length)))
      const { manifests } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as {
        manifests: { digest: string; annotations?: Record<string, string> }[]
      }
      const tags = new Map(
        manifests.flatMap(({ digest, annotations }) => {
          const tag = annotations?.[NAME]
          return tag === undefined ? [] : [[tag, digest] as const]
        }),
      )
      const isManifest = (bytes: Buffer): boolean =>
        bytes.subarray(0, 20).toString('latin1').includes('"schemaVersion"')
      const stored = (existsSync(blobs) ? readdirSync(blobs) : [])
        .filter((hex) => /^[0-9a-f]{64}$/.test(hex))
        .map((hex) => `sha256:${hex}`)
        .filter((digest) => isManifest(bytesOf(digest)))
        .filter((digest) => reached.has(digest) || !isReferrersList(bytesOf(digest)))
      holdings[name] = await shelfOf([...tags.keys()], stored, (reference) =>
        Promise.resolve(bytesOf(tags.get(reference) ?? reference)),
      )
    }
    return holdings
  }

  async byTool(): Promise<Holdings> {
    const holdings: Holdings = {}
    const oras = (...args: string[]): Promise<string> => peer('oras', args)
    const stored = await this.look()
    for (const [name, dir] of this.#layouts()) {
      const tags = (await oras('repo', 'tags', '--oci-layout', dir)).split('\n').filter((line) => line !== '')
      const digests = (stored[name]?.manifests ?? []).filter((told) => told.startsWith('sha256:'))
      const shelf = await shelfOf(tags, digests, async (reference) =>
        Buffer.from(
          // oras takes no tag with a colon.
          await (reference.startsWith('sha256:')
            ? oras('manifest', 'fetch', '--oci-layout', `${dir}@${reference}`)
            : peer('skopeo', ['inspect', '--raw', `oci:${dir}:${reference}`])),
        ),
      )
      const tombstones = (stored[name]?.manifests ?? []).filter((told) => !told.startsWith('sha256:'))
      holdings[name] = { ...shelf, manifests: [...shelf.manifests, ...tombstones].sort() }
    }
    return holdings
  }
}
