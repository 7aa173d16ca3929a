/** `revocation affected`: which artifacts hang on a certificate or an issuer, and on what an artifact hangs. */
import { existsSync } from 'node:fs'
import { isDigest, type Digest } from '../../oci/index.ts'
import { parseCertificates } from '../../signature/index.ts'
import { State, type JudgedPlace, type KnownCertificate } from '../../state/index.ts'
import type { Verdict } from '../../trust/index.ts'
import { standingOf, type CertificateStanding } from './certificate-standing.ts'
import { HeldLists } from '../revocation/held-lists.ts'
import { nowOf } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'
import { parseTargetReference, type TargetReference } from '../place/target-reference.ts'

export interface AffectedOptions extends StateRunOptions {
  /** A reference or digest; the SHA-256 of a certificate or of an issuer's key, hex; a file with a certificate. */
  what: string
}

/**
 * Where it lies, by what this site did: `refused` at the door, and never let in; taken into the `quarantine`; `gone`, as a
 * run found. Nobody is asked, so that what others took away since counts as `here`.
 */
export type Lies = 'here' | 'refused' | 'quarantine' | 'gone'

export interface AffectedReport {
  kind: 'certificate' | 'issuer' | 'artifact'
  what: string
  /** The one that was asked for, those that the issuer issued, or those in the artifact's chains. */
  certificates: CertificateStanding[]
  artifacts: { target: string; path: string; digest: Digest; tags: string[]; verdict: Verdict; lies: Lies }[]
  /** Of these artifacts, and of signatures on them. */
  denials: AffectedDenial[]
}

interface Asked {
  kind: AffectedReport['kind']
  certificates: KnownCertificate[]
  places: JudgedPlace[]
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

function at(places: readonly JudgedPlace[], { target, path }: TargetReference): JudgedPlace[] {
  return places.filter((one) => one.target === target && one.path === path)
}

/** What a tag of a place names by the journal, or named before a measure took it away, as `quarantine release` has it. */
async function namedBy(state: State, reference: TargetReference): Promise<JudgedPlace[]> {
  const { target, path, tag } = reference
  if (tag === undefined) return at([...state.judgedArtifacts()], reference)
  const digest = (await state.tagHistory(target, path, tag)).at(-1)?.new ?? undefined
  const named = digest === undefined ? [] : at(state.artifactsWith(digest), reference)
  if (named.length > 0) return named
  const held = state.quarantined().filter((one) => one.target === target && one.path === path && one.tags.includes(tag))
  return held.flatMap((one) => at(state.artifactsWith(one.digest), reference))
}

/** True for what is meant as a file: it is there, or is called as only files are. */
function isFileName(what: string): boolean {
  return existsSync(what) || /^\.{0,2}\/|\.(?:pem|crt|cer|der)$/i.test(what)
}

async function asked(state: State, what: string): Promise<Asked> {
  const hash = what.replace(/^sha256:/, '')
  const found = /^[0-9a-f]{64}$/.test(hash) ? byHash(state, hash) : undefined
  if (found !== undefined) return found
  if (isDigest(what))
    return byArtifact(state, distinct([...state.artifactsWith(what), ...state.artifactsHolding(what)]))
  const none: Asked = { kind: 'certificate', certificates: [], places: [] }
  if (isFileName(what)) {
    const [certificate] = parseCertificates(readSmall(what), what)
    return (certificate && (byHash(state, certificate.sha256) ?? byHash(state, certificate.spkiSha256))) ?? none
  }
  if (/^[0-9a-f]{64}$/.test(what)) return none
  const reference = parseTargetReference(what)
  const { digest } = reference
  return byArtifact(
    state,
    digest === undefined ? await namedBy(state, reference) : at(state.artifactsWith(digest), reference),
  )
}

/** A denial of an artifact that was asked for, or of a signature on it. */
export interface AffectedDenial {
  artifact: string
  signer: string | null
  reason: string
  since: string
  /** That brought it; null: it was denied here. */
  channel: string | null
}

function denialsOf(state: State, digests: ReadonlySet<string>): AffectedDenial[] {
  return state
    .denials()
    .filter(({ artifact }) => digests.has(artifact))
    .map(({ artifact, signer = null, reason, since, from }) => {
      return { artifact, signer, reason, since, channel: from?.channel ?? null }
    })
}

function liesOf(state: State, place: JudgedPlace): Lies {
  if (place.absent === true) return 'gone'
  const held = state.quarantinedAt(place)
  if (held?.measure === 'remove' && held.outcome === 'done') return 'quarantine'
  return place.verdict === 'trusted' || place.fell !== undefined ? 'here' : 'refused'
}

/**
 * Nobody is asked, and that nothing is known here is an answer. Throws REFERENCE_INVALID, FILE_UNREADABLE,
 * CERTIFICATE_FILE, and as `State.open`.
 */
export async function revocationAffected(options: AffectedOptions): Promise<AffectedReport> {
  const { what } = options
  const now = nowOf(options)
  const state = await State.open(options.state, { now, write: false })
  const { kind, certificates, places } = await asked(state, what)
  const held = Map.groupBy(state.heldLists(), ({ issuer }) => issuer)
  const inForce = new HeldLists(state)
  const standing: CertificateStanding[] = []
  for (const one of certificates) standing.push(await standingOf(one, held.get(one.issuer) ?? [], inForce, now))
  const artifacts: AffectedReport['artifacts'] = []
  for (const place of places) {
    const { target, path, digest, verdict } = place
    artifacts.push({
      target,
      path,
      digest,
      tags: [...((await state.verdictOf(place))?.tags ?? [])],
      verdict,
      lies: liesOf(state, place),
    })
  }
  const denials = denialsOf(state, new Set<string>([what, ...places.map(({ digest }) => digest)]))
  return { kind, what, certificates: standing, artifacts, denials }
}

/** 3 when nothing here is known under what was asked for; else 0. */
export function affectedExit({ certificates, artifacts }: Pick<AffectedReport, 'certificates' | 'artifacts'>): 0 | 3 {
  return certificates.length + artifacts.length === 0 ? 3 : 0
}
