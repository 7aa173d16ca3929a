/** Verification levels (Notary Project trust-store-trust-policy.md, "Signature Verification details"). */

export const CHECKS = ['integrity', 'authenticity', 'authenticTimestamp', 'expiry', 'revocation'] as const
export const ACTIONS = ['enforce', 'log', 'skip'] as const
export const LEVELS = ['strict', 'permissive', 'audit', 'skip'] as const

export type Check = (typeof CHECKS)[number]
/** What a failed check does: it fails the signature, is only reported, or is not made at all. */
export type Action = (typeof ACTIONS)[number]
/** `trace` is ours and stands in policy.yaml alone: origin is reported, nothing is ever trusted. */
export type Level = (typeof LEVELS)[number] | 'trace'
export type Actions = Readonly<Record<Check, Action>>
export type Override = Readonly<Partial<Record<Check, Action>>>

function row(
  integrity: Action,
  authenticity: Action,
  authenticTimestamp: Action,
  expiry: Action,
  revocation: Action,
): Actions {
  return { integrity, authenticity, authenticTimestamp, expiry, revocation }
}

const TABLE: Readonly<Record<Level, Actions>> = {
  strict: row('enforce', 'enforce', 'enforce', 'enforce', 'enforce'),
  permissive: row('enforce', 'enforce', 'log', 'log', 'log'),
  audit: row('enforce', 'log', 'log', 'log', 'log'),
  skip: row('skip', 'skip', 'skip', 'skip', 'skip'),
  trace: row('enforce', 'log', 'log', 'log', 'log'),
}

/** The action of each check at a level, after its overrides. */
export function actionsOf(level: Level, override: Override = {}): Actions {
  return { ...TABLE[level], ...override }
}

/** Why an override is not allowed, or undefined: integrity never moves, only revocation can be skipped. */
export function overrideFault(level: Level, check: Check, action: Action): string | undefined {
  if (level === 'skip') return 'the level skip takes no override'
  if (check === 'integrity') return 'integrity is always enforced'
  if (action === 'skip' && check !== 'revocation') return 'only revocation can be skipped'
  return undefined
}
