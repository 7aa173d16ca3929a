/**
 * The revocation that a bundle carries (FORMAT 8.8), read whole and proven: lists and answers by their issuers' keys,
 * denials by the purpose of the channel. One fault refuses the bundle, before anything of it is acted on.
 */
import type { Census, PromiseFiles } from '../../bundle/index.ts'
import type { Graph, OrderedArtifact } from '../../content/index.ts'
import { detailOf, SallyportError, type Code } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import {
  decimalOf,
  demandIssuedAnswer,
  demandIssuedList,
  demandPublishedAt,
  entryOf,
  parseAnswer,
  parseList,
  readDenials,
  type Denial,
  type OcspAnswer,
  type RevocationList,
} from '../../revocation/index.ts'
import { parseCertificate, type Certificate } from '../../signature/index.ts'
import { revocationItemOf, revocationTag, type AnswerLabel, type ListLabel, type RevocationLabel } from './item.ts'
import { isRevocationPath, revocationPath, revocationRepository } from './path.ts'
import { timeText } from '../run/run.ts'

/** A piece as reports list it. */
export interface RevocationPieceReport {
  repository: string
  tag: string
  digest: Digest
  kind: 'list' | 'delta' | 'answer' | 'denials'
  /** Null where the kind has none, as below. */
  url: string | null
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  issuer: string | null
  /** In decimal. */
  number: string | null
  deltaBase: string | null
  serial: string | null
  thisUpdate: string | null
  nextUpdate: string | null
}

interface Carried {
  /** Its manifest. */
  digest: Digest
  tag: string
  url: string
  issuer: Certificate
}

/** Proven to be its issuer's. Whether it may take the place of the one held, and its dates, are the site's to judge. */
export interface CarriedList extends Carried {
  list: RevocationList
}

export interface CarriedAnswer extends Carried {
  serial: string
  answer: OcspAnswer
}

export interface RevocationInformation {
  repository: string
  items: RevocationPieceReport[]
  /** Deltas too: those with a `deltaBase`. */
  lists: CarriedList[]
  answers: CarriedAnswer[]
  /** Undefined when there is no such piece; the channel may speak of denials when there is one. */
  denials: Denial[] | undefined
}

/** What a person is shown of it, who approves it or looks at it. */
export interface CarriedRevocationReport {
  pieces: RevocationPieceReport[]
  denials: Denial[]
}

/** Each piece costs a signature check or more to whoever only looks. */
const PIECES_CAP = 4000

function fault(subject: string, detail: string, code: Code = 'REVOCATION_MALFORMED'): SallyportError {
  return new SallyportError(code, { side: 'bundle', subject, detail })
}

/** What is thrown while reading a piece, with the piece named. */
function naming<T>(subject: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    throw new SallyportError(error.code, { side: 'bundle', subject, detail: detailOf(error), cause: error })
  }
}

/** What a manifest must say of a list that was had under this URL. */
export function listLabel(list: RevocationList, issuer: Certificate, url: string): ListLabel {
  return {
    kind: 'list',
    url,
    issuer: issuer.spkiSha256,
    thisUpdate: timeText(list.thisUpdate),
    nextUpdate: timeText(list.nextUpdate),
    number: decimalOf(list.number),
    ...(list.deltaBase === undefined ? {} : { deltaBase: decimalOf(list.deltaBase) }),
  }
}

/** The same of an answer on the certificate of this serial number; undefined when it says nothing of it. */
export function answerLabel(
  answer: OcspAnswer,
  issuer: Certificate,
  url: string,
  serial: string,
): AnswerLabel | undefined {
  const entry = entryOf(answer, issuer, serial)
  if (entry === undefined) return undefined
  const [thisUpdate, nextUpdate] = [timeText(entry.thisUpdate), timeText(entry.nextUpdate)]
  return { kind: 'answer', url, issuer: issuer.spkiSha256, thisUpdate, nextUpdate, serial }
}

export function pieceReport(repository: string, digest: Digest, label: RevocationLabel): RevocationPieceReport {
  const bare = {
    url: null,
    issuer: null,
    number: null,
    deltaBase: null,
    serial: null,
    thisUpdate: null,
    nextUpdate: null,
  }
  const { kind, ...said } = label
  const isDelta = kind === 'list' && label.deltaBase !== undefined
  return { repository, tag: revocationTag(label), digest, kind: isDelta ? 'delta' : kind, ...bare, ...said }
}

class Reading {
  readonly information: RevocationInformation
  private readonly entitled: boolean
  private readonly law: ReadonlyMap<Digest, Uint8Array>
  private readonly issuers = new Map<Digest, Certificate>()

  constructor(repository: string, entitled: boolean, law: ReadonlyMap<Digest, Uint8Array>) {
    this.information = { repository, items: [], lists: [], answers: [], denials: undefined }
    this.entitled = entitled
    this.law = law
  }

  private bytes({ digest }: Descriptor, subject: string): Uint8Array {
    const bytes = this.law.get(digest)
    if (bytes === undefined) throw fault(subject, 'a layer is not there to be judged')
    return bytes
  }

  private issuer(layer: Descriptor | undefined, subject: string): Certificate {
    if (layer === undefined) throw fault(subject, 'it has no certificate of its issuer')
    const known = this.issuers.get(layer.digest) ?? parseCertificate(this.bytes(layer, subject))
    this.issuers.set(layer.digest, known)
    return known
  }

  /** Throws the code of what is wrong with the piece. */
  piece({ root, tags, companions }: OrderedArtifact, graph: Graph): void {
    const { repository } = this.information
    const node = graph.nodes.get(root)
    const item = node === undefined ? undefined : revocationItemOf(node.manifest, node.bytes)
    if (item === undefined) throw fault(`${repository}@${root}`, 'not of the form of a piece')
    const { label, layers } = item
    const tag = revocationTag(label)
    const subject = `${repository}:${tag}`
    // Stops content that rides along as a referrer of something no policy judges.
    if (companions.length > 0) throw fault(subject, 'something hangs on it')
    // Stops a piece that takes the place of another one.
    if (tags.join('\n') !== tag) throw fault(`${repository}@${root}`, `its only tag would be ${tag}`)
    naming(subject, () => this.prove(label, layers[0], layers[1], { digest: root, tag }, subject))
    this.information.items.push(pieceReport(repository, root, label))
  }

  private prove(
    label: RevocationLabel,
    first: Descriptor,
    second: Descriptor | undefined,
    at: Pick<Carried, 'digest' | 'tag'>,
    subject: string,
  ): void {
    const bytes = this.bytes(first, subject)
    if (label.kind === 'denials') {
      // Stops whoever may only send content from taking a vendor's artifacts out of force.
      if (!this.entitled) throw fault(subject, 'the purpose of the channel is another', 'DENIAL_UNENTITLED')
      this.information.denials = readDenials(bytes)
      return
    }
    const issuer = this.issuer(second, subject)
    const { url } = label
    const held = (said: RevocationLabel | undefined): void => {
      if (said === undefined || JSON.stringify(sorted(said)) !== JSON.stringify(sorted(label)))
        throw fault(subject, 'its manifest says another thing than the piece itself')
    }
    if (label.kind === 'list') {
      const list = parseList(bytes)
      demandIssuedList(list, issuer)
      if (list.deltaBase === undefined) demandPublishedAt(list, url)
      held(listLabel(list, issuer, url))
      this.information.lists.push({ ...at, url, issuer, list })
      return
    }
    const answer = parseAnswer(bytes)
    demandIssuedAnswer(answer, issuer)
    held(answerLabel(answer, issuer, url, label.serial))
    this.information.answers.push({ ...at, url, issuer, serial: label.serial, answer })
  }
}

function sorted(label: object): [string, unknown][] {
  return Object.entries(label).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What is proven of a bundle before it is asked for its revocation. */
interface CarriedLaw {
  files: PromiseFiles
  law: Map<Digest, Buffer>
  census: Census
}

/**
 * The revocation in a bundle, undefined when it has none; the purpose of `files` has been held against the pin.
 * Throws REVOCATION_MALFORMED, LIST_MALFORMED, LIST_INVALID, ANSWER_INVALID, DENIALS_MALFORMED, CERTIFICATE_MALFORMED,
 * DENIAL_UNENTITLED, LIMIT_EXCEEDED.
 */
export function readRevocationInformation({ census, law, files }: CarriedLaw): RevocationInformation | undefined {
  const { channel, purpose } = files.transfer
  const repository = revocationRepository(channel)
  const packed = census.repositories.find(({ graph }) => graph.repository === repository)
  if (packed === undefined) return undefined
  // Stops pieces that are laid over the repository of an image: its tags would be moved there unjudged.
  if (!isRevocationPath(packed.to, channel))
    throw fault(repository, `it goes to ${packed.to}, not to ${revocationPath(channel)}`)
  if (packed.removed.length > 0) throw fault(repository, 'it names removed tags')
  const artifacts = census.content.artifacts.filter((artifact) => artifact.repository === repository)
  if (artifacts.length > PIECES_CAP) throw fault(repository, `over ${PIECES_CAP} pieces`, 'LIMIT_EXCEEDED')
  const reading = new Reading(repository, purpose === 'revocation', law)
  for (const artifact of artifacts) reading.piece(artifact, packed.graph)
  return reading.information
}
