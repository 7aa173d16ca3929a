/**
 * Collects what says whether certificates are revoked: every list of every distribution point, its delta, OCSP answers;
 * each proven at once. What can't be had ends the run unless the plan accepts that by name.
 */
import PQueue from 'p-queue'
import { SallyportError } from '../../errors/index.ts'
import { demandIssuedAnswer, scopeFault } from '../../revocation/index.ts'
import { isListUrl } from '../revocation/item.ts'
import { acceptedNames, demandAccepted, type Lacking, type LackingTerms } from './lacking.ts'
import type { RevocationSource } from './network.ts'
import { dateFault, outweighs, type Collected, type CollectedList } from './proof.ts'
import { Allowance, AT_ONCE, DEMANDED, STRANGERS, type AllowanceTerms } from './allowance.ts'
import { wantedKey, webUrls, type RevocableCertificate, type Wanted } from './wants.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

export interface Collection {
  pieces: Collected[]
  lacking: Lacking[]
  /** What each wanted thing gave, by {@link wantedKey}. */
  had: ReadonlyMap<string, Collected>
  /** Of so many nothing is said: strangers name more than anybody would read of. */
  untold: number
}

export interface CollectTerms extends RunOptions, LackingTerms {
  /** For what is demanded and for the rest; by default an hour and a minute. */
  allowances?: { demanded: AllowanceTerms; strangers: AllowanceTerms } | undefined
  now: Date
  concurrency: number
  source: RevocationSource
  /** Addresses, and issuers by the SHA-256 of their key. */
  accept: readonly string[]
}

/** Each is a request to somebody else's server. */
const WANTED_CAP = 4000
/** More of what strangers name is neither asked for nor told one by one. */
const STRANGERS_CAP = 1000
/** Once the run is lost, to say what else is lacking. */
const LOST_MS = 10_000

class Collector {
  readonly had = new Map<string, Collected>()
  /** Everything of which something was wrong; {@link unmet} says where it mattered. */
  private readonly faults = new Map<string, { wanted: Wanted; fault: SallyportError }>()
  private readonly unmet = new Map<string, 'by its lists' | 'by policy' | undefined>()
  private readonly pending = new Map<string, Promise<void>>()
  /** Lists without which the run goes on. */
  private readonly idle = new Set<string>()
  private readonly queue: PQueue
  private readonly terms: CollectTerms
  private readonly accepted: ReadonlySet<string>
  private allowance: Allowance
  private strangers: { asked: number; untold: number } | undefined

  constructor(terms: CollectTerms) {
    this.terms = terms
    this.accepted = acceptedNames(terms.accept)
    this.queue = new PQueue({ concurrency: Math.min(terms.concurrency, AT_ONCE) })
    this.allowance = new Allowance(terms.allowances?.demanded ?? DEMANDED, terms.signal)
  }

  private named({ url, issuer }: Wanted): boolean {
    return this.accepted.has(url) || this.accepted.has(issuer.spkiSha256)
  }

  private blame(wanted: Wanted, fault: SallyportError): void {
    this.faults.set(wantedKey(wanted), { wanted, fault })
    const isLost = wanted.kind === 'list' && this.strangers === undefined && !this.idle.has(wantedKey(wanted))
    if (isLost && !this.named(wanted)) this.allowance.hurry(LOST_MS)
  }

  private async ask(wanted: Wanted): Promise<void> {
    checkInterrupted(this.terms)
    const { source, now } = this.terms
    try {
      const collected =
        wanted.kind === 'answer'
          ? await source.answer(wanted, this.allowance)
          : await source.list(wanted, this.allowance)
      const late = dateFault(collected, now)
      if (late !== undefined) this.blame(wanted, late)
      // A list past its next update still says who is revoked; one of tomorrow the far side refuses, and all beside it.
      if (late?.code !== 'LIST_FUTURE') this.had.set(wantedKey(wanted), collected)
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
      this.blame(wanted, error)
    }
  }

  /** What this gives, asked for once however many certificates name it. */
  private async want(wanted: Wanted): Promise<Collected | undefined> {
    const key = wantedKey(wanted)
    let asked = this.pending.get(key)
    if (asked === undefined && this.strangers !== undefined && ++this.strangers.asked > STRANGERS_CAP) {
      this.strangers.untold++
      return undefined
    }
    if (asked === undefined) {
      if (this.strangers === undefined && this.pending.size >= WANTED_CAP)
        throw new SallyportError('LIMIT_EXCEEDED', {
          side: 'source',
          subject: 'revocation',
          detail: `over ${WANTED_CAP} lists and answers`,
        })
      asked = this.queue.add(() => this.ask(wanted))
      this.pending.set(key, asked)
    }
    await asked
    return this.had.get(key)
  }

  /** Asks one after the other until one is had with nothing wrong; each that was tried is given back when none was. */
  private async first(several: readonly Wanted[]): Promise<readonly Wanted[]> {
    for (const wanted of several) {
      await this.want(wanted)
      if (!this.faults.has(wantedKey(wanted))) return []
    }
    return several
  }

  /** Of an answer one certificate alone has a say: it is about no other. */
  private miss(wanted: Wanted, accepted?: 'by its lists'): void {
    const key = wantedKey(wanted)
    // What somebody demands stays demanded, whoever else names it.
    if (this.strangers === undefined && (accepted === undefined || !this.unmet.has(key))) this.unmet.set(key, accepted)
    else if (!this.unmet.has(key)) this.unmet.set(key, accepted ?? 'by policy')
  }

  /** The delta that a list demands, or else the certificate. */
  private async delta(
    base: CollectedList,
    { freshestUrls }: RevocableCertificate,
    accepted: 'by its lists' | undefined,
  ): Promise<void> {
    const { url, issuer, list } = base
    const named = list.freshest.length > 0 || list.freshestElsewhere
    const places = named ? list.freshest.filter(isListUrl) : freshestUrls
    if (!named && places.length === 0) return
    const terms = { kind: 'delta', issuer, base: list, baseUrl: url } as const
    const several = places.map((place) => ({ ...terms, url: place }))
    // They are places of one delta (RFC 5280 4.2.1.13).
    for (const wanted of await this.first(several)) this.miss(wanted, accepted)
    if (several.length > 0) return
    const nowhere = { ...terms, url }
    const detail = 'the list names a delta, and no http or https address of it'
    this.blame(nowhere, new SallyportError('LIST_UNAVAILABLE', { side: 'source', subject: url, detail }))
    this.miss(nowhere, accepted)
  }

  /** Wants all that speaks of these: first what is demanded, then, within narrow bounds, the rest. */
  async all(certificates: readonly RevocableCertificate[]): Promise<void> {
    try {
      await this.each(certificates.filter(({ demanded }) => demanded))
    } finally {
      this.allowance.close()
    }
    // A run that is lost already asks no strangers.
    const rest = this.lacking().some(({ accepted }) => accepted === undefined)
      ? []
      : certificates.filter(({ demanded }) => !demanded)
    if (rest.length === 0) return
    this.strangers = { asked: 0, untold: 0 }
    this.allowance = new Allowance(this.strangersTerms(), this.terms.signal)
    try {
      await this.each(rest)
    } finally {
      this.allowance.close()
    }
  }

  /** A bundle of lists alone is taken whole or not at all: stops a stranger's list from keeping out those of the others. */
  private strangersTerms(): AllowanceTerms {
    const terms = this.terms.allowances?.strangers ?? STRANGERS
    return this.terms.alone ? { ...terms, requests: 0 } : terms
  }

  private async each(certificates: readonly RevocableCertificate[]): Promise<void> {
    await allAtRest(certificates.map((one) => this.certificate(one)))
  }

  get untold(): number {
    return this.strangers?.untold ?? 0
  }

  /** Wants all that speaks of one certificate. */
  private async certificate(revocable: RevocableCertificate): Promise<void> {
    const { issuer, ocspUrls } = revocable
    const covered = await this.lists(revocable)
    // Without an answer the far side goes by the lists, as by the rules of the Notary Project.
    const accepted = covered ? 'by its lists' : undefined
    const questions = ocspUrls.map(
      (url) => ({ kind: 'answer', url, issuer, certificate: revocable.certificate }) as const,
    )
    for (const wanted of await this.first(questions)) this.miss(wanted, accepted)
    for (const wanted of questions) await this.responder(this.had.get(wantedKey(wanted)), revocable, accepted)
  }

  /** Wants the lists of whoever answered, unless it says that nobody need ask: without them the answer counts for nothing. */
  private async responder(
    answered: Collected | undefined,
    { issuer, demanded, purposes }: RevocableCertificate,
    accepted: 'by its lists' | undefined,
  ): Promise<void> {
    const certificate = answered?.kind === 'answer' ? demandIssuedAnswer(answered.answer, issuer) : issuer
    if (certificate === issuer || certificate.ocspNoCheck) return
    const crlUrls = webUrls(certificate.crlUrls)
    const freshestUrls = webUrls(certificate.freshestCrlUrls)
    await this.lists({ certificate, issuer, demanded, purposes, crlUrls, freshestUrls, ocspUrls: [] }, accepted)
  }

  /** Wants each list of one certificate, with its delta; true when there are some and all are had. */
  private async lists(revocable: RevocableCertificate, accepted?: 'by its lists'): Promise<boolean> {
    const { certificate, issuer, crlUrls } = revocable
    const wants = crlUrls.map((url) => ({ kind: 'list', url, issuer }) as const)
    let covered = wants.length > 0
    for (const wanted of wants) {
      if (accepted !== undefined) this.idle.add(wantedKey(wanted))
      const base = await this.want(wanted)
      const apart = base?.kind === 'list' ? scopeFault(base.list, certificate, wanted.url) : undefined
      if (apart !== undefined)
        this.blame(wanted, new SallyportError('LIST_INVALID', { side: 'source', subject: wanted.url, detail: apart }))
      if (this.faults.has(wantedKey(wanted))) {
        this.miss(wanted, accepted)
        covered = false
      }
      if (base?.kind === 'list') await this.delta(base, revocable, accepted)
    }
    return covered
  }

  /** What is lacking where it mattered, sorted. */
  lacking(): Lacking[] {
    return sortedValues(this.faults).flatMap(({ wanted, fault }): Lacking[] => {
      const key = wantedKey(wanted)
      if (!this.unmet.has(key)) return []
      const { kind, issuer, url } = wanted
      const accepted = this.named(wanted) ? 'by name' : this.unmet.get(key)
      return [{ kind, url, issuer: issuer.spkiSha256, fault, accepted }]
    })
  }
}

function sortedValues<T>(entries: Iterable<[string, T]>): T[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

function pieceKey({ kind, issuer, ...piece }: Collected): string {
  return `${kind} ${issuer.spkiSha256} ${'serial' in piece ? piece.serial : piece.url}`
}

/**
 * The lists and answers for these certificates, each once, in an order of their own. Throws for what can't be had and
 * was not accepted: LIST_UNAVAILABLE, LIST_MALFORMED, LIST_INVALID, LIST_STALE, LIST_FUTURE, LIST_BASE_MISSING,
 * ANSWER_INVALID; LIMIT_EXCEEDED for more than 4,000; what the source throws for itself.
 */
export async function collectRevocation(
  certificates: readonly RevocableCertificate[],
  terms: CollectTerms,
): Promise<Collection> {
  const collector = new Collector(terms)
  await collector.all(certificates)
  const lacking = collector.lacking()
  demandAccepted(lacking, terms)
  const pieces = new Map<string, Collected>()
  for (const piece of sortedValues(collector.had)) {
    const held = pieces.get(pieceKey(piece))
    // Two responders answer for one certificate.
    if (held === undefined || outweighs(piece, held)) pieces.set(pieceKey(piece), piece)
  }
  return { pieces: sortedValues(pieces), lacking, had: collector.had, untold: collector.untold }
}
