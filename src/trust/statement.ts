/** What a statement of a trust policy says, apart from what it speaks for (trust-store-trust-policy.md, "Trust Policy Properties"). */
import * as z from 'zod'
import { shapedList } from '../codec/index.ts'
import { memberPath, type Reporter } from './finding.ts'
import { readIdentities, type Identity } from './identity.ts'
import { ACTIONS, actionsOf, CHECKS, LEVELS, overrideFault, type Actions, type Level, type Override } from './level.ts'
import { isStoreName, type StoreName } from './store-name.ts'

/** Caps on what one document may hold: all of it is read again for each verdict. */
export const STATEMENT_CAP = 10_000
export const SCOPE_CAP = 10_000
const STORE_CAP = 1_000
const IDENTITY_CAP = 500

export interface Statement {
  name: string
  level: Level
  override: Override
  /** The level with its overrides. */
  actions: Actions
  /** `afterCertExpiry`: a timestamp is asked for only when a certificate of the chain has expired. */
  verifyTimestamp: 'always' | 'afterCertExpiry'
  stores: readonly StoreName[]
  identities: readonly Identity[]
}

const text = z.string().max(4096)

/** The members every kind of statement has. Unknown members are refused: what they would ask for is not known. */
export const STATEMENT_SHAPE = {
  name: z.string().min(1, 'a statement needs a name').max(256),
  signatureVerification: z.strictObject({
    level: z.enum(LEVELS),
    override: z.partialRecord(z.enum(CHECKS), z.enum(ACTIONS)).optional(),
    verifyTimestamp: z.enum(['always', 'afterCertExpiry']).optional(),
  }),
  trustStores: shapedList(z, text, { max: STORE_CAP }).nullish(),
  trustedIdentities: shapedList(z, text, { max: IDENTITY_CAP }).nullish(),
}

const shape = z.object(STATEMENT_SHAPE)
export type StatementShape = z.output<typeof shape>

/** The statement of a shape that was read; every broken rule goes to `report`, under `place`. */
export function readStatement(from: StatementShape, place: string, report: Reporter): Statement {
  const { level, override = {}, verifyTimestamp = 'always' } = from.signatureVerification
  for (const check of CHECKS) {
    const action = override[check]
    const fault = action === undefined ? undefined : overrideFault(level, check, action)
    if (fault !== undefined) report.error(`${place}.signatureVerification.override.${check}`, fault)
  }
  const stores = from.trustStores ?? []
  const identities = from.trustedIdentities ?? []
  if (level === 'skip') {
    if (stores.length > 0) report.error(`${place}.trustStores`, 'the level skip looks at no trust store')
    if (identities.length > 0) report.error(`${place}.trustedIdentities`, 'the level skip looks at no identity')
  } else {
    if (stores.length === 0) report.error(`${place}.trustStores`, 'a trust store is needed')
    if (identities.length === 0) report.error(`${place}.trustedIdentities`, 'a trusted identity, or "*", is needed')
  }
  return {
    name: from.name,
    level,
    override,
    actions: actionsOf(level, override),
    verifyTimestamp,
    stores: readStores(stores, `${place}.trustStores`, report),
    identities: readIdentities(identities, `${place}.trustedIdentities`, report),
  }
}

function readStores(stores: readonly string[], place: string, report: Reporter): StoreName[] {
  const names: StoreName[] = []
  for (const [i, store] of stores.entries()) {
    if (!isStoreName(store))
      report.error(`${place}[${i}]`, `${JSON.stringify(store)} is not ca:NAME, signingAuthority:NAME or tsa:NAME`)
    else if (names.includes(store)) report.warning(`${place}[${i}]`, `${store} stands there twice`)
    else names.push(store)
  }
  if (names.length > 0 && names.every((name) => name.startsWith('tsa:')))
    report.warning(place, 'with timestamp authorities alone no signer is ever trusted')
  return names
}

/** A document's value in its shape, or undefined after every fault of shape was reported. */
export function inShape<T>(schema: z.ZodType<T>, value: unknown, report: Reporter): T | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) report.error(memberPath(issue.path), issue.message)
  return undefined
}

/** Reports every name that a statement before has taken. */
export function reportTwins(statements: readonly { name: string }[], report: Reporter): void {
  const taken = new Set<string>()
  for (const [i, { name }] of statements.entries()) {
    // Stops two readers of one policy.yaml that find different statements under one name.
    if (taken.has(name)) report.error(`trustPolicies[${i}].name`, `${JSON.stringify(name)} is taken`)
    taken.add(name)
  }
}
