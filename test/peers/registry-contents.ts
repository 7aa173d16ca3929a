/** What outside tools see of a repository, in a form that two repositories can be compared in. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { peer, type Registry } from './setup/registry.ts'

export interface Contents {
  /** Tag → digest, without the tags that list referrers. */
  tags: Record<string, string>
  /** Subject → digests of what refers to it, as the fallback tag lists them. */
  referrers: Record<string, string[]>
  /** Digest → the manifest as the tool printed it. */
  manifests: Record<string, string>
}

interface Document {
  config?: { digest: string }
  layers?: { digest: string }[]
  manifests?: { digest: string }[]
}

/** A tag that lists referrers. */
export const FALLBACK = /^sha256-[0-9a-f]{64}$/

export function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

/** What a manifest names: config and layers, and children. */
export function namedBy(manifest: string): { blobs: string[]; children: string[] } {
  const { config, layers = [], manifests = [] } = JSON.parse(manifest) as Document
  const digests = (all: { digest: string }[]): string[] => all.map(({ digest }) => digest)
  return { blobs: digests([...(config === undefined ? [] : [config]), ...layers]), children: digests(manifests) }
}

/** Lists with crane, and fetches by it every tag, child and referrer; each manifest must have its digest. */
export async function contentsOf(registry: Registry, repository: string): Promise<Contents> {
  const name = `${registry.host}/${repository}`
  const crane = (...args: string[]): Promise<string> => peer('crane', args, { env: registry.env })
  const found: Contents = { tags: {}, referrers: {}, manifests: {} }
  const visit = async (digest: string): Promise<void> => {
    if (found.manifests[digest] !== undefined) return
    found.manifests[digest] = 'asked for'
    const text = await crane('manifest', `${name}@${digest}`)
    assert.equal(sha256(text), digest)
    found.manifests[digest] = text
    for (const child of (JSON.parse(text) as Document).manifests ?? []) await visit(child.digest)
  }
  const tags = (await crane('ls', name)).trim().split('\n').sort()
  await Promise.all(
    tags.map(async (tag) => {
      const text = await crane('manifest', `${name}:${tag}`)
      const { manifests = [] } = JSON.parse(text) as Document
      if (FALLBACK.test(tag)) found.referrers[tag.replace('-', ':')] = manifests.map(({ digest }) => digest).sort()
      else found.tags[tag] = sha256(text)
    }),
  )
  for (const digest of [...Object.values(found.tags), ...Object.values(found.referrers).flat()]) await visit(digest)
  return found
}
