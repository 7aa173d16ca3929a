/** One row of the agreement table: a situation, and what is right to say about it, written down before anyone is asked. */
import type { Code } from '../../../src/errors/index.ts'
import type { Situation, World } from './world.ts'

export type Said = 'accept' | 'refuse'

export interface AgreementCase {
  readonly name: string
  /** What is right, and what we say. */
  readonly expect: Said
  /** Why we refuse. */
  readonly code?: Code
  /** Present where notation-go v1.3.2 says the opposite: the sentence that decides, and where notation differs. */
  readonly differs?: string
  /** Notation says now this, now that: it takes the signatures in the order of a Go map. */
  readonly byChance?: true
  readonly build: (world: World) => Promise<Situation>
}

export function accept(name: string, build: AgreementCase['build'], differs?: string): AgreementCase {
  return { name, expect: 'accept', build, ...(differs !== undefined && { differs }) }
}

export function refuse(name: string, code: Code, build: AgreementCase['build'], differs?: string): AgreementCase {
  return { name, expect: 'refuse', code, build, ...(differs !== undefined && { differs }) }
}

export const FORMATS = ['jws', 'cose'] as const
