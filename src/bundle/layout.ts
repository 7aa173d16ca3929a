/** Where every byte of a bundle stands: a pure function of what it holds, known before any payload is fetched. */
import type { Descriptor, DescriptorTable, Digest } from '../oci/index.ts'
import type { Content } from './assemble.ts'
import { held, type Body } from './member-body.ts'
import { blobName, LAYOUT_BYTES, LAYOUT_MEMBER } from './names.ts'
import { headMembers, passengerMembers, type HeadFiles } from './passenger.ts'
import { BLOCK, encodeHeader, headerLength, padded } from './tar-header.ts'

/** A blob that is fetched to its place: an envelope of the law, or payload. */
export interface PlacedBlob {
  descriptor: Descriptor
  headerAt: number
  offset: number
}

/**
 * Where blobs stand, in member order: envelopes of the law among its manifests, then the payload, one behind the other.
 * A place of the payload is made when it is asked for: of a million blobs only their headers' offsets are held.
 */
export class PlacedBlobs implements Iterable<PlacedBlob> {
  readonly #early: readonly PlacedBlob[]
  readonly #payload: DescriptorTable
  readonly #headers: Float64Array
  #envelopes: ReadonlySet<Digest> | undefined
  /** Offset behind the last one. */
  readonly end: number

  constructor(early: readonly PlacedBlob[], payload: DescriptorTable, at: number) {
    this.#early = early
    this.#payload = payload
    this.#headers = new Float64Array(payload.length)
    const short = payload.count('sha256')
    let end = at
    for (let i = 0; i < payload.length; i++) {
      this.#headers[i] = end
      end += (i < short ? HEADER_256 : HEADER_512) + padded(payload.sizeAt(i))
    }
    this.end = end
  }

  get length(): number {
    return this.#early.length + this.#payload.length
  }

  /** The blobs' sizes together. */
  get bytes(): number {
    return this.#early.reduce((sum, { descriptor }) => sum + descriptor.size, this.#payload.bytes)
  }

  /** Duty of the caller: there is such a number. */
  at(i: number): PlacedBlob {
    const early = this.#early[i]
    if (early !== undefined) return early
    const j = i - this.#early.length
    const descriptor = this.#payload.at(j)
    const headerAt = this.#headers[j] ?? 0
    return { descriptor, headerAt, offset: headerAt + headerLength(blobName(descriptor.digest)) }
  }

  sizeAt(i: number): number {
    return this.#early[i]?.descriptor.size ?? this.#payload.sizeAt(i - this.#early.length)
  }

  /** True for an envelope of the law and a blob of the payload alike. */
  has(digest: Digest): boolean {
    this.#envelopes ??= new Set(this.#early.map(({ descriptor }) => descriptor.digest))
    return this.#envelopes.has(digest) || this.#payload.has(digest)
  }

  /** The number of the payload blob with this digest, or -1. */
  indexOf(digest: Digest): number {
    const i = this.#payload.indexOf(digest)
    return i < 0 ? i : this.#early.length + i
  }

  /** The place of the payload blob with this digest. */
  find(digest: Digest): PlacedBlob | undefined {
    const i = this.indexOf(digest)
    return i < 0 ? undefined : this.at(i)
  }

  *[Symbol.iterator](): Generator<PlacedBlob> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }
}

export interface BundleLayout {
  /** The members whose bytes are at hand, in order, each with the offset of its header. */
  ready: { at: number; name: string; body: Body }[]
  blobs: PlacedBlobs
  /** Length of the whole bundle. */
  size: number
  /** Offset of the first header of group 4; nothing before it depends on fetched bytes. */
  headEnd: number
}

const HEADER_256 = headerLength(blobName(`sha256:${'0'.repeat(64)}`))
const HEADER_512 = headerLength(blobName(`sha512:${'0'.repeat(128)}`))

class Placer {
  readonly ready: BundleLayout['ready'] = []
  readonly envelopes: PlacedBlob[] = []
  at = 0

  file(name: string, body: Body): void {
    this.ready.push({ at: this.at, name, body })
    this.at += headerLength(name) + padded(body.length)
  }

  blob(descriptor: Descriptor): void {
    const header = headerLength(blobName(descriptor.digest))
    this.envelopes.push({ descriptor, headerAt: this.at, offset: this.at + header })
    this.at += header + padded(descriptor.size)
  }
}

/** The layout of a bundle. */
export function layOut(head: HeadFiles, files: ReadonlyMap<string, Body>, content: Content): BundleLayout {
  const placer = new Placer()
  placer.file(LAYOUT_MEMBER, held(LAYOUT_BYTES))
  for (const [name, bytes] of headMembers(head)) placer.file(name, held(bytes))
  for (const [name, body] of files) placer.file(name, body)
  for (const passenger of content.passengers)
    for (const [name, bytes] of passengerMembers(passenger)) placer.file(name, held(bytes))
  const headEnd = placer.at
  for (const { descriptor, bytes } of content.law) {
    if (bytes === undefined) placer.blob(descriptor)
    else placer.file(blobName(descriptor.digest), held(bytes))
  }
  const blobs = new PlacedBlobs(placer.envelopes, content.payload, placer.at)
  return { ready: placer.ready, blobs, size: blobs.end + 2 * BLOCK, headEnd }
}

/** The layout of the payload that follows at `at`, as a reader computes it. */
export function layOutPayload(payload: DescriptorTable, at: number): PlacedBlobs {
  return new PlacedBlobs([], payload, at)
}

export function encodeBlobHeader({ digest, size }: Descriptor): Buffer {
  return encodeHeader({ name: blobName(digest), size })
}
