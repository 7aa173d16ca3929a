/**
 * The closed-world check: from the judged manifests alone the promise is made anew, and must be equal byte for byte.
 * So nothing unlisted rides along, nothing listed is missing, and every size is known before payload flows.
 */
import { Graph, type Omission } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { ENVELOPE_CAP, MANIFEST_CAP, parseSignatureTag, type Descriptor, type Digest } from '../oci/index.ts'
import { arrange, promise, type Content, type PackedRepository, type Promise3 } from './assemble.ts'
import { parseBundleIndex } from './index-json.ts'
import { joined } from './member-body.ts'
import { INDEX_MEMBER, TRANSFER_MEMBER } from './names.ts'
import type { Passenger } from './passenger.ts'
import { withPassengers } from './passenger-content.ts'
import { lawOrder, promiseCap, type Head, type PromiseFiles } from './reader.ts'
import { parseTransfer, type Transfer, type TransferRepository } from './transfer.ts'

export interface Census {
  repositories: PackedRepository[]
  content: Content
}

/** The members of a passenger as they stand in the bundle that carries it. */
export interface PassengerFiles {
  head: Head
  files: PromiseFiles
  id: Digest
}

/** Whose word is held against itself: a bundle's, or a source's before a bundle is made of it. */
type Told = 'source' | 'bundle'

function mismatch(side: Told, subject: string, detail: string): SallyportError {
  const remedy = side === 'source' ? 'have the image pushed again at the source, or leave it out' : undefined
  return new SallyportError('CENSUS_MISMATCH', { side, subject, detail, remedy })
}

class Builder {
  private readonly law: ReadonlyMap<Digest, Buffer>
  private readonly known: Map<Digest, Descriptor>
  private readonly transfer: Transfer
  private readonly omitted: Set<string>
  private readonly side: Told

  constructor(transfer: Transfer, index: Map<Digest, Descriptor>, law: ReadonlyMap<Digest, Buffer>, side: Told) {
    this.transfer = transfer
    this.side = side
    this.law = law
    this.known = index
    this.omitted = new Set(transfer.omitted.map(({ repository, of, digest }) => `${repository} ${of} ${digest}`))
  }

  private descriptor(digest: Digest, repository: string): Descriptor {
    const found = this.known.get(digest)
    if (found === undefined) throw mismatch(this.side, `${repository}@${digest}`, 'promised, but in no index')
    return found
  }

  /** Learns the referrers' descriptors from the generated fallback indexes. */
  learn(): void {
    for (const { digest } of this.transfer.generated) {
      const graph = new Graph('generated')
      const bytes = this.law.get(digest)
      if (bytes === undefined) throw mismatch(this.side, digest, 'a generated index is not carried')
      if (bytes.length > ENVELOPE_CAP)
        throw new SallyportError('LIMIT_EXCEEDED', { side: this.side, subject: digest, detail: 'a generated index' })
      const node = graph.add(this.descriptor(digest, 'generated'), bytes, this.side)
      for (const { mediaType, digest: referrer, size } of node.manifest.manifests)
        this.known.set(referrer, { mediaType, digest: referrer, size })
    }
  }

  private grow(graph: Graph, root: Descriptor): void {
    const open = [root]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const descriptor = next
      const bytes = this.law.get(descriptor.digest)
      if (bytes === undefined || graph.nodes.has(descriptor.digest)) continue
      if (bytes.length > MANIFEST_CAP)
        throw new SallyportError('MANIFEST_TOO_LARGE', {
          side: this.side,
          subject: `${graph.repository}@${descriptor.digest}`,
        })
      const node = graph.add(descriptor, bytes, this.side)
      // Another repository of the bundle may carry a child that this one leaves out.
      const taken = (child: Descriptor): boolean =>
        !this.omitted.has(`${graph.repository} ${descriptor.digest} ${child.digest}`)
      open.push(...node.manifest.manifests.filter(taken))
    }
  }

  repository(promised: TransferRepository): PackedRepository {
    const graph = new Graph(promised.name)
    const bound = (pairs: Record<string, Digest>): [string, Descriptor][] =>
      Object.entries(pairs).map(([tag, digest]) => [tag, this.descriptor(digest, promised.name)])
    const bindings = bound(promised.bindings)
    const companions = bound(promised.companions)
    const untagged = promised.untagged.map((digest) => this.descriptor(digest, promised.name))
    const referrers = promised.referrers.map((digest) => this.descriptor(digest, promised.name))
    for (const root of [...bindings.map(([, d]) => d), ...untagged, ...companions.map(([, d]) => d), ...referrers])
      this.grow(graph, root)
    for (const referrer of referrers) {
      const subject = graph.nodes.get(referrer.digest)?.manifest.subject
      if (subject === undefined)
        throw mismatch(this.side, `${promised.name}@${referrer.digest}`, 'a referrer without a subject')
      list(graph, subject.digest, referrer)
    }
    for (const [tag, descriptor] of companions) accompany(graph, tag, descriptor, this.side)
    for (const omission of this.transfer.omitted)
      if (omission.repository === promised.name) recall(graph, omission, this.side)
    for (const entries of graph.listed.values()) entries.sort((a, b) => (a.digest < b.digest ? -1 : 1))
    return {
      graph,
      bindings: new Map(bindings),
      untagged,
      to: promised.to,
      tags: promised.tags,
      removed: promised.removed,
    }
  }
}

function list(graph: Graph, subject: Digest, referrer: Descriptor): void {
  const listed = graph.listed.get(subject)
  if (listed === undefined) graph.listed.set(subject, [referrer])
  else listed.push(referrer)
}

function accompany(graph: Graph, tag: string, descriptor: Descriptor, side: Told): void {
  const subject = parseSignatureTag(tag)?.subject
  if (subject === undefined) throw mismatch(side, `${graph.repository}:${tag}`, 'no signature tag')
  graph.companions.set(subject, [...(graph.companions.get(subject) ?? []), { tag, descriptor }])
}

// What the source listed and the exporter left out is known only by its word; it is held against nothing else.
function recall(
  graph: Graph,
  { digest, mediaType, size, of, why, what }: Omission | Transfer['omitted'][number],
  side: Told,
): void {
  if (why !== 'referrer') return
  if (what !== undefined && parseSignatureTag(what) !== undefined)
    accompany(graph, what, { mediaType, digest, size }, side)
  else list(graph, of, { mediaType, digest, size, ...(what === undefined ? {} : { artifactType: what }) })
}

/**
 * What a passenger holds, by that part of the law that its own sums list: no other bundle vouches for any of it.
 * Throws as {@link takeCensus}.
 */
export function takePassenger(
  { head, files, id }: PassengerFiles,
  law: ReadonlyMap<Digest, Buffer>,
): { census: Census; passenger: Passenger } {
  const own = new Map<Digest, Buffer>()
  for (const digest of lawOrder(files)) {
    const bytes = law.get(digest)
    if (bytes === undefined) throw mismatch('bundle', digest, `${head.channel} needs it, and it is not carried`)
    own.set(digest, bytes)
  }
  const census = takeCensus(files, own)
  const { sequence } = files.transfer
  const roots = [...head.roots.values()]
  const passenger = { sequence, id, head: { ...head, roots }, files: files.bytes, content: census.content }
  return { census, passenger }
}

/**
 * The repositories and the content that the bundle holds, proven complete. `side` is whose word the manifests are.
 * The passengers are proven already. Throws CENSUS_MISMATCH, and the codes of the manifests' parsers.
 */
export function takeCensus(
  files: Pick<PromiseFiles, 'transfer' | 'bytes' | 'digests'>,
  law: ReadonlyMap<Digest, Buffer>,
  side: Told = 'bundle',
  passengers: readonly Passenger[] = [],
): Census {
  const { transfer, bytes, digests } = files
  const builder = new Builder(transfer, parseBundleIndex(bytes.get(INDEX_MEMBER) ?? Buffer.alloc(0)), law, side)
  builder.learn()
  const repositories = transfer.repositories.map((repository) => builder.repository(repository))
  const content = withPassengers(arrange(repositories, side), passengers, side)
  const theirs = new Set(passengers.flatMap((passenger) => passenger.content.artifacts.map((item) => item.repository)))
  const shared = repositories.find(({ graph }) => theirs.has(graph.repository))
  if (shared !== undefined) throw mismatch(side, shared.graph.repository, 'a passenger has it too')
  const { files: again } = promise(transfer, repositories, content)
  for (const [name, { sha256 }] of again)
    if (digests.get(name) !== sha256) throw mismatch(side, name, 'the manifests in the bundle give another one')
  if (again.size !== digests.size) throw mismatch(side, 'SHA512SUMS', 'the manifests in the bundle need none')
  // Envelopes were read by their names alone. Stops a descriptor that lies about their size: a target refuses it only
  // after it was written to.
  for (const { descriptor } of content.law) {
    const { length } = law.get(descriptor.digest) ?? { length: descriptor.size }
    if (length === descriptor.size) continue
    const detail = `${length} bytes, ${descriptor.size} promised`
    throw new SallyportError('SIZE_MISMATCH', { side, subject: descriptor.digest, detail })
  }
  return { repositories, content }
}

/**
 * Kept when a reader will understand the promise as it is meant: what a source tells in two ways (one manifest under two
 * media types, a size that lies) must stop the export, not every site that the bundle reaches.
 * Throws the codes of {@link takeCensus} and of the parsers, and LIMIT_EXCEEDED.
 */
export function proveReadable(made: Promise3, content: Content): void {
  const law = new Map<Digest, Buffer>()
  for (const { descriptor, bytes } of content.law) if (bytes !== undefined) law.set(descriptor.digest, bytes)
  const large =
    [...made.files].find(([name, { length }]) => length > promiseCap(name))?.[0] ??
    content.generated.find(({ bytes }) => bytes.length > ENVELOPE_CAP)?.subject
  if (large !== undefined) throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: large })
  const bytesOf = (name: string): Buffer => joined(made.files.get(name)?.pieces() ?? [])
  const transfer = parseTransfer(bytesOf(TRANSFER_MEMBER))
  const bytes = new Map([[INDEX_MEMBER, bytesOf(INDEX_MEMBER)]])
  const digests = new Map([...made.files].map(([name, { sha256 }]) => [name, sha256]))
  takeCensus({ transfer, bytes, digests }, law, 'source', content.passengers)
}
