/**
 * Collects what says whether certificates are revoked: every list of every distribution point, its delta, OCSP answers;
 * each proven at once. What can't be had ends the run unless the plan accepts that by name.
 */
import PQueue from 'p-queue'
import { CODES, detailOf, SallyportError } from '../../errors/index.ts'
import { scopeFault } from '../../revocation/index.ts'
import { isListUrl } from '../revocation/item.ts'
import type { RevocationSource } from './network.ts'
import { dateFault, timesOf, type Collected, type CollectedList } from './proof.ts'
import { wantedKey, type RevocableCertificate, type Wanted } from './wants.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

/** What was wanted and is not carried, or carried although something is wrong with it. */
export interface Lacking {
  kind: Wanted['kind']
  url: string
  issuer: string
  fault: SallyportError
  /** Named in the plan; or an answer whose certificate its lists speak of too. */
  accepted: 'by name' | 'by its lists' | undefined
}

export interface Collection {
  pieces: Collected[]
  lacking: Lacking[]
  /** What each wanted thing gave, by {@link wantedKey}. */
  had: ReadonlyMap<string, Collected>
}

export interface CollectTerms extends RunOptions {
  now: Date
  concurrency: number
  source: RevocationSource
  /** Addresses, and issuers by the SHA-256 of their key. */
  accept: readonly string[]
  /** The bundle is to carry nothing else: `revocation collect`, whose options are others. */
  alone: boolean
}

/** Each is a request to somebody else's server. */
const WANTED_CAP = 4000

/** The issuers of the plan's list with and without `sha256:` before the digits. */
export function acceptedNames(accept: readonly string[]): ReadonlySet<string> {
  return new Set(accept.map((name) => (/^sha256:[0-9a-f]{64}$/.test(name) ? name.slice('sha256:'.length) : name)))
}

class Collector {
  readonly had = new Map<string, Collected>()
  /** Everything of which something was wrong; {@link unmet} says where it mattered. */
  private readonly faults = new Map<string, { wanted: Wanted; fault: SallyportError }>()
  private readonly unmet = new Map<string, 'by its lists' | undefined>()
  private readonly pending = new Map<string, Promise<void>>()
  private readonly queue: PQueue
  private readonly terms: CollectTerms

  constructor(terms: CollectTerms) {
    this.terms = terms
    this.queue = new PQueue({ concurrency: terms.concurrency })
  }

  private blame(wanted: Wanted, fault: SallyportError): void {
    this.faults.set(wantedKey(wanted), { wanted, fault })
  }

  private async ask(wanted: Wanted): Promise<void> {
    checkInterrupted(this.terms)
    const { source, now } = this.terms
    try {
      const collected = wanted.kind === 'answer' ? await source.answer(wanted) : await source.list(wanted)
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
    if (asked === undefined) {
      if (this.pending.size >= WANTED_CAP)
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
    this.unmet.set(wantedKey(wanted), accepted)
  }

  /** The delta that a list demands, or else the certificate. */
  private async delta(base: CollectedList, { freshestUrls }: RevocableCertificate): Promise<void> {
    const { url, issuer, list } = base
    const named = list.freshest.length > 0 || list.freshestElsewhere
    const places = named ? list.freshest.filter(isListUrl) : freshestUrls
    if (!named && places.length === 0) return
    const terms = { kind: 'delta', issuer, base: list, baseUrl: url } as const
    const several = places.map((place) => ({ ...terms, url: place }))
    // They are places of one delta (RFC 5280 4.2.1.13).
    for (const wanted of await this.first(several)) this.miss(wanted)
    if (several.length > 0) return
    const nowhere = { ...terms, url }
    const detail = 'the list names a delta, and no http or https address of it'
    this.blame(nowhere, new SallyportError('LIST_UNAVAILABLE', { side: 'source', subject: url, detail }))
    this.miss(nowhere)
  }

  /** Wants all that speaks of one certificate. */
  async certificate(revocable: RevocableCertificate): Promise<void> {
    const { certificate, issuer, crlUrls, ocspUrls } = revocable
    const wants = crlUrls.map((url) => ({ kind: 'list', url, issuer }) as const)
    let covered = wants.length > 0
    for (const wanted of wants) {
      const base = await this.want(wanted)
      const apart = base?.kind === 'list' ? scopeFault(base.list, certificate, wanted.url) : undefined
      if (apart !== undefined)
        this.blame(wanted, new SallyportError('LIST_INVALID', { side: 'source', subject: wanted.url, detail: apart }))
      if (this.faults.has(wantedKey(wanted))) {
        this.miss(wanted)
        covered = false
      }
      if (base?.kind === 'list') await this.delta(base, revocable)
    }
    // Without an answer the far side goes by the lists, as by the rules of the Notary Project.
    const questions = ocspUrls.map((url) => ({ kind: 'answer', url, issuer, certificate }) as const)
    for (const wanted of await this.first(questions)) this.miss(wanted, covered ? 'by its lists' : undefined)
  }

  /** What is lacking where it mattered, sorted. */
  lacking(): Lacking[] {
    const accepted = acceptedNames(this.terms.accept)
    return sortedValues(this.faults).flatMap(({ wanted, fault }): Lacking[] => {
      const key = wantedKey(wanted)
      if (!this.unmet.has(key)) return []
      const { kind, issuer, url } = wanted
      const named = [url, issuer.spkiSha256].some((name) => accepted.has(name))
      return [{ kind, url, issuer: issuer.spkiSha256, fault, accepted: named ? 'by name' : this.unmet.get(key) }]
    })
  }
}

function sortedValues<T>(entries: Iterable<[string, T]>): T[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

function pieceKey({ kind, issuer, ...piece }: Collected): string {
  return `${kind} ${issuer.spkiSha256} ${'serial' in piece ? piece.serial : piece.url}`
}

function remedyFor({ code, remedy }: SallyportError, alone: boolean): string {
  const own = remedy === CODES[code][2] ? '' : `${remedy}; or `
  const accepted = 'accept its absence by its address or issuer under revocation.accept in the plan'
  return alone
    ? `${own}name a folder that holds it with --from DIR, or ${accepted}`
    : `${own}name a folder that holds it with --revocation DIR (from: in the plan), ${accepted}, or carry none with --revocation none`
}

/** Throws the first of what is lacking unaccepted. */
function demandAccepted(lacking: readonly Lacking[], alone: boolean): void {
  const gravity = ({ kind }: Lacking): number => ['list', 'delta', 'answer'].indexOf(kind)
  const open = lacking.filter(({ accepted }) => accepted === undefined).sort((a, b) => gravity(a) - gravity(b))
  const [first] = open
  if (first === undefined) return
  const more =
    open.length === 1
      ? ''
      : ` (and ${open.length - 1} more: ${open
          .slice(1, 4)
          .map(({ url }) => url)
          .join(', ')})`
  throw new SallyportError(first.fault.code, {
    side: 'source',
    subject: first.url,
    detail: `${first.kind} of issuer ${first.issuer}: ${detailOf(first.fault)}${more}`,
    remedy: remedyFor(first.fault, alone),
  })
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
  const outcomes = await Promise.allSettled(certificates.map((certificate) => collector.certificate(certificate)))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  const lacking = collector.lacking()
  demandAccepted(lacking, terms.alone)
  const pieces = new Map<string, Collected>()
  for (const piece of sortedValues(collector.had)) {
    const held = pieces.get(pieceKey(piece))
    // Two responders answer for one certificate: the one that holds for longer travels.
    if (held === undefined || timesOf(held).nextUpdate < timesOf(piece).nextUpdate) pieces.set(pieceKey(piece), piece)
  }
  return { pieces: sortedValues(pieces), lacking, had: collector.had }
}
