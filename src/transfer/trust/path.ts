/** Where trust information lies; apart from what it is, since every reader of a bundle asks whether there is any. */

/** The repository's path at a target, unless a mapping puts something before it; one for each channel. */
export function trustPath(channel: string): string {
  return `sallyport/trust/${channel}`
}

/** The repository's name in a bundle of the channel. */
export function trustRepository(channel: string): string {
  return `local/${trustPath(channel)}`
}

/** True when a path at a target is the one of the channel's trust information, below whatever prefix. */
export function isTrustPath(path: string, channel: string): boolean {
  return path === trustPath(channel) || path.endsWith(`/${trustPath(channel)}`)
}
