/** `trustpolicy.oci.json`, older name `trustpolicy.json`: who is believed for which repository (notation's own file). */
import * as z from 'zod'
import { shapedList, type Json } from '../codec/index.ts'
import type { Reporter } from './finding.ts'
import { ANY_SCOPE, isScope } from './registry-scope.ts'
import {
  inShape,
  readStatement,
  reportTwins,
  SCOPE_CAP,
  STATEMENT_CAP,
  STATEMENT_SHAPE,
  type Statement,
} from './statement.ts'

export interface OciStatement extends Statement {
  /** Repositories, or `*` alone. */
  scopes: readonly string[]
}

export interface OciPolicy {
  statements: readonly OciStatement[]
}

const schema = z.strictObject({
  version: z.literal('1.0', 'the version is "1.0"'),
  trustPolicies: shapedList(
    z,
    z.strictObject({
      ...STATEMENT_SHAPE,
      registryScopes: shapedList(z, z.string().max(600), { min: 1, max: SCOPE_CAP }),
    }),
    { min: 1, max: STATEMENT_CAP },
  ),
})

/** The policy in a document of strict JSON, or undefined when it has no shape; every broken rule goes to `report`. */
export function readOciPolicy(value: Json, report: Reporter): OciPolicy | undefined {
  const document = inShape(schema, value, report)
  if (document === undefined) return undefined
  reportTwins(document.trustPolicies, report)
  const owners = new Map<string, string>()
  const statements = document.trustPolicies.map((shape, i): OciStatement => {
    const place = `trustPolicies[${i}]`
    const scopes = shape.registryScopes
    for (const [j, scope] of scopes.entries()) {
      const where = `${place}.registryScopes[${j}]`
      if (scope === ANY_SCOPE) {
        if (scopes.length > 1) report.error(where, '"*" stands alone')
        // Stops a policy that trusts everything nobody thought of; notation's own reader lets it pass.
        if (shape.signatureVerification.level === 'skip')
          report.error(`${place}.signatureVerification.level`, 'skip needs repositories by name, never "*"')
      } else if (!isScope(scope))
        report.error(where, `${JSON.stringify(scope.slice(0, 100))} is not registry/repository without scheme or tag`)
      const owner = owners.get(scope)
      if (owner !== undefined)
        report.error(where, `${scope.slice(0, 100)} is spoken for by ${JSON.stringify(owner)} already`)
      owners.set(scope, shape.name)
    }
    return { ...readStatement(shape, place, report), scopes }
  })
  return { statements }
}

/** The statement for a repository: the one that names it, else the one for `*`, else none, which is a refusal. */
export function statementFor(policy: OciPolicy | undefined, scope: string): OciStatement | undefined {
  if (!isScope(scope)) return undefined
  return statementNaming(policy, scope) ?? statementNaming(policy, ANY_SCOPE)
}

/** The statement in which a scope stands as it is. */
export function statementNaming(policy: OciPolicy | undefined, scope: string): OciStatement | undefined {
  return policy?.statements.find(({ scopes }) => scopes.includes(scope))
}
