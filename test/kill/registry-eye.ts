/** Looks at a registry from outside: what is there, what is missing, and whether all that is named can be had. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { peer, type Registry } from '../peers/setup/registry.ts'
import type { Step } from './program.ts'

/** So that the registry's log tells our questions from the program's. */
const AGENT = 'kill-eye'
const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

interface Part {
  digest: string
  urls?: string[]
}

interface Manifest {
  manifests?: Part[]
  config?: Part
  layers?: Part[]
}

/** What a repository holds: tag → digest, and the digests of manifests and blobs. */
export interface Holding {
  tags: Map<string, string>
  manifests: Set<string>
  blobs: Set<string>
}

export interface Missing {
  tags: number
  manifests: number
  blobs: number
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export class RegistryEye {
  private readonly registry: Registry

  constructor(registry: Registry) {
    this.registry = registry
  }

  private async get(path: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Buffer | undefined> {
    const answer = await fetch(`${this.registry.origin}/v2/${path}`, {
      method,
      headers: { accept: ACCEPT, 'user-agent': AGENT },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${bytes.toString().slice(0, 200)}`)
    return bytes
  }

  async tags(repository: string): Promise<string[]> {
    const bytes = await this.get(`${repository}/tags/list`)
    if (bytes === undefined) return []
    return (JSON.parse(bytes.toString()) as { tags: string[] | null }).tags ?? []
  }

  /** A manifest that must be there. */
  async manifest(repository: string, reference: string): Promise<Buffer> {
    const bytes = await this.get(`${repository}/manifests/${reference}`)
    assert.ok(bytes, `${repository} has no ${reference}`)
    return bytes
  }

  /** All that the tags and the digests lead to, fetched and hashed. Fails on anything absent or wrong. */
  async walk(repository: string, digests: readonly string[] = []): Promise<Holding> {
    const holding: Holding = { tags: new Map(), manifests: new Set(), blobs: new Set() }
    for (const tag of await this.tags(repository)) {
      const bytes = await this.get(`${repository}/manifests/${tag}`)
      assert.ok(bytes, `the tag ${repository}:${tag} points at nothing`)
      holding.tags.set(tag, digestOf(bytes))
      await this.visit(repository, digestOf(bytes), `:${tag}`, holding)
    }
    for (const digest of digests) await this.visit(repository, digest, `@${digest}`, holding)
    return holding
  }

  private async visit(repository: string, digest: string, from: string, holding: Holding): Promise<void> {
    if (holding.manifests.has(digest)) return
    const bytes = await this.get(`${repository}/manifests/${digest}`)
    assert.ok(bytes, `${repository}${from} leads to the manifest ${digest}, which is absent`)
    assert.equal(digestOf(bytes), digest)
    holding.manifests.add(digest)
    const { manifests = [], config, layers = [] } = JSON.parse(bytes.toString()) as Manifest
    for (const child of manifests) await this.visit(repository, child.digest, from, holding)
    for (const blob of config === undefined ? layers : [config, ...layers]) {
      if (holding.blobs.has(blob.digest)) continue
      const body = await this.get(`${repository}/blobs/${blob.digest}`)
      assert.ok(body, `${repository}${from} leads to the blob ${blob.digest}, which is absent`)
      assert.equal(digestOf(body), blob.digest)
      holding.blobs.add(blob.digest)
    }
  }

  /** How much of what should be there is not. */
  async missing(repository: string, wanted: Holding): Promise<Missing> {
    const missing: Missing = { tags: 0, manifests: 0, blobs: 0 }
    for (const [tag, digest] of wanted.tags) {
      const bytes = await this.get(`${repository}/manifests/${tag}`)
      if (bytes === undefined || digestOf(bytes) !== digest) missing.tags++
    }
    for (const digest of wanted.manifests)
      if ((await this.get(`${repository}/manifests/${digest}`)) === undefined) missing.manifests++
    for (const digest of wanted.blobs)
      if ((await this.get(`${repository}/blobs/${digest}`, 'HEAD')) === undefined) missing.blobs++
    return missing
  }

  /**
   * What a run wrote there since the mark, as the registry's own log has it: accepted requests only, and of those that
   * complete a blob only the run's own. What the killed run had sent may be logged when it is gone.
   */
  async written(prefix: string, since: number, steps: readonly Step[]): Promise<Missing & { total: number }> {
    const own = new Set(steps.filter(({ kind }) => kind === 'http-request').map(({ subject }) => subject))
    await this.registry.settled()
    const ours = this.registry
      .requests()
      .slice(since)
      .filter(({ path, agent }) => agent !== AGENT && path.startsWith(`/v2/${prefix}/`))
      .filter(({ method, path }) => method !== 'PUT' || own.has(`PUT ${path}`))
    const count = (method: string, path: RegExp): number =>
      ours.filter((request) => request.method === method && request.status < 300 && path.test(request.path)).length
    return {
      tags: count('PUT', /\/manifests\/(?!sha256:)/),
      manifests: count('PUT', /\/manifests\/sha256:/),
      // A mount costs a POST, a push a POST and a PUT.
      blobs: Math.max(count('POST', /\/blobs\/uploads\//), count('PUT', /\/blobs\/uploads\//)),
      total: ours.length,
    }
  }

  /** How many requests the log has when none comes below the prefix: the registry may be busy still with what was sent. */
  async mark(prefix: string): Promise<number> {
    let before = -1
    for (let quiet = 0; quiet < 3;) {
      await this.registry.settled()
      const now = this.registry.requests().filter(({ path }) => path.startsWith(`/v2/${prefix}/`)).length
      quiet = now === before ? quiet + 1 : 0
      before = now
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return this.registry.requests().length
  }

  /** Every tag, and every manifest that it should have, as crane gives them: name → digest. */
  async byCrane(repository: string, manifests: Iterable<string>): Promise<Map<string, string>> {
    const place = `${this.registry.host}/${repository}`
    const crane = (...args: string[]): Promise<string> => peer('crane', args, { env: this.registry.env })
    const found = new Map<string, string>()
    for (const tag of (await crane('ls', place)).split('\n').filter((line) => line !== ''))
      found.set(`:${tag}`, digestOf(Buffer.from(await crane('manifest', `${place}:${tag}`))))
    for (const digest of manifests)
      found.set(`@${digest}`, digestOf(Buffer.from(await crane('manifest', `${place}@${digest}`))))
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
