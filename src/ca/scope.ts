/** Scopes: which repositories an authority may make signers for, by the names they have where they are verified. */
import { isHost, isRepositoryPath } from '../oci/index.ts'

/** The name before `/*`, or undefined for an exact scope. */
function prefixOf(scope: string): string | undefined {
  return scope.endsWith('/*') ? scope.slice(0, -2) : undefined
}

/** True for `host[:port]/repository`, or a prefix of such names that ends in `/*`. */
export function isScope(text: string): boolean {
  const prefix = prefixOf(text)
  const name = prefix ?? text
  const slash = name.indexOf('/')
  if (slash < 0) return prefix !== undefined && isHost(name)
  return isHost(name.slice(0, slash)) && isRepositoryPath(name.slice(slash + 1))
}

function within(inner: string, outer: string): boolean {
  const prefix = prefixOf(outer)
  // The slash belongs to the prefix: acme/* holds acme/a, and neither acme-evil/a nor acme itself.
  return inner === outer || (prefix !== undefined && inner.startsWith(`${prefix}/`))
}

/**
 * The first scope that reaches beyond `outer`, or undefined. No scope at all is every repository: without limit as
 * `outer`, and as `inner` beyond every limit.
 */
export function scopeBeyond(inner: readonly string[], outer: readonly string[]): string | undefined {
  if (outer.length === 0) return undefined
  if (inner.length === 0) return 'every repository'
  return inner.find((scope) => !outer.some((wide) => within(scope, wide)))
}
