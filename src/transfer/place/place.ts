/** Where an import goes: a registry below a prefix, or an OCI image layout folder. */
import { hash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { layoutTarget, type Target, type TargetPlace } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { RegistryClient, type RegistryOptions } from '../../registry/index.ts'
import { interruption } from '../run/run.ts'
import { localScope, parseDestination } from './scope.ts'

/** Below the prefix of a registry. */
const QUARANTINE = 'sallyport/quarantine'
const QUARANTINE_FOLDER = '.sallyport-quarantine'

export interface Place {
  /** The name under which the state remembers what it holds. */
  name: string
  /** The full path at the target for a repository's `to`. */
  path(to: string): string
  /** True for a full path below the prefix: what lies elsewhere at the target is another place's. */
  holds(path: string): boolean
  /** What trust policies call a full path at the target: `host/path`, or `local/path` in a layout. */
  scope(path: string): string
  repository(to: string): Target
  /** The repository under its full path at the target. */
  at(path: string): Target
  /** The repository where copies are kept of what is taken away from this full path. */
  quarantinePath(path: string): string
  /** A repository of the quarantine; of a registry as any other, of a layout in a layout of its own inside it. */
  quarantineAt(repository: string): Target
  close(): Promise<void>
}

/** A folder, or a part of a registry. Throws REFERENCE_INVALID. */
function parsed(to: string): { dir: string } | { host: string; prefix: string } {
  // A variable that was never set would have the folder that one stands in filled with blobs.
  if (to.startsWith('oci:') && to !== 'oci:') return { dir: resolve(to.slice('oci:'.length)) }
  const parts = parseDestination(to)
  if (parts !== undefined) return parts
  throw new SallyportError('REFERENCE_INVALID', {
    side: 'target',
    subject: to,
    detail: 'a target is oci:DIR or host[:port][/prefix]',
  })
}

/** What the state calls the place that `--to` names. Throws REFERENCE_INVALID. */
export function placeName(to: string): string {
  const parts = parsed(to)
  return 'dir' in parts ? `oci:${parts.dir}` : parts.host
}

/**
 * The place that `--to` names: `oci:DIR` or `host[:port][/prefix]`. Throws REFERENCE_INVALID.
 * @param signal - ends what is asked of a registry, in the middle too
 */
export function openPlace(to: string, registry: Omit<RegistryOptions, 'side'>, signal?: AbortSignal): Place {
  const parts = parsed(to)
  if ('dir' in parts) {
    // A layout has one store of manifests: a copy in it would go on being found there by its digest.
    return placed(layoutTarget(parts.dir), '', layoutTarget(join(parts.dir, QUARANTINE_FOLDER)))
  }
  const client = new RegistryClient({ ...registry, side: 'target' })
  return placed(client.targetPlace(parts.host, interruption(signal)), parts.prefix)
}

// The longest path that registries take.
const PATH_CAP = 255

function placed(place: TargetPlace, prefix: string, quarantine: TargetPlace = place): Place {
  const targets = new Map<string, Target>()
  const kept = new Map<string, Target>()
  const path = (to: string): string => (prefix === '' ? to : `${prefix}/${to}`)
  const at = (full: string): Target => {
    const known = targets.get(full) ?? place.repository(full)
    targets.set(full, known)
    return known
  }
  return {
    name: place.name,
    path,
    holds: (full) => prefix === '' || full.startsWith(`${prefix}/`),
    scope: (full) => (place.name.startsWith('oci:') ? localScope(full) : `${place.name}/${full}`),
    repository(to) {
      return at(path(to))
    },
    at,
    quarantinePath(full) {
      const named = path(`${QUARANTINE}/${full}`)
      return named.length <= PATH_CAP ? named : path(`${QUARANTINE}/${hash('sha256', full, 'hex')}`)
    },
    quarantineAt(repository) {
      const known = kept.get(repository) ?? quarantine.repository(repository)
      kept.set(repository, known)
      return known
    },
    async close() {
      try {
        await place.close()
      } finally {
        if (quarantine !== place) await quarantine.close()
      }
    },
  }
}
