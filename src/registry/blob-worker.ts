/** The thread's own end: takes jobs from {@link WorkerPool}, with connections and tokens of its own. */
import { parentPort, workerData } from 'node:worker_threads'
import { fileBody } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { fetchInto } from './blob-slot.ts'
import { Network } from './network.ts'
import { settle, type RegistryOptions } from './options.ts'
import { repositoryAt } from './repository.ts'
import { Registry } from './request.ts'
import { Upload } from './upload.ts'
import type { FlatError, FromWorker, Job, Outcome, ToWorker } from './workers.ts'

/** Of a push, whose bytes are told of for somebody who watches; more often would only take time. */
const TOLD_AT = 4 * 1024 * 1024

const options = workerData as RegistryOptions
const settings = settle(options)
const network = new Network(options, settings)
const registries = new Map<string, Registry>()
const running = new Map<number, AbortController>()

function tell(message: FromWorker): void {
  parentPort?.postMessage(message)
}

function registryAt(host: string): Registry {
  const registry = registries.get(host) ?? new Registry(host, settings, network)
  registries.set(host, registry)
  return registry
}

function flat(error: unknown): FlatError {
  const fault =
    error instanceof SallyportError
      ? error
      : new SallyportError('INTERNAL', {
          side: options.side,
          detail: error instanceof Error ? error.stack : String(error),
        })
  const { code, side, subject, message, remedy } = fault
  return { code, side, subject, message, remedy }
}

async function carry({ id, host, path, descriptor, work }: Job, signal: AbortSignal): Promise<Outcome> {
  const repository = repositoryAt(registryAt(host), path, signal)
  if (work.kind === 'push') {
    let untold = 0
    const onBytes = (count: number): void => {
      untold += count
      if (Math.abs(untold) < TOLD_AT) return
      tell({ kind: 'bytes', id, count: untold })
      untold = 0
    }
    return new Upload(repository, descriptor, fileBody(work.span, descriptor.size), onBytes).run(work.mountFrom)
  }
  const onBytes = (count: number): void => tell({ kind: 'bytes', id, count })
  await fetchInto(repository, descriptor, work.slot, onBytes, signal)
  return 'fetched'
}

async function run(job: Job): Promise<void> {
  const { id } = job
  const controller = new AbortController()
  running.set(id, controller)
  try {
    tell({ kind: 'done', id, outcome: await carry(job, controller.signal) })
  } catch (error) {
    tell({ kind: 'failed', id, error: flat(error) })
  } finally {
    running.delete(id)
  }
}

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'do') void run(message.job)
  else running.get(message.id)?.abort(new Error('aborted'))
})
