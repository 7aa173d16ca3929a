/**
 * The trust information that a bundle carries, recognised and read. It stands under no signature but the channel's, is
 * judged by no policy, and no verdict ever looks at it: a root that a bundle brings makes nothing trusted.
 */
import type { Graph, OrderedArtifact } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Passage } from './passage.ts'
import { checkTrustMaterial, STORE_FOLDER, type StoreName, type TrustMaterial } from '../../trust/index.ts'
import { readChains, readDelegations, type CarriedChain, type CarriedDelegation } from '../trust/document.ts'
import { storePem, trustItemOf, trustTag, type TrustItem, type TrustKind } from '../trust/item.ts'
import { isTrustPath, trustPath, trustRepository } from '../trust/path.ts'

/** A piece of trust information as reports list it. */
export interface InformationReport {
  repository: string
  tag: string
  digest: Digest
  kind: TrustKind
  /** `ca:acme`, `trustpolicy.json`; empty where there is one of the kind. */
  name: string
}

export interface TrustInformation {
  repository: string
  items: InformationReport[]
  /** What lies there and is none: to the site, content like any other. */
  faults: { digest: Digest; tags: string[]; why: string }[]
  /** The carried policies, with the carried stores as theirs; never the site's own. */
  material: TrustMaterial | undefined
  delegations: CarriedDelegation[]
  chains: CarriedChain[]
}

// All of it is parsed, and most of it verified, for whoever only looks.
const ITEMS_CAP = 2000
const BYTES_CAP = 16 * 1024 * 1024

interface Piece extends TrustItem {
  artifact: OrderedArtifact
}

/** The piece in an artifact, or why it is none. */
function pieceOf(artifact: OrderedArtifact, graph: Graph, law: ReadonlyMap<Digest, Uint8Array>): Piece | string {
  const node = graph.nodes.get(artifact.root)
  const item = node === undefined ? undefined : trustItemOf(node.manifest, node.bytes)
  if (item === undefined) return 'not of the form of trust information'
  // Stops content that rides along as a referrer of something nobody judges.
  if (artifact.companions.length > 0) return 'something hangs on it'
  const { kind, name, layer } = item
  // Stops a piece that takes the place of another one, or of a tag people pull.
  if (artifact.tags.join('\n') !== trustTag(item)) return `its only tag would be ${trustTag(item)}`
  const bytes = law.get(layer.digest)
  return bytes === undefined
    ? 'its layer is not there to be judged'
    : { kind, name, bytes: Buffer.from(bytes), artifact }
}

function storeFile(name: string): string {
  return `${STORE_FOLDER}x509/${name.replace(':', '/')}/carried.pem`
}

function fileOf({ kind, name }: Piece): string {
  return kind === 'store' ? storeFile(name) : name
}

/** Reads one document, or says why not. */
function reading<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof SallyportError) return error.message
    throw error
  }
}

class Reading {
  readonly faults = new Map<Piece, string>()
  private readonly pieces: readonly Piece[]

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces
  }

  private good(...kinds: TrustKind[]): Piece[] {
    return this.pieces.filter((piece) => kinds.includes(piece.kind) && !this.faults.has(piece))
  }

  /** Stores and policies together, since a policy names stores and statements; what is bad alone is left out. */
  material(): TrustMaterial | undefined {
    for (let round = 0; round < 3; round++) {
      const pieces = this.good('store', 'policy')
      if (pieces.length === 0) return undefined
      const { material, findings } = checkTrustMaterial(new Map(pieces.map((piece) => [fileOf(piece), piece.bytes])))
      if (material !== undefined) return this.canonical(material)
      for (const piece of pieces) {
        const finding = findings.find(({ severity, file }) => severity === 'error' && file === fileOf(piece))
        if (finding !== undefined) this.faults.set(piece, `${finding.place} ${finding.detail}`.trim())
      }
    }
    for (const piece of this.good('store', 'policy')) this.faults.set(piece, 'it does not go with the others')
    return undefined
  }

  // A PEM file may hold any text around its blocks.
  private canonical(material: TrustMaterial): TrustMaterial | undefined {
    const loose = this.good('store').filter(
      ({ name, bytes }) => !storePem(material.stores.get(name as StoreName) ?? []).equals(bytes),
    )
    for (const piece of loose) this.faults.set(piece, 'not the one spelling of its content')
    return loose.length === 0 ? material : this.material()
  }

  document<T>(kind: 'chains' | 'delegations', read: (bytes: Uint8Array) => T[]): T[] {
    return this.good(kind).flatMap((piece) => {
      const content = reading(() => read(piece.bytes))
      if (typeof content !== 'string') return content
      this.faults.set(piece, content)
      return []
    })
  }
}

/**
 * The trust information in a bundle: in the one repository that is kept for it under the channel's name and lands under
 * its own path, each artifact of the exact form, and readable whole. Whatever is not stays content to be judged.
 * @param landing - where repositories go, when the receiver has a word in it
 */
export function readTrustInformation(
  { census, law, files }: Pick<Passage, 'census' | 'law' | 'files'>,
  landing?: ReadonlyMap<string, string>,
): TrustInformation {
  const { channel } = files.transfer
  const repository = trustRepository(channel)
  const information: TrustInformation = {
    repository,
    items: [],
    faults: [],
    material: undefined,
    delegations: [],
    chains: [],
  }
  const packed = census.repositories.find(({ graph }) => graph.repository === repository)
  if (packed === undefined) return information
  const artifacts = census.content.artifacts.filter((artifact) => artifact.repository === repository)
  const refuse = ({ root, tags }: OrderedArtifact, why: string): void => {
    information.faults.push({ digest: root, tags, why })
  }
  const found = artifacts.map((artifact) => ({ artifact, piece: pieceOf(artifact, packed.graph, law) }))
  const pieces = found.flatMap(({ piece }) => (typeof piece === 'string' ? [] : [piece]))
  const bytes = pieces.reduce((sum, piece) => sum + piece.bytes.length, 0)
  // Stops information that is laid over the repository of an image: its tags would be moved there unjudged.
  const to = landing?.get(repository) ?? packed.to
  const astray = isTrustPath(to, channel) ? undefined : `it goes to ${to}, not to ${trustPath(channel)}`
  const crowded = pieces.length > ITEMS_CAP || bytes > BYTES_CAP ? 'there is too much of it' : undefined
  const whole = astray ?? crowded
  if (whole !== undefined) {
    for (const artifact of artifacts) refuse(artifact, whole)
    return information
  }
  const reader = new Reading(pieces)
  information.material = reader.material()
  information.delegations = reader.document('delegations', readDelegations)
  information.chains = reader.document('chains', readChains)
  for (const { artifact, piece } of found) {
    const why = typeof piece === 'string' ? piece : reader.faults.get(piece)
    if (why !== undefined) refuse(artifact, why)
    else if (typeof piece !== 'string')
      information.items.push({
        repository,
        tag: trustTag(piece),
        digest: artifact.root,
        kind: piece.kind,
        name: piece.name,
      })
  }
  return information
}
