/**
 * `policy.yaml`: what a site demands beyond notation's own file: how many parties must have signed, for which
 * destination, with which algorithms, and what follows from revocations. Its statements name statements of `trustpolicy.oci.json` and apply them by name,
 * whatever their `registryScopes` say (those go on to rule stock notation, which knows no thresholds).
 */
import * as z from 'zod'
import { shapedList, shapedTable, type YamlDocument } from '../codec/index.ts'
import { SIGNATURE_ALGORITHMS } from '../signature/index.ts'
import type { AlgorithmRule, AlgorithmRules } from './algorithm-rule.ts'
import type { Reporter } from './finding.ts'
import { actionsOf } from './level.ts'
import type { OciPolicy } from './oci-policy.ts'
import { isScope, isScopePattern, patternCovers } from './registry-scope.ts'
import { readRevocation, REVOCATION_SHAPE, type RevocationPolicy } from './revocation-policy.ts'
import type { Statement } from './statement.ts'
import { readPolicyYaml } from './yaml-document.ts'

/** A statement of policy.yaml: its own name, and the trust policy it stands for (with level `trace` where it says so). */
export interface SiteStatement {
  name: string
  statement: Statement
}

/** So many different signers, each meeting a statement of its own. */
export interface Requirement {
  count: number
  of: readonly SiteStatement[]
}

export interface SiteScope {
  /** A repository, or a prefix that ends in `/*`. */
  pattern: string
  /** Absent where a scope only traces: nothing is ever trusted there. */
  require: Requirement | undefined
  /** Judged and reported, never counted. */
  trace: readonly SiteStatement[]
  requireOrigin: boolean
}

export interface SitePolicy {
  /** Absent in a file that has neither scopes nor statements: then notation's file alone says who is trusted. */
  scopes?: readonly SiteScope[]
  algorithms: AlgorithmRules
  revocation: RevocationPolicy
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/
const name = z.string().regex(NAME, 'a name is 1 to 64 letters, digits, dots, hyphens or underscores')
const names = shapedList(z, name, { min: 1, max: 64 })
const day = z.string().refine((text) => dayOf(text) !== undefined, 'a day is YYYY-MM-DD')

const scope = z
  .strictObject({
    scope: z
      .string()
      .max(600)
      .refine(isScopePattern, 'a scope is registry/repository, or a prefix of one followed by /*'),
    require: z
      .union([z.strictObject({ allOf: names }), z.strictObject({ count: z.int().min(1), of: names })], {
        error: 'require is {allOf: [NAME, …]} or {count: N, of: [NAME, …]}',
      })
      .optional(),
    trace: names.optional(),
    requireOrigin: z.boolean().default(false),
  })
  .refine(({ require, trace }) => require !== undefined || trace !== undefined, 'a scope needs require, or trace')

const schema = z
  .strictObject({
    version: z.literal(1, 'the version is 1'),
    scopes: shapedList(z, scope, { min: 1, max: 10_000 }).optional(),
    statements: shapedTable(
      z,
      name,
      z.strictObject({ notation: z.string().min(1), level: z.literal('trace').optional() }),
    ).optional(),
    algorithms: z
      .partialRecord(
        z.enum(SIGNATURE_ALGORITHMS),
        z.union([z.enum(['allowed', 'refused']), z.strictObject({ deprecated: day })], {
          error: 'an algorithm is allowed, refused or {deprecated: YYYY-MM-DD}',
        }),
      )
      .default({}),
    revocation: REVOCATION_SHAPE.optional(),
  })
  .refine(({ scopes, statements }) => (scopes === undefined) === (statements === undefined), {
    error: 'scopes and statements stand together, or both are absent',
  })

type Document = z.output<typeof schema>
type Scoped = { [K in 'scopes' | 'statements']: NonNullable<Document[K]> }

/** Midnight UTC of a day, or undefined for a day that no calendar has. */
function dayOf(text: string): Date | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return undefined
  const date = new Date(`${text}T00:00:00Z`)
  // Stops 2026-02-30, which Date would move into March.
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text ? undefined : date
}

/** The policy in the bytes of policy.yaml, or undefined when it has no shape; every broken rule goes to `report`. */
export function readSitePolicy(
  bytes: Uint8Array,
  notation: OciPolicy | undefined,
  report: Reporter,
): SitePolicy | undefined {
  const yaml = readPolicyYaml(bytes, report)
  if (yaml === undefined) return undefined
  const result = schema.safeParse(yaml.value)
  if (!result.success) {
    for (const issue of result.error.issues) {
      const key = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path
      const member = issue.path.join('.')
      report.error(yaml.placeOf(key), `${member}${member === '' ? '' : ': '}${issue.message}`)
    }
    return undefined
  }
  const { scopes, statements = {} } = result.data
  const algorithms = readAlgorithms(result.data.algorithms)
  const revocation = readRevocation(result.data.revocation, yaml, report)
  if (scopes === undefined) return { algorithms, revocation }
  return { scopes: readScopes({ scopes, statements }, notation, yaml, report), algorithms, revocation }
}

function readScopes(
  document: Scoped,
  notation: OciPolicy | undefined,
  yaml: YamlDocument,
  report: Reporter,
): SiteScope[] {
  const statements = readStatements(document, notation, yaml, report)
  const declared = new Set(Object.keys(document.statements))
  const scopes = document.scopes.map((from, i) => readScope(from, i, statements, declared, yaml, report))
  const patterns = new Map<string, number>()
  for (const [i, { pattern }] of scopes.entries()) {
    // Stops a policy in which the reader's order of scopes would decide.
    if (patterns.has(pattern)) report.error(yaml.placeOf(['scopes', i, 'scope']), `${pattern} stands there twice`)
    patterns.set(pattern, i)
  }
  reportIdle(document, yaml, report)
  return scopes
}

function readStatements(
  { statements }: Scoped,
  notation: OciPolicy | undefined,
  yaml: YamlDocument,
  report: Reporter,
): Map<string, Statement> {
  const read = new Map<string, Statement>()
  for (const [own, { notation: wanted, level }] of Object.entries(statements)) {
    const place = yaml.placeOf(['statements', own, 'notation'])
    const statement = notation?.statements.find((candidate) => candidate.name === wanted)
    if (statement === undefined) report.error(place, `no trust policy has the name ${JSON.stringify(wanted)}`)
    else if (statement.level === 'skip') report.error(place, `${wanted} skips: it can vouch for nothing`)
    else if (level === 'trace') read.set(own, { ...statement, level, override: {}, actions: actionsOf(level) })
    // Stops a threshold that anyone's signature would meet: the level audit, or an override, only logs who signed.
    else if (statement.actions.authenticity !== 'enforce')
      report.error(place, `${wanted} only logs who signed: give it a stricter level, or level: trace here`)
    else read.set(own, statement)
  }
  return read
}

function readScope(
  from: Scoped['scopes'][number],
  i: number,
  statements: ReadonlyMap<string, Statement>,
  declared: ReadonlySet<string>,
  yaml: YamlDocument,
  report: Reporter,
): SiteScope {
  const select = (wanted: readonly string[], path: readonly PropertyKey[], trace: boolean): SiteStatement[] => {
    const selected: SiteStatement[] = []
    for (const [j, own] of wanted.entries()) {
      const place = yaml.placeOf(['scopes', i, ...path, j])
      const statement = statements.get(own)
      // One that was refused where it is declared needs no second word.
      if (statement === undefined && declared.has(own)) continue
      if (selected.some((other) => other.name === own)) report.error(place, `${own} stands there twice`)
      else if (statement === undefined) report.error(place, `no statement has the name ${own}`)
      else if ((statement.level === 'trace') !== trace)
        report.error(place, trace ? `${own} is no statement of level trace` : `${own} traces: it never counts`)
      else selected.push({ name: own, statement })
    }
    return selected
  }
  const trace = select(from.trace ?? [], ['trace'], true)
  let require: Requirement | undefined
  if (from.require !== undefined && 'allOf' in from.require) {
    const of = select(from.require.allOf, ['require', 'allOf'], false)
    require = { count: from.require.allOf.length, of }
  } else if (from.require !== undefined) {
    const of = select(from.require.of, ['require', 'of'], false)
    require = { count: from.require.count, of }
    if (require.count > from.require.of.length)
      report.error(yaml.placeOf(['scopes', i, 'require', 'count']), 'more are wanted than are named')
  }
  return { pattern: from.scope, require, trace, requireOrigin: from.requireOrigin }
}

function reportIdle({ statements, scopes }: Scoped, yaml: YamlDocument, report: Reporter): void {
  const used = new Set<string>()
  for (const { require, trace = [] } of scopes) {
    const wanted = require === undefined ? [] : 'allOf' in require ? require.allOf : require.of
    for (const own of [...wanted, ...trace]) used.add(own)
  }
  for (const own of Object.keys(statements))
    if (!used.has(own)) report.warning(yaml.placeOf(['statements', own]), `no scope asks for ${own}`)
}

function readAlgorithms(from: Document['algorithms']): AlgorithmRules {
  const rules: Partial<Record<(typeof SIGNATURE_ALGORITHMS)[number], AlgorithmRule>> = {}
  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const rule = from[algorithm]
    if (typeof rule === 'string') rules[algorithm] = rule
    else if (rule !== undefined) rules[algorithm] = { deprecated: dayOf(rule.deprecated) ?? new Date(0) }
  }
  return rules
}

/** The scope that speaks for a repository: the one that is its name, else the longest prefix, else none, which is a refusal. */
export function siteScopeFor(scopes: readonly SiteScope[], repository: string): SiteScope | undefined {
  return isScope(repository) ? longestScope(scopes, repository) : undefined
}

/** Of the scopes that cover a repository, or all below a prefix, the one that is its name, else the longest. */
export function longestScope(scopes: readonly SiteScope[], name: string): SiteScope | undefined {
  // By name first: `x/*` is as long as `x/b`, and the order in the file must not decide between them.
  const named = scopes.find(({ pattern }) => pattern === name)
  if (named !== undefined) return named
  const covering = scopes.filter(({ pattern }) => patternCovers(pattern, name))
  return covering.toSorted((a, b) => b.pattern.length - a.pattern.length)[0]
}
