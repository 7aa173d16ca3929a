/** The far half of an import: start journaled, content pushed and read back, tags last, end journaled. */
import { isFileInput, type ByteInput } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { State } from '../../state/index.ts'
import { deliverFile, deliverPipe } from './deliver.ts'
import type { ImportOptions, ImportReport } from './terms.ts'
import type { Passage } from '../passage/passage.ts'
import type { Seals } from '../passage/payload.ts'
import type { Place } from '../place/place.ts'
import { carriedManifests, stillThere } from './presence.ts'
import { Pusher } from './push.ts'
import { tell } from '../run/run.ts'
import { moveTag, moveTags, settleIntents, type WantedTag } from '../place/tag-moves.ts'

/** Every tag the bundle binds, at its place. */
export function wantedTags({ census }: Passage, place: Place, landing: ReadonlyMap<string, string>): WantedTag[] {
  return census.repositories.flatMap(({ graph, bindings }) => {
    const path = place.path(landing.get(graph.repository) ?? graph.repository)
    return [...bindings].flatMap(([tag, { digest }]) => {
      const node = graph.nodes.get(digest)
      return node === undefined
        ? []
        : [{ target: place.at(path), repository: path, tag, descriptor: node.descriptor, bytes: node.bytes }]
    })
  })
}

export interface Delivery {
  state: State
  place: Place
  passage: Passage
  landing: Map<string, string>
  /** As {@link wantedTags} gives them. */
  wanted: readonly WantedTag[]
  input: ByteInput
  seals: Seals
}

/** Brings what was admitted; what a run before brought whole costs one question a manifest. */
export async function deliver(
  { state, place, passage, landing, wanted, input, seals }: Delivery,
  options: ImportOptions,
): Promise<Pick<ImportReport, 'counts' | 'tags' | 'settled'>> {
  const { id, sequence } = passage.verdict
  const { channel } = passage.files.transfer
  const target = place.name
  const pusher = new Pusher({
    ...options,
    place,
    census: passage.census,
    landing,
    readBackFull: options.readBackFull === true,
    first: !(await state.importBegun(target, id)),
    record: {
      held: (repository: string, digests: readonly Digest[]) => state.recordHeld({ target, repository, digests }),
      moveTag: async (to, repository, tag, descriptor, bytes) =>
        void (await moveTag(state, place, { target: to, repository, tag, descriptor, bytes })),
    },
  })
  const settled = await settleIntents(state, place)
  if (
    passage.verdict.repeat &&
    options.readBackFull !== true &&
    (await state.importDone(target, id)) &&
    isFileInput(input) &&
    (await stillThere(passage, place, landing, options))
  ) {
    const tags = wanted.map(({ repository, tag, descriptor }) => ({
      repository,
      tag,
      old: descriptor.digest,
      new: descriptor.digest,
      outcome: 'kept' as const,
    }))
    const manifestsPresent = [...carriedManifests(passage.census.content).values()].reduce(
      (sum, { size }) => sum + size,
      0,
    )
    return { counts: { ...pusher.counts, manifestsPresent }, tags, settled }
  }
  await state.recordImport({ id, channel, sequence, target, phase: 'start' })
  tell(options, { type: 'phase', phase: 'pushing' })
  const { payload } = passage
  tell(options, {
    type: 'total',
    bytes: payload.bytes,
    blobs: payload.length,
  })
  if (isFileInput(input)) await deliverFile(passage, pusher, input, { ...options, seals })
  else await deliverPipe(passage, pusher, input, options)
  tell(options, { type: 'phase', phase: 'tagging' })
  // Each list was read back before a tag moves; meanwhile somebody who wrote at the same time may have undone it.
  const moving = moveTags(state, place, wanted, options.concurrency, options)
  // Whichever fails, the other must not run on while target and state are being closed.
  await Promise.allSettled([moving, pusher.settle()]).then(([, lists]) => {
    if (lists.status === 'rejected') throw lists.reason
  })
  const tags = await moving
  const { referrers: _, ...counts } = pusher.counts
  await state.recordImport({ id, channel, sequence, target, phase: 'done', counts: { ...counts, tags: tags.length } })
  return { counts: pusher.counts, tags, settled }
}
