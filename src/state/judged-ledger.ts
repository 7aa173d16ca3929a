/**
 * The fold of what hangs on which certificate. It is taken from the journal and not from LevelDB: an artifact that an
 * index has silently lost would stay as it is when its signer is revoked.
 */
import type { JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { algorithmOf, isDigest, type Digest } from '../oci/index.ts'
import { countOf, digestIn, hashIn, objectsOf, oneOf, textOf, textsOf } from './fields.ts'
import type { JournalRow } from './journal-row.ts'
import { LayeredMap } from './layered-map.ts'
import { MEASURES, OUTCOMES, type ArtifactPlace, type KnownCertificate } from './revocation-entry.ts'
import { SettledJudgements, type Judgement } from './settled-judgements.ts'
import { trustedIn } from './trusted-signature.ts'
import type { Forgotten, Quarantined, UnplacedVerdict } from './revocation-queries.ts'

/** The reason of a verdict on what was looked for and is not there. */
const ABSENT = 'MANIFEST_MISSING'

const VERDICTS = ['trusted', 'rejected', 'inconclusive'] as const

function unplacedKey(repository: string, digest: Digest): string {
  return `${repository}@${digest}`
}

function placeKey({ target, path, digest }: ArtifactPlace): string {
  return [digest, target, path].join('\0')
}

export class JudgedLedger {
  /** As of the last rows that were settled. */
  readonly settled: SettledJudgements
  readonly #certificates: KnownCertificate[]
  readonly #byHash: Map<string, number>
  readonly #judgements: Judgement[]
  readonly #quarantined: LayeredMap<string, Quarantined>
  /** By target: the row that forgot it, and the one that used it again. */
  readonly #forgotten: LayeredMap<string, Forgotten>
  /** By repository and digest. */
  readonly #unplaced: LayeredMap<string, UnplacedVerdict>

  constructor(from?: JudgedLedger) {
    this.settled = from?.settled ?? new SettledJudgements()
    this.#certificates = from === undefined ? [] : from.#certificates.slice()
    this.#byHash = new Map(from === undefined ? undefined : from.#byHash)
    this.#judgements = from === undefined ? [] : from.#judgements.slice()
    this.#quarantined = new LayeredMap(from === undefined ? undefined : from.#quarantined)
    this.#forgotten = new LayeredMap(from === undefined ? undefined : from.#forgotten)
    this.#unplaced = new LayeredMap(from === undefined ? undefined : from.#unplaced)
  }

  /** Makes what was added part of what is shared: questions on artifacts see it from then on. */
  settle(): void {
    for (const known of this.#certificates) this.settled.know(known)
    for (const judgement of this.#judgements) this.settled.judge(judgement)
    this.#certificates.length = 0
    this.#byHash.clear()
    this.#judgements.length = 0
    this.#quarantined.settle()
    this.#unplaced.settle()
    this.#forgotten.settle()
  }

  /** How many certificates are known: the highest number. */
  get count(): number {
    return this.settled.count + this.#certificates.length
  }

  numberOf(sha256: string): number | undefined {
    return this.#byHash.get(sha256) ?? this.settled.numberOf(sha256)
  }

  quarantined(): Quarantined[] {
    return [...this.#quarantined.values()].sort((a, b) => a.n - b.n)
  }

  get anyForgotten(): boolean {
    for (const { used } of this.#forgotten.values()) if (used === undefined) return true
    return false
  }

  forgotten(target: string): Forgotten | undefined {
    return this.#forgotten.get(target)
  }

  unplaced(): UnplacedVerdict[] {
    return [...this.#unplaced.values()].sort((a, b) => a.n - b.n)
  }

  quarantinedAt(place: ArtifactPlace): Quarantined | undefined {
    return this.#quarantined.get(placeKey(place))
  }

  /** A `certificates` row, which numbers on from the last. */
  know(row: JournalRow): void {
    if (countOf(row, 'first') !== this.count + 1) throw new TypeError('certificates are not numbered on')
    const fresh = objectsOf(row, 'certificates').map(certificateIn)
    if (new Set(fresh.map(({ sha256 }) => sha256)).size < fresh.length)
      throw new TypeError('a certificate stands twice')
    for (const { sha256 } of fresh)
      if (this.numberOf(sha256) !== undefined) throw new TypeError(`${sha256} has a number`)
    for (const known of fresh) {
      this.#certificates.push(known)
      this.#byHash.set(known.sha256, this.count)
    }
  }

  /** A `verdict` row. One without a place is of the time before places were written down. */
  judge(row: JournalRow): void {
    if (row['target'] === undefined && row['path'] === undefined) return this.#judgeUnplaced(row)
    const certificates = new Set<number>()
    for (const name of ['signatures', 'refused']) {
      if (row[name] === undefined) continue
      for (const signature of objectsOf(row, name)) {
        this.#demandKnown(signature, 'chain', certificates)
        if (signature['timestampChain'] !== undefined) this.#demandKnown(signature, 'timestampChain', certificates)
      }
    }
    const policy = row['policy'] === undefined ? {} : { policy: digestIn(row, 'policy') }
    const basis = row['basis'] === undefined ? {} : { basis: digestIn(row, 'basis') }
    const within = row['within'] === undefined ? [] : textsOf(row, 'within').map(demandDigest)
    const absent = row['why'] === ABSENT ? { absent: true as const } : {}
    const artifact = placeIn(row)
    const hash = algorithmOf(artifact.digest)
    const mixed = within.some((digest) => algorithmOf(digest) !== hash) ? { mixed: true as const } : {}
    const place = {
      ...artifact,
      verdict: oneOf(row, 'verdict', VERDICTS),
      ...policy,
      ...basis,
      n: row.n,
      ...absent,
      ...mixed,
    }
    const trusted = trustedIn(row)
    const signed = place.verdict === 'trusted' && trusted.length > 0
    this.#judgements.push({ place, signed, trusted, certificates, within })
    this.use(row)
    const unplaced = typeof row['repository'] === 'string' ? unplacedKey(row['repository'], place.digest) : ''
    if (this.#unplaced.get(unplaced) !== undefined) this.#unplaced.delete(unplaced)
  }

  /** What was let in then may lie somewhere, whatever a later verdict says: only one with a place ends that. */
  #judgeUnplaced(row: JournalRow): void {
    if (oneOf(row, 'verdict', VERDICTS) !== 'trusted') return
    const { repository, digest } = { repository: textOf(row, 'repository'), digest: digestIn(row, 'digest') }
    this.#unplaced.set(unplacedKey(repository, digest), { repository, digest, n: row.n })
  }

  /** A `forget` row. */
  forget(row: JournalRow): void {
    textOf(row, 'reason')
    this.#forgotten.set(textOf(row, 'target'), { n: row.n })
  }

  /** A row that puts something at a target, or says what is thought of something there. */
  use(row: JournalRow): void {
    const target = textOf(row, 'target')
    const forgotten = this.#forgotten.get(target)
    if (forgotten !== undefined && forgotten.used === undefined)
      this.#forgotten.set(target, { ...forgotten, used: row.n })
  }

  /** A `quarantine` row. */
  quarantine(row: JournalRow): void {
    const place = placeIn(row)
    this.#quarantined.set(placeKey(place), {
      ...place,
      measure: oneOf(row, 'measure', MEASURES),
      outcome: oneOf(row, 'outcome', OUTCOMES),
      detail: textOf(row, 'detail'),
      tags: textsOf(row, 'tags'),
      ...(row['at'] === undefined ? {} : { at: textOf(row, 'at') }),
      n: row.n,
      time: row.time,
    })
  }

  /** A `release` row. Throws QUARANTINE_UNKNOWN. */
  release(row: JournalRow): void {
    const place = placeIn(row)
    textOf(row, 'reason')
    if (textsOf(row, 'by').length === 0) throw new TypeError('released by nobody')
    const key = placeKey(place)
    if (this.#quarantined.get(key) === undefined)
      throw new SallyportError('QUARANTINE_UNKNOWN', {
        side: 'state',
        subject: `${place.path}@${place.digest}`,
        detail: place.target,
      })
    this.#quarantined.delete(key)
  }

  /** Stops a verdict whose certificates nobody could look up: their revocation would find nothing. */
  #demandKnown(signature: JsonObject, name: string, into: Set<number>): void {
    const chain = signature[name]
    if (!Array.isArray(chain)) throw new TypeError(`member ${name} is no list`)
    const { count } = this
    for (const number of chain) {
      if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > count)
        throw new TypeError(`no certificate has the number ${JSON.stringify(number)}`)
      into.add(number)
    }
  }
}

function demandDigest(digest: string): Digest {
  if (!isDigest(digest)) throw new TypeError(`no digest: ${digest}`)
  return digest
}

function placeIn(row: JsonObject): ArtifactPlace {
  return { target: textOf(row, 'target'), path: textOf(row, 'path'), digest: digestIn(row, 'digest') }
}

function certificateIn(item: JsonObject): KnownCertificate {
  return {
    sha256: hashIn(item, 'sha256'),
    spki: hashIn(item, 'spki'),
    issuer: hashIn(item, 'issuer'),
    serial: textOf(item, 'serial'),
    notAfter: textOf(item, 'notAfter'),
    subject: typeof item['subject'] === 'string' ? item['subject'] : textOf(item, 'subject'),
    crlUrls: textsOf(item, 'crlUrls'),
    ocspUrls: textsOf(item, 'ocspUrls'),
  }
}
