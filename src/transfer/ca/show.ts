/** `ca show`: one's own certificates, as a tree from the roots down, what ends when, and what is revoked. */
import { isUnlisted, revocationOf, type IssuedList, type Revocation, type RevocationRegister } from '../../ca/index.ts'
import { readCaFolder, type CaEntry } from './folder.ts'
import { listing, type CaListing } from './listing.ts'
import { openRegister } from './register.ts'
import { nowOf, timeText, type RunOptions } from '../run/run.ts'

export interface CaShowOptions extends RunOptions {
  dir: string
}

export interface CaRevoked extends Pick<Revocation, 'serial' | 'subject' | 'reason' | 'revoked' | 'invalidity'> {
  /** When its hold ended; null while it is revoked. */
  released: string | null
  /** False while no list tells of it. */
  listed: boolean
}

/** What an authority has issued to revoke. */
export interface CaRevocation {
  /** The last whole list, and the last with changes alone; null when there is none. */
  base: IssuedList | null
  delta: IssuedList | null
  /** Where its delta lists lie. */
  deltaUrl: string | null
  /** When the next list must be there; null before the first. */
  due: string | null
  overdue: boolean
  /** Changes that no list tells of yet. */
  unlisted: number
  /** Without those whose hold ended before the last base list. */
  revoked: CaRevoked[]
}

export interface CaShown extends CaListing {
  /** How far below the topmost certificate of this folder. */
  depth: number
  validity: 'valid' | 'expired' | 'not yet valid'
  /** False when the key was taken elsewhere. */
  keyHere: boolean
  /** Why its issuer revoked it, when the issuer is in this folder too. */
  revoked: { reason: string; since: string } | null
  /** Of an authority; null for what issues nothing. */
  revocation: CaRevocation | null
}

export interface CaShowReport {
  dir: string
  /** Each followed by what it issued. */
  certificates: CaShown[]
  /** The first to end first. */
  ends: { name: string; notAfter: string }[]
}

function listOf({ number, thisUpdate, nextUpdate }: IssuedList): IssuedList {
  return { number, thisUpdate, nextUpdate }
}

function revocationShown(register: RevocationRegister, now: Date): CaRevocation {
  const { base, delta, deltaUrl, revocations } = register
  // A delta older than the base list that asks for one is worth nothing: it is due since that base was made.
  const current = delta !== null && base !== null && delta.number > base.number ? delta.nextUpdate : base?.thisUpdate
  const ends = base === null ? [] : [base.nextUpdate, ...(base.deltaUrl === null ? [] : [current ?? base.thisUpdate])]
  const due = ends.toSorted()[0] ?? null
  const told = revocations.filter(({ released, after }) => released === null || after >= (base?.number ?? 0))
  return {
    base: base && listOf(base),
    delta: delta && listOf(delta),
    deltaUrl,
    due,
    overdue: due !== null && due <= timeText(now),
    unlisted: told.filter((entry) => isUnlisted(register, entry)).length,
    revoked: told.map((entry) => {
      const { serial, subject, reason, revoked, invalidity, released } = entry
      return { serial, subject, reason, revoked, invalidity, released, listed: !isUnlisted(register, entry) }
    }),
  }
}

function shown(
  { name, delegation, algorithm, chain, keyHere }: CaEntry,
  depth: number,
  now: Date,
  registers: ReadonlyMap<string, RevocationRegister>,
): CaShown {
  const [own, issuer] = chain
  const validity = now < own.notBefore ? 'not yet valid' : now > own.notAfter ? 'expired' : 'valid'
  const above = issuer && registers.get(issuer.sha256)
  const noted = above && revocationOf(above, own.serial)
  const register = registers.get(own.sha256)
  return {
    ...listing(name, delegation, own, algorithm),
    depth,
    validity,
    keyHere,
    revoked: noted?.released === null ? { reason: noted.reason, since: noted.revoked } : null,
    revocation: register === undefined ? null : revocationShown(register, now),
  }
}

/** Every record is checked against its certificate and issuer. Throws CA_MALFORMED and what reading a file throws. */
export function caShow(options: CaShowOptions): CaShowReport {
  const now = nowOf(options)
  const entries = readCaFolder(options.dir)
  const authorities = entries.filter(({ delegation }) => ['root', 'ca'].includes(delegation.kind))
  const registers = new Map(authorities.map((entry) => [entry.chain[0].sha256, openRegister(entry)]))
  const known = new Set(entries.map(({ chain }) => chain[0].sha256))
  const below = Map.groupBy(entries, ({ delegation }) => {
    const issuer = delegation.from?.certificate
    // What was issued elsewhere stands at the top here: a delegate has his own part of the tree alone.
    return issuer !== undefined && known.has(issuer) ? issuer : undefined
  })
  const walk = (issuer: string | undefined, depth: number): CaShown[] =>
    (below.get(issuer) ?? []).flatMap((entry) => [
      shown(entry, depth, now, registers),
      ...walk(entry.chain[0].sha256, depth + 1),
    ])
  const certificates = walk(undefined, 0)
  const ends = certificates
    .map(({ name, notAfter }) => ({ name, notAfter }))
    .sort((a, b) => (a.notAfter === b.notAfter ? 0 : a.notAfter < b.notAfter ? -1 : 1))
  return { dir: options.dir, certificates, ends }
}
