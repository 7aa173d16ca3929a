/**
 * NIST's Public Key Interoperability Test Suite (PKITS 1.0.1), as far as it asks about revocation. It names places of
 * lists by directory names, which no site can fetch from: each is translated here to a URL, in certificates and lists
 * alike, so that what is judged is ours and nothing but the spelling of names is not.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { derSequence, parseDer, readOid, type DerNode } from '../../src/codec/index.ts'
import { SallyportError } from '../../src/errors/index.ts'
import {
  demandIssuedList,
  parseList,
  revocationCheck,
  type RevocationKnowledge,
  type RevocationList,
} from '../../src/revocation/index.ts'
import { issuedBy, parseCertificate, type Certificate } from '../../src/signature/index.ts'

/** When all lists count that are not meant to be too old. */
export const NOW = new Date('2026-06-01T00:00:00Z')
const ROOT = 'TrustAnchorRootCertificate.crt'

/** Lists that a test gives for an authority that is not the one they name. */
const GIVEN: Readonly<Record<string, string>> = {
  'BadCRLIssuerNameCACert.crt': 'BadCRLIssuerNameCACRL.crl',
  'WrongCRLCACert.crt': 'WrongCRLCACRL.crl',
}

export interface Verdict {
  status: 'good' | 'revoked' | 'unknown' | 'unreadable'
  detail: string
}

function urlOf(name: Uint8Array): string {
  return `http://pkits.test/${Buffer.from(name).toString('hex')}`
}

/** URLs for the names of a DistributionPointName; a relative one goes behind the issuer's name. */
function translated(point: DerNode, issuer: Uint8Array): string[] {
  const [choice] = point.children
  if (choice?.tag === 0xa1) {
    const rdn = Buffer.concat([Buffer.of(0x31), choice.raw.subarray(1)])
    return [urlOf(derSequence(...parseDer(issuer).children.map(({ raw }) => raw), rdn))]
  }
  return (choice?.children ?? []).flatMap(({ tag, contents }) => (tag === 0xa4 ? [urlOf(contents)] : []))
}

function extensionOf(certificate: Certificate, wanted: string): DerNode | undefined {
  const all =
    parseDer(certificate.der).children[0]?.children.find(({ tag }) => tag === 0xa3)?.children[0]?.children ?? []
  const found = all.find(({ children: [name] }) => name !== undefined && readOid(name) === wanted)
  const value = found?.children.at(-1)
  return value && parseDer(value.contents)
}

/** With URLs for the places of its lists; without any, with one for its issuer's only list. */
function withUrls(certificate: Certificate): Certificate {
  const points = extensionOf(certificate, '2.5.29.31')?.children ?? []
  const places = points.map((point) => {
    const field = (tag: number): DerNode | undefined => point.children.find((child) => child.tag === tag)
    const name = field(0xa0)
    return { urls: name === undefined ? [] : translated(name, certificate.rawIssuer), issuer: field(0xa2) }
  })
  return {
    ...certificate,
    crlUrls: points.length === 0 ? [urlOf(certificate.rawIssuer)] : places.flatMap(({ urls }) => urls),
    crlElsewhere: places.some(({ urls, issuer }) => urls.length === 0 || issuer !== undefined),
    freshestCrlUrls: [],
  }
}

function withListUrls(list: RevocationList): RevocationList {
  const { issuingPoint, rawIssuer, freshestElsewhere } = list
  const name = issuingPoint && parseDer(issuingPoint.der).children.find(({ tag }) => tag === 0xa0)
  return {
    ...list,
    ...(issuingPoint && name && { issuingPoint: { ...issuingPoint, urls: translated(name, rawIssuer) } }),
    // No place of a delta in PKITS is used for another issuer's.
    ...(freshestElsewhere && { freshest: [urlOf(rawIssuer)], freshestElsewhere: false }),
  }
}

function codeOf(error: unknown): string {
  if (error instanceof SallyportError) return error.code
  throw error
}

/** The certificates and lists of the suite, and what our check says of them. */
export class Pkits {
  readonly #certificates = new Map<string, Certificate>()
  readonly #unreadable = new Map<string, string>()
  readonly #lists = new Map<string, RevocationList>()
  readonly #x509Folder: string
  readonly folder: string

  /** @param missing - the file of a list that is left out */
  constructor(x509Folder: string, missing?: string) {
    this.#x509Folder = x509Folder
    this.folder = join(x509Folder, 'PKITS_data')
    for (const name of readdirSync(join(this.folder, 'certs')))
      this.#read(name, () =>
        this.#certificates.set(name, parseCertificate(readFileSync(join(this.folder, 'certs', name)))),
      )
    for (const name of readdirSync(join(this.folder, 'crls')).filter((file) => file !== missing))
      this.#read(name, () =>
        this.#lists.set(name, withListUrls(parseList(readFileSync(join(this.folder, 'crls', name))))),
      )
  }

  #read(name: string, read: () => void): void {
    try {
      read()
    } catch (error) {
      this.#unreadable.set(name, codeOf(error))
    }
  }

  without(list: string): Pkits {
    return new Pkits(this.#x509Folder, list)
  }

  get unreadableLists(): string[] {
    return [...this.#unreadable].filter(([name]) => name.endsWith('.crl')).map(([name, code]) => `${name}: ${code}`)
  }

  /** The names of the certificates of users, which are those that tests end in. */
  get cases(): string[] {
    return readdirSync(join(this.folder, 'certs')).filter((name) => /Test\d+(?:EE)?\.crt$/.test(name))
  }

  /** From this certificate to the root, by the names of their files; it ends early where none is the issuer. */
  #chain(name: string): string[] {
    const certificate = this.#certificates.get(name)
    if (certificate === undefined || name === ROOT) return [name]
    const issuer = [...this.#certificates].find(([, other]) => issuedBy(certificate, other))
    return [name, ...(issuer === undefined ? [] : this.#chain(issuer[0]))]
  }

  /** The lists a relying party would have at hand for an authority: the right one first. */
  #candidates(issuerSpki: string, delta: boolean, url: string): RevocationList[] {
    const [name, issuer] =
      [...this.#certificates].find(([, { spkiSha256 }]) => spkiSha256 === issuerSpki) ?? ([] as never)
    const given = GIVEN[name]
    const lists = [...this.#lists].filter(([file, list]) =>
      given === undefined ? list.rawIssuer.equals(issuer.rawSubject) : file === given,
    )
    const fit = (list: RevocationList): number => {
      const placed = list.issuingPoint?.urls?.includes(url) ?? true
      try {
        demandIssuedList(list, issuer)
        return placed ? 0 : 1
      } catch {
        return 2
      }
    }
    return lists
      .map(([, list]) => list)
      .filter(({ deltaBase }) => (deltaBase !== undefined) === delta)
      .toSorted((one, other) => fit(one) - fit(other))
  }

  /** What our check says of the chain that ends in this certificate, or of its first `count` certificates. */
  judge(name: string, now = NOW, count = Infinity): Verdict {
    const chain = this.#chain(name)
    const broken = chain.find((each) => !this.#certificates.has(each))
    if (broken !== undefined) return { status: 'unreadable', detail: this.#unreadable.get(broken) ?? '' }
    if (chain.at(-1) !== ROOT) return { status: 'unreadable', detail: 'no issuer has its name, octet by octet' }
    const certificates = chain.flatMap((each) => this.#certificates.get(each) ?? []).map(withUrls)
    const knowledge: RevocationKnowledge = {
      base: (spki, url) => this.#candidates(spki, false, url)[0],
      // The delta lies where its base says, which is translated to the issuer's own name.
      delta: (spki, url) => this.#candidates(spki, true, url)[0],
      deltaUrls: () => [],
      kept: () => undefined,
      answer: () => undefined,
    }
    const check = revocationCheck(knowledge, { now, mustHave: new Set() })
    const result = check({ chain: certificates.slice(0, count + 1), purpose: 'codeSigning' })
    return { status: result.status, detail: 'detail' in result ? result.detail : (result.notes ?? []).join('; ') }
  }
}
