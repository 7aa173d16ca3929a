/** The worker thread that proves runs of payload members; one message in, one message out. */
import { parentPort, workerData } from 'node:worker_threads'
import { failing, RangeProver } from './payload-range.ts'
import type { ProverAnswer, ProverRun, ProverStart } from './provers.ts'
import { ReadAhead } from './read-ahead.ts'

const { number, fd, size, ahead } = workerData as ProverStart
const prover = new RangeProver(fd)

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

// Only then is a message heard: a run ends the reading ahead before it is sent.
new ReadAhead(ahead).run(number, fd, size, prover.buffer)
parentPort?.on('message', (run: ProverRun) => parentPort?.postMessage(prove(run)))
