/** From certificate chains to the lists and answers that say whether they are revoked. */
import { SallyportError } from '../../errors/index.ts'
import type { RevocationList } from '../../revocation/index.ts'
import { issuedBy, parseCertificates, selfSigned, type Certificate } from '../../signature/index.ts'
import { isListUrl } from '../revocation/item.ts'
import type { CarriedChain } from '../trust/document.ts'
import { readSmall } from '../run/small-file.ts'

/** A certificate that somebody else issued. */
export interface RevocableCertificate {
  certificate: Certificate
  issuer: Certificate
  /** Its lists must be had: a stranger's, whom no statement of the policy believes, are asked for and no more. */
  demanded: boolean
  /** What its chains are for; empty for one that only a file of the plan names. */
  purposes: Set<CarriedChain['purpose']>
  /** Every one of them must be answered: a list may be of other reasons, or of another part. */
  crlUrls: string[]
  freshestUrls: string[]
  /** One of them will do. */
  ocspUrls: string[]
}

/** A chain, and how far it is anybody's whom the policy may believe. */
export interface CollectedChain extends CarriedChain {
  /** The issuers of so many of its certificates, from the signer up, are vouched for; all of them where no policy says. */
  demanded: number
}

export interface WantedList {
  kind: 'list'
  url: string
  issuer: Certificate
}

/** The changes since a list. */
export interface WantedDelta {
  kind: 'delta'
  /** Its own place, as its base names it, or the certificate where the base names none. */
  url: string
  issuer: Certificate
  base: RevocationList
  baseUrl: string
}

export interface WantedAnswer {
  kind: 'answer'
  url: string
  issuer: Certificate
  certificate: Certificate
}

export type Wanted = WantedList | WantedDelta | WantedAnswer

/** What tells one wanted thing from another: never a name alone. */
export function wantedKey({ kind, url, issuer, ...rest }: Wanted): string {
  const further = 'certificate' in rest ? rest.certificate.serial : 'baseUrl' in rest ? rest.baseUrl : ''
  return `${kind} ${issuer.spkiSha256} ${url} ${further}`
}

/** Each address once that lists can be had under. */
export function webUrls(urls: readonly string[]): string[] {
  return [...new Set(urls)].filter(isListUrl)
}

/**
 * The chains of a file: certificates in any order, each with its issuer, up to a root that signed itself.
 * Throws FILE_UNREADABLE, CERTIFICATE_FILE; CHAIN_FILE when an issuer is missing, without whom no list can be proven.
 */
function pairsOfFile(file: string): [Certificate, Certificate][] {
  const all = parseCertificates(readSmall(file), file)
  return all
    .filter((certificate) => !selfSigned(certificate))
    .map((certificate) => {
      const issuer = all.find((other) => issuedBy(certificate, other))
      if (issuer !== undefined) return [certificate, issuer]
      throw new SallyportError('CHAIN_FILE', {
        side: 'source',
        subject: file,
        detail: `it lacks the issuer of certificate ${certificate.sha256}`,
        remedy: 'put the certificates of all issuers into the file, up to the root',
      })
    })
}

/**
 * Every certificate of the chains but the roots, each once, with its issuer; sorted. Those that are demanded bring their
 * issuers first: stops a stranger who certifies a vendor's key anew, without the right to sign lists, from having the
 * vendor's own list held against that certificate. Throws as reading `files` does.
 */
export function revocableIn(chains: readonly CollectedChain[], files: readonly string[]): RevocableCertificate[] {
  const found = new Map<string, RevocableCertificate>()
  const add = (certificate: Certificate, issuer: Certificate, demanded: boolean): RevocableCertificate => {
    const { sha256, crlUrls, freshestCrlUrls, ocspUrls } = certificate
    const known = found.get(sha256) ?? {
      certificate,
      issuer,
      demanded,
      purposes: new Set(),
      crlUrls: webUrls(crlUrls),
      freshestUrls: webUrls(freshestCrlUrls),
      ocspUrls: webUrls(ocspUrls),
    }
    found.set(sha256, known)
    return known
  }
  const sorted = [...chains].sort((a, b) => (chainText(a) < chainText(b) ? -1 : 1))
  const pass = (demanded: boolean): void => {
    for (const { purpose, chain, demanded: count } of sorted)
      chain.forEach((certificate, i) => {
        const issuer = chain[i + 1]
        if (issuer !== undefined && i < count === demanded) add(certificate, issuer, demanded).purposes.add(purpose)
      })
  }
  pass(true)
  for (const file of files) for (const [certificate, issuer] of pairsOfFile(file)) add(certificate, issuer, true)
  pass(false)
  return [...found.values()].sort((a, b) => (a.certificate.sha256 < b.certificate.sha256 ? -1 : 1))
}

function chainText({ chain }: CarriedChain): string {
  return chain.map(({ sha256 }) => sha256).join()
}
