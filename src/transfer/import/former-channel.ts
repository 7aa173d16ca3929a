/** Tags of another channel that a bundle moves: each sender says where its content goes, and two may say the same. */
import type { Digest } from '../../oci/index.ts'
import type { State } from '../../state/index.ts'
import { TagCauses } from '../place/tag-causes.ts'
import type { TagMoveReport, WantedTag } from '../place/tag-moves.ts'

/** By path and tag at one target: what was moved last, if another channel of this site did. */
export type FormerChannels = ReadonlyMap<string, { channel: string; digest: Digest }>

const key = (repository: string, tag: string): string => `${repository}:${tag}`

/**
 * Of the wanted tags at the target, those that another pinned channel moved last: to be asked before this bundle moves any.
 * A channel that was unpinned has none. Reads the whole journal where two channels bring content, and nothing where one does.
 */
export async function formerChannels(
  state: State,
  target: string,
  channel: string,
  wanted: readonly WantedTag[],
): Promise<FormerChannels> {
  const others = state.channels().filter((other) => other.purpose === 'content' && other.channel !== channel)
  const former = new Map<string, { channel: string; digest: Digest }>()
  if (others.length === 0) return former
  const names = new Set(others.map((other) => other.channel))
  const asked = new Set(wanted.map(({ repository, tag }) => key(repository, tag)))
  const causes = new TagCauses()
  for await (const row of state.rows()) {
    const move = causes.take(row)
    if (move === undefined || move.target !== target || !asked.has(key(move.path, move.tag))) continue
    const { path, tag, new: now, cause } = move
    if (now !== null && cause.channel !== undefined && names.has(cause.channel))
      former.set(key(path, tag), { channel: cause.channel, digest: now as Digest })
    else former.delete(key(path, tag))
  }
  return former
}

/** The moves, each with the channel whose the tag was: as long as it named what that channel had brought. */
export function namingFormer(tags: readonly TagMoveReport[], former: FormerChannels): TagMoveReport[] {
  return tags.map((move) => {
    const before = former.get(key(move.repository, move.tag))
    const taken = move.outcome === 'moved' && before !== undefined && before.digest === move.old
    return taken ? { ...move, takenFrom: before.channel } : move
  })
}
