/** From one reference to the artifact behind it and the place where signatures are added to it. */
import { resolve } from 'node:path'
import { statSync } from 'node:fs'
import type { Source, Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { parseReference, type Descriptor } from '../../oci/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import { localScope } from './scope.ts'
import { mapRepository } from './naming.ts'
import { openPlace, type Place } from './place.ts'
import { parseLayoutReference } from './layout-reference.ts'
import type { Sources } from './sources.ts'

export interface Located {
  source: Source
  /** Resolved once; all that follows goes by this digest. */
  descriptor: Descriptor
  /** The tag that was asked for, when one was. */
  tag: string | undefined
  /** What trust policies call the repository. */
  scope: string
}

/** One artifact that a reference names. Throws REFERENCE_INVALID, MANIFEST_MISSING, and USAGE when it names several. */
export async function locate(sources: Sources, ref: string): Promise<Located> {
  const selections = await sources.select({ map: [], artifacts: [{ ref, referrers: 'all' }] })
  const named = selections.flatMap(({ source, tags, digests }) => [
    ...digests.map((name) => ({ source, name, tag: undefined })),
    ...tags.map((name) => ({ source, name, tag: name })),
  ])
  const found: Located[] = []
  for (const { source, name, tag } of named) {
    const descriptor = await source.resolve(name)
    if (descriptor === undefined)
      throw new SallyportError('MANIFEST_MISSING', {
        side: 'source',
        subject: `${source.repository}${tag === undefined ? '@' : ':'}${name}`,
      })
    // One artifact in two repositories is two: which policy speaks for it hangs on the name.
    const same = (other: Located): boolean =>
      other.descriptor.digest === descriptor.digest && other.source.repository === source.repository
    if (found.some(same)) continue
    const { mediaType, digest, size } = descriptor
    // As export and import name it without a registry: with a host's port in it no scope could be written for it.
    const scope = ref.startsWith('oci:') ? localScope(mapRepository(source.repository, [])) : source.repository
    found.push({ source, descriptor: { mediaType, digest, size }, tag, scope })
  }
  const [first, ...others] = found
  if (first === undefined) throw new SallyportError('MANIFEST_MISSING', { side: 'source', subject: ref })
  if (others.length > 0)
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: ref,
      detail: `it names ${found.length} artifacts; name one by repository and tag, or by its digest`,
    })
  return first
}

/** The same repository, to be written to; `place` is closed by the caller. Throws USAGE for a layout archive. */
export function writable(
  ref: string,
  source: Source,
  registry: Omit<RegistryOptions, 'side'>,
  signal?: AbortSignal,
): { place: Place; target: Target } {
  if (!ref.startsWith('oci:')) {
    const { host, path } = parseReference(ref)
    const place = openPlace(host, registry, signal)
    return { place, target: place.at(path) }
  }
  const { path } = parseLayoutReference(ref)
  if (!statSync(path).isDirectory())
    throw new SallyportError('USAGE', { side: 'source', subject: ref, detail: 'nothing is added to a layout archive' })
  const place = openPlace(`oci:${resolve(path)}`, registry)
  return { place, target: place.at(source.repository) }
}
