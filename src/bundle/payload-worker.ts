/** The worker thread that proves runs of payload members; one message in, one message out. */
import { parentPort, workerData } from 'node:worker_threads'
import type { PlacedBlob } from './layout.ts'
import { failing, RangeProver } from './payload-range.ts'

const prover = new RangeProver((workerData as { fd: number }).fd)

parentPort?.on('message', (run: PlacedBlob[]) => {
  let bytes = 0
  for (const blob of run) {
    const failed = failing(prover, blob)
    if (failed !== undefined) {
      parentPort?.postMessage({ failed, bytes })
      return
    }
    bytes += blob.descriptor.size
  }
  parentPort?.postMessage({ bytes })
})
