/** Whether a manifest is there at all: a "no" that is taken for none must be the registry's own, and meant. */
import { SallyportError } from '../errors/index.ts'
import { readErrorBody, refusal } from './refusal.ts'
import { askManifest, readManifest, subjectOf, type FetchedManifest } from './manifest.ts'
import type { Repository } from './repository.ts'
import type { Reply } from './request.ts'

/** True for an answer in which the registry speaks of this manifest or repository, as no gateway in front of it would. */
export function speaksOf({ bytes }: Pick<Reply, 'bytes'>): boolean {
  const { codes } = readErrorBody(bytes.subarray(0, 64 * 1024))
  return codes.includes('MANIFEST_UNKNOWN') || codes.includes('NAME_UNKNOWN')
}

/**
 * The manifest behind a tag or digest, or undefined when the registry has none.
 * Throws REPOSITORY_MISSING, MANIFEST_MISSING for a "no" from another origin, and as `getManifest` does.
 */
export async function findManifest(repository: Repository, reference: string): Promise<FetchedManifest | undefined> {
  const { registry, side } = repository
  let reply = await askManifest(repository, reference, [200, 404])
  // Stops one 404 of a gateway that restarts from passing for a manifest without signatures: where tags can't be listed,
  // nothing else would tell of them.
  if (reply.status === 404 && !speaksOf(reply)) reply = await askManifest(repository, reference, [200, 404])
  if (reply.status === 200) return readManifest(repository, reference, reply)
  const subject = subjectOf(repository, reference)
  // Stops whoever the registry redirects to from denying what the registry has.
  if (reply.url.origin !== (await registry.origin()).url)
    throw new SallyportError('MANIFEST_MISSING', { side, subject, detail: 'status 404 from another origin' })
  const fault = refusal(reply.status, reply.bytes, 'manifest', side, subject)
  if (fault.code === 'MANIFEST_MISSING') return undefined
  throw fault
}
