/** `trust policy`: what is the matter with a policy folder, what it says, and what it says of one repository. */
import { SallyportError } from '../../errors/index.ts'
import { parseReference, repositoryName } from '../../oci/index.ts'
import {
  checkTrustMaterial,
  explainFiles,
  explainPolicy,
  type AlgorithmRule,
  type FileStatementExplanation,
  type Finding,
  type Measure,
  type PolicyExplanation,
  type TrustMaterial,
} from '../../trust/index.ts'
import { openPolicy, readPolicyFiles } from './policy-folder.ts'
import { nowOf, type RunOptions } from '../run/run.ts'

export interface PolicyOptions extends RunOptions {
  policy: string
}

export interface PolicyCheckReport {
  policy: string
  /** False: every artifact is refused until the errors are mended. */
  usable: boolean
  findings: Finding[]
  /** Digest of the trust material; null when it is not usable. */
  digest: string | null
}

/** Everything that is the matter, not just the first thing. Throws only when the folder can't be read. */
export function trustPolicyCheck(options: PolicyOptions): PolicyCheckReport {
  const { policy } = options
  const { material, findings } = checkTrustMaterial(readPolicyFiles(policy), nowOf(options))
  return { policy, usable: material !== undefined, findings, digest: material?.digest ?? null }
}

export interface PolicyExplainReport extends Omit<PolicyExplanation, 'algorithms' | 'revocation'> {
  policy: string
  algorithms: Record<string, { rule: 'allowed' | 'deprecated' | 'refused'; since?: string }>
  revocation: {
    measure: Measure
    /** Seconds past its next update for which a list may still be gone by. */
    maxStaleness: number
    /** Issuers by SHA-256 of their public key. */
    mustHave: string[]
    timestampCounts: boolean
    releaseNeedsApproval: boolean
  }
}

function plainRule(rule: AlgorithmRule): { rule: 'allowed' | 'deprecated' | 'refused'; since?: string } {
  return typeof rule === 'string' ? { rule } : { rule: 'deprecated', since: rule.deprecated.toISOString().slice(0, 10) }
}

function explained(policy: string, material: TrustMaterial, scope: string): PolicyExplainReport {
  const { algorithms, revocation, ...explanation } = explainPolicy(material, scope)
  const rules = Object.entries(algorithms).map(([name, rule]) => [name, plainRule(rule)] as const)
  const { maxStaleness = 0, mustHave } = revocation
  return {
    policy,
    ...explanation,
    algorithms: Object.fromEntries(rules),
    revocation: { ...revocation, maxStaleness, mustHave: [...mustHave] },
  }
}

/** What policies call the repository of a reference, whose tag and digest say nothing of it. Throws REFERENCE_INVALID. */
function scopeOf(ref: string): string {
  if (ref.endsWith('*')) return ref
  if (ref.startsWith('oci:'))
    throw new SallyportError('REFERENCE_INVALID', {
      side: 'target',
      subject: ref.slice(0, 300),
      detail: 'a policy speaks of no place on this host',
      remedy: 'name the repository as it is called at the destination; what goes to no registry is called local/NAME',
    })
  const reference = parseReference(ref, 'target')
  return ref.startsWith('local/') ? reference.path : repositoryName(reference)
}

/**
 * What the policy says of one repository.
 * @param options.scope - its name at the destination, perhaps with a tag or digest
 * Throws REFERENCE_INVALID, and as `openPolicy`.
 */
export function trustPolicyExplain({ policy, scope }: PolicyOptions & { scope: string }): PolicyExplainReport {
  return explained(policy, openPolicy(policy), scopeOf(scope))
}

export interface PolicyShowReport {
  policy: string
  digest: string
  /** What is said of each repository and prefix that some file names, and of `*`: all that no other scope names. */
  scopes: PolicyExplainReport[]
  /** What is said of plain files. */
  files: FileStatementExplanation[]
}

/** What the policy says of every repository it names, and of plain files. Throws as `openPolicy`. */
export function trustPolicyShow({ policy }: PolicyOptions): PolicyShowReport {
  const material = openPolicy(policy)
  const named = new Set([
    ...(material.policy?.statements ?? []).flatMap(({ scopes }) => [...scopes]),
    ...(material.site?.scopes ?? []).map(({ pattern }) => pattern),
  ])
  return {
    policy,
    digest: material.digest,
    scopes: [...named].sort().map((scope) => explained(policy, material, scope)),
    files: explainFiles(material),
  }
}
