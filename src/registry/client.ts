/** The client: gives out repositories, keeps connections, tokens and threads. */
import PQueue from 'p-queue'
import type { BlobBody, FileSlot, Source, TargetPlace } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { isHost, type Descriptor } from '../oci/index.ts'
import { fetchInto } from './blob-slot.ts'
import { Network } from './network.ts'
import { settle, type RegistryOptions, type Settings } from './options.ts'
import { repositoryAt, type Repository } from './repository.ts'
import { Registry } from './request.ts'
import { RegistrySource } from './source.ts'
import { RegistryTarget } from './target.ts'
import { Upload } from './upload.ts'
import { LARGE } from './upload-raw.ts'
import { WorkerPool } from './workers.ts'

/** Up to this size a blob is fetched on the calling thread: handing it to another costs more. */
const SMALL = 256 * 1024
const SMALL_AT_ONCE = 8

/** A registry to write to; its targets can take manifests away too. */
export interface RegistryPlace extends TargetPlace {
  repository(path: string): RegistryTarget
}

/**
 * Reads from and writes to registries (OCI distribution spec 1.1).
 * Duty of the caller: `close` it. Throws CA_FILE_MALFORMED.
 */
export class RegistryClient {
  readonly #settings: Settings
  readonly #network: Network
  readonly #registries = new Map<string, Registry>()
  readonly #small = new PQueue({ concurrency: SMALL_AT_ONCE })
  readonly #pool: WorkerPool

  constructor(options: RegistryOptions) {
    this.#settings = settle(options)
    this.#network = new Network(options, this.#settings)
    this.#pool = new WorkerPool(options, this.#settings.concurrency)
  }

  #registry(host: string): Registry {
    if (!isHost(host))
      throw new SallyportError('REFERENCE_INVALID', { side: this.#settings.side, subject: host.slice(0, 300) })
    const registry = this.#registries.get(host) ?? new Registry(host, this.#settings, this.#network)
    this.#registries.set(host, registry)
    return registry
  }

  async #fetchInto(
    repository: Repository,
    descriptor: Descriptor,
    slot: FileSlot,
    onBytes: (count: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (descriptor.size <= SMALL) {
      await this.#small.add(() => {
        signal?.throwIfAborted()
        return fetchInto(repository, descriptor, slot, onBytes, signal)
      })
      return
    }
    const { registry, path } = repository
    await this.#pool.carry({ host: registry.host, path, descriptor, work: { kind: 'fetch', slot } }, onBytes, signal)
  }

  async #push(
    repository: Repository,
    descriptor: Descriptor,
    body: BlobBody,
    mountFrom: string | undefined,
    onBytes: (count: number) => void,
  ): Promise<'pushed' | 'mounted'> {
    const { span } = body
    const { registry, path, signal } = repository
    if (span === undefined || descriptor.size <= LARGE)
      return new Upload(repository, descriptor, body, onBytes).run(mountFrom)
    const work = { kind: 'push', span, mountFrom } as const
    const outcome = await this.#pool.carry({ host: registry.host, path, descriptor, work }, onBytes, signal)
    return outcome === 'mounted' ? 'mounted' : 'pushed'
  }

  /** The repository `host/path` to read from, until the signal says otherwise; no request is made yet. Throws REFERENCE_INVALID. */
  source(host: string, path: string, signal?: AbortSignal): Source {
    return new RegistrySource(repositoryAt(this.#registry(host), path, signal), (...job) => this.#fetchInto(...job))
  }

  /** The registry `host` to write to, until the signal says otherwise. Closing it closes the client. */
  targetPlace(host: string, signal?: AbortSignal): RegistryPlace {
    const registry = this.#registry(host)
    return {
      name: host,
      repository: (path) => new RegistryTarget(repositoryAt(registry, path, signal), (...job) => this.#push(...job)),
      close: () => this.close(),
    }
  }

  /** Ends connections and threads at once; whatever is under way fails. */
  async close(): Promise<void> {
    await Promise.all([this.#pool.close(), this.#network.close()])
  }
}
