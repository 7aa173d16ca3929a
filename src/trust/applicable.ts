/** Which policy speaks for an artifact: workflow step 1, and policy.yaml above it. */
import type { TrustMaterial } from './material.ts'
import { statementFor } from './oci-policy.ts'
import { siteScopeFor, type Requirement, type SiteScope, type SiteStatement } from './site-policy.ts'

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
  if (site?.scopes !== undefined) {
    const scope = siteScopeFor(site.scopes, repository)
    if (scope === undefined) return undefined
    return { site: scope, require: scope.require, trace: scope.trace, requireOrigin: scope.requireOrigin }
  }
  const statement = statementFor(policy, repository)
  if (statement === undefined) return undefined
  return single({ name: statement.name, statement })
}

/** One statement, met by any one signature. */
export function single(statement: SiteStatement): Applicable {
  return { require: { count: 1, of: [statement] }, trace: [], requireOrigin: false }
}
