/** Where an import goes: a registry below a prefix, or an OCI image layout folder. */
import { resolve } from 'node:path'
import { layoutTarget, type Target, type TargetPlace } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { isHost, isRepositoryPath } from '../oci/index.ts'
import { RegistryClient, type RegistryOptions } from '../registry/index.ts'
import { localScope } from './local-scope.ts'

export interface Place {
  /** The name under which the state remembers what it holds. */
  name: string
  /** The full path at the target for a repository's `to`. */
  path(to: string): string
  /** What trust policies call a full path at the target: `host/path`, or `local/path` in a layout. */
  scope(path: string): string
  repository(to: string): Target
  /** The repository under its full path at the target. */
  at(path: string): Target
  close(): Promise<void>
}

/** The place that `--to` names: `oci:DIR` or `host[:port][/prefix]`. Throws REFERENCE_INVALID. */
export function openPlace(to: string, registry: Omit<RegistryOptions, 'side'>): Place {
  if (to.startsWith('oci:')) return placed(layoutTarget(resolve(to.slice('oci:'.length))), '', () => Promise.resolve())
  const slash = to.indexOf('/')
  const host = slash < 0 ? to : to.slice(0, slash)
  const prefix = slash < 0 ? '' : to.slice(slash + 1).replace(/\/+$/, '')
  if (!isHost(host) || (prefix !== '' && !isRepositoryPath(prefix))) {
    throw new SallyportError('REFERENCE_INVALID', {
      side: 'target',
      subject: to,
      detail: 'a target is oci:DIR or host[:port][/prefix]',
    })
  }
  const client = new RegistryClient({ ...registry, side: 'target' })
  return placed(client.targetPlace(host), prefix, () => client.close())
}

function placed(place: TargetPlace, prefix: string, close: () => Promise<void>): Place {
  const targets = new Map<string, Target>()
  const path = (to: string): string => (prefix === '' ? to : `${prefix}/${to}`)
  const at = (full: string): Target => {
    const known = targets.get(full) ?? place.repository(full)
    targets.set(full, known)
    return known
  }
  return {
    name: place.name,
    path,
    scope: (full) => (place.name.startsWith('oci:') ? localScope(full) : `${place.name}/${full}`),
    repository(to) {
      return at(path(to))
    },
    at,
    async close() {
      await place.close()
      await close()
    },
  }
}
