/** The lists and answers that a state holds, read from it when they are asked for, and those that were let in since. */
import type { Digest } from '../../oci/index.ts'
import {
  entryOf,
  isForever,
  isRevokedForGood,
  parseAnswer,
  parseList,
  readKept,
  type AnswerStatus,
  type KeptEntries,
  type ListEntry,
  type OcspAnswer,
  type RevocationList,
} from '../../revocation/index.ts'
import { parseCertificate } from '../../signature/index.ts'
import type { HeldList, ListForm, ListPlace } from '../../state/index.ts'

/** What a state gives of them; a site without one holds nothing. */
export interface ListStore {
  heldLists(): HeldList[]
  listBytes(digest: Digest): Promise<Buffer | undefined>
}

/** A list in force with what goes with it. Its bytes may be lost: then it still says what must not come back. */
export interface InForce {
  row: Pick<HeldList, 'number' | 'thisUpdate' | 'nextUpdate' | 'digest' | 'forGood'> | undefined
  list?: RevocationList | undefined
  answer?: OcspAnswer | undefined
  kept?: KeptEntries | undefined
  /** What was kept beside it can't be read any more. */
  keptLost?: boolean | undefined
  /** DER. */
  issuerCertificate?: Buffer | undefined
}

function keyOf({ issuer, form, url, serial }: ListPlace): string {
  return [issuer, form, form === 'answer' ? serial : url].join('\0')
}

export class HeldLists {
  readonly #store: ListStore | undefined
  readonly #rows: Map<string, HeldList>
  readonly #read: Map<string, InForce>
  /** One list may lie at several addresses: it is parsed, and later proven, once. */
  readonly #parsed = new Map<Digest, RevocationList>()

  readonly #disputed: Set<string>

  constructor(
    store: ListStore | undefined,
    read: ReadonlyMap<string, InForce> = new Map(),
    disputed: ReadonlySet<string> = new Set(),
  ) {
    this.#store = store
    this.#read = new Map(read)
    this.#disputed = new Set(disputed)
    this.#rows = new Map(store?.heldLists().map((row) => [keyOf(row), row]))
  }

  /** What is let in later, into the one or the other, stays there. */
  copy(): HeldLists {
    return new HeldLists(this.#store, this.#read, this.#disputed)
  }

  /** The addresses under which lists of this form are held for an issuer. */
  urls(issuer: string, form: Exclude<ListForm, 'answer'>): string[] {
    const prefix = keyOf({ issuer, form, url: '' })
    const keys = new Set([...this.#rows.keys(), ...this.#read.keys()])
    return [...keys].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  }

  /** What was read already; undefined when nothing is held there, or it was not asked for before. */
  at(place: ListPlace): InForce | undefined {
    return this.#read.get(keyOf(place))
  }

  /** Reads it from the state; bytes that are missing or damaged count as not held. */
  async load(place: ListPlace): Promise<InForce | undefined> {
    const key = keyOf(place)
    const known = this.#read.get(key)
    const row = this.#rows.get(key)
    if (known !== undefined || row === undefined) return known
    const found = await readInForce(this.#store, row, this.#parsed)
    this.#read.set(key, found)
    return found
  }

  /** Something came for the place that could not be let in: for this run, who is not revoked by it is not known. */
  dispute(place: ListPlace): void {
    this.#disputed.add(keyOf(place))
  }

  isDisputed(place: ListPlace): boolean {
    return this.#disputed.has(keyOf(place))
  }

  /** True when what is held there revokes the issuer's certificate of this number for good. */
  async revokesForGood(place: ListPlace, serial: string): Promise<boolean> {
    const held = await this.load(place)
    const said = held && saysOf(held)(serial)
    return said !== undefined && isRevokedForGood(said)
  }

  put(place: ListPlace, inForce: InForce): void {
    this.#read.set(keyOf(place), inForce)
  }
}

/** What is said of one certificate; an entry of a list counts as revoked, also where its reason takes that back. */
export type Said = { status: AnswerStatus } & Partial<
  Pick<ListEntry, 'revoked' | 'reason' | 'invalidity' | 'unknownCritical'>
>

/** What a list with its kept entries, or an answer, says of the issuer's certificate of a serial number. */
export function saysOf({ list, kept, answer, issuerCertificate }: InForce): (serial: string) => Said | undefined {
  if (answer === undefined)
    return (serial) => {
      const named = list?.find(serial)
      // What is kept is for good: stops a later list from making a hold of it, which a delta then lifts.
      const entry = named !== undefined && isForever(named) ? named : (kept?.find(serial) ?? named)
      return entry && { ...entry, status: 'revoked' }
    }
  const issuer = issuerCertificate && parseCertificate(issuerCertificate)
  return (serial) => issuer && entryOf(answer, issuer, serial)
}

/**
 * A list or answer that a row names, with what goes with it. Bytes that are missing or damaged count as not held.
 * @param parsed - lists that were read before, by digest
 */
export async function readInForce(
  store: Pick<ListStore, 'listBytes'> | undefined,
  row: HeldList,
  parsed: Map<Digest, RevocationList> = new Map(),
): Promise<InForce> {
  const bytes = await store?.listBytes(row.digest)
  const kept = row.kept === undefined ? undefined : await store?.listBytes(row.kept)
  const found: InForce = {
    row,
    issuerCertificate: await store?.listBytes(row.issuerCertificate),
    keptLost: row.kept !== undefined && kept === undefined,
    ...(kept === undefined ? {} : { kept: readKept(kept) }),
  }
  // What can't be read in full says nothing: that it drops a certificate would not be seen.
  if (bytes === undefined || found.keptLost === true) return found
  if (row.form === 'answer') return { ...found, answer: parseAnswer(bytes) }
  const list = parsed.get(row.digest) ?? parseList(bytes)
  parsed.set(row.digest, list)
  return { ...found, list }
}
