/** The keys of the index: parts joined by NUL, so that a family is one range and keys sort by their parts. */

const NUL = '\0'
const DIGITS = 16

function key(...parts: string[]): string {
  // Stops a part that would end early and land in another's place.
  if (parts.some((part) => part.includes(NUL))) throw new TypeError('a name in the index may not hold NUL')
  return parts.join(NUL)
}

function padded(n: number): string {
  return String(n).padStart(DIGITS, '0')
}

export const META_FORMAT = key('meta', 'format')
export const META_HEAD = key('meta', 'head')

export const channelKey = (channel: string): string => key('channel', channel)
export const intentKey = (target: string, repository: string, tag: string): string =>
  key('intent', target, repository, tag)
export const heldKey = (target: string, digest: string, repository: string): string =>
  key('held', target, digest, repository)
export const tagKey = (target: string, repository: string, tag: string, n: number): string =>
  key('tag', target, repository, tag, padded(n))
export const bundleKey = (channel: string, sequence: number): string => key('bundle', channel, padded(sequence))
export const importKey = (target: string, id: string): string => key('import', target, id)

/** The start of all keys whose first parts are these. */
export function prefixOf(...parts: string[]): string {
  return key(...parts) + NUL
}

/** What is left of a key behind its prefix, as parts. */
export function partsAfter(prefix: string, whole: string): string[] {
  return whole.slice(prefix.length).split(NUL)
}

/** The start of all keys of what targets hold. */
export const HELD_KEYS = prefixOf('held')

/** The first key behind all that start with `prefix`. */
export function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}\u0001`
}

/** A key as a person reads it. */
export function keyText(whole: string): string {
  return whole.replaceAll(NUL, ' ')
}
