/** Packs what the plan says to carry on trust: stores and policies of a folder, delegations, chains of the signatures. */
import { bytesBody, MemoryPlace, type MemoryRepository } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { digestOf, OCI_EMPTY, OCI_MANIFEST } from '../../oci/index.ts'
import { EMPTY_CONFIG } from '../../signature/index.ts'
import { POLICY_FILES, readTrustMaterial } from '../../trust/index.ts'
import { readCaFolder } from '../ca/folder.ts'
import { chainsIn } from '../trust/carried-chains.ts'
import { envelopesOf } from '../trust/found-signatures.ts'
import type { GatheredRepository } from '../place/gather.ts'
import type { Mapping } from '../place/naming.ts'
import { gatherOwn } from '../place/own-repository.ts'
import type { PlanTrust } from '../place/plan-file.ts'
import { readPolicyFiles } from '../trust/policy-folder.ts'
import { tell, type RunOptions } from '../run/run.ts'
import { chainsDocument, delegationsDocument } from '../trust/document.ts'
import {
  isTrustLabel,
  storePem,
  TRUST_LAYER_CAP,
  trustManifest,
  trustTag,
  trustType,
  type TrustItem,
} from '../trust/item.ts'
import { isTrustPath, trustPath, trustRepository } from '../trust/path.ts'

/** More certificates are not read from one file of a store. */
const ANCHORS_CAP = 1000

function refused(subject: string, detail: string): SallyportError {
  return new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject, detail })
}

/** Stores and policy files. Throws as `readPolicyFiles` and `readTrustMaterial`: what can't judge is not handed on. */
function policyItems(dir: string): TrustItem[] {
  const files = readPolicyFiles(dir)
  const { stores } = readTrustMaterial(files)
  const crowded = [...stores].find(([, anchors]) => anchors.length > ANCHORS_CAP)
  if (crowded !== undefined) throw refused(crowded[0], `over ${ANCHORS_CAP} certificates`)
  return [
    ...[...stores].map(([name, anchors]): TrustItem => ({ kind: 'store', name, bytes: storePem(anchors) })),
    ...[...files].flatMap(([name, bytes]): TrustItem[] =>
      POLICY_FILES.includes(name) ? [{ kind: 'policy', name, bytes }] : [],
    ),
  ]
}

async function chainItems(repositories: readonly GatheredRepository[], options: PackOptions): Promise<TrustItem[]> {
  const graphs = repositories.map(({ graph, source }) => ({ graph, read: envelopesOf(source) }))
  const { chains, unreadable } = await chainsIn(graphs, options)
  if (unreadable > 0)
    tell(options, { type: 'note', text: `${unreadable} signatures could not be opened for their chain` })
  return chains.length === 0 ? [] : [{ kind: 'chains', name: '', bytes: chainsDocument(chains) }]
}

async function place(repository: MemoryRepository, item: TrustItem): Promise<void> {
  const { bytes } = item
  const tag = trustTag(item)
  if (!isTrustLabel(item)) throw refused(tag, 'its name makes no tag')
  if (bytes.length > TRUST_LAYER_CAP) throw refused(tag, `over ${TRUST_LAYER_CAP} bytes`)
  const layer = { mediaType: trustType(item.kind), digest: digestOf(bytes), size: bytes.length }
  const config = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length }
  const manifest = trustManifest(item, layer)
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length }
  await repository.pushBlob(layer, bytesBody(bytes))
  await repository.pushBlob(config, bytesBody(EMPTY_CONFIG))
  await repository.pushManifest(descriptor, manifest)
  await repository.tag(tag, descriptor)
}

interface PackOptions extends RunOptions {
  concurrency: number
}

/** What is to ride along. Equal folders and equal signatures give equal pieces. No key is ever opened. */
async function itemsOf(
  trust: PlanTrust,
  repositories: readonly GatheredRepository[],
  options: PackOptions,
): Promise<TrustItem[]> {
  const records = (trust.delegations ?? []).flatMap((dir) => readCaFolder(dir))
  return [
    ...(trust.policy === undefined ? [] : policyItems(trust.policy)),
    ...(records.length === 0 ? [] : [{ kind: 'delegations' as const, name: '', bytes: delegationsDocument(records) }]),
    ...(trust.chains ? await chainItems(repositories, options) : []),
  ]
}

/**
 * The repository of the trust information, gathered beside the content; none when there is nothing of it.
 * Throws LIMIT_EXCEEDED; TARGET_COLLISION when content has the name that is kept for it; MAP_INVALID when a mapping takes
 * it away from its path; CA_MALFORMED, POLICY_MALFORMED, TRUST_STORE_MALFORMED and what reading files throws.
 */
export async function gatherTrust(
  trust: PlanTrust,
  channel: string,
  repositories: readonly GatheredRepository[],
  options: PackOptions & { map: readonly Mapping[] },
): Promise<GatheredRepository[]> {
  const name = trustRepository(channel)
  if (repositories.some(({ graph }) => graph.repository === name))
    throw new SallyportError('TARGET_COLLISION', {
      side: 'source',
      subject: name,
      detail: 'this name is kept for the trust information of the plan',
    })
  tell(options, { type: 'phase', phase: 'packing trust information' })
  const items = await itemsOf(trust, repositories, options)
  if (items.length === 0) return []
  const source = new MemoryPlace('local', 'source').repository(trustPath(channel))
  for (const item of items) await place(source, item)
  const own = {
    what: 'trust information',
    path: trustPath(channel),
    isPath: (to: string): boolean => isTrustPath(to, channel),
  }
  const { map, concurrency, signal } = options
  return gatherOwn(source, own, { map, concurrency, signal })
}
