/** Which judged artifacts a change touches, by what the state knows of them: nobody is asked. */
import { entryOf, type OcspAnswer } from '../revocation/index.ts'
import { parseCertificate } from '../signature/index.ts'
import type { ArtifactPlace, HeldList, JudgedPlace, KnownCertificate, Pending, State } from '../state/index.ts'
import { basisOf, type Basis, type TrustMaterial } from '../trust/index.ts'
import { readInForce, type InForce } from './held-lists.ts'

export interface Affected extends JudgedPlace {
  /** What changed for it, each once: `certificate SERIAL of SUBJECT`, `denial`, `policy`. */
  because: string[]
}

function placeKey({ target, path, digest }: ArtifactPlace): string {
  return [target, path, digest].join('\0')
}

class Collecting {
  readonly #found = new Map<string, Affected>()

  /** @param n - the row of the change: a verdict behind it knew of it */
  add(places: Iterable<JudgedPlace>, because: string, n = Number.POSITIVE_INFINITY): void {
    for (const place of places) {
      if (place.n > n) continue
      const key = placeKey(place)
      const known = this.#found.get(key)
      if (known === undefined) this.#found.set(key, { ...place, because: [because] })
      else if (!known.because.includes(because)) known.because.push(because)
    }
  }

  get all(): Affected[] {
    return [...this.#found.values()]
  }
}

/** What a list with its kept entries, or an answer, says of a certificate, as one text; empty for nothing. */
type Says = (serial: string) => string

function saysOf(held: InForce | undefined): Says {
  if (held === undefined) return () => ''
  if (held.answer !== undefined) return answerSays(held.answer, held)
  return (serial) => {
    const entry = held.list?.find(serial) ?? held.kept?.find(serial)
    if (entry === undefined) return ''
    const { reason, revoked, invalidity } = entry
    return JSON.stringify([reason ?? 0, revoked, invalidity ?? null])
  }
}

function answerSays(answer: OcspAnswer, { issuerCertificate }: InForce): Says {
  const issuer = issuerCertificate === undefined ? undefined : parseCertificate(issuerCertificate)
  return (serial) => {
    const entry = issuer === undefined ? undefined : entryOf(answer, issuer, serial)
    return entry === undefined || entry.status === 'good' ? '' : JSON.stringify([entry.status, entry.reason ?? null])
  }
}

/** The certificates of a list's issuer of which it says something else than the one before. */
async function changedBy(
  state: State,
  { list, before }: { list: HeldList; before: HeldList | undefined },
): Promise<KnownCertificate[]> {
  const known = state.certificatesOf(list.issuer)
  if (known.length === 0) return []
  const now = saysOf(await readInForce(state, list))
  const then = saysOf(before === undefined ? undefined : await readInForce(state, before))
  const asked = list.serial === undefined ? known : known.filter(({ serial }) => serial === list.serial)
  return asked.filter(({ serial }) => now(serial) !== then(serial))
}

/** Artifacts in whose chains a certificate stands of which lists or answers say something new, and what was denied. */
export async function affectedBy(state: State, pending: Pending): Promise<Affected[]> {
  const found = new Collecting()
  for (const change of pending.lists)
    for (const certificate of await changedBy(state, change))
      found.add(
        state.artifactsOf(certificate.sha256),
        `certificate ${certificate.serial} of ${certificate.subject.slice(0, 200)}`,
        change.list.n,
      )
  for (const { artifact, n } of pending.denials) {
    found.add(state.artifactsWith(artifact), 'denial', n)
    found.add(state.artifactsHolding(artifact), 'denial', n)
  }
  return found.all
}

/**
 * Artifacts for whose repository the policy asks something else than when they were judged, or whose signatures lead to no
 * anchor any more. A new anchor changes no verdict for the worse, so that it touches nobody.
 * @param scopeOf - what the policy calls a path at the target
 */
export function affectedByPolicy(
  state: State,
  material: TrustMaterial,
  target: string,
  scopeOf: (path: string) => string,
): Affected[] {
  const found = new Collecting()
  const bases = new Map<string, Basis | undefined>()
  for (const place of state.judgedArtifacts()) {
    if (place.target !== target || place.policy === undefined || place.policy === material.digest) continue
    const { path } = place
    if (!bases.has(path)) bases.set(path, basisOf(material, scopeOf(path)))
    const basis = bases.get(path)
    const anchored = state.certificatesBehind(place).some((sha256) => basis?.anchors.has(sha256))
    if (basis === undefined || place.basis !== basis.digest || !anchored) found.add([place], 'policy')
  }
  return found.all
}

/** Both, each artifact once. */
export function unitedAffected(...lists: readonly (readonly Affected[])[]): Affected[] {
  const found = new Collecting()
  for (const list of lists) for (const one of list) for (const because of one.because) found.add([one], because)
  return found.all
}
