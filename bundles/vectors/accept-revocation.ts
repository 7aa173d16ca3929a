/** `accept/`: lists, an OCSP answer and denials, on a channel of their own and beside content (FORMAT 8.8). */
import { office, solo } from './channels.ts'
import { denying } from './accept-passenger.ts'
import { oneImage } from './goods.ts'
import { fillLists, pieces } from './lists.ts'
import { pack } from './pack.ts'
import type { AcceptVector } from './vector.ts'

export function revocationAccepts(): AcceptVector[] {
  const all = denying(office, 'signed by mistake')
  const [shelf] = all.shelves
  if (shelf !== undefined) fillLists(shelf)
  const beside = pieces('solo', fillLists)
  const image = oneImage()
  for (const [digest, bytes] of image.blobs) beside.blobs.set(digest, bytes)
  beside.shelves.push(...image.shelves)
  return [
    { name: 'revocation-lists', pinned: office, sequence: 7, packed: pack(office, 7, all) },
    { name: 'lists-beside-content', pinned: solo, sequence: 6, packed: pack(solo, 6, beside) },
  ]
}
