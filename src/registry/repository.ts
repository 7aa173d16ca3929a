/** One repository of one registry, as the nouns (blob, manifest, referrer, tag) are given it. */
import { isRepositoryPath } from '../oci/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import type { Purpose } from './refusal.ts'
import type { Call, Registry } from './request.ts'

export interface Repository {
  registry: Registry
  side: Extract<Side, 'source' | 'target'>
  path: string
  /** `host/path`. */
  name: string
  scopes: readonly string[]
  /** Ends every request and every wait; whatever was under way rejects with its reason. */
  signal?: AbortSignal | undefined
}

/** Throws REFERENCE_INVALID. */
export function repositoryAt(registry: Registry, path: string, signal?: AbortSignal): Repository {
  const { side } = registry.settings
  const name = `${registry.host}/${path}`
  // Stops a path that would lead out of the repository's part of the API.
  if (!isRepositoryPath(path)) throw new SallyportError('REFERENCE_INVALID', { side, subject: name.slice(0, 300) })
  const actions = side === 'target' ? 'pull,push' : 'pull'
  return { registry, side, path, name, scopes: [`repository:${path}:${actions}`], signal }
}

/** A request below `/v2/<path>/`; `rest` is made of digests, tags and fixed words only. */
export function callTo(
  repository: Repository,
  method: Call['method'],
  rest: string,
  purpose: Purpose,
  subject: string,
): Call {
  const { path, scopes, signal } = repository
  return { method, to: `/v2/${path}/${rest}`, path, scopes, subject, purpose, signal }
}
