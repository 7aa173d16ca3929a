/** Proves what was had under an address at once: whose it is, what it is, and when it holds. */
import { decodePem } from '../../codec/index.ts'
import { SallyportError, type Code } from '../../errors/index.ts'
import {
  compareNumbers,
  demandIssuedAnswer,
  demandIssuedList,
  demandPublishedAt,
  entryOf,
  isAhead,
  isRevokedForGood,
  parseAnswer,
  parseList,
  type OcspAnswer,
  type RevocationList,
} from '../../revocation/index.ts'
import type { Certificate } from '../../signature/index.ts'
import type { WantedAnswer, WantedDelta, WantedList } from './wants.ts'
import { timeText } from '../run/run.ts'

/** A list or answer as it travels: proven, and by whom it must be proven again. */
export interface CollectedList {
  kind: 'list' | 'delta'
  url: string
  issuer: Certificate
  list: RevocationList
}

export interface CollectedAnswer {
  kind: 'answer'
  url: string
  issuer: Certificate
  serial: string
  answer: OcspAnswer
}

export type Collected = CollectedList | CollectedAnswer

const PEM_HEAD = Buffer.from('-----BEGIN')

/** The DER of a list, which servers give in PEM too. */
function derOf(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, PEM_HEAD.length).equals(PEM_HEAD)) return bytes
  return decodePem('X509 CRL', bytes.toString('latin1')) ?? bytes
}

/** A list in DER or PEM. Throws as `parseList`. */
export function readList(bytes: Buffer): RevocationList {
  return parseList(derOf(bytes))
}

/** Why a delta does not go with its base, by scope and numbers. */
function deltaFault(
  delta: RevocationList,
  base: RevocationList,
): ['LIST_INVALID' | 'LIST_BASE_MISSING' | 'LIST_ROLLBACK', string] | undefined {
  const scope = ({ issuingPoint }: RevocationList): Buffer => issuingPoint?.der ?? Buffer.alloc(0)
  if (!scope(delta).equals(scope(base))) return ['LIST_INVALID', 'it has another scope than its base']
  if (compareNumbers(delta.deltaBase ?? '0', base.number) > 0)
    return ['LIST_BASE_MISSING', 'it builds on a newer list than the one that was had']
  return compareNumbers(delta.number, base.number) < 0 ? ['LIST_ROLLBACK', 'it is older than its base'] : undefined
}

/**
 * The list as what was wanted. Throws LIST_INVALID, also for a delta where a whole list is wanted and the reverse;
 * LIST_BASE_MISSING, LIST_ROLLBACK for a delta that does not go with its base.
 */
export function demandWantedList(list: RevocationList, wanted: WantedList | WantedDelta): CollectedList {
  const { kind, url, issuer } = wanted
  const fault = (code: Code, detail: string): SallyportError =>
    new SallyportError(code, { side: 'source', subject: url, detail })
  if ((kind === 'delta') !== (list.deltaBase !== undefined))
    throw fault('LIST_INVALID', kind === 'delta' ? 'a whole list for a delta' : 'a delta for the whole list')
  demandIssuedList(list, issuer)
  // Of a delta it is the address of its base: they have one scope.
  demandPublishedAt(list, 'baseUrl' in wanted ? wanted.baseUrl : url)
  const apart = wanted.kind === 'delta' ? deltaFault(list, wanted.base) : undefined
  if (apart !== undefined) throw fault(...apart)
  return { kind, url, issuer, list }
}

/** The answer as what was wanted. Throws ANSWER_INVALID; LIST_UNAVAILABLE when the responder does not know. */
export function proveAnswer(der: Buffer, { url, issuer, certificate }: WantedAnswer, now: Date): CollectedAnswer {
  const answer = parseAnswer(der)
  demandIssuedAnswer(answer, issuer, now)
  const { serial } = certificate
  const entry = entryOf(answer, issuer, serial)
  if (entry === undefined || entry.status === 'unknown')
    throw new SallyportError('LIST_UNAVAILABLE', {
      side: 'source',
      subject: url,
      detail: 'the responder does not know this certificate',
    })
  return { kind: 'answer', url, issuer, serial, answer }
}

/** From when until when it holds. */
export function timesOf(collected: Collected): { thisUpdate: Date; nextUpdate: Date } {
  if (collected.kind !== 'answer') return collected.list
  const entry = entryOf(collected.answer, collected.issuer, collected.serial)
  if (entry === undefined) throw new TypeError('an answer without its entry')
  return entry
}

/** True for an answer that nothing later takes back. */
export function isForGood(collected: Collected): boolean {
  if (collected.kind !== 'answer') return false
  const entry = entryOf(collected.answer, collected.issuer, collected.serial)
  return entry !== undefined && isRevokedForGood(entry)
}

/**
 * True when the first of two about one thing travels: what is revoked for good, then what holds for longer. Stops one
 * responder that was not told yet from keeping on this side what another one knows.
 */
export function outweighs(one: Collected, other: Collected): boolean {
  if (isForGood(one) !== isForGood(other)) return isForGood(one)
  return timesOf(one).nextUpdate > timesOf(other).nextUpdate
}

/**
 * The fault of its dates: LIST_FUTURE, which the far side refuses; LIST_STALE, which can still say who is revoked. An
 * answer that revokes for good goes stale for nobody.
 */
export function dateFault(collected: Collected, now: Date): SallyportError | undefined {
  const { thisUpdate, nextUpdate } = timesOf(collected)
  const fault = (code: 'LIST_FUTURE' | 'LIST_STALE', detail: string): SallyportError =>
    new SallyportError(code, { side: 'source', subject: collected.url, detail })
  if (isAhead(thisUpdate, now)) return fault('LIST_FUTURE', `it begins ${timeText(thisUpdate)}`)
  return nextUpdate < now && !isForGood(collected)
    ? fault('LIST_STALE', `its next update was due ${timeText(nextUpdate)}`)
    : undefined
}
