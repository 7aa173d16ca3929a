/** What trust policies call a repository where it goes. What judges a bundle needs no registry client, which takes long to load. */
import { SallyportError } from '../../errors/index.ts'
import { isHost, isRepositoryPath } from '../../oci/index.ts'

/** `local/PATH`: of a repository that goes to no registry, or to one that was not said. */
export function localScope(path: string): string {
  return path.startsWith('local/') ? path : `local/${path}`
}

/** The parts of `host[:port][/prefix]`, or undefined when it is none; no prefix is the empty one. */
export function parseDestination(text: string): { host: string; prefix: string } | undefined {
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const prefix = slash < 0 ? '' : text.slice(slash + 1).replace(/\/+$/, '')
  return isHost(host) && (prefix === '' || isRepositoryPath(prefix)) ? { host, prefix } : undefined
}

/** Scopes below a destination `host[:port][/prefix]`, or `local/…` without one. Throws REFERENCE_INVALID. */
export function scopesBelow(destination: string | undefined): (path: string) => string {
  if (destination === undefined || destination.startsWith('oci:')) return localScope
  const parts = parseDestination(destination)
  if (parts === undefined) throw new SallyportError('REFERENCE_INVALID', { side: 'target', subject: destination })
  const { host, prefix } = parts
  return (path) => (prefix === '' ? `${host}/${path}` : `${host}/${prefix}/${path}`)
}
