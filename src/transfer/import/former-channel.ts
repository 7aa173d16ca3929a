/** Tags of another channel that a bundle moves: each sender says where its content goes, and two may say the same. */
import type { JournalRow, State } from '../../state/index.ts'
import { TagCauses, type TagMove } from '../place/tag-causes.ts'
import type { TagMoveReport, WantedTag } from '../place/tag-moves.ts'

interface Former {
  channel: string
  /** What it brought, and the tag named. */
  digest: string
  /** A run of this bundle that did not come to its end moved the tag from there, and told nobody. */
  taken: boolean
}

/** By path and tag at one target: what it names, if another channel of this site brought that; what a killed run left open, too. */
export type FormerChannels = ReadonlyMap<string, readonly Former[]>

/** The bundle that asks. */
export interface Asking {
  channel: string
  id: string
}

const key = (repository: string, tag: string): string => `${repository}:${tag}`

class Fold {
  readonly former = new Map<string, Former[]>()
  readonly #names: ReadonlySet<string>
  readonly #id: string
  /** By tag and digest: who brought it there last. */
  readonly #brought = new Map<string, string>()

  constructor(names: ReadonlySet<string>, { id }: Asking) {
    this.#names = names
    this.#id = id
  }

  /** A move that took place. */
  moved(move: TagMove): void {
    const at = key(move.path, move.tag)
    if (move.cause.bundle === this.#id) return this.#took(at, move.old)
    this.former.delete(at)
    this.mayHaveMoved(move)
  }

  /** One that a killed run began: only the target knows. */
  mayHaveMoved({ path, tag, old, new: now, cause }: TagMove): void {
    const at = key(path, tag)
    if (cause.bundle === this.#id) return this.#took(at, old)
    if (now === null) return
    const what = `${at} ${now}`
    if (cause.channel !== undefined) this.#brought.set(what, cause.channel)
    // This site's own hand brings nothing: it points at what somebody had brought.
    const channel = this.#brought.get(what)
    if (channel === undefined || !this.#names.has(channel)) return
    this.former.set(at, [...(this.former.get(at) ?? []), { channel, digest: now, taken: false }])
  }

  #took(at: string, old: string | null): void {
    const known = this.former.get(at) ?? []
    this.former.set(
      at,
      known.filter((one) => one.taken || one.digest === old).map((one) => ({ ...one, taken: true })),
    )
  }

  /** The bundle was brought, and what it took was told. */
  ended(): void {
    for (const [at, known] of this.former)
      this.former.set(
        at,
        known.filter(({ taken }) => !taken),
      )
  }
}

/**
 * Of the wanted tags at the target, those that name what another pinned channel brought: to be asked before this bundle
 * moves any. A channel that was unpinned has none. Reads the whole journal where two channels bring content, and nothing
 * where one does.
 */
export async function formerChannels(
  state: State,
  target: string,
  asking: Asking,
  wanted: readonly WantedTag[],
): Promise<FormerChannels> {
  const others = state.channels().filter(({ purpose, channel }) => purpose === 'content' && channel !== asking.channel)
  const fold = new Fold(new Set(others.map(({ channel }) => channel)), asking)
  if (others.length === 0) return fold.former
  const asked = new Set(wanted.map(({ repository, tag }) => key(repository, tag)))
  const isAsked = (move: TagMove): boolean => move.target === target && asked.has(key(move.path, move.tag))
  const isEnd = ({ kind, phase, id, target: at }: JournalRow): boolean =>
    kind === 'import' && phase === 'done' && id === asking.id && at === target
  const causes = new TagCauses()
  for await (const row of state.rows()) {
    const move = causes.take(row)
    if (move !== undefined && isAsked(move)) fold.moved(move)
    else if (isEnd(row)) fold.ended()
  }
  for (const move of causes.open()) if (isAsked(move)) fold.mayHaveMoved(move)
  return fold.former
}

/** The moves, each with the channel whose the tag was: as long as it named what that channel had brought. */
export function namingFormer(tags: readonly TagMoveReport[], former: FormerChannels): TagMoveReport[] {
  return tags.map((move) => {
    const known = former.get(key(move.repository, move.tag)) ?? []
    const before = known.find(({ digest, taken }) => (move.outcome === 'moved' ? digest === move.old : taken))
    return before === undefined ? move : { ...move, takenFrom: before.channel }
  })
}
