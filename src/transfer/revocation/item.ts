/**
 * Revocation as OCI artifacts (FORMAT 8.8): a list, an OCSP answer or denials, each of one spelling. What a manifest says
 * of its piece is for whoever lists tags at a registry; a reader holds it against the piece itself.
 */
import { hash } from 'node:crypto'
import { isTimeText, sortedJson, type JsonObject } from '../../codec/index.ts'
import {
  CERTIFICATE,
  digestOf,
  OCI_EMPTY,
  OCI_MANIFEST,
  OCSP_ANSWER,
  REVOCATION_LIST,
  REVOCATION_LIST_CAP,
  type Descriptor,
  type Manifest,
} from '../../oci/index.ts'
import { ANSWER_CAP, DENIALS_CAP } from '../../revocation/index.ts'
import { EMPTY_CONFIG } from '../../signature/index.ts'

interface Issued {
  /** As the certificate spells it, or the list that names its delta. */
  url: string
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, in hex. */
  issuer: string
  thisUpdate: string
  nextUpdate: string
}

export interface ListLabel extends Issued {
  kind: 'list'
  /** In decimal, as people and tools read it. */
  number: string
  /** Number of the base; it is a delta then. */
  deltaBase?: string
}

export interface AnswerLabel extends Issued {
  kind: 'answer'
  /** Lower-case hex without leading zeros. */
  serial: string
}

export interface DenialsLabel {
  kind: 'denials'
}

/** What a manifest says of its piece. */
export type RevocationLabel = ListLabel | AnswerLabel | DenialsLabel

/** Layers of a piece: what it is, and the issuer's certificate where it has one. */
export type PieceLayers = readonly [Descriptor] | readonly [Descriptor, Descriptor]

const TYPE = 'application/vnd.sallyport.revocation.'
const ANNOTATION = 'io.sallyport.revocation.'
export const DENIALS_TYPE = `${TYPE}denials.v1`
const TITLE = 'org.opencontainers.image.title'

const CERTIFICATE_CAP = 64 * 1024
const URL_CAP = 4096

const HASH = /^[0-9a-f]{64}$/
const DECIMAL = /^(?:0|[1-9][0-9]{0,48})$/
const SERIAL = /^(?:0|[1-9a-f][0-9a-f]{0,39})$/
const WEB_URL = /^https?:\/\/[!-~]+$/i

/** True for a URL that lists and answers are kept under: http or https, of printable ASCII. */
export function isListUrl(url: string): boolean {
  return url.length <= URL_CAP && WEB_URL.test(url) && URL.canParse(url)
}

/** The tag that this piece, and no other, has in its repository. */
export function revocationTag(label: RevocationLabel): string {
  if (label.kind === 'denials') return 'denials'
  const key = `${label.issuer}\n${label.kind === 'answer' ? label.serial : label.url}`
  const kind = label.kind === 'list' && label.deltaBase !== undefined ? 'delta' : label.kind
  return `${kind}-${hash('sha256', key, 'hex').slice(0, 40)}`
}

function annotationsOf(label: RevocationLabel): Record<string, string> {
  if (label.kind === 'denials') return {}
  const { url, issuer, thisUpdate, nextUpdate } = label
  const own =
    label.kind === 'answer'
      ? { serial: label.serial }
      : { number: label.number, ...(label.deltaBase === undefined ? {} : { 'delta-base': label.deltaBase }) }
  const all = { url, issuer, 'this-update': thisUpdate, 'next-update': nextUpdate, ...own }
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`${ANNOTATION}${name}`, value]))
}

/** What the first layer is, and under which name tools for artifacts write it to a file. */
function firstLayer(label: RevocationLabel): { mediaType: string; title: string; cap: number } {
  const tag = revocationTag(label)
  if (label.kind === 'denials') return { mediaType: DENIALS_TYPE, title: 'denials.json', cap: DENIALS_CAP }
  return label.kind === 'answer'
    ? { mediaType: OCSP_ANSWER, title: `${tag}.ocsp`, cap: ANSWER_CAP }
    : { mediaType: REVOCATION_LIST, title: `${tag}.crl`, cap: REVOCATION_LIST_CAP }
}

function layerJson(mediaType: string, title: string, { digest, size }: Descriptor): JsonObject {
  return { mediaType, digest, size, annotations: { [TITLE]: title } }
}

/** The manifest of a piece; equal input gives equal bytes. */
export function revocationManifest(label: RevocationLabel, [first, certificate]: PieceLayers): Buffer {
  const annotations = annotationsOf(label)
  const { mediaType, title } = firstLayer(label)
  return Buffer.from(
    sortedJson({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: `${TYPE}${label.kind}.v1`,
      config: { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length },
      layers: [
        layerJson(mediaType, title, first),
        ...(certificate === undefined ? [] : [layerJson(CERTIFICATE, `${revocationTag(label)}.crt`, certificate)]),
      ],
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    }),
  )
}

/** The label that annotations give, if it is one; whether there is more beside it, the encoding says. */
function labelOf({ artifactType, annotations }: Manifest): RevocationLabel | undefined {
  const said = (name: string): string => annotations[`${ANNOTATION}${name}`] ?? ''
  if (artifactType === DENIALS_TYPE) return { kind: 'denials' }
  const [url, issuer] = [said('url'), said('issuer')]
  const [thisUpdate, nextUpdate] = [said('this-update'), said('next-update')]
  if (!isListUrl(url) || !HASH.test(issuer) || !isTimeText(thisUpdate) || !isTimeText(nextUpdate)) return undefined
  const issued = { url, issuer, thisUpdate, nextUpdate }
  if (artifactType === `${TYPE}answer.v1`) {
    const serial = said('serial')
    return SERIAL.test(serial) ? { kind: 'answer', ...issued, serial } : undefined
  }
  const [number, deltaBase] = [said('number'), annotations[`${ANNOTATION}delta-base`]]
  if (artifactType !== `${TYPE}list.v1` || !DECIMAL.test(number) || !DECIMAL.test(deltaBase ?? '0')) return undefined
  return { kind: 'list', ...issued, number, ...(deltaBase === undefined ? {} : { deltaBase }) }
}

/** The piece that a manifest stands for, with its layers, or undefined for every other manifest. */
export function revocationItemOf(
  manifest: Manifest,
  bytes: Uint8Array,
): { label: RevocationLabel; layers: PieceLayers } | undefined {
  const label = labelOf(manifest)
  const [first, certificate, ...more] = manifest.layers
  if (label === undefined || first === undefined || more.length > 0) return undefined
  if ((label.kind === 'denials') !== (certificate === undefined)) return undefined
  if (first.size > firstLayer(label).cap || (certificate?.size ?? 0) > CERTIFICATE_CAP) return undefined
  const layers: PieceLayers = certificate === undefined ? [first] : [first, certificate]
  // Stops content that passes for revocation, a subject, a config or a further layer: there is one spelling of each piece.
  return revocationManifest(label, layers).equals(bytes) ? { label, layers } : undefined
}
