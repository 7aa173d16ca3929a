/** Which policy speaks for an artifact: workflow step 1, and policy.yaml above it. */
import type { TrustMaterial } from './material.ts'
import { statementFor, statementNaming } from './oci-policy.ts'
import { ANY_SCOPE, isPrefix } from './registry-scope.ts'
import type { Statement } from './statement.ts'
import { longestScope, siteScopeFor, type Requirement, type SiteScope, type SiteStatement } from './site-policy.ts'

export interface Applicable {
  /** The scope of policy.yaml; absent where notation's file rules alone. */
  site?: SiteScope
  /** Absent where a scope only traces. */
  require: Requirement | undefined
  trace: readonly SiteStatement[]
  requireOrigin: boolean
}

/**
 * What is asked of the artifacts of a repository, or undefined when nothing speaks for it, which is a refusal.
 * With scopes in policy.yaml the longest that matches decides and no other; without, the one statement of notation's file.
 */
export function applicablePolicy({ policy, site }: TrustMaterial, repository: string): Applicable | undefined {
  if (site?.scopes !== undefined) return ofSite(siteScopeFor(site.scopes, repository))
  return ofNotation(statementFor(policy, repository))
}

/**
 * What is asked of all below a pattern (`*`, or a prefix that ends in `/*`) that no scope of its own names; of a repository
 * as {@link applicablePolicy}. To be told, never to judge by: no artifact has such a name.
 */
export function applicableBelow(material: TrustMaterial, pattern: string): Applicable | undefined {
  const { policy, site } = material
  if (pattern !== ANY_SCOPE && !isPrefix(pattern)) return applicablePolicy(material, pattern)
  if (site?.scopes !== undefined) return ofSite(longestScope(site.scopes, pattern))
  return ofNotation(statementNaming(policy, ANY_SCOPE))
}

function ofSite(scope: SiteScope | undefined): Applicable | undefined {
  if (scope === undefined) return undefined
  return { site: scope, require: scope.require, trace: scope.trace, requireOrigin: scope.requireOrigin }
}

function ofNotation(statement: Statement | undefined): Applicable | undefined {
  return statement === undefined ? undefined : single({ name: statement.name, statement })
}

/** One statement, met by any one signature. */
export function single(statement: SiteStatement): Applicable {
  return { require: { count: 1, of: [statement] }, trace: [], requireOrigin: false }
}
