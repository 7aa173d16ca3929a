/** All cases of the agreement table, in its groups. */
import type { AgreementCase } from './case.ts'
import { CHAIN_CASES } from './chain-cases.ts'
import { ENVELOPE_CASES } from './envelope-cases.ts'
import { GOOD_CASES } from './good-cases.ts'
import { MANIFEST_CASES } from './manifest-cases.ts'
import { NAME_CASES } from './name-cases.ts'
import { ODD_CASES } from './odd-cases.ts'
import { STAMP_CASES } from './stamp-cases.ts'
import { TIME_CASES } from './time-cases.ts'
import { TRUST_CASES } from './trust-cases.ts'

export const GROUPS: Readonly<Record<string, readonly AgreementCase[]>> = {
  'right signatures': GOOD_CASES,
  envelopes: ENVELOPE_CASES,
  manifests: MANIFEST_CASES,
  'two readings': ODD_CASES,
  certificates: CHAIN_CASES,
  trust: TRUST_CASES,
  names: NAME_CASES,
  time: TIME_CASES,
  'timestamp authorities': STAMP_CASES,
}

export const ALL_CASES = Object.values(GROUPS).flat()
