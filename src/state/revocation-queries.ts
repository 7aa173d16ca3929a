/** Questions on revocation: lists in force, denials, certificates, and the artifacts that hang on them. */
import type { Digest } from '../oci/index.ts'
import { Queries } from './queries.ts'
import type { Verdict } from './entry.ts'
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
  /** The row of the verdict: it knew all that was journaled before. */
  n: number
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

export class RevocationQueries extends Queries {
  /** The lists and answers in force, in the order they came. */
  heldLists(): HeldList[] {
    throw new Error('not yet')
  }

  /** The denials in force, oldest first. */
  denials(): HeldDenial[] {
    throw new Error('not yet')
  }

  /** By the SHA-256 of its DER, hex. */
  certificate(_sha256: string): KnownCertificate | undefined {
    throw new Error('not yet')
  }

  /** The certificates that this key issued, itself among them for a root. */
  certificatesOf(_issuer: string): KnownCertificate[] {
    throw new Error('not yet')
  }

  /** Every issuer of a known certificate, by the SHA-256 of its SPKI. */
  issuers(): string[] {
    throw new Error('not yet')
  }

  /** The artifacts with a verdict that ever named this certificate in a chain, timestamps' included. */
  artifactsOf(_certificate: string): JudgedPlace[] {
    throw new Error('not yet')
  }

  /** The places of an artifact. */
  artifactsWith(_digest: Digest): JudgedPlace[] {
    throw new Error('not yet')
  }

  /** All that was judged with its place, oldest first. */
  judgedArtifacts(): Iterable<JudgedPlace> {
    throw new Error('not yet')
  }

  /** The newest verdict of an artifact in its place, read from the journal and proven; undefined without one. */
  verdictOf(_place: ArtifactPlace): Promise<RecordedVerdict | undefined> {
    throw new Error('not yet')
  }

  pending(): Pending {
    throw new Error('not yet')
  }

  /** The newest measure against each artifact that was not released since. */
  quarantined(): Quarantined[] {
    throw new Error('not yet')
  }

  /** The pinned channels of which bundles are expected, by name. */
  expectations(): Expectation[] {
    throw new Error('not yet')
  }
}
