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

/** True for what a mapping may put in the place of its `from`: a path, or nothing. */
export function isDestination(to: string): boolean {
  const path = to.replace(/^\/+|\/+$/g, '')
  return path === '' || isRepositoryPath(path)
}

/** The mapping in `FROM=TO`, as the command line gives it. Throws MAP_INVALID. */
export function parseMapping(text: string): Mapping {
  const at = text.indexOf('=')
  const mapping = { from: text.slice(0, at), to: text.slice(at + 1) }
  if (at <= 0)
    throw new SallyportError('MAP_INVALID', { side: 'target', subject: text, detail: 'it has the form FROM=TO' })
  if (!isDestination(mapping.to))
    throw new SallyportError('MAP_INVALID', {
      side: 'target',
      subject: text,
      detail: `${JSON.stringify(mapping.to)} is no path of a repository`,
    })
  return mapping
}

/** True for the name `whole`, and for one of which it is a leading part, in whole components. */
export function isWithin(name: string, whole: string): boolean {
  return name === whole || name.startsWith(`${whole}/`)
}

function isFor({ from }: Mapping, name: string): boolean {
  return isWithin(name, from.replace(/\/+$/, ''))
}

/** The first so many names, and how many more there are. */
export function firstNames(names: readonly string[], most: number): string {
  const more = names.length > most ? ` and ${names.length - most} more` : ''
  return `${names.slice(0, most).join(', ')}${more}`
}

/** How many names an error tells. */
const NAMED = 10

/**
 * Kept when each mapping is for one of the names at least: what a misspelt one was meant for would land elsewhere.
 * Throws MAP_INVALID.
 * @param kept - names of what may be there another time: lists, trust information
 * @param place - where a mapping is written, for the error
 */
export function demandUsed(
  map: readonly Mapping[],
  names: readonly string[],
  kept: readonly string[],
  place?: (mapping: Mapping) => string | undefined,
): void {
  const idle = map.find((mapping) => ![...names, ...kept].some((name) => isFor(mapping, name)))
  if (idle === undefined) return
  const spelt = `${idle.from}=${idle.to}`
  const at = place?.(idle)
  throw new SallyportError('MAP_INVALID', {
    side: 'target',
    subject: at ?? spelt,
    detail: `${at === undefined ? '' : `${spelt}: `}no repository here has this name, or begins with it; there is ${firstNames(names, NAMED) || 'none'}`,
  })
}

/**
 * The path at the target for a repository `host/path`: by the longest mapping whose `from` is the name or a whole
 * leading part of it, else `fallback`. Throws MAP_INVALID when no valid path comes out.
 */
export function mapRepository(name: string, map: readonly Mapping[], fallback: string = pathOf(name)): string {
  let best: Mapping | undefined
  for (const mapping of map) {
    const from = mapping.from.replace(/\/+$/, '')
    if (isFor(mapping, name) && (best === undefined || from.length > best.from.length)) best = { from, to: mapping.to }
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
