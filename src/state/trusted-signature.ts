/** The signatures that a verdict trusts, as the fold of the journal holds them: few for many artifacts. */
import type { JsonObject } from '../codec/index.ts'
import { objectsOf } from './fields.ts'

/** A signature that a verdict names as trusted. */
export interface TrustedSignature {
  /** The statement it met, by the policy's name for it. */
  statement: string
  /** SHA-256 of each certificate in hex, leaf first. */
  chain: readonly string[]
  /** Of the authority that timestamped it. */
  timestampChain?: readonly string[] | undefined
}

/** With certificates by their numbers. */
export interface NumberedSignature {
  statement: string
  chain: readonly number[]
  timestampChain?: readonly number[] | undefined
}

function numbersIn(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'number') : []
}

/** The member `signatures` of a `verdict` row whose certificates are known. */
export function trustedIn(row: JsonObject): NumberedSignature[] {
  if (row['signatures'] === undefined) return []
  return objectsOf(row, 'signatures').map(({ statement, chain, timestampChain }) => ({
    statement: typeof statement === 'string' ? statement : '',
    chain: numbersIn(chain),
    ...(timestampChain === undefined ? {} : { timestampChain: numbersIn(timestampChain) }),
  }))
}

/** One list for all that are equal: most artifacts of a site are signed by the same few. */
export class SharedSignatures {
  readonly #lists = new Map<string, readonly NumberedSignature[]>()

  of(signatures: readonly NumberedSignature[]): readonly NumberedSignature[] {
    const key = JSON.stringify(signatures)
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    this.#lists.set(key, signatures)
    return signatures
  }
}
