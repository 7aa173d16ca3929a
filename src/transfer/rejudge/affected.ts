/** Which judged artifacts a change touches, by what the state knows of them: nobody is asked. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { demandIssuedAnswer } from '../../revocation/index.ts'
import { distinguishedNameText, parseCertificate, type Certificate } from '../../signature/index.ts'
import type { ArtifactPlace, HeldDenial, HeldList, JudgedPlace, KnownCertificate, State } from '../../state/index.ts'
import { basisOf, type TrustMaterial } from '../../trust/index.ts'
import { leadToAnchors } from './anchored.ts'
import { readInForce, saysOf, type InForce, type Said } from '../revocation/held-lists.ts'

export interface Affected extends JudgedPlace {
  /** What changed for it, each once: `certificate SERIAL of SUBJECT`, `denial`, `policy`, {@link NEW_LIST}, {@link RETURNED}. */
  because: string[]
  /** Its digest by the other hash, which a denial names. */
  alias?: Digest
  /** That of a manifest within it. */
  within?: Digest
}

/** Says nothing new of its certificates, and may be what an undecided verdict waited for. */
const NEW_LIST = 'a new list or answer of its issuer'

/** Lists and denials that came meanwhile were looked at for other targets. */
const RETURNED = 'its target is used again'

/** What changed, of lists and of denials. */
export interface Change {
  lists: readonly { list: HeldList; before: HeldList | undefined }[]
  denials: readonly HeldDenial[]
}

function placeKey({ target, path, digest }: ArtifactPlace): string {
  return [target, path, digest].join('\0')
}

/** What was never let in was never pushed, and whoever wants it in brings it again. */
function wasLetIn({ verdict, fell }: JudgedPlace): boolean {
  return verdict === 'trusted' || fell !== undefined
}

class Collecting {
  readonly #found = new Map<string, Affected>()
  readonly #state: Pick<State, 'isForgotten'> | undefined

  constructor(state?: Pick<State, 'isForgotten'>) {
    this.#state = state
  }

  add(
    places: Iterable<JudgedPlace & Pick<Affected, 'alias' | 'within'>>,
    because: string,
    but: (place: JudgedPlace) => boolean = () => false,
  ): void {
    for (const place of places) {
      if (!wasLetIn(place) || this.#state?.isForgotten(place.target) === true || but(place)) continue
      const key = placeKey(place)
      const known = this.#found.get(key)
      if (known === undefined) this.#found.set(key, { ...place, because: [because] })
      else {
        if (!known.because.includes(because)) known.because.push(because)
        // Whichever look found what is denied.
        if (place.alias !== undefined) known.alias ??= place.alias
        if (place.within !== undefined) known.within ??= place.within
      }
    }
  }

  get all(): Affected[] {
    return [...this.#found.values()]
  }
}

/** What it says of a certificate, as one text; empty for nothing. */
function textOf(said: Said | undefined): string {
  if (said === undefined || said.status === 'good') return ''
  const { status, reason, revoked, invalidity, unknownCritical } = said
  return JSON.stringify([status, reason ?? 0, revoked ?? null, invalidity ?? null, unknownCritical ?? false])
}

/** The certificates that a list or an answer can speak of. */
function certificatesUnder(state: State, { issuer, serial }: HeldList): KnownCertificate[] {
  const known = state.certificatesOf(issuer)
  return serial === undefined ? known : known.filter((certificate) => certificate.serial === serial)
}

/**
 * Whom issuers made to answer for them, by the answers that are held. No chain holds their certificates, and yet what
 * such an answer vouched for hangs on them.
 */
class Delegates {
  readonly #state: State
  readonly #of = new Map<string, Promise<Delegate[]>>()

  constructor(state: State) {
    this.#state = state
  }

  /** Those whom a list can speak of. */
  async under({ form, issuer }: HeldList): Promise<Delegate[]> {
    if (form === 'answer') return []
    const read = this.#of.get(issuer) ?? this.#read(issuer)
    this.#of.set(issuer, read)
    return read
  }

  async #read(issuer: string): Promise<Delegate[]> {
    const found: Delegate[] = []
    for (const held of this.#state.heldLists()) {
      if (held.form !== 'answer' || held.issuer !== issuer) continue
      const known = certificatesUnder(this.#state, held)
      const responder = known.length === 0 ? undefined : responderOf(await readInForce(this.#state, held))
      if (responder !== undefined) found.push(...known.map((certificate) => ({ certificate, responder })))
    }
    return found
  }
}

interface Delegate {
  /** That the answer speaks of. */
  certificate: KnownCertificate
  responder: Certificate
}

/** Undefined for the issuer itself, and for an answer that does not count anyway. */
function responderOf({ answer, issuerCertificate }: InForce): Certificate | undefined {
  if (answer === undefined || issuerCertificate === undefined || answer.certificates.length === 0) return undefined
  const issuer = parseCertificate(issuerCertificate)
  try {
    const responder = demandIssuedAnswer(answer, issuer)
    return responder === issuer ? undefined : responder
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return undefined
  }
}

/** Whether it says something else of a certificate than the one before. */
async function changeIn(
  state: State,
  { list, before }: Change['lists'][number],
): Promise<(certificate: { readonly serial: string }) => boolean> {
  const now = saysOf(await readInForce(state, list))
  const then = before === undefined ? undefined : saysOf(await readInForce(state, before))
  return ({ serial }) => textOf(now(serial)) !== textOf(then?.(serial))
}

/**
 * Artifacts in whose chains a certificate stands of which lists or answers say something new, or of whose responder they
 * do; those that are undecided and hang on an issuer whose list or answer is new; and what was denied.
 */
export async function affectedBy(state: State, { lists, denials }: Change): Promise<Affected[]> {
  const found = new Collecting(state)
  const delegates = new Delegates(state)
  for (const change of lists) {
    const { n } = change.list
    const known = certificatesUnder(state, change.list)
    if (known.length === 0) continue
    const isChanged = await changeIn(state, change)
    for (const { certificate, responder } of await delegates.under(change.list)) {
      if (!isChanged(responder)) continue
      found.add(
        state.artifactsOf(certificate.sha256),
        `OCSP responder ${responder.serial} of ${distinguishedNameText(responder.subject).slice(0, 200)}`,
        (place) => place.n > n && place.policy !== undefined,
      )
    }
    for (const certificate of known) {
      const says = isChanged(certificate)
      const because = says ? `certificate ${certificate.serial} of ${certificate.subject.slice(0, 200)}` : NEW_LIST
      // A verdict behind the row knew of it, unless the channel alone was judged.
      found.add(
        state.artifactsOf(certificate.sha256),
        because,
        (place) => (!says && place.verdict !== 'inconclusive') || (place.n > n && place.policy !== undefined),
      )
    }
  }
  for (const { artifact, signer, n } of denials) {
    const knew = (place: JudgedPlace): boolean => place.n > n && (place.policy !== undefined || signer === undefined)
    found.add(state.artifactsWith(artifact), 'denial', knew)
    found.add(holding(state, artifact, signer), 'denial', knew)
  }
  return found.all
}

/** With the manifest that is denied, whoever signed it: a bundle since may have brought the index without it. */
function holding(state: State, within: Digest, signer: string | undefined): Affected[] {
  const places = state.artifactsHolding(within)
  return places.map((place) => ({ ...place, because: [], ...(signer === undefined ? { within } : {}) }))
}

/**
 * Artifacts for whose repository the policy asks something else than when they were judged, that have a signature which
 * leads to no anchor of its statement any more, or that another policy did not trust. A new anchor makes no verdict
 * worse, so that it touches nobody who is trusted; what the channel alone let in is no policy's.
 * @param scopeOf - what the policy calls a path at the target
 */
export function affectedByPolicy(
  state: State,
  material: TrustMaterial,
  target: string,
  scopeOf: (path: string) => string,
): Affected[] {
  const found = new Collecting(state)
  const bases = new Map<string, ReturnType<typeof basisOf>>()
  const unchanged = (place: JudgedPlace): boolean => {
    const { path, verdict } = place
    if (!bases.has(path)) bases.set(path, basisOf(material, scopeOf(path)))
    const basis = bases.get(path)
    if (basis === undefined || place.basis !== basis.digest || verdict !== 'trusted') return false
    // Trusted without any: by a policy that skips it.
    return leadToAnchors(state.trustedSignatures(place), basis.anchors)
  }
  const here = function* (): Generator<JudgedPlace> {
    for (const place of state.judgedArtifacts())
      if (place.target === target && place.policy !== undefined && place.policy !== material.digest) yield place
  }
  found.add(here(), 'policy', unchanged)
  return found.all
}

/**
 * What lies at a target that was forgotten and is used again. Without a policy only what was denied, since nothing else is
 * asked then.
 */
export function affectedByReturn(state: State, target: string, byPolicy: boolean): Affected[] {
  const found = new Collecting(state)
  const isKept = (place: JudgedPlace): boolean => place.absent === true || state.quarantinedAt(place)?.at !== undefined
  const stale = (places: Iterable<JudgedPlace>): JudgedPlace[] =>
    [...places].filter((place) => place.target === target && state.isStale(place) && !isKept(place))
  if (byPolicy) found.add(stale(state.judgedArtifacts()), RETURNED)
  else
    for (const { artifact, signer } of state.denials())
      if (signer === undefined)
        found.add(stale([...state.artifactsWith(artifact), ...holding(state, artifact, signer)]), 'denial')
  return found.all
}

/** All, each artifact once. */
export function unitedAffected(...lists: readonly (readonly Affected[])[]): Affected[] {
  const found = new Collecting()
  for (const list of lists) for (const one of list) for (const because of one.because) found.add([one], because)
  return found.all
}

/** What newer denials name by another hash than the artifact, or something within it, is known by here: the state can't find it. */
export function strangeDenials(denials: readonly HeldDenial[], place: JudgedPlace): Set<Digest> {
  const algorithm = place.digest.slice(0, place.digest.indexOf(':') + 1)
  const knows = place.policy !== undefined || place.verdict === 'rejected'
  const isStrange = (artifact: Digest): boolean => place.mixed === true || !artifact.startsWith(algorithm)
  const strange = denials.filter(({ artifact, n }) => isStrange(artifact) && !(knows && place.n > n))
  return new Set(strange.map(({ artifact }) => artifact))
}
