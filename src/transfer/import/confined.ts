/** Whether content goes where its channel may bring any. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Passage } from '../passage/passage.ts'
import type { InformationReport } from '../passage/trust-information.ts'
import { firstNames, isWithin, mapRepository, type Mapping } from '../place/naming.ts'
import type { Place } from '../place/place.ts'
import { informingRepositories, isRevocationName } from '../revocation/path.ts'

/** Passes when the path is one of these, or below one. Throws DESTINATION_FORBIDDEN. */
export function demandWithin(channel: string, into: readonly string[], path: string): void {
  if (into.some((one) => isWithin(path, one))) return
  throw new SallyportError('DESTINATION_FORBIDDEN', {
    // The sender's, whoever maps it: a watch puts it aside, and the channel's next bundle isn't held up.
    side: 'bundle',
    subject: path,
    detail: `channel ${channel} may bring content into ${firstNames(into, 3)} alone`,
  })
}

/** Where repositories of a bundle go, by whose word. */
export interface Destinations {
  place: Place
  landing: ReadonlyMap<string, string>
  /** The receiver's own. */
  map: readonly Mapping[]
}

/**
 * Passes when every repository of the channel's own content goes to one of the paths, or below it. Stops a sender, or the
 * thief of its keys, from moving the tags of another. What the channel tells of itself has places of its own: not by its
 * name alone, which any content may have, but as proven pieces, at the path that they have where the sender says nothing.
 * Passengers are other channels', and carry no content. Throws DESTINATION_FORBIDDEN.
 * @param information - the proven pieces on trust
 */
export function demandConfined(
  { files, census }: Pick<Passage, 'files' | 'census'>,
  into: readonly string[] | undefined,
  { place, landing, map }: Destinations,
  information: readonly Pick<InformationReport, 'repository' | 'digest'>[],
): void {
  if (into === undefined) return
  const { channel } = files.transfer
  const own = new Set(informingRepositories(channel))
  const pieces = new Set(information.map(({ repository, digest }) => pieceKey(repository, digest)))
  // Of revocation the whole repository was proven at the near door.
  const informs = (name: string): boolean =>
    own.has(name) &&
    (isRevocationName(name) ||
      census.content.artifacts.every(
        ({ repository, root }) => repository !== name || pieces.has(pieceKey(repository, root)),
      ))
  for (const { graph } of census.repositories) {
    const name = graph.repository
    const path = place.path(landing.get(name) ?? name)
    if (informs(name) && path === place.path(mapRepository(name, map))) continue
    demandWithin(channel, into, path)
  }
}

function pieceKey(repository: string, digest: Digest): string {
  return `${repository}@${digest}`
}
