/** Revocation lists, an OCSP answer and denials for the corpus: an authority from public phrases, the same in every run. */
import { fixtureParty, type FixtureParty } from '../../fixtures/chains/build.ts'
import { buildRevocationList, type RevocationListTerms } from '../../src/ca/index.ts'
import { derGeneralizedTime } from '../../src/ca/certificate.ts'
import { der, derBits, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import {
  CERTIFICATE,
  OCI_EMPTY,
  OCI_MANIFEST,
  OCSP_ANSWER,
  parseManifest,
  REVOCATION_LIST,
  type Descriptor,
} from '../../src/oci/index.ts'
import { parseAnswer, parseList } from '../../src/revocation/index.ts'
import { certificateIdDer } from '../../src/revocation/answer-entry.ts'
import { parseCertificate, type Certificate } from '../../src/signature/index.ts'
import { answerLabel, listLabel } from '../../src/transfer/revocation/information.ts'
import { revocationManifest, revocationTag, type RevocationLabel } from '../../src/transfer/revocation/item.ts'
import { Goods, type Shelf } from './goods.ts'

export const LIST_URL = 'http://crl.example/issuing.crl'
const ROOT_URL = 'http://crl.example/root.crl'
const DELTA_URL = 'http://crl.example/issuing-delta.crl'
const OCSP_URL = 'http://ocsp.example/'
const FROM = new Date('2026-05-31T00:00:00Z')
const UNTIL = new Date('2030-01-01T00:00:00Z')

const root = fixtureParty({ kind: 'root', commonName: 'vectors root' })
const issuing = fixtureParty({ kind: 'ca', commonName: 'vectors issuing', issuer: root, crlUrl: ROOT_URL })
const signer = fixtureParty({ kind: 'signer', commonName: 'vectors signer', issuer: issuing, crlUrl: LIST_URL })
/** The same name and another key. */
const namesake = fixtureParty({ kind: 'root', commonName: 'vectors issuing', algorithm: 'ES256' })

function certificateOf({ chain }: FixtureParty): Certificate {
  return parseCertificate(chain[0] ?? Buffer.alloc(0))
}

export const ISSUER = certificateOf(issuing)
/** Whoever signs under it, and the certificates up to the root. */
export const SIGNER = [certificateOf(signer), ISSUER, certificateOf(root)] as const

function listOf(party: FixtureParty, terms: Partial<RevocationListTerms> = {}): Buffer {
  const issuer = { name: party.name, key: party.issuer }
  return buildRevocationList({ issuer, number: 16, thisUpdate: FROM, nextUpdate: UNTIL, entries: [], ...terms })
}

/** The list of the issuing authority, with an entry and a delta. */
export function issuingList(number = 16): Buffer {
  const entries = [{ serial: '4711', revoked: FROM, reason: 'keyCompromise' as const }]
  return listOf(issuing, { number, entries, freshestUrl: DELTA_URL })
}

function answerOf(party: FixtureParty, about: Certificate): Buffer {
  const issuer = certificateOf(party)
  const [from, until] = [derGeneralizedTime(FROM), derGeneralizedTime(UNTIL)]
  const single = derSequence(certificateIdDer(about, issuer), der(0x80), from, der(0xa0, until))
  const data = derSequence(der(0xa1, party.name), from, derSequence(single))
  const basic = derSequence(data, party.issuer.identifier, derBits(party.issuer.sign(data)))
  const body = derSequence(derOid('1.3.6.1.5.5.7.48.1.1'), derOctets(basic))
  return derSequence(der(0x0a, Uint8Array.of(0)), der(0xa0, body))
}

export interface PieceParts {
  label: RevocationLabel
  layers: readonly [Descriptor, Descriptor]
}

/** Puts a piece on the shelf under its tag, perhaps with a manifest that another hand has changed. */
export function place(shelf: Shelf, { label, layers }: PieceParts, edit = (text: string): string => text): Descriptor {
  const text = edit(revocationManifest(label, layers).toString())
  shelf.blob(OCI_EMPTY, '{}')
  const reading = parseManifest(Buffer.from(text), OCI_MANIFEST, 'source', shelf.graph.repository)
  const descriptor = shelf.raw(OCI_MANIFEST, text, reading)
  shelf.tag(revocationTag(label), descriptor)
  return descriptor
}

/** A list as it is carried: of the issuing authority, unless told otherwise. */
export function listPiece(shelf: Shelf, list = issuingList(), url = LIST_URL, issuer = ISSUER): PieceParts {
  const layers = [shelf.blob(REVOCATION_LIST, list), shelf.blob(CERTIFICATE, issuer.der)] as const
  return { label: listLabel(parseList(list), issuer, url), layers }
}

function answerPiece(shelf: Shelf): PieceParts {
  const about = certificateOf(signer)
  const bytes = answerOf(issuing, about)
  const label = answerLabel(parseAnswer(bytes), ISSUER, OCSP_URL, about.serial)
  if (label === undefined) throw new TypeError('the answer says nothing of its certificate')
  return { label, layers: [shelf.blob(OCSP_ANSWER, bytes), shelf.blob(CERTIFICATE, ISSUER.der)] }
}

/** A list that the namesake made, said to be of the issuing authority. */
export function namesakesList(shelf: Shelf): PieceParts {
  const list = listOf(namesake)
  return { label: listLabel(parseList(list), ISSUER, LIST_URL), layers: listPiece(shelf, list).layers }
}

/** Everything that there is for the chain of a signer. */
export function fillLists(shelf: Shelf): void {
  place(shelf, listPiece(shelf))
  place(shelf, listPiece(shelf, listOf(root), ROOT_URL, certificateOf(root)))
  place(shelf, listPiece(shelf, listOf(issuing, { number: 18, deltaBase: 16 }), DELTA_URL))
  place(shelf, answerPiece(shelf))
}

/** The shelf that a channel's pieces stand on, and what it is filled with. */
export function pieces(channel: string, fill: (shelf: Shelf) => void, goods = new Goods()): Goods {
  fill(goods.shelf(`local/sallyport/revocation/${channel}`))
  return goods
}

/** For a reject that differs in one octet of what is signed. */
export function flipped(bytes: Buffer, at: number): Buffer {
  const out = Buffer.from(bytes)
  out[at] = (out[at] ?? 0) ^ 1
  return out
}
