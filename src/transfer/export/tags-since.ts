/** Which tags of a bundle name something else than in an earlier one, for whoever approves it. */
import type { PromiseFiles } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'
import { revocationRepository } from '../revocation/path.ts'

export interface TagSince {
  repository: string
  tag: string
  /** Null: the earlier one had no such tag. */
  old: Digest | null
  /** Null: it is not aboard any more, which takes nothing away at a site. */
  new: Digest | null
}

export interface TagsSince {
  /** The first thousand, in the order of their names. */
  changed: TagSince[]
  /** How many there are in all. */
  count: number
}

const SHOWN = 1000

type Promised = Pick<PromiseFiles, 'transfer'>

/** By `repository:tag`, but for lists and denials: those are compared by what they say. */
function tagsOf({ transfer }: Promised): Map<string, Pick<TagSince, 'repository' | 'tag'> & { digest: Digest }> {
  const lists = revocationRepository(transfer.channel)
  const tags = new Map<string, Pick<TagSince, 'repository' | 'tag'> & { digest: Digest }>()
  for (const { name, bindings } of transfer.repositories) {
    if (name === lists) continue
    for (const [tag, digest] of Object.entries(bindings)) tags.set(`${name}:${tag}`, { repository: name, tag, digest })
  }
  return tags
}

/** What moved, came and went; nothing of it says whether it should have. */
export function tagsSince(bundle: Promised, earlier: Promised): TagsSince {
  const [now, before] = [tagsOf(bundle), tagsOf(earlier)]
  const changed: TagSince[] = []
  for (const [key, { repository, tag, digest }] of now) {
    const old = before.get(key)?.digest ?? null
    if (old !== digest) changed.push({ repository, tag, old, new: digest })
  }
  for (const [key, { repository, tag, digest }] of before)
    if (!now.has(key)) changed.push({ repository, tag, old: digest, new: null })
  const name = ({ repository, tag }: TagSince): string => `${repository}:${tag}`
  changed.sort((a, b) => (name(a) < name(b) ? -1 : 1))
  return { changed: changed.slice(0, SHOWN), count: changed.length }
}
