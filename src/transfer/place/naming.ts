/** Where content lands: the map from source repositories to paths at the target, and the collisions it may not have. */
import { SallyportError } from '../../errors/index.ts'
import { isRepositoryPath } from '../../oci/index.ts'

export interface Mapping {
  from: string
  to: string
}

function pathOf(name: string): string {
  return name.slice(name.indexOf('/') + 1)
}

/** The mapping in `FROM=TO`, as the command line gives it. Throws MAP_INVALID. */
export function parseMapping(text: string): Mapping {
  const at = text.indexOf('=')
  const mapping = { from: text.slice(0, at), to: text.slice(at + 1) }
  if (at <= 0)
    throw new SallyportError('MAP_INVALID', { side: 'target', subject: text, detail: 'it has the form FROM=TO' })
  return mapping
}

/**
 * The path at the target for a repository `host/path`: by the longest mapping whose `from` is the name or a whole
 * leading part of it, else `fallback`. Throws MAP_INVALID when no valid path comes out.
 */
export function mapRepository(name: string, map: readonly Mapping[], fallback: string = pathOf(name)): string {
  let best: Mapping | undefined
  for (const mapping of map) {
    const from = mapping.from.replace(/\/+$/, '')
    const fits = name === from || name.startsWith(`${from}/`)
    if (fits && (best === undefined || from.length > best.from.length)) best = { from, to: mapping.to }
  }
  if (best === undefined) return fallback
  const path = `${best.to.replace(/\/+$/, '')}${name.slice(best.from.length)}`.replace(/^\/+/, '')
  if (!isRepositoryPath(path))
    throw new SallyportError('MAP_INVALID', {
      side: 'target',
      subject: `${best.from}=${best.to}`,
      detail: `${name} would become ${JSON.stringify(path)}`,
    })
  return path
}

/**
 * Refuses two repositories that would land on one path: the second would move the first one's tags (B4, the
 * confused deputy on names). Throws TARGET_COLLISION.
 */
export function refuseCollisions(landings: Iterable<readonly [name: string, to: string]>): void {
  const seen = new Map<string, string>()
  for (const [name, to] of landings) {
    const other = seen.get(to)
    if (other !== undefined && other !== name)
      throw new SallyportError('TARGET_COLLISION', { side: 'target', subject: to, detail: `${other} and ${name}` })
    seen.set(to, name)
  }
}
