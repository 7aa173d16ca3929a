/** What a run over very many blobs asks of the heap of its process. */
import { setFlagsFromString } from 'node:v8'

const MANY = 100_000

/**
 * Keeps the young generation of a run over that many blobs as small as it is: it would grow by 70 MiB of manifests that
 * nobody looks at any more. A run over few is faster with a large one.
 */
export function keepYoungSmall(blobs: number): void {
  if (blobs >= MANY) setFlagsFromString('--semi-space-growth-factor=1')
}
