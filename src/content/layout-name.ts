/** Names in a layout's `index.json` (OCI annotations.md `ref.name`; containerd's `image.name`). */
import { isDigest, isHost, isRepositoryPath, isTag } from '../oci/index.ts'

export const REF_NAME = 'org.opencontainers.image.ref.name'
export const IMAGE_NAME = 'io.containerd.image.name'

/** What a name stands for; without `repository` it is a bare tag, without `tag` it names no tag. */
export interface LayoutName {
  repository?: string
  tag?: string
}

/** The repository of a name without a host, which no registry vouches for. */
function hostless(path: string): string {
  return path.startsWith('local/') ? path : `local/${path}`
}

/** The parts of a name, or undefined when it follows no grammar we know. */
export function parseLayoutName(text: string): LayoutName | undefined {
  if (isTag(text)) return { tag: text }
  const at = text.indexOf('@')
  if (at >= 0 && !isDigest(text.slice(at + 1))) return undefined
  let name = at < 0 ? text : text.slice(0, at)
  const colon = name.lastIndexOf(':')
  let tag: string | undefined
  if (colon > name.lastIndexOf('/')) {
    tag = name.slice(colon + 1)
    name = name.slice(0, colon)
    if (!isTag(tag)) return undefined
  }
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasHost = first === 'localhost' || first.includes('.') || first.includes(':')
  if (hasHost ? !isHost(first) || !isRepositoryPath(name.slice(slash + 1)) : !isRepositoryPath(name)) return undefined
  const repository = hasHost ? name : hostless(name)
  return tag === undefined ? { repository } : { repository, tag }
}

/** `local/<name>` for the entries of a layout that name no repository; `name` is bent to the grammar of paths. */
export function localRepository(name: string): string {
  const path = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 200)
  return `local/${path === '' ? 'layout' : path}`
}

const FALLBACK = /^sha(?:256|512)-[0-9a-f]{64}$/

/** True for the tag of a referrers list; such a bare tag speaks for the whole layout. */
export function isFallbackTag(tag: string): boolean {
  return FALLBACK.test(tag)
}
