/** What a check of revocation is made with. */
import type { Certificate, ChainPurpose } from '../signature/index.ts'
import type { OcspAnswer } from './answer.ts'
import type { KeptEntry } from './kept-record.ts'
import type { RevocationList } from './list.ts'

/**
 * What is held, always by the SHA-256 of the issuer's SubjectPublicKeyInfo and never by its name alone: stops the lists
 * of an authority that calls itself like another. Whatever is given is proven again, once for each object: a list that
 * is asked for twice had better be the same object.
 */
export interface RevocationKnowledge {
  /** The whole list of exactly this URL of a distribution point. */
  base(issuerSpki: string, url: string): RevocationList | undefined
  /** The delta of exactly this URL, as a base or a certificate names it for its freshest list. */
  delta(issuerSpki: string, url: string): RevocationList | undefined
  /** Of the whole lists of this URL: what later ones dropped. */
  kept(issuerSpki: string, url: string): { find(serial: string): KeptEntry | undefined } | undefined
  /** Every URL under which whole lists of this issuer may be held: what any of them revokes for good is revoked. */
  urls?(issuerSpki: string): readonly string[]
  /** Every URL under which deltas of this issuer may be held: what any of them revokes for good is revoked. */
  deltaUrls(issuerSpki: string): readonly string[]
  /** @param serial - of the certificate, as it has it */
  answer(issuerSpki: string, serial: string): OcspAnswer | undefined
  /**
   * True when something came for this place that could not be let in, other bytes under one number above all: then what
   * is held there says who is revoked, and no more who is not.
   * @param at - the URL, of an answer the serial number
   */
  disputed?(issuerSpki: string, form: 'base' | 'delta' | 'answer', at: string): boolean
}

export interface RevocationTerms {
  now: Date
  /** Seconds beyond nextUpdate in which a list or answer still counts; each use of them is told in a note. */
  maxStaleness?: number | undefined
  /** SPKI SHA-256 of issuers: of a certificate they made nothing is known without a list, whatever an OCSP answer says. */
  mustHave: ReadonlySet<string>
  /**
   * True: a trusted timestamp before an entry's invalidityDate excuses, as the Notary Project's specification allows.
   * False: only a signing authority's time does, as in notation.
   */
  timestampCounts?: boolean | undefined
}

export interface Query {
  /** Leaf to root. */
  chain: readonly Certificate[]
  purpose: ChainPurpose
  /** A signing time that a trusted signing authority vouches for. */
  signingTime?: Date | undefined
  /** By a trusted timestamp the signature was made then at the latest. */
  timestampTime?: Date | undefined
}

/** One certificate that is asked about. */
export interface Subject {
  certificate: Certificate
  issuer: Certificate
  /** A time that may excuse. */
  signed?: Date | undefined
}

/** True when the signature was made before the key is thought to have been lost. */
export function isExcused({ invalidity }: { invalidity?: Date | undefined }, { signed }: Subject): boolean {
  return signed !== undefined && invalidity !== undefined && signed < invalidity
}
