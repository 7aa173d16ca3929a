/** What the policy asks of a repository, in the words of its files. */
import { applicableBelow } from './applicable.ts'
import type { AlgorithmRules } from './algorithm-rule.ts'
import type { Actions, Level, Override } from './level.ts'
import type { TrustMaterial } from './material.ts'
import type { RevocationPolicy } from './revocation-policy.ts'
import type { SiteStatement } from './site-policy.ts'
import type { Statement } from './statement.ts'
import type { StoreName } from './store-name.ts'

export interface StatementExplanation {
  /** In policy.yaml where that rules, else in notation's file. */
  name: string
  /** In notation's file. */
  trustPolicy: string
  level: Level
  override: Override
  actions: Actions
  verifyTimestamp: Statement['verifyTimestamp']
  /** With the thumbprints of what they hold; none: nobody is believed by it. */
  stores: { name: StoreName; thumbprints: string[] }[]
  identities: string[]
}

export interface PolicyExplanation {
  scope: string
  /** False: nothing speaks for the repository, and every artifact is refused. */
  found: boolean
  /** The scope of policy.yaml that rules, if there is such a file. */
  pattern?: string
  /** So many of `statements`, each met by a signer of its own; 0 where the scope only traces. */
  count: number
  statements: StatementExplanation[]
  trace: StatementExplanation[]
  requireOrigin: boolean
  algorithms: AlgorithmRules
  revocation: RevocationPolicy
  /** Nothing is looked at: to be said aloud. */
  skips: boolean
}

/** A statement of trustpolicy.blob.json. */
export interface FileStatementExplanation extends StatementExplanation {
  /** Speaks for files for which no statement is named. */
  global: boolean
}

function explain(material: TrustMaterial, { name, statement }: SiteStatement): StatementExplanation {
  return {
    name,
    trustPolicy: statement.name,
    level: statement.level,
    override: statement.override,
    actions: statement.actions,
    verifyTimestamp: statement.verifyTimestamp,
    stores: statement.stores.map((store) => ({
      name: store,
      thumbprints: (material.stores.get(store) ?? []).map(({ sha256 }) => sha256),
    })),
    identities: statement.identities.map(({ text }) => text),
  }
}

/** The statements that speak for plain files, as they stand in trustpolicy.blob.json. */
export function explainFiles(material: TrustMaterial): FileStatementExplanation[] {
  const statements = material.blobPolicy?.statements ?? []
  return statements.map((statement) => ({
    ...explain(material, { name: statement.name, statement }),
    global: statement.global,
  }))
}

/**
 * Which statements speak for a repository (by its name at the destination), and what they ask for; or for all that a scope
 * of the policy names: `*`, or a prefix.
 */
export function explainPolicy(material: TrustMaterial, scope: string): PolicyExplanation {
  const applicable = applicableBelow(material, scope)
  const statements = (applicable?.require?.of ?? []).map((one) => explain(material, one))
  return {
    scope,
    found: applicable !== undefined,
    ...(applicable?.site === undefined ? {} : { pattern: applicable.site.pattern }),
    count: applicable?.require?.count ?? 0,
    statements,
    trace: (applicable?.trace ?? []).map((one) => explain(material, one)),
    requireOrigin: applicable?.requireOrigin ?? false,
    algorithms: material.site?.algorithms ?? {},
    revocation: material.revocation,
    skips: statements.some(({ level }) => level === 'skip'),
  }
}
