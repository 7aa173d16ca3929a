/** The small interfaces over registry, bundle, OCI layout and memory; each stands for one repository. */
import type { SallyportError } from '../errors/index.ts'
import type { Descriptor, Digest } from '../oci/index.ts'
import type { FileSpan } from './file-span.ts'

/** Where in an open file a blob belongs. */
export interface FileSlot {
  fd: number
  /** Byte offset of the blob's first byte. */
  offset: number
  /** How many leading bytes are there already; they are hashed again, never trusted. */
  have: number
}

/** One repository that content is read from. Every error it throws carries its side. */
export interface Source {
  /** `host/path`, the name this repository has in a bundle. */
  readonly repository: string

  /** The descriptor (media type, digest, size) behind a tag or digest, or undefined when there is none. */
  resolve(tagOrDigest: string): Promise<Descriptor | undefined>

  /**
   * The digest that a tag names now, by the source's word alone, or undefined; for a source that counts each manifest it
   * gives out as a pull. Without it {@link Source.resolve} is asked.
   */
  pointsTo?(tag: string): Promise<Digest | undefined>

  /** Every tag, sorted; listed once, then remembered. */
  tags(): Promise<string[]>

  /**
   * The same as a set, or undefined where the source gives out no list to us: then a tag is there when {@link Source.resolve}
   * finds it. A failure that may pass throws. Without it {@link Source.tags} is asked.
   */
  tagSet?(): Promise<ReadonlySet<string> | undefined>

  /** The manifest's bytes, capped at 4 MiB and proven against the descriptor. Throws MANIFEST_MISSING. */
  manifest(descriptor: Descriptor): Promise<Buffer>

  /**
   * The manifests that name `subject`, from every place that lists them, united by digest and sorted by it.
   * An empty list means that every place answered and none was named; a place that fails to answer throws.
   */
  referrers(subject: Digest): Promise<Descriptor[]>

  /** The digest that the subject's fallback tag named when {@link Source.referrers} read it; undefined when it did not. */
  fallbackOf?(subject: Digest): Digest | undefined

  /** The blob's bytes from `from` on, not yet proven: the caller passes them through `verifying`. Throws BLOB_MISSING. */
  blob(descriptor: Descriptor, from?: number): AsyncIterable<Uint8Array>

  /** Writes the blob to its slot, proven when the promise is kept. `onBytes` is told of each run of bytes written. */
  blobInto(
    descriptor: Descriptor,
    slot: FileSlot,
    onBytes: (count: number) => void,
    signal?: AbortSignal,
  ): Promise<void>
}

/** A blob's bytes, to be had again from any offset when a push must be repeated. */
export interface BlobBody {
  /** The same bytes in a file, where they lie in one: a target may read them there instead, on another thread. */
  readonly span?: FileSpan
  /**
   * Its stream is checked against the descriptor as it passes, and throws at its end when it is another; or it was, before
   * it came into memory. A target need not hash it again.
   */
  readonly proving?: boolean
  /**
   * Its stream can be had once, and each run of bytes is good until the next is asked for: a target that may have to send
   * them again keeps them until they are there.
   */
  readonly passes?: boolean
  open(from: number): AsyncIterable<Uint8Array>
}

/** One repository that content is written to. */
export interface Target {
  /** The name in reports and in the state: `host/path`, or `oci:DIR` with the path. */
  readonly repository: string

  resolve(tagOrDigest: string): Promise<Descriptor | undefined>

  /** True when the target says that there is no such repository, so that nothing in it need be asked for. */
  isAbsent?(): Promise<boolean>

  /** The manifest as the target gives it back, proven against the descriptor; this is the read-back of a manifest. */
  manifest(descriptor: Descriptor): Promise<Buffer>

  /** True when the target says it has the blob with this size; this is the read-back of a blob. */
  hasBlob(descriptor: Descriptor): Promise<boolean>

  /** Reads the blob back whole and proves it (`--read-back full`). */
  proveBlob(descriptor: Descriptor): Promise<void>

  /**
   * Stores the blob. With `mountFrom`, a repository path of the same target that holds it, no bytes flow when the
   * target agrees; a refused mount is healed by a push. The body is proven on its way; a target is left without
   * the blob when it is not what the descriptor says.
   * @param onBytes - told while a large blob is stored; of fewer than none when work is thrown away
   */
  pushBlob(
    descriptor: Descriptor,
    body: BlobBody,
    mountFrom?: string,
    onBytes?: (count: number) => void,
  ): Promise<'pushed' | 'mounted'>

  /** Stores a manifest by digest. Its children and blobs must be there. */
  pushManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>

  /** Points the tag at a manifest that is there already. */
  tag(tag: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void>

  /**
   * Makes `referrers` findable from `subject`: by itself where the target has the Referrers API, else by uniting
   * them with the entries of the fallback tag. Nobody else's entries are lost.
   */
  listReferrers(subject: Descriptor, referrers: readonly Descriptor[]): Promise<'api' | 'fallback'>

  /**
   * Looks at what was listed since, until for so many looks in a row it stayed although others list at the same time; at once
   * where the target keeps that apart by itself. Throws READ_BACK_MISMATCH when it doesn't stay.
   */
  settleReferrers?(looks: number, signal?: AbortSignal): Promise<void>

  /** The manifests the target lists for `subject`, as {@link Source.referrers}. */
  referrers(subject: Digest): Promise<Descriptor[]>

  /** Every tag, sorted, as the target lists them now. */
  tags(): Promise<string[]>

  /** As {@link Source.blob}. */
  blob(descriptor: Descriptor, from?: number): AsyncIterable<Uint8Array>

  /**
   * Why manifests, or tags alone, can't be taken away here (DELETE_DENIED); undefined when they can. Nothing is taken
   * away to find out.
   */
  probeDelete(what: 'manifest' | 'tag'): Promise<SallyportError | undefined>

  /** Takes a tag away alone; what it named stays. Throws DELETE_DENIED, MANIFEST_MISSING. */
  untag(tag: string): Promise<void>

  /**
   * Takes a manifest away, and the tags of this repository that name it go with it. No blob is taken away.
   * Throws DELETE_DENIED, MANIFEST_MISSING.
   */
  deleteManifest(digest: Digest): Promise<void>
}

/** A registry or layout as a whole, which gives out its repositories. */
export interface TargetPlace {
  /** `host` or `oci:DIR`, as reports and the state call it. */
  readonly name: string
  repository(path: string): Target
  close(): Promise<void>
}
