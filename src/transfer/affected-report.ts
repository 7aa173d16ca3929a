/** `revocation affected`: which artifacts hang on a certificate or an issuer, and on what an artifact hangs. */
import { existsSync, statSync } from 'node:fs'
import { SallyportError } from '../errors/index.ts'
import { isDigest, type Digest } from '../oci/index.ts'
import { parseCertificates } from '../signature/index.ts'
import { State, type HeldList, type JudgedPlace, type KnownCertificate } from '../state/index.ts'
import type { Verdict } from '../trust/index.ts'
import { readSmall } from './channel-folder.ts'
import { nowOf } from './run.ts'
import { listFact, listStatus, type ListStatus } from './site-status-lists.ts'
import type { StateRunOptions } from './state-verbs.ts'
import { parseTargetReference, type TargetReference } from './target-reference.ts'

export interface AffectedOptions extends StateRunOptions {
  /** A reference or digest; the SHA-256 of a certificate or of an issuer's key, hex; a file with a certificate. */
  what: string
}

/** A certificate, and what tells whether it is revoked. */
export interface CertificateStanding extends Omit<KnownCertificate, 'crlUrls' | 'ocspUrls'> {
  crlUrls: string[]
  ocspUrls: string[]
  /** Those in force here that speak of it: whole lists, deltas of its issuer, answers. */
  lists: ListStatus[]
  /** Addresses that it names and of which nothing is held. */
  missing: string[]
}

export interface AffectedReport {
  kind: 'certificate' | 'issuer' | 'artifact'
  what: string
  /** The one that was asked for, those that the issuer issued, or those in the artifact's chains. */
  certificates: CertificateStanding[]
  artifacts: { target: string; path: string; digest: Digest; tags: string[]; verdict: Verdict }[]
}

interface Asked {
  kind: AffectedReport['kind']
  certificates: KnownCertificate[]
  places: JudgedPlace[]
}

function unknown(what: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'state', subject: what.slice(0, 300), detail })
}

function standing(known: KnownCertificate, held: readonly HeldList[], now: Date): CertificateStanding {
  const lists = held.filter(({ form, url, serial }) => {
    if (form === 'answer') return serial === known.serial
    return form === 'base' ? known.crlUrls.includes(url) : known.crlUrls.length > 0
  })
  const had = new Set(lists.map(({ url }) => url))
  return {
    ...known,
    crlUrls: [...known.crlUrls],
    ocspUrls: [...known.ocspUrls],
    lists: lists.map((list) => listStatus(listFact(list, [known]), now)),
    missing: known.crlUrls.filter((url) => /^https?:/i.test(url) && !had.has(url)),
  }
}

function distinct(places: readonly JudgedPlace[]): JudgedPlace[] {
  return [...new Set(places)]
}

/** By a hash in hex: a certificate's own, or that of an issuer's key. */
function byHash(state: State, hash: string): Asked | undefined {
  const certificate = state.certificate(hash)
  if (certificate !== undefined)
    return { kind: 'certificate', certificates: [certificate], places: state.artifactsOf(hash) }
  const certificates = state.certificatesOf(hash)
  if (certificates.length === 0) return undefined
  const places = distinct(certificates.flatMap(({ sha256 }) => state.artifactsOf(sha256)))
  return { kind: 'issuer', certificates, places }
}

function byArtifact(state: State, places: readonly JudgedPlace[]): Asked {
  const hashes = new Set(places.flatMap((place) => state.certificatesBehind(place)))
  const certificates = [...hashes].flatMap((sha256) => state.certificate(sha256) ?? [])
  return { kind: 'artifact', certificates, places: [...places] }
}

/** What a tag of a place names by the journal: what moved it last, or what its bundle says. */
async function namedBy(state: State, { target, path, tag }: TargetReference): Promise<JudgedPlace[]> {
  if (tag === undefined) return [...state.judgedArtifacts()].filter((one) => one.target === target && one.path === path)
  const digest = (await state.tagHistory(target, path, tag)).at(-1)?.new ?? undefined
  return digest === undefined
    ? []
    : state.artifactsWith(digest).filter((one) => one.target === target && one.path === path)
}

async function asked(state: State, what: string): Promise<Asked> {
  const hash = what.replace(/^sha256:/, '')
  const found = /^[0-9a-f]{64}$/.test(hash) ? byHash(state, hash) : undefined
  if (found !== undefined) return found
  if (isDigest(what)) {
    const places = [...state.artifactsWith(what), ...state.artifactsHolding(what)]
    if (places.length > 0) return byArtifact(state, distinct(places))
    throw unknown(what, 'no certificate, issuer or artifact that this site judged')
  }
  if (existsSync(what) && statSync(what).isFile()) {
    const [certificate] = parseCertificates(readSmall(what))
    const known = certificate && (byHash(state, certificate.sha256) ?? byHash(state, certificate.spkiSha256))
    if (known !== undefined) return known
    throw unknown(what, 'no artifact that this site judged hangs on this certificate')
  }
  if (/^[0-9a-f]{64}$/.test(hash)) throw unknown(what, 'no certificate or issuer of an artifact that this site judged')
  const reference = parseTargetReference(what)
  const { target, path, digest } = reference
  const places =
    digest === undefined
      ? await namedBy(state, reference)
      : state.artifactsWith(digest).filter((one) => one.target === target && one.path === path)
  if (places.length === 0) throw unknown(what, 'no artifact that this site judged lies there')
  return byArtifact(state, places)
}

/** Nobody is asked. Throws USAGE for what the state does not know, REFERENCE_INVALID, and as `State.open`. */
export async function revocationAffected(options: AffectedOptions): Promise<AffectedReport> {
  const now = nowOf(options)
  const state = await State.open(options.state, { now, write: false })
  const { kind, certificates, places } = await asked(state, options.what)
  const held = Map.groupBy(state.heldLists(), ({ issuer }) => issuer)
  const artifacts: AffectedReport['artifacts'] = []
  for (const place of places) {
    const { target, path, digest, verdict } = place
    artifacts.push({ target, path, digest, tags: [...((await state.verdictOf(place))?.tags ?? [])], verdict })
  }
  return {
    kind,
    what: options.what,
    certificates: certificates.map((one) => standing(one, held.get(one.issuer) ?? [], now)),
    artifacts,
  }
}
