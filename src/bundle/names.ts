/** The names a member may have. A name is compared, never made into a path. */
import { algorithmOf, hexOf, isDigest, type Digest } from '../oci/index.ts'

export const LAYOUT_MEMBER = 'oci-layout'
export const LAYOUT_BYTES = Buffer.from('{"imageLayoutVersion":"1.0.0"}')
export const TRANSFER_MEMBER = 'transfer.json'
export const SUMS_MEMBER = 'SHA256SUMS'
export const SUMS512_MEMBER = 'SHA512SUMS'
export const INDEX_MEMBER = 'index.json'

export const MAX_ROOTS = 256

// The rule of `tuf/`, where the name is signed; a test keeps the two equal.
const CHANNEL = /^(?=.{1,63}$)[a-z0-9]+(?:[._-][a-z0-9]+)*$/
const METADATA = /^metadata\/([a-z0-9._-]{1,63})\/(?:([1-9][0-9]{0,5})\.root|timestamp|snapshot|targets)\.json$/
const ABOARD = /^passengers\/([a-z0-9._-]{1,63})\/(?:transfer\.json|SHA(?:256|512)SUMS|index\.json)$/
const BLOB = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/

/** True for a channel's name: 1 to 63 of `a-z 0-9`, singly joined by `. _ -`. */
export function isChannelName(text: string): boolean {
  return CHANNEL.test(text)
}

export function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`
}

/** The digest in a blob member's name, or undefined for another member. */
export function blobDigest(name: string): Digest | undefined {
  const match = BLOB.exec(name)
  const digest = `${match?.[1]}:${match?.[2]}`
  return isDigest(digest) ? digest : undefined
}

export function metadataName(channel: string, part: string): string {
  return `metadata/${channel}/${part}.json`
}

/** The channel and part (`7.root`, `timestamp`, …) of a metadata member. */
export function parseMetadataName(name: string): { channel: string; part: string; root?: number } | undefined {
  const match = METADATA.exec(name)
  const channel = match?.[1]
  if (match === null || channel === undefined || !isChannelName(channel)) return undefined
  const part = name.slice(`metadata/${channel}/`.length, -'.json'.length)
  return match[2] === undefined ? { channel, part } : { channel, part, root: Number(match[2]) }
}

/** A member of group 3 of a passenger. */
export function aboardName(channel: string, name: string): string {
  return `passengers/${channel}/${name}`
}

function isAboardName(name: string): boolean {
  const channel = ABOARD.exec(name)?.[1]
  return channel !== undefined && isChannelName(channel)
}

const FIXED = [LAYOUT_MEMBER, TRANSFER_MEMBER, SUMS_MEMBER, SUMS512_MEMBER, INDEX_MEMBER]

/** True for a name that the format knows. */
export function isMemberName(name: string): boolean {
  if (FIXED.includes(name) || blobDigest(name) !== undefined) return true
  return parseMetadataName(name) !== undefined || isAboardName(name)
}
