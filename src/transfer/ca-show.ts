/** `ca show`: one's own certificates, as a tree from the roots down, and what ends when. */
import { readCaFolder, type CaEntry } from './ca-folder.ts'
import { listing, type CaListing } from './ca-listing.ts'
import { nowOf, type RunOptions } from './run.ts'

export interface CaShowOptions extends RunOptions {
  dir: string
}

export interface CaShown extends CaListing {
  /** How far below the topmost certificate of this folder. */
  depth: number
  validity: 'valid' | 'expired' | 'not yet valid'
  /** False when the key was taken elsewhere. */
  keyHere: boolean
}

export interface CaShowReport {
  dir: string
  /** Each followed by what it issued. */
  certificates: CaShown[]
  /** The first to end first. */
  ends: { name: string; notAfter: string }[]
}

function shown({ name, delegation, algorithm, chain, keyHere }: CaEntry, depth: number, now: Date): CaShown {
  const [own] = chain
  const validity = now < own.notBefore ? 'not yet valid' : now > own.notAfter ? 'expired' : 'valid'
  return { ...listing(name, delegation, own, algorithm), depth, validity, keyHere }
}

/** Every record is checked against its certificate and issuer. Throws CA_MALFORMED and what reading a file throws. */
export function caShow(options: CaShowOptions): CaShowReport {
  const now = nowOf(options)
  const entries = readCaFolder(options.dir)
  const known = new Set(entries.map(({ chain }) => chain[0].sha256))
  const below = Map.groupBy(entries, ({ delegation }) => {
    const issuer = delegation.from?.certificate
    // What was issued elsewhere stands at the top here: a delegate has his own part of the tree alone.
    return issuer !== undefined && known.has(issuer) ? issuer : undefined
  })
  const walk = (issuer: string | undefined, depth: number): CaShown[] =>
    (below.get(issuer) ?? []).flatMap((entry) => [shown(entry, depth, now), ...walk(entry.chain[0].sha256, depth + 1)])
  const certificates = walk(undefined, 0)
  const ends = certificates
    .map(({ name, notAfter }) => ({ name, notAfter }))
    .sort((a, b) => (a.notAfter === b.notAfter ? 0 : a.notAfter < b.notAfter ? -1 : 1))
  return { dir: options.dir, certificates, ends }
}
