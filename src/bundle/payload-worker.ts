/** The worker thread that proves runs of payload members; one message in, one message out. */
import { parentPort, workerData } from 'node:worker_threads'
import { failing, RangeProver } from './payload-range.ts'
import type { ProverAnswer, ProverRun } from './provers.ts'

const prover = new RangeProver((workerData as { fd: number }).fd)

function prove({ blobs, sealing }: ProverRun): ProverAnswer {
  const answer: ProverAnswer = { bytes: 0, seals: [] }
  for (const blob of blobs) {
    const { digest, size } = blob.descriptor
    const failed = failing(prover, blob, sealing ? (seal) => answer.seals.push([digest, seal]) : undefined)
    if (failed !== undefined) return { ...answer, failed }
    answer.bytes += size
  }
  return answer
}

parentPort?.on('message', (run: ProverRun) => parentPort?.postMessage(prove(run)))
