/**
 * What hangs on which certificate, of all rows that are durable. No rule refuses a row for what stands here, so all layers
 * of a ledger share it, and it changes only when rows are settled.
 */
import type { Digest } from '../oci/index.ts'
import type { ArtifactPlace, KnownCertificate } from './revocation-entry.ts'
import type { JudgedPlace } from './revocation-queries.ts'
import { SharedSignatures, type NumberedSignature, type TrustedSignature } from './trusted-signature.ts'

/** What a `verdict` row says of an artifact in its place. */
export interface Judgement {
  place: JudgedPlace
  /** It trusts, and names the signatures that it trusts by. */
  signed: boolean
  trusted: readonly NumberedSignature[]
  /** The numbers of all certificates that it names. */
  certificates: ReadonlySet<number>
  within: readonly Digest[]
}

interface Artifact {
  place: JudgedPlace
  /** As of the judgement that the place is by. */
  signed: boolean
  /** The numbers of all certificates that a verdict ever named for it. */
  certificates: number[]
  /** Those that the newest verdict trusts. */
  trusted: readonly NumberedSignature[]
}

export class SettledJudgements {
  /** The certificate of number 1 is the first. */
  readonly #certificates: KnownCertificate[] = []
  readonly #byHash = new Map<string, number>()
  readonly #byIssuer = new Map<string, KnownCertificate[]>()
  readonly #byDigest = new Map<Digest, Artifact[]>()
  /** By the digest of a manifest within. */
  readonly #holders = new Map<Digest, Artifact[]>()
  /** By the number of a certificate. */
  readonly #users = new Map<number, Artifact[]>()
  /** One string for equal names: a site has few targets and policies, and each would be in memory for each artifact. */
  readonly #names = new Map<string, string>()
  readonly #trusted = new SharedSignatures()

  /** How many certificates are known: the highest number. */
  get count(): number {
    return this.#certificates.length
  }

  numberOf(sha256: string): number | undefined {
    return this.#byHash.get(sha256)
  }

  certificate(sha256: string): KnownCertificate | undefined {
    const number = this.#byHash.get(sha256)
    return number === undefined ? undefined : this.#certificates[number - 1]
  }

  /** SHA-256 of the certificates with these numbers. */
  hashes(numbers: readonly number[]): string[] {
    return numbers.map((number) => this.#certificates[number - 1]?.sha256 ?? '')
  }

  issuers(): string[] {
    return [...this.#byIssuer.keys()].sort()
  }

  certificatesOf(issuer: string): KnownCertificate[] {
    return this.#byIssuer.get(issuer)?.slice() ?? []
  }

  artifactsOf(certificate: string): JudgedPlace[] {
    return placesOf(this.#users.get(this.#byHash.get(certificate) ?? 0))
  }

  artifactsWith(digest: Digest): JudgedPlace[] {
    return placesOf(this.#byDigest.get(digest))
  }

  artifactsHolding(digest: Digest): JudgedPlace[] {
    return placesOf(this.#holders.get(digest))
  }

  *artifacts(): Generator<JudgedPlace, undefined, undefined> {
    for (const artifacts of this.#byDigest.values()) for (const { place } of artifacts) yield place
  }

  at(place: ArtifactPlace): JudgedPlace | undefined {
    return this.#at(place)?.place
  }

  certificatesBehind(place: ArtifactPlace): string[] {
    return this.hashes(this.#at(place)?.certificates ?? [])
  }

  trustedSignatures(place: ArtifactPlace): TrustedSignature[] {
    return (this.#at(place)?.trusted ?? []).map(({ statement, chain, timestampChain }) => ({
      statement,
      chain: this.hashes(chain),
      ...(timestampChain === undefined ? {} : { timestampChain: this.hashes(timestampChain) }),
    }))
  }

  know(known: KnownCertificate): void {
    this.#certificates.push(known)
    this.#byHash.set(known.sha256, this.#certificates.length)
    append(this.#byIssuer, known.issuer, known)
  }

  /** Duty of the caller: the certificates are known. */
  judge({ place, signed, trusted, certificates, within }: Judgement): void {
    const target = this.#name(place.target)
    const path = this.#name(place.path)
    const policy = place.policy === undefined ? {} : { policy: this.#name(place.policy) as Digest }
    const basis = place.basis === undefined ? {} : { basis: this.#name(place.basis) as Digest }
    let artifact = this.#at(place)
    if (artifact === undefined) {
      artifact = { place, signed, certificates: [], trusted: [] }
      append(this.#byDigest, place.digest, artifact)
    }
    const before = { ...fallen(artifact.place, place), ...(signed ? {} : stood(artifact, place)) }
    artifact.place = { ...place, target, path, ...policy, ...basis, ...before }
    artifact.signed = signed
    artifact.trusted = this.#trusted.of(trusted)
    for (const digest of within)
      if (this.#holders.get(digest)?.includes(artifact) !== true) append(this.#holders, digest, artifact)
    for (const number of certificates) {
      if (artifact.certificates.includes(number)) continue
      artifact.certificates.push(number)
      append(this.#users, number, artifact)
    }
  }

  #at({ target, path, digest }: ArtifactPlace): Artifact | undefined {
    return this.#byDigest.get(digest)?.find(({ place }) => place.path === path && place.target === target)
  }

  #name(name: string): string {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    this.#names.set(name, name)
    return name
  }
}

function placesOf(artifacts: readonly Artifact[] = []): JudgedPlace[] {
  return artifacts.map(({ place }) => place)
}

/** When it was trusted last and is no more; a place that is new was trusted never. */
function fallen(before: JudgedPlace, now: JudgedPlace): Pick<JudgedPlace, 'fell'> {
  if (now.verdict === 'trusted' || before === now) return {}
  const fell = before.verdict === 'trusted' ? now.n : before.fell
  return fell === undefined ? {} : { fell }
}

/** The last row that trusted it by signatures, when it was trusted so before. */
function stood({ place: before, signed }: Artifact, now: JudgedPlace): Pick<JudgedPlace, 'stood'> {
  const row = signed && before !== now ? before.n : before.stood
  return row === undefined ? {} : { stood: row }
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
