/** Packs lists, OCSP answers and denials as the one repository that a bundle carries them in. */
import { bytesBody, MemoryPlace, type MemoryRepository } from '../../content/index.ts'
import {
  CERTIFICATE,
  digestOf,
  OCI_EMPTY,
  OCI_MANIFEST,
  OCSP_ANSWER,
  REVOCATION_LIST,
  type Descriptor,
} from '../../oci/index.ts'
import { writeDenials, type Denial } from '../../revocation/index.ts'
import { EMPTY_CONFIG } from '../../signature/index.ts'
import type { GatheredRepository } from '../place/gather.ts'
import type { Mapping } from '../place/naming.ts'
import { gatherOwn } from '../place/own-repository.ts'
import { answerLabel, listLabel, pieceReport, type RevocationPieceReport } from '../revocation/information.ts'
import {
  DENIALS_TYPE,
  revocationManifest,
  revocationTag,
  type PieceLayers,
  type RevocationLabel,
} from '../revocation/item.ts'
import { isRevocationPath, revocationPath } from '../revocation/path.ts'
import type { Collected } from './proof.ts'
import type { RunOptions } from '../run/run.ts'

async function blob(repository: MemoryRepository, mediaType: string, bytes: Buffer): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  await repository.pushBlob(descriptor, bytesBody(bytes))
  return descriptor
}

async function place(
  repository: MemoryRepository,
  label: RevocationLabel,
  layers: PieceLayers,
): Promise<RevocationPieceReport> {
  const bytes = revocationManifest(label, layers)
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }
  await repository.pushManifest(descriptor, bytes)
  await repository.tag(revocationTag(label), descriptor)
  return pieceReport(repository.repository, descriptor.digest, label)
}

async function placePiece(repository: MemoryRepository, piece: Collected): Promise<RevocationPieceReport> {
  const { url, issuer } = piece
  const label =
    piece.kind === 'answer' ? answerLabel(piece.answer, issuer, url, piece.serial) : listLabel(piece.list, issuer, url)
  if (label === undefined) throw new TypeError('an answer that says nothing was collected')
  const first =
    piece.kind === 'answer'
      ? await blob(repository, OCSP_ANSWER, piece.answer.der)
      : await blob(repository, REVOCATION_LIST, piece.list.der)
  return place(repository, label, [first, await blob(repository, CERTIFICATE, issuer.der)])
}

export interface PackTerms extends RunOptions {
  channel: string
  map: readonly Mapping[]
  concurrency: number
}

export interface PackedRevocation {
  repositories: GatheredRepository[]
  pieces: RevocationPieceReport[]
}

/**
 * The repository, gathered beside the content; none when there is nothing to carry. Equal pieces give equal bytes.
 * Throws MAP_INVALID when a mapping takes it away from its path, LIMIT_EXCEEDED for too many denials.
 */
export async function packRevocation(
  collected: readonly Collected[],
  denials: readonly Denial[],
  { channel, map, concurrency, signal }: PackTerms,
): Promise<PackedRevocation> {
  if (collected.length === 0 && denials.length === 0) return { repositories: [], pieces: [] }
  const source = new MemoryPlace('local', 'source').repository(revocationPath(channel))
  await blob(source, OCI_EMPTY, Buffer.from(EMPTY_CONFIG))
  const pieces: RevocationPieceReport[] = []
  for (const piece of collected) pieces.push(await placePiece(source, piece))
  if (denials.length > 0)
    pieces.push(
      await place(source, { kind: 'denials' }, [await blob(source, DENIALS_TYPE, writeDenials(denials, 'source'))]),
    )
  const own = {
    what: 'revocation',
    path: revocationPath(channel),
    isPath: (to: string): boolean => isRevocationPath(to, channel),
  }
  const repositories = await gatherOwn(source, own, { map, concurrency, signal })
  return { repositories, pieces: pieces.sort((a, b) => (a.tag < b.tag ? -1 : 1)) }
}
