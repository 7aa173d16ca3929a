/** Small content for the contract suites: blobs and manifests from random bytes. */
import { randomBytes } from 'node:crypto'
import { digestOf, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, type Descriptor } from '../../src/oci/index.ts'
import type { BlobBody, Target } from '../../src/content/index.ts'

/** Content with its descriptor. */
export interface Piece {
  descriptor: Descriptor
  bytes: Buffer
}

export function piece(mediaType: string, content: Uint8Array | string): Piece {
  const bytes = Buffer.from(content as string)
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes }
}

/** A blob of random bytes; no test depends on which. */
export function randomBlob(size: number): Piece {
  return piece('application/octet-stream', randomBytes(size))
}

export const EMPTY_CONFIG: Piece = piece(OCI_EMPTY, '{}')

export function manifest(layer: Piece, more: { artifactType?: string; subject?: Descriptor } = {}): Piece {
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: EMPTY_CONFIG.descriptor,
    layers: [layer.descriptor],
    ...more,
  }
  return piece(OCI_MANIFEST, JSON.stringify(document))
}

export function index(...children: Piece[]): Piece {
  const manifests = children.map((child) => child.descriptor)
  return piece(OCI_INDEX, JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
}

/** The bytes in runs of `run`, from any offset. */
export function bodyOf(bytes: Uint8Array, run = 1000): BlobBody {
  return {
    async *open(from) {
      for (let at = from; at < bytes.length; at += run) yield bytes.subarray(at, at + run)
    },
  }
}

/** Pushes an image with its blobs by digest. */
export async function pushImage(target: Target, layer: Piece, image: Piece): Promise<void> {
  for (const blob of [EMPTY_CONFIG, layer]) await target.pushBlob(blob.descriptor, bodyOf(blob.bytes))
  await target.pushManifest(image.descriptor, image.bytes)
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const runs: Uint8Array[] = []
  for await (const run of stream) runs.push(Buffer.from(run))
  return Buffer.concat(runs)
}

export function digests(descriptors: readonly Descriptor[]): string[] {
  return descriptors.map((descriptor) => descriptor.digest)
}
