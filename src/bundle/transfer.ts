/** transfer.json: what a bundle promises, for whom, and what it leaves out (FORMAT "transfer.json"). */
import * as z from 'zod'
import {
  isJsonObject,
  isSiteName,
  isTimeText,
  LARGE_VALUES,
  parseJson,
  shapedList,
  shapedTable,
  shapeFault,
  sortedJson,
  type Json,
} from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import {
  isDigest,
  isHost,
  isReservedTag,
  isRepositoryPath,
  isTag,
  parseSignatureTag,
  type Digest,
} from '../oci/index.ts'
import { isChannelName } from './names.ts'

export const FORMAT = 'sallyport/1'
/** Features this version reads; a bundle that requires another is refused. */
export const PASSENGERS = 'passengers'
export const FEATURES: readonly string[] = [PASSENGERS]
/** So many bundles of other channels ride in one at most. */
export const MAX_PASSENGERS = 16
/** The cap on transfer.json in bytes. */
export const TRANSFER_CAP = 64 * 1024 * 1024

const digest = z.custom<Digest>(isDigest, 'digest')
const time = z.string().refine(isTimeText, 'time')
const count = z.int().min(0)
const text = z.string().max(4096)
const site = z.string().refine(isSiteName, 'site')
// A bundle that bound a signature tag as its own would overwrite the signatures that stand at the target under it.
const tag = z.string().refine((value) => isTag(value) && !isReservedTag(value), 'tag')
const companion = z
  .string()
  .refine((value) => isTag(value) && (parseSignatureTag(value)?.suffix ?? null) !== null, 'signature tag')
const name = z.string().refine((value) => {
  const slash = value.indexOf('/')
  return isHost(value.slice(0, slash)) && isRepositoryPath(value.slice(slash + 1))
}, 'repository')
const path = z.string().refine(isRepositoryPath, 'repository path')

const repository = z.strictObject({
  name,
  /** Where it goes, below what the receiver names with `--to`. */
  to: path,
  /** `complete`: every tag the repository had; `partial`: those the plan chose. */
  tags: z.enum(['complete', 'partial']),
  bindings: shapedTable(z, tag, digest),
  /** Artifacts taken by digest alone. */
  untagged: shapedList(z, digest),
  /** Tags that belong to another manifest (`sha256-<hex>.sig` and its like). */
  companions: shapedTable(z, companion, digest),
  referrers: shapedList(z, digest),
  /** Tags that an earlier bundle brought and that are gone at the source. */
  removed: shapedList(z, tag),
})

const schema = z.strictObject({
  format: z.literal(FORMAT),
  requires: shapedList(z, z.string().max(64), { max: 64 }),
  channel: z.string().refine(isChannelName, 'channel'),
  purpose: z.enum(['content', 'trust', 'revocation']),
  sequence: z.int().min(1),
  audience: shapedList(z, site, { min: 1, max: 1000 }),
  /** For each site the bundle it should have had before; null when this is the first. */
  previous: shapedTable(z, site, z.union([z.null(), z.strictObject({ sequence: z.int().min(1), id: digest })])),
  map: shapedList(z, z.strictObject({ from: text, to: text })),
  created: time,
  validUntil: time,
  exporter: z.strictObject({ name: text, version: text }),
  counts: z.strictObject({
    /** Members that are judged before payload flows, and the payload after them, by algorithm. */
    law: z.strictObject({ sha256: count, sha512: count }),
    payload: z.strictObject({ sha256: count, sha512: count }),
    manifests: count,
    bytes: count,
  }),
  repositories: shapedList(z, repository),
  /** Fallback indexes made by the exporter, by the subject they list; not content of any source. */
  generated: shapedList(z, z.strictObject({ digest, subject: digest })),
  omitted: shapedList(
    z,
    z.strictObject({
      repository: name,
      digest,
      mediaType: text,
      size: count,
      of: digest,
      why: z.enum(['platform', 'referrer', 'foreign-layer']),
      /** As long as the manifest that says it allows. */
      what: z.string().optional(),
    }),
  ),
  prerequisites: shapedList(z, digest),
  /** Bundles of other channels that ride along, by channel. */
  passengers: shapedList(
    z,
    z.strictObject({ channel: z.string().refine(isChannelName, 'channel'), id: digest, sequence: z.int().min(1) }),
    { min: 1, max: MAX_PASSENGERS },
  ).optional(),
})

export type Transfer = z.output<typeof schema>
export type TransferRepository = z.output<typeof repository>

/** The bytes of transfer.json: JSON with sorted members and no space, and a line feed. */
export function encodeTransfer(transfer: Transfer): Buffer {
  return Buffer.from(`${sortedJson(transfer as unknown as Json)}\n`)
}

function malformed(detail: string): SallyportError {
  return new SallyportError('TRANSFER_MALFORMED', { side: 'bundle', subject: 'transfer.json', detail })
}

/** Throws TRANSFER_MALFORMED, PURPOSE_MISMATCH. */
function demandPassengers({ channel, purpose, requires, passengers }: Transfer): void {
  if (requires.length !== (passengers === undefined ? 0 : 1)) throw malformed('requires and passengers differ')
  if (passengers === undefined) return
  const channels = passengers.map(({ channel: other }) => other)
  // Two heads of one channel would leave it to the reader which of them counts.
  if (channels.includes(channel) || channels.some((other, i) => i > 0 && (channels[i - 1] ?? '') >= other))
    throw malformed('passengers: a channel twice, or out of order')
  if (purpose !== 'content')
    throw new SallyportError('PURPOSE_MISMATCH', {
      side: 'bundle',
      subject: 'transfer.json',
      detail: `passengers ride with content, this is a bundle for ${purpose}`,
    })
}

/**
 * The promise in transfer.json.
 * Throws FORMAT_UNSUPPORTED and FEATURE_UNKNOWN before anything else is looked at, so that a newer format is told
 * from a damaged one; then JSON_MALFORMED, LIMIT_EXCEEDED and TRANSFER_MALFORMED.
 */
export function parseTransfer(bytes: Uint8Array): Transfer {
  const document = parseJson(bytes, 'bundle', 'transfer.json', LARGE_VALUES)
  const format = isJsonObject(document) ? document['format'] : undefined
  if (!isJsonObject(document) || typeof format !== 'string') throw malformed('format')
  if (format !== FORMAT)
    throw new SallyportError('FORMAT_UNSUPPORTED', { side: 'bundle', subject: format.slice(0, 64) })
  const requires = document['requires']
  const features = Array.isArray(requires) ? requires.filter((item) => typeof item === 'string') : []
  const unknown = features.find((item) => !FEATURES.includes(item))
  if (unknown !== undefined)
    throw new SallyportError('FEATURE_UNKNOWN', { side: 'bundle', subject: unknown.slice(0, 64) })
  const result = schema.safeParse(document)
  if (!result.success) throw malformed(shapeFault(result.error))
  // Two parts under one repository's name could bind one tag to two digests.
  const { repositories } = result.data
  const odd = repositories.find(({ name: own }, i) => i > 0 && (repositories[i - 1]?.name ?? '') >= own)
  if (odd !== undefined) throw malformed(`repositories: ${odd.name} twice or out of order`)
  // A tag can't be there and gone.
  const torn = repositories.find(({ removed, bindings }) =>
    removed.some((one, i) => Object.hasOwn(bindings, one) || (i > 0 && (removed[i - 1] ?? '') >= one)),
  )
  if (torn !== undefined)
    throw malformed(`repositories: ${torn.name}: removed names a tag twice, unsorted, or one that is bound`)
  demandPassengers(result.data)
  // One spelling only: a second reader must not see other members than we do.
  if (!encodeTransfer(result.data).equals(bytes)) throw malformed('not canonical')
  return result.data
}
