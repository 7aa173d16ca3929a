/** Where every byte of a bundle stands: a pure function of what it holds, known before any payload is fetched. */
import type { Descriptor } from '../oci/index.ts'
import type { Content } from './assemble.ts'
import { blobName, LAYOUT_BYTES, LAYOUT_MEMBER } from './names.ts'
import { headMembers, passengerMembers, type HeadFiles } from './passenger.ts'
import { BLOCK, encodeHeader, headerLength, padded } from './tar-header.ts'

/** A blob that is fetched to its place: an envelope of the law, or payload. */
export interface PlacedBlob {
  descriptor: Descriptor
  headerAt: number
  offset: number
}

export interface BundleLayout {
  /** The members whose bytes are at hand, in order, each with the offset of its header. */
  ready: { at: number; name: string; bytes: Buffer }[]
  blobs: PlacedBlob[]
  /** Length of the whole bundle. */
  size: number
  /** Offset of the first header of group 4; nothing before it depends on fetched bytes. */
  headEnd: number
}

class Placer {
  readonly ready: BundleLayout['ready'] = []
  readonly blobs: PlacedBlob[] = []
  at = 0

  file(name: string, bytes: Buffer): void {
    this.ready.push({ at: this.at, name, bytes })
    this.at += headerLength(name) + padded(bytes.length)
  }

  blob(descriptor: Descriptor): void {
    const header = headerLength(blobName(descriptor.digest))
    this.blobs.push({ descriptor, headerAt: this.at, offset: this.at + header })
    this.at += header + padded(descriptor.size)
  }
}

/** The layout of a bundle. */
export function layOut(head: HeadFiles, files: ReadonlyMap<string, Buffer>, content: Content): BundleLayout {
  const placer = new Placer()
  placer.file(LAYOUT_MEMBER, LAYOUT_BYTES)
  for (const [name, bytes] of headMembers(head)) placer.file(name, bytes)
  for (const [name, bytes] of files) placer.file(name, bytes)
  for (const passenger of content.passengers)
    for (const [name, bytes] of passengerMembers(passenger)) placer.file(name, bytes)
  const headEnd = placer.at
  for (const { descriptor, bytes } of content.law) {
    if (bytes === undefined) placer.blob(descriptor)
    else placer.file(blobName(descriptor.digest), bytes)
  }
  for (const descriptor of content.payload) placer.blob(descriptor)
  return { ready: placer.ready, blobs: placer.blobs, size: placer.at + 2 * BLOCK, headEnd }
}

/** The layout of the payload that follows at `at`, as a reader computes it. */
export function layOutPayload(payload: readonly Descriptor[], at: number): { blobs: PlacedBlob[]; end: number } {
  const placer = new Placer()
  placer.at = at
  for (const descriptor of payload) placer.blob(descriptor)
  return { blobs: placer.blobs, end: placer.at }
}

/** Header, body and padding of a member whose bytes are at hand. */
export function encodeMember(name: string, bytes: Buffer): Buffer {
  const padding = Buffer.alloc(padded(bytes.length) - bytes.length)
  return Buffer.concat([encodeHeader({ name, size: bytes.length }), bytes, padding])
}

export function encodeBlobHeader({ digest, size }: Descriptor): Buffer {
  return encodeHeader({ name: blobName(digest), size })
}
