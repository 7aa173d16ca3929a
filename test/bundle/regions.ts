/** The regions of a bundle, and the one table that says which codes damage in each of them may give. */
import { memoryInput } from '../../src/bundle/index.ts'
import { MemberReader } from '../../src/bundle/member-reader.ts'
import type { Code } from '../../src/errors/index.ts'

export type Kind = keyof typeof CODES_OF

export interface Region {
  kind: Kind
  member: string
  from: number
  to: number
}

/** What one flipped bit gives. Anything else is a failure, acceptance above all. */
export const CODES_OF = {
  header: ['TAR_HEADER'],
  // A PAX record has no checksum of its own: another digit of the digest is another blob's name.
  'pax record': ['TAR_TYPE', 'TAR_HEADER', 'TAR_ORDER'],
  padding: ['TAR_PADDING'],
  'oci-layout': ['LAYOUT_MALFORMED'],
  'pinned root': ['ROOT_UNKNOWN'],
  'later root': ['METADATA_MALFORMED', 'SIGNATURE_INVALID', 'ALGORITHM_REFUSED', 'CHANNEL_MISMATCH'],
  'timestamp text': ['METADATA_MALFORMED', 'SIGNATURE_INVALID'],
  'snapshot text': ['METADATA_MALFORMED', 'METADATA_MIXED'],
  'targets signed': ['METADATA_MALFORMED', 'METADATA_MIXED'],
  'targets signatures': ['METADATA_MALFORMED', 'SIGNATURE_INVALID', 'APPROVAL_MISSING'],
  'slot filling': ['METADATA_MALFORMED'],
  promise: ['DIGEST_MISMATCH'],
  law: ['DIGEST_MISMATCH'],
  payload: ['DIGEST_MISMATCH'],
  'end mark': ['TAR_END'],
} as const satisfies Record<string, readonly Code[]>

const BLOCK = 512

function slotRegions(part: string, member: string, body: Buffer, at: number): Region[] {
  const text = body.toString('latin1').trimEnd().length
  const filling: Region = { kind: 'slot filling', member, from: at + text, to: at + body.length }
  if (part !== 'targets')
    return [
      { kind: part === 'timestamp' ? 'timestamp text' : 'snapshot text', member, from: at, to: at + text },
      filling,
    ]
  const signed = body.indexOf(',"signatures":')
  return [
    { kind: 'targets signed', member, from: at, to: at + signed },
    { kind: 'targets signatures', member, from: at + signed, to: at + text },
    filling,
  ]
}

function bodyRegions(member: string, body: Buffer, at: number, law: ReadonlySet<string>): Region[] {
  const part = /^metadata\/[^/]+\/(.+)\.json$/.exec(member)?.[1]
  const of = (kind: Kind): Region[] => [{ kind, member, from: at, to: at + body.length }]
  if (part === '1.root') return of('pinned root')
  if (part?.endsWith('.root') === true) return of('later root')
  if (part !== undefined) return slotRegions(part, member, body, at)
  if (member === 'oci-layout') return of('oci-layout')
  if (!member.startsWith('blobs/')) return of('promise')
  return of(law.has(member) ? 'law' : 'payload')
}

/** Every byte of a genuine bundle in one region. @param law - names of the members that are judged before payload */
export async function regionsOf(tar: Buffer, law: ReadonlySet<string>): Promise<Region[]> {
  const regions: Region[] = []
  const reader = new MemberReader(memoryInput([tar]))
  let promised = false
  for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
    const { name, headerAt, bodyAt } = member
    for (let at = headerAt; at < bodyAt; at += BLOCK) {
      const record = bodyAt - headerAt > BLOCK && at === headerAt + BLOCK
      regions.push({ kind: record ? 'pax record' : 'header', member: name, from: at, to: at + BLOCK })
    }
    const body = await reader.whole(member)
    // Behind the promise, what is no blob is of a passenger, and the sums name every byte of it.
    const aboard: Region = { kind: 'promise', member: name, from: bodyAt, to: bodyAt + body.length }
    regions.push(...(promised && !name.startsWith('blobs/') ? [aboard] : bodyRegions(name, body, bodyAt, law)))
    promised ||= name === 'index.json'
    regions.push({ kind: 'padding', member: name, from: bodyAt + body.length, to: reader.at })
  }
  regions.push({ kind: 'end mark', member: 'the end', from: tar.length - 2 * BLOCK, to: tar.length })
  return regions.filter(({ from, to }) => to > from)
}
