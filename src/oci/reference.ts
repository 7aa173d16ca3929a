/** References `host/repository[:tag][@digest]` (distribution spec; Docker Hub's short names are spelled out). */
import { SallyportError, type Side } from '../errors/index.ts'
import { isDigest, type Digest } from './digest.ts'

export interface Reference {
  /** Host with port, as it is dialled. */
  host: string
  /** Path inside the host. */
  path: string
  tag?: string
  digest?: Digest
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/

export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** True for a repository path as registries accept it. */
export function isRepositoryPath(text: string): boolean {
  return text.length <= 255 && PATH.test(text)
}

export function isHost(text: string): boolean {
  return HOST.test(text)
}

/** `host/path`: the repository's name in bundles and reports. */
export function repositoryName(reference: Reference): string {
  return `${reference.host}/${reference.path}`
}

/**
 * The reference a text stands for. `alpine` means `docker.io/library/alpine`; no tag is added.
 * Throws REFERENCE_INVALID.
 */
export function parseReference(text: string, side: Side = 'source'): Reference {
  const bad = (detail: string): SallyportError =>
    new SallyportError('REFERENCE_INVALID', { side, subject: text.slice(0, 300), detail })
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) throw bad('digest')
  let name = at < 0 ? text : text.slice(0, at)
  const colon = name.lastIndexOf(':')
  let tag: string | undefined
  if (colon > name.lastIndexOf('/')) {
    tag = name.slice(colon + 1)
    name = name.slice(0, colon)
    if (!isTag(tag)) throw bad('tag')
  }
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasHost = first === 'localhost' || first.includes('.') || first.includes(':')
  const host = hasHost ? first : 'docker.io'
  let path = hasHost ? name.slice(slash + 1) : name
  if (host === 'docker.io' && path !== '' && !path.includes('/')) path = `library/${path}`
  if (!isHost(host)) throw bad('host')
  if (!isRepositoryPath(path)) throw bad('repository')
  return { host, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}
