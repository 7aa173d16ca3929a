/** The blobs of passengers among those of the bundle that carries them. */
import { SallyportError } from '../errors/index.ts'
import { algorithmOf, DescriptorTable, type Descriptor, type Digest } from '../oci/index.ts'
import { bySumsOrder, refuseOverfull, type Content, type LawBlob } from './assemble.ts'
import type { Passenger } from './passenger.ts'

/**
 * The content of a bundle with these passengers: artifacts and generated indexes are its own, law and payload those of all.
 * Throws DESCRIPTOR_MALFORMED when two of them give one digest two sizes, LIMIT_EXCEEDED for more than a bundle holds.
 */
export function withPassengers(own: Content, passengers: readonly Passenger[], side: 'source' | 'bundle'): Content {
  if (passengers.length === 0) return own
  const all = [own, ...passengers.map(({ content }) => content)]
  const law = new Map<Digest, LawBlob>()
  const payload = new DescriptorTable()
  const agree = ({ digest, size }: Descriptor): void => {
    const known = law.get(digest)?.descriptor.size ?? payload.sizeOf(digest) ?? size
    if (known !== size)
      throw new SallyportError('DESCRIPTOR_MALFORMED', { side, subject: digest, detail: `sizes ${known} and ${size}` })
  }
  for (const blob of all.flatMap((content) => content.law)) {
    const { descriptor, bytes } = blob
    agree(descriptor)
    // What one of them knows as a manifest has its bytes at hand, whatever the others take it for.
    if (law.get(descriptor.digest)?.bytes === undefined && (bytes !== undefined || !law.has(descriptor.digest)))
      law.set(descriptor.digest, blob)
  }
  for (const { payload: theirs } of all) {
    for (const descriptor of theirs) {
      agree(descriptor)
      if (!law.has(descriptor.digest)) payload.add(descriptor)
    }
  }
  const content = {
    ...own,
    law: bySumsOrder(law.values(), ({ descriptor }) => algorithmOf(descriptor.digest)),
    payload,
    passengers,
  }
  refuseOverfull(content, side)
  return content
}
