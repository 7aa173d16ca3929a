/** Where lists, OCSP answers and denials lie; apart from what they are, since every reader of a bundle asks whether there are any. */

/** The repository's path at a target, unless a mapping puts something before it; one for each channel. */
export function revocationPath(channel: string): string {
  return `sallyport/revocation/${channel}`
}

/** The repository's name in a bundle of the channel. */
export function revocationRepository(channel: string): string {
  return `local/${revocationPath(channel)}`
}

/** True when a path at a target is the one of the channel's revocation, below whatever prefix. */
export function isRevocationPath(path: string, channel: string): boolean {
  return path === revocationPath(channel) || path.endsWith(`/${revocationPath(channel)}`)
}
