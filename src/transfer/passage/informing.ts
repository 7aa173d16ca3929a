/** What a bundle carries to inform on trust, read only when there is some. */
import { trustRepository } from '../trust/path.ts'
import type { Passage } from './passage.ts'
import { isAccepted } from './passenger.ts'
import type { InformationReport } from './trust-information.ts'

/**
 * What rides along to inform on trust: carried unjudged, since it makes nothing trusted. Most bundles have none, and
 * start without the code for it.
 * @param landing - where repositories go, when the receiver has a word in it
 */
export async function informationIn(
  passage: Pick<Passage, 'census' | 'law' | 'files'> & Partial<Pick<Passage, 'passengers'>>,
  landing?: ReadonlyMap<string, string>,
): Promise<InformationReport[]> {
  const aboard = (passage.passengers ?? []).filter(isAccepted)
  if (aboard.length > 0) {
    const own = { census: passage.census, law: passage.law, files: passage.files }
    const all = await Promise.all([own, ...aboard].map((bundle) => informationIn(bundle, landing)))
    return all.flat()
  }
  const own = trustRepository(passage.files.transfer.channel)
  if (!passage.census.repositories.some(({ graph }) => graph.repository === own)) return []
  const { readTrustInformation } = await import('./trust-information.ts')
  return readTrustInformation(passage, landing).items
}
