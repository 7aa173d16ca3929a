/** What a check finds, and the record of the five checks of one signature under one statement. */
import type { Code } from '../errors/index.ts'
import type { Certificate } from '../signature/index.ts'
import { CHECKS, type Actions, type Check } from './level.ts'
import type { CheckResult, Checks } from './verdict.ts'

/** Undefined: passed. `undecided`: what is needed to tell is not here. */
export type CheckFinding = undefined | { undecided: boolean; code: Code; detail: string }

export function failed(code: Code, detail: string): NonNullable<CheckFinding> {
  return { undecided: false, code, detail }
}

export function undecided(code: Code, detail: string): NonNullable<CheckFinding> {
  return { undecided: true, code, detail }
}

/** The checks as they are made: each is recorded once, or again by a later step that fails. */
export class CheckRecord {
  private readonly results: Record<Check, CheckResult>
  private readonly actions: Actions
  /** The enforced failure that ended the judgement. */
  failure: { check: Check; code: Code; detail: string } | undefined
  /** The first enforced check that could not be decided. */
  doubt: { check: Check; code: Code; detail: string } | undefined
  /** What a trusted timestamp authority said, when one was asked for. */
  timestamp: Date | undefined
  /** That authority's chain. */
  timestampChain: readonly Certificate[] | undefined

  constructor(actions: Actions) {
    this.actions = actions
    const unmade = (check: Check): CheckResult =>
      actions[check] === 'skip'
        ? { action: 'skip', outcome: 'skipped', ok: true }
        : { action: actions[check], outcome: 'unreached', ok: false }
    this.results = Object.fromEntries(CHECKS.map((check) => [check, unmade(check)])) as Record<Check, CheckResult>
  }

  /** Records what a step found; false when judging ends here. */
  enter(check: Check, finding: CheckFinding): boolean {
    const action = this.actions[check]
    if (action === 'skip') return true
    const before = this.results[check].outcome
    if (finding === undefined) {
      if (before === 'unreached') this.results[check] = { action, outcome: 'passed', ok: true }
      return true
    }
    const { code, detail } = finding
    const outcome = finding.undecided ? 'undecided' : 'failed'
    // A failure outweighs a doubt, never the other way round.
    if (before !== 'failed') this.results[check] = { action, outcome, ok: false, code, detail }
    if (action !== 'enforce') return true
    if (finding.undecided) {
      this.doubt ??= { check, code, detail }
      return true
    }
    this.failure ??= { check, code, detail }
    return false
  }

  /** Fails the signature whatever the policy says of revocation. What else there is to say of it may still be entered. */
  deny(reason: string): void {
    const code = 'SIGNATURE_DENIED'
    this.results.revocation = { action: 'enforce', outcome: 'failed', ok: false, code, detail: reason }
    this.failure ??= { check: 'revocation', code, detail: reason }
  }

  /** Adds what is to be known about a check. */
  note(check: Check, notes: readonly string[]): void {
    if (notes.length > 0) this.results[check] = { ...this.results[check], notes: [...notes] }
  }

  hasPassed(check: Check): boolean {
    return this.results[check].outcome === 'passed'
  }

  /** The failures that were only logged, and what is to be known about the rest. */
  get remarks(): string[] {
    return CHECKS.flatMap((check) => {
      const { action, detail, notes = [] } = this.results[check]
      const logged = action === 'log' && detail !== undefined ? [`${check} is only logged: ${detail}`] : []
      return [...logged, ...notes.map((note) => `${check}: ${note}`)]
    })
  }

  get checks(): Checks {
    return this.results
  }
}
