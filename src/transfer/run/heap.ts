/** What a run over very many blobs asks of the heap of its process. */
import { setFlagsFromString } from 'node:v8'

const MANY = 100_000

let small = false

/**
 * Keeps the heap of a run over that many blobs near what lives in it, until the next run: the young generation would grow
 * by 70 MiB and the old one by 40 of manifests that nobody looks at any more. A run over few has no such garbage, and is
 * slower for it.
 */
export function keepHeapSmall(blobs: number): void {
  if (blobs >= MANY === small) return
  small = !small
  setFlagsFromString(`--semi-space-growth-factor=${small ? 1 : 2}`)
  setFlagsFromString(`--heap-growing-percent=${small ? 20 : 0}`)
}
