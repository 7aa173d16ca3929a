/** Scopes: which repositories a statement speaks for, by the name the artifact has at its destination. */
import { isRepositoryPath } from '../oci/index.ts'

const DOMAIN =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?$/
const DOMAIN_CAP = 300

/** The scope for all that no other statement names. */
export const ANY_SCOPE = '*'

function isDomain(text: string): boolean {
  return text.length <= DOMAIN_CAP && DOMAIN.test(text)
}

/**
 * True for `domain[:port]/repository`, or `local/name` where no registry is meant: the grammar of `registryScopes`
 * without `*`, scheme, tag or digest.
 */
export function isScope(text: string): boolean {
  const slash = text.indexOf('/')
  return slash > 0 && isDomain(text.slice(0, slash)) && isRepositoryPath(text.slice(slash + 1))
}

/** True for a scope of policy.yaml: a repository, or everything below a prefix that ends in `/*`. */
export function isScopePattern(text: string): boolean {
  return isScope(text) || isPrefix(text)
}

/** True for a prefix that ends in `/*`: of a registry, or of its repositories. */
export function isPrefix(text: string): boolean {
  if (!text.endsWith('/*')) return false
  const prefix = text.slice(0, -2)
  return isDomain(prefix) || isScope(prefix)
}

/** True when a pattern of policy.yaml covers a repository. `host/mirror/*` covers neither `host/mirror` nor `host/mirrors/a`. */
export function patternCovers(pattern: string, scope: string): boolean {
  return pattern.endsWith('/*') ? scope.startsWith(pattern.slice(0, -1)) : scope === pattern
}
