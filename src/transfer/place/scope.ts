/** What trust policies call a repository where it goes. What judges a bundle needs no registry client, which takes long to load. */
import { SallyportError } from '../../errors/index.ts'
import { isHost, isRepositoryPath } from '../../oci/index.ts'

/** `local/PATH`: of a repository that goes to no registry, or to one that was not said. */
export function localScope(path: string): string {
  return path.startsWith('local/') ? path : `local/${path}`
}

/** Scopes below a destination `host[:port][/prefix]`, or `local/…` without one. Throws REFERENCE_INVALID. */
export function scopesBelow(destination: string | undefined): (path: string) => string {
  if (destination === undefined || destination.startsWith('oci:')) return localScope
  const at = destination.replace(/\/+$/, '')
  const slash = at.indexOf('/')
  if (!isHost(slash < 0 ? at : at.slice(0, slash)) || (slash >= 0 && !isRepositoryPath(at.slice(slash + 1))))
    throw new SallyportError('REFERENCE_INVALID', { side: 'target', subject: destination })
  return (path) => `${at}/${path}`
}
