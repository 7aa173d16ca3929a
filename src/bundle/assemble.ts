/** From graphs to the content of a bundle: what is judged first, what follows, and the four files that promise it. */
import { createHash } from 'node:crypto'
import { isLeftOut, omissionsOf, orderArtifact, type Graph, type OrderedArtifact } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import {
  algorithmOf,
  blobsOf,
  DescriptorTable,
  digestOf,
  hexOf,
  isLaw,
  type Algorithm,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import {
  carriedCompanions,
  encodeBundleIndex,
  generateIndexes,
  type GeneratedIndex,
  type IndexedRepository,
} from './index-json.ts'
import type { Body } from './member-body.ts'
import { INDEX_MEMBER, LAYOUT_BYTES, SUMS512_MEMBER, SUMS_MEMBER, TRANSFER_MEMBER } from './names.ts'
import { passengerMembers, type Passenger } from './passenger.ts'
import { blobPieces, sumsPieces, type Packed, type Sums } from './sums.ts'
import { encodeTransfer, FORMAT, PASSENGERS, type Transfer, type TransferRepository } from './transfer.ts'

/** The cap on all that is judged before payload flows, in bytes: it is held in memory. */
export const LAW_CAP = 512 * 1024 * 1024
// Offsets must stay whole numbers, whatever sizes a manifest claims.
const TOTAL_CAP = 2 ** 50

export interface PackedRepository extends IndexedRepository {
  to: string
  tags: 'complete' | 'partial'
  removed: string[]
}

/** A blob that is judged before payload flows; manifests and generated indexes are at hand as bytes. */
export interface LawBlob {
  descriptor: Descriptor
  bytes?: Buffer
}

export interface Content {
  artifacts: OrderedArtifact[]
  generated: GeneratedIndex[]
  law: LawBlob[]
  /** Packed: it may be a million blobs. */
  payload: DescriptorTable
  /** Bundles of other channels that ride along; law and payload hold theirs too. */
  passengers: readonly Passenger[]
}

/** Every artifact of the repositories in the order they are laid down: repositories by name, then tags, then digests. */
export function orderRepository(repository: IndexedRepository, side: 'source' | 'bundle'): OrderedArtifact[] {
  const tagged = new Map<Digest, string[]>()
  for (const [tag, { digest }] of [...repository.bindings].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const tags = tagged.get(digest) ?? []
    tags.push(tag)
    tagged.set(digest, tags)
  }
  for (const { digest } of [...repository.untagged].sort((a, b) => (a.digest < b.digest ? -1 : 1))) {
    if (!tagged.has(digest)) tagged.set(digest, [])
  }
  return [...tagged].map(([root, tags]) => orderArtifact(repository.graph, root, tags, side))
}

/** The items with those of sha256 first, otherwise in their order. */
export function bySumsOrder<T>(items: Iterable<T>, algorithm: (item: T) => Algorithm): T[] {
  const all = [...items]
  return [...all.filter((item) => algorithm(item) === 'sha256'), ...all.filter((item) => algorithm(item) === 'sha512')]
}

/**
 * The content of a bundle in member order: law and payload, each in the order of first need, sha256 before sha512.
 * Throws DESCRIPTOR_MALFORMED when two manifests give one digest two sizes, which no blob can satisfy, and
 * LIMIT_EXCEEDED for more law or payload than a bundle holds.
 */
export function arrange(repositories: readonly IndexedRepository[], side: 'source' | 'bundle'): Content {
  const artifacts = repositories.flatMap((repository) => orderRepository(repository, side))
  const generated = generateIndexes(repositories.map(({ graph }) => graph))
  const law = new Map<Digest, LawBlob>()
  const envelopes = new Map<Digest, Descriptor>()
  const payload = new DescriptorTable()
  const graphs = new Map<string, Graph>(repositories.map(({ graph }) => [graph.repository, graph]))
  // Of what is not in the payload.
  const sizes = new Map<Digest, number>()
  for (const { repository, manifests, companions } of artifacts) {
    const nodes = graphs.get(repository)?.nodes
    for (const digest of [...manifests, ...companions]) {
      const node = nodes?.get(digest)
      if (node === undefined) continue
      law.set(digest, { descriptor: node.descriptor, bytes: node.bytes })
      sizes.set(digest, node.bytes.length)
    }
  }
  for (const { descriptor, bytes } of generated) law.set(descriptor.digest, { descriptor, bytes })
  for (const { repository, manifests, companions } of artifacts) {
    for (const of of [...manifests, ...companions]) {
      const node = graphs.get(repository)?.nodes.get(of)
      for (const blob of node === undefined ? [] : blobsOf(node.manifest)) {
        const size = sizes.get(blob.digest) ?? payload.sizeOf(blob.digest) ?? blob.size
        if (size !== blob.size)
          throw new SallyportError('DESCRIPTOR_MALFORMED', {
            side,
            subject: blob.digest,
            detail: `sizes ${size} and ${blob.size}`,
          })
        const ahead = isLeftOut(blob) || law.has(blob.digest)
        if (ahead || isLaw(blob)) sizes.set(blob.digest, size)
        if (ahead) continue
        if (isLaw(blob)) envelopes.set(blob.digest, blob)
        else payload.add(blob)
      }
    }
  }
  for (const [digest, descriptor] of envelopes) law.set(digest, { descriptor })
  const content = {
    artifacts,
    generated,
    law: bySumsOrder(law.values(), ({ descriptor }) => algorithmOf(descriptor.digest)),
    payload: without(payload, envelopes),
    passengers: [],
  }
  refuseOverfull(content, side)
  return content
}

/** What one manifest takes for payload and another for an envelope is an envelope. */
function without(payload: DescriptorTable, envelopes: ReadonlyMap<Digest, Descriptor>): DescriptorTable {
  if (![...envelopes.keys()].some((digest) => payload.has(digest))) return payload
  const rest = new DescriptorTable()
  for (const blob of payload) if (!envelopes.has(blob.digest)) rest.add(blob)
  return rest
}

/** Throws LIMIT_EXCEEDED for more law or payload than a bundle holds. */
export function refuseOverfull({ law, payload }: Pick<Content, 'law' | 'payload'>, side: 'source' | 'bundle'): void {
  const early = law.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  refuseOver(LAW_CAP, early, 'manifests and envelopes', side)
  refuseOver(TOTAL_CAP, payload.bytes, 'payload', side)
}

function refuseOver(cap: number, bytes: number, subject: string, side: 'source' | 'bundle'): void {
  if (bytes > cap) throw new SallyportError('LIMIT_EXCEEDED', { side, subject, detail: `over ${cap} bytes together` })
}

/** What the exporter decides; all else in transfer.json follows from the content. */
export type Terms = Pick<
  Transfer,
  'channel' | 'purpose' | 'sequence' | 'audience' | 'previous' | 'map' | 'created' | 'validUntil' | 'exporter'
>

/** A member of group 3, as the channel's targets promise it. */
export interface PromisedFile extends Body {
  /** Hex. */
  sha256: string
}

/** The members of group 3, ready to be signed and written. */
export interface Promise3 {
  transfer: Transfer
  files: Map<string, PromisedFile>
}

function sortedDigests(descriptors: Iterable<{ digest: Digest }>): Digest[] {
  return [...new Set([...descriptors].map(({ digest }) => digest))].sort()
}

export function transferRepository(packed: PackedRepository): TransferRepository {
  const { graph, bindings, untagged, to, tags, removed } = packed
  const referrers = [...graph.nodes.keys()].flatMap((subject) => graph.referrersOf(subject))
  const bound = (pairs: Iterable<[string, Descriptor]>): Record<string, Digest> =>
    Object.fromEntries([...pairs].map(([tag, { digest }]) => [tag, digest]))
  return {
    name: graph.repository,
    to,
    tags,
    bindings: bound(bindings),
    untagged: sortedDigests(untagged),
    companions: bound(carriedCompanions(graph).map(({ tag, descriptor }) => [tag, descriptor])),
    referrers: [...new Set(referrers)].sort(),
    removed: [...removed].sort(),
  }
}

function promised(pieces: () => Iterable<Buffer>): PromisedFile {
  const hash = createHash('sha256')
  let length = 0
  for (const piece of pieces()) {
    hash.update(piece)
    length += piece.length
  }
  return { length, sha256: hash.digest('hex'), pieces }
}

/**
 * Group 3 for this content under these terms; equal input gives equal bytes. The sums are made whenever they are asked
 * for: those of a million blobs are longer than what else a bundle needs in memory.
 */
export function promise(terms: Terms, repositories: readonly PackedRepository[], content: Content): Promise3 {
  const { passengers, payload } = content
  const index = encodeBundleIndex(repositories, content.generated)
  const law = DescriptorTable.of(content.law.map(({ descriptor }) => descriptor))
  const packed = (algorithm: Algorithm): Packed => ({
    algorithm,
    lists: [law.packed(algorithm), payload.packed(algorithm)],
  })
  const transfer: Transfer = {
    format: FORMAT,
    ...terms,
    requires: passengers.length === 0 ? [] : [PASSENGERS],
    counts: {
      law: { sha256: law.count('sha256'), sha512: law.count('sha512') },
      payload: { sha256: payload.count('sha256'), sha512: payload.count('sha512') },
      manifests: content.law.filter(({ bytes }) => bytes !== undefined).length,
      bytes: law.bytes + payload.bytes,
    },
    repositories: repositories.map(transferRepository),
    generated: content.generated.map(({ descriptor, subject }) => ({ digest: descriptor.digest, subject })),
    omitted: repositories.flatMap(({ graph }) => omissionsOf(graph)),
    prerequisites: [],
    ...(passengers.length === 0
      ? {}
      : { passengers: passengers.map(({ head: { channel }, id, sequence }) => ({ channel, id, sequence })) }),
  }
  const transferBytes = encodeTransfer(transfer)
  const told = promised(() => [transferBytes])
  const listed = promised(() => [index])
  const aboard = new Map(passengers.flatMap(passengerMembers).map(([name, bytes]) => [name, hexOf(digestOf(bytes))]))
  const fixed: Sums['fixed'] = [hexOf(digestOf(LAYOUT_BYTES)), told.sha256, listed.sha256]
  const files = new Map([
    [TRANSFER_MEMBER, told],
    [SUMS_MEMBER, promised(() => sumsPieces(fixed, packed('sha256'), aboard))],
  ])
  const sums512 = (): Iterable<Buffer> => blobPieces(packed('sha512'))
  if (law.count('sha512') + payload.count('sha512') > 0) files.set(SUMS512_MEMBER, promised(sums512))
  return { transfer, files: files.set(INDEX_MEMBER, listed) }
}
