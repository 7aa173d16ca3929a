/** Questions on revocation: lists in force, denials, certificates, and the artifacts that hang on them. */
import type { Digest } from '../oci/index.ts'
import type { SignatureChains, Verdict } from './entry.ts'
import type { IndexReader } from './index-db.ts'
import type { JournalRow } from './journal-row.ts'
import type { Ledger } from './ledger.ts'
import { moreOf, wholeRow } from './more-rows.ts'
import { Queries } from './queries.ts'
import type { SettledJudgements } from './settled-judgements.ts'
import type { TrustedSignature } from './trusted-signature.ts'
import type { ArtifactPlace, Denial, KnownCertificate, ListRow, Origin, Quarantine } from './revocation-entry.ts'

/** The list that is in force in its place. */
export interface HeldList extends ListRow {
  /** The row that brought it, and its time. */
  n: number
  time: string
}

export interface HeldDenial extends Denial {
  from: Origin
  n: number
}

/** What the site thinks of an artifact in its place, by its newest verdict. */
export interface JudgedPlace extends ArtifactPlace {
  verdict: Verdict['verdict']
  /** Of the trust material that judged; absent where the channel alone was judged. */
  policy?: Digest | undefined
  /** Of what it asked of the repository. */
  basis?: Digest | undefined
  /** The row of the verdict: it knew all that was journaled before. */
  n: number
  /** The first row that no longer trusted it, since a row last did: it was let in once, and may lie there. */
  fell?: number | undefined
  /** The last row that trusted it and names signatures, where that is an older one. */
  stood?: number | undefined
  /** It was looked for, and is not there. */
  absent?: true | undefined
  /** It holds manifests by another hash than its own: what a denial names by its own may be one of them. */
  mixed?: true | undefined
}

export interface RecordedVerdict extends Omit<Verdict, 'target' | 'path'>, ArtifactPlace {
  n: number
  time: string
}

/** What changed since the last `rejudged` row and was not looked at yet. */
export interface Pending {
  /** Of the last `rejudged` row; 0 without one. */
  through: number
  /** The trust material it was done with. */
  policy?: Digest | undefined
  /** `before` is what was in force when it was looked at last, its bytes are still there. */
  lists: { list: HeldList; before: HeldList | undefined }[]
  denials: HeldDenial[]
}

/** A target that was forgotten. */
export interface Forgotten {
  /** The row that forgot it. */
  n: number
  /** The first row since that has to do with it; undefined while it is forgotten. */
  used?: number | undefined
}

/** An artifact that was let in before places were written down: nobody knows where it lies, so that nothing judges it again. */
export interface UnplacedVerdict {
  /** As its bundle called it. */
  repository: string
  digest: Digest
  n: number
}

export interface Quarantined extends Quarantine {
  n: number
  time: string
}

export interface Expectation {
  channel: string
  /** Seconds. */
  every: number
  /** When it was said. */
  since: string
  /** When the last bundle of the channel was accepted. */
  last: string | undefined
}

/** Reads a row of the journal again, proven. */
export type RowReader = (n: number) => Promise<JournalRow>

export class RevocationQueries extends Queries {
  readonly #row: RowReader

  constructor(ledger: () => Ledger, index: IndexReader, row: RowReader) {
    super(ledger, index)
    this.#row = row
  }

  get #judged(): SettledJudgements {
    return this.ledger.judged.settled
  }

  /** The lists and answers in force, in the order they came. */
  heldLists(): HeldList[] {
    return this.ledger.revocation.lists()
  }

  /** The denials in force, oldest first. */
  denials(): HeldDenial[] {
    return this.ledger.revocation.denials()
  }

  /** By the SHA-256 of its DER, hex. */
  certificate(sha256: string): KnownCertificate | undefined {
    return this.#judged.certificate(sha256)
  }

  /** The certificates that this key issued, itself among them for a root. */
  certificatesOf(issuer: string): KnownCertificate[] {
    return this.#judged.certificatesOf(issuer)
  }

  /** Of these all but what only artifacts of forgotten targets hang on. */
  certificatesInUse(issuer: string): KnownCertificate[] {
    // Nearly every site: a root's artifacts are all there are.
    if (!this.ledger.judged.anyForgotten) return this.certificatesOf(issuer)
    return this.certificatesOf(issuer).filter(({ sha256 }) => {
      const places = this.artifactsOf(sha256)
      return places.length === 0 || places.some(({ target }) => !this.isForgotten(target))
    })
  }

  /** Every issuer of a known certificate, by the SHA-256 of its SPKI, sorted. */
  issuers(): string[] {
    return this.#judged.issuers()
  }

  /**
   * The artifacts with a verdict that ever named this certificate in a chain, timestamps' and refused signatures'
   * included: a signature that stopped counting may count again.
   */
  artifactsOf(certificate: string): JudgedPlace[] {
    return this.#judged.artifactsOf(certificate)
  }

  /** What the site thinks of an artifact in its place; undefined for one that was never judged there. */
  judgedAt(place: ArtifactPlace): JudgedPlace | undefined {
    return this.#judged.at(place)
  }

  /** The places of an artifact. */
  artifactsWith(digest: Digest): JudgedPlace[] {
    return this.#judged.artifactsWith(digest)
  }

  /** The places of the indexes that were judged with this manifest within. */
  artifactsHolding(digest: Digest): JudgedPlace[] {
    return this.#judged.artifactsHolding(digest)
  }

  /** SHA-256 of the certificates that any verdict named for an artifact in its place. */
  certificatesBehind(place: ArtifactPlace): string[] {
    return this.#judged.certificatesBehind(place)
  }

  /** The signatures that the newest verdict of an artifact in its place trusts; none where it trusts unseen, or not. */
  trustedSignatures(place: ArtifactPlace): TrustedSignature[] {
    return this.#judged.trustedSignatures(place)
  }

  /** All that was judged with its place. */
  judgedArtifacts(): Iterable<JudgedPlace> {
    return this.#judged.artifacts()
  }

  /**
   * The newest verdict of an artifact in its place; undefined without one. Read from the journal.
   * Throws JOURNAL_BROKEN when the row is not what was proven at the start.
   */
  async verdictOf(place: ArtifactPlace): Promise<RecordedVerdict | undefined> {
    const judged = this.judgedAt(place)
    return judged === undefined ? undefined : verdictIn(await this.#whole(judged.n), this.#judged)
  }

  /**
   * The newest verdict of an artifact in its place that trusted it by signatures, which it names; undefined where none
   * did. Throws as {@link verdictOf}.
   */
  async trustedVerdictOf(place: ArtifactPlace): Promise<RecordedVerdict | undefined> {
    const judged = this.judgedAt(place)
    if (judged === undefined) return undefined
    const recorded = verdictIn(await this.#whole(judged.stood ?? judged.n), this.#judged)
    return recorded.verdict === 'trusted' && (recorded.signatures ?? []).length > 0 ? recorded : undefined
  }

  /** The row with the lists that stand before it. */
  async #whole(n: number): Promise<JournalRow> {
    const row = await this.#row(n)
    const before: JournalRow[] = []
    for (let at = n - moreOf(row); at < n; at++) before.push(await this.#row(at))
    return wholeRow(row, before)
  }

  /** What changed since the last `rejudged` row: take `head.n` first, and say it in the next one. */
  pending(): Pending {
    const { revocation } = this.ledger
    const { through, policy } = revocation.rejudged
    return {
      through,
      policy,
      lists: revocation.unseen(),
      denials: revocation.denials().filter(({ n }) => n > through),
    }
  }

  /** The last `rejudged` row, 0 without one: what fell before it was told of. */
  get rejudgedAt(): number {
    return this.ledger.revocation.rejudged.n
  }

  /** The newest measure against each artifact that was not released since, oldest first. */
  quarantined(): Quarantined[] {
    return this.ledger.judged.quarantined()
  }

  /** True for a target that is used no more: what lies there is nobody's to judge again. */
  isForgotten(target: string): boolean {
    const forgotten = this.ledger.judged.forgotten(target)
    return forgotten !== undefined && forgotten.used === undefined
  }

  /**
   * True for an artifact of a target that was forgotten and is used again, when no verdict has come since: what changed
   * meanwhile was looked at for others.
   */
  isStale({ target, n }: JudgedPlace): boolean {
    return n < (this.ledger.judged.forgotten(target)?.used ?? 0)
  }

  /** What was let in with no place written down, and was not judged with one since; oldest first. */
  unplaced(): UnplacedVerdict[] {
    return this.ledger.judged.unplaced()
  }

  /** The newest measure against one artifact, if it was not released since; without a look at the others. */
  quarantinedAt(place: ArtifactPlace): Quarantined | undefined {
    return this.ledger.judged.quarantinedAt(place)
  }

  /** When the last bundle of the channel was accepted, by the clock of then. */
  heard(channel: string): string | undefined {
    return this.ledger.heard(channel)
  }

  /** False while the channel's newest bundle was not brought since the state came back from a backup: it may lack some. */
  isHeardSinceRestore(channel: string): boolean {
    return this.ledger.isHeardSinceRestore(channel)
  }

  /** The pinned channels of which bundles are expected, by name. */
  expectations(): Expectation[] {
    const { ledger } = this
    return ledger
      .expected()
      .filter(({ channel }) => ledger.channels.get(channel)?.pinned === true)
      .map((expected) => ({ ...expected, last: ledger.heard(expected.channel) }))
  }
}

function verdictIn(row: JournalRow, judged: SettledJudgements): RecordedVerdict {
  const { prev: _prev, sum: _sum, tenant: _tenant, kind: _kind, ...body } = row
  const recorded = body as unknown as RecordedVerdict
  // Where the verdict has its place, numbers stand for certificates.
  const hashes = (chain: readonly (string | number)[]): string[] => judged.hashes(chain.map(Number))
  const named = <T extends SignatureChains>(signature: T): T => ({
    ...signature,
    chain: hashes(signature.chain),
    ...(signature.timestampChain === undefined ? {} : { timestampChain: hashes(signature.timestampChain) }),
  })
  return {
    ...recorded,
    ...(recorded.signatures === undefined ? {} : { signatures: recorded.signatures.map(named) }),
    ...(recorded.refused === undefined ? {} : { refused: recorded.refused.map(named) }),
  }
}
