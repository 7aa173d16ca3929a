/** The worker thread that hashes what passes through a pipe's ring. It gives digests, and judges none. */
import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import { ringOrders, type SharedRing } from './hash-ring.ts'

let hasher = createHash('sha256')
for (const order of ringOrders(workerData as SharedRing)) {
  if (order.kind === 'update') hasher.update(order.bytes)
  else if (order.kind === 'finish') order.result.set(hasher.digest())
  else hasher = createHash(order.algorithm)
}
