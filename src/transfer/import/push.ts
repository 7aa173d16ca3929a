/**
 * The far door: blobs → child manifests → manifest → referrers and signature tags → read back, artifact by artifact.
 * Tags come last and elsewhere (`tag-moves.ts`). Nothing here makes anything visible that points at something absent.
 */
import PQueue from 'p-queue'
import type { Census } from '../../bundle/index.ts'
import type { BlobBody, Graph, OrderedArtifact, Target } from '../../content/index.ts'
import { referrersCarried } from '../../bundle/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import { verifying, type Descriptor, type Digest } from '../../oci/index.ts'
import { standing, uniteCompanions } from './companion-tag.ts'
import { Holders } from './holders.ts'
import type { Place } from '../place/place.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'

export interface PushCounts {
  blobsPushed: number
  blobsMounted: number
  blobsPresent: number
  bytesPushed: number
  manifestsPushed: number
  manifestsPresent: number
  /** How referrers are found at the target. */
  referrers: 'api' | 'fallback' | null
}

/** The counts of a push that has not begun. */
export function noCounts(): PushCounts {
  return {
    blobsPushed: 0,
    blobsMounted: 0,
    blobsPresent: 0,
    bytesPushed: 0,
    manifestsPushed: 0,
    manifestsPresent: 0,
    referrers: null,
  }
}

/** Journals what must outlast a kill; the importer gives it. */
export interface PushRecord {
  held(repository: string, digests: readonly Digest[]): Promise<void>
  /** Moves a signature tag with intent and done. */
  moveTag(target: Target, repository: string, tag: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void>
}

export interface PusherOptions extends RunOptions {
  place: Place
  census: Census
  /** Source repository → path below the place. */
  landing: ReadonlyMap<string, string>
  concurrency: number
  readBackFull: boolean
  /** No run has brought anything of this bundle to the place: a repository that is absent there holds nothing of it. */
  first: boolean
  record: PushRecord
}

/** The blobs of one repository of the target. */
interface Shelf {
  path: string
  /** Being brought, or failed. */
  coming: Map<Digest, Promise<void>>
}

export class Pusher {
  readonly counts = noCounts()
  private readonly options: PusherOptions
  private readonly requests: PQueue
  private readonly graphs: ReadonlyMap<string, Graph>
  private readonly shelves: Shelf[] = []
  private readonly shelfNumbers = new Map<string, number>()
  private readonly manifests = new Map<string, Promise<void>>()
  private readonly holders: Holders
  private readonly empty = new Map<string, Promise<boolean>>()
  private readonly listed = new Map<string, Promise<void>>()
  private failure: unknown

  constructor(options: PusherOptions) {
    this.options = options
    this.requests = new PQueue({ concurrency: options.concurrency })
    this.holders = new Holders(options.census.content)
    this.graphs = new Map(options.census.repositories.map(({ graph }) => [graph.repository, graph]))
  }

  target(repository: string): Target {
    return this.options.place.repository(this.landed(repository))
  }

  landed(repository: string): string {
    return this.options.landing.get(repository) ?? repository
  }

  // After the first failure nothing new is sent: the run ends with that one.
  private gate<T>(task: () => Promise<T>): Promise<T> {
    return this.requests.add(async () => {
      checkInterrupted(this.options)
      if (this.failure !== undefined) throw this.failure
      try {
        return await task()
      } catch (error) {
        this.failure ??= error
        throw error
      }
    })
  }

  /** One question a repository in place of one for each blob and manifest: half of what a registry works on small images. */
  private isEmpty(target: Target): Promise<boolean> {
    const known = this.empty.get(target.repository)
    if (known !== undefined) return known
    const asked = this.options.first && target.isAbsent !== undefined ? target.isAbsent() : Promise.resolve(false)
    this.empty.set(target.repository, asked)
    return asked
  }

  /** A blob's bytes as the repository holds them, proven as they pass, to be had as often as it takes. */
  heldBody(repository: string, descriptor: Descriptor): BlobBody {
    const target = this.target(repository)
    const subject = `${target.repository}@${descriptor.digest}`
    return {
      proving: true,
      open: (from) => verifying(target.blob(descriptor, from), descriptor, 'target', subject),
    }
  }

  /** Makes the repository hold the blob; once per repository, by mount where another one of this place has it. */
  blob(repository: string, descriptor: Descriptor, body: BlobBody): Promise<void> {
    const { digest } = descriptor
    const number = this.shelfOf(repository)
    const shelf = this.shelves[number]
    if (shelf === undefined || this.holders.holds(number, digest)) return Promise.resolve()
    const known = shelf.coming.get(digest)
    if (known !== undefined) return known
    const first = this.holders.first(number, digest)
    const holder = first === number ? undefined : this.shelves[first]
    const done = this.pushBlob(this.target(repository), descriptor, body, holder).then(() => {
      this.holders.hold(number, digest)
      shelf.coming.delete(digest)
    })
    shelf.coming.set(digest, done)
    return done
  }

  private shelfOf(repository: string): number {
    const path = this.options.place.path(this.landed(repository))
    const number = this.shelfNumbers.get(path) ?? this.shelves.length
    if (number === this.shelves.length) {
      this.shelves.push({ path, coming: new Map() })
      this.shelfNumbers.set(path, number)
    }
    return number
  }

  private async pushBlob(
    target: Target,
    descriptor: Descriptor,
    body: BlobBody,
    holder: Shelf | undefined,
  ): Promise<void> {
    await holder?.coming.get(descriptor.digest)
    let told = 0
    const onBytes = (count: number): void => {
      told += count
      tell(this.options, { type: 'bytes', count })
    }
    let kept = true
    await this.gate(async () => {
      const { counts } = this
      if (!(await this.isEmpty(target)) && (await target.hasBlob(descriptor))) counts.blobsPresent++
      else {
        const how = await target.pushBlob(descriptor, body, holder?.path, onBytes)
        kept = how === 'mounted'
        if (kept) counts.blobsMounted++
        else {
          counts.blobsPushed++
          counts.bytesPushed += descriptor.size
        }
        if (!(await target.hasBlob(descriptor))) throw notThere(target, descriptor.digest)
      }
      if (this.options.readBackFull) await target.proveBlob(descriptor)
    })
    tell(this.options, { type: 'bytes', count: descriptor.size - told, kept })
    tell(this.options, { type: 'blob' })
  }

  /** Pushes the artifact's own manifests, all of whose blobs the target holds; no tag leads to them yet. */
  async finish(artifact: OrderedArtifact): Promise<void> {
    const graph = this.graphs.get(artifact.repository)
    if (graph === undefined) return
    const target = this.target(artifact.repository)
    for (const digest of artifact.manifests) await this.manifest(target, graph, digest)
  }

  /**
   * Pushes its companions, which a registry with the Referrers API lists at once, makes them findable where it does not,
   * and journals what the target holds.
   */
  async show(artifact: OrderedArtifact): Promise<void> {
    const graph = this.graphs.get(artifact.repository)
    if (graph === undefined) return
    const target = this.target(artifact.repository)
    for (const digest of artifact.companions) await this.manifest(target, graph, digest)
    for (const digest of [...artifact.manifests, ...artifact.companions])
      await this.list(target, graph, artifact.repository, digest)
    const blobs = Array.from(artifact.blobs, ({ digest }) => digest)
    const digests = [...blobs, ...artifact.manifests, ...artifact.companions]
    await this.options.record.held(this.options.place.path(this.landed(artifact.repository)), digests)
  }

  private manifest(target: Target, graph: Graph, digest: Digest): Promise<void> {
    const key = `${target.repository} ${digest}`
    const known = this.manifests.get(key) ?? this.pushManifest(target, graph, digest)
    this.manifests.set(key, known)
    return known
  }

  private pushManifest(target: Target, graph: Graph, digest: Digest): Promise<void> {
    return this.gate(async () => {
      const node = graph.nodes.get(digest)
      if (node === undefined) return
      if (!(await this.isEmpty(target)) && (await this.reads(target, node.descriptor))) {
        this.counts.manifestsPresent++
        return
      }
      await target.pushManifest(node.descriptor, node.bytes)
      this.counts.manifestsPushed++
      if (!(await this.reads(target, node.descriptor))) throw notThere(target, digest)
    })
  }

  /** True when the target gives the manifest back with its digest; false when it has none. */
  private async reads(target: Target, descriptor: Descriptor): Promise<boolean> {
    try {
      await target.manifest(descriptor)
      return true
    } catch (error) {
      if (isFault(error, 'MANIFEST_MISSING', 'REPOSITORY_MISSING')) return false
      if (isFault(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) {
        throw new SallyportError('READ_BACK_MISMATCH', {
          side: 'target',
          subject: error.subject,
          detail: error.message,
          cause: error,
        })
      }
      throw error
    }
  }

  private list(target: Target, graph: Graph, repository: string, digest: Digest): Promise<void> {
    const key = `${target.repository} ${digest}`
    const known = this.listed.get(key) ?? this.makeFindable(target, graph, repository, digest)
    this.listed.set(key, known)
    return known
  }

  /** Looks again at the lists of referrers, which others may have written at the same time. To be called when all is delivered. */
  async settle(): Promise<void> {
    const targets = new Set([...this.graphs.keys()].map((repository) => this.target(repository)))
    await allAtRest([...targets].map(async (target) => target.settleReferrers?.(1, this.options.signal)))
  }

  private async makeFindable(target: Target, graph: Graph, repository: string, digest: Digest): Promise<void> {
    const node = graph.nodes.get(digest)
    const referrers = referrersCarried(graph, digest)
    if (node !== undefined && referrers.length > 0) {
      this.counts.referrers = await this.gate(() => target.listReferrers(node.descriptor, referrers))
    }
    for (const { tag, descriptor } of graph.companionsOf(digest)) {
      const ours = graph.nodes.get(descriptor.digest)
      if (ours === undefined) continue
      await this.gate(async () => {
        const theirs = await standing(target, tag)
        const united = theirs === undefined ? ours : uniteCompanions(ours, theirs, `${target.repository}:${tag}`)
        if (theirs?.descriptor.digest === united.descriptor.digest) return
        if (united.descriptor.digest !== descriptor.digest) {
          await target.pushManifest(united.descriptor, united.bytes)
          if (!(await this.reads(target, united.descriptor))) throw notThere(target, united.descriptor.digest)
        }
        await this.options.record.moveTag(
          target,
          this.options.place.path(this.landed(repository)),
          tag,
          united.descriptor,
          united.bytes,
        )
      })
    }
  }
}

function notThere(target: Target, digest: Digest): SallyportError {
  return new SallyportError('READ_BACK_MISMATCH', {
    side: 'target',
    subject: `${target.repository}@${digest}`,
    detail: 'it is not there after the push',
  })
}
