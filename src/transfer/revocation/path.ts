/** Where lists, OCSP answers and denials lie; apart from what they are, since every reader of a bundle asks whether there are any. */
import { SallyportError } from '../../errors/index.ts'
import { isTrustPath, trustRepository } from '../trust/path.ts'

/** The repository's path at a target, unless a mapping puts something before it; one for each channel. */
export function revocationPath(channel: string): string {
  return `sallyport/revocation/${channel}`
}

/** The repository's name in a bundle of the channel. */
export function revocationRepository(channel: string): string {
  return `local/${revocationPath(channel)}`
}

/** The names in a bundle of the channel of what it tells of itself: on trust and on revocation. */
export function informingRepositories(channel: string): string[] {
  return [trustRepository(channel), revocationRepository(channel)]
}

const NAMES = revocationRepository('')

/** True for a repository's name in a bundle that is kept for revocation, of whichever channel. */
export function isRevocationName(name: string): boolean {
  return name.startsWith(NAMES)
}

/** True when a path at a target is the one of the channel's revocation, below whatever prefix. */
export function isRevocationPath(path: string, channel: string): boolean {
  return path === revocationPath(channel) || path.endsWith(`/${revocationPath(channel)}`)
}

/** Throws TARGET_COLLISION when what is to be exported has a name that is kept for revocation. */
export function refuseKeptNames(repositories: readonly { graph: { repository: string } }[]): void {
  const kept = repositories.find(({ graph }) => isRevocationName(graph.repository))
  if (kept === undefined) return
  throw new SallyportError('TARGET_COLLISION', {
    side: 'source',
    subject: kept.graph.repository,
    detail: 'this name is kept for revocation lists, OCSP answers and denials',
  })
}

/** True where the word on trust of one of the channels, and no content, lies: its own name, in its own place. */
function isTrustPlace(name: string, path: string, channels: readonly string[]): boolean {
  return channels.some((channel) => name === trustRepository(channel) && isTrustPath(path, channel))
}

/** Below any prefix: lists, what informs on trust, and copies of what was taken away. */
const KEPT_PATH = /(?:^|\/)sallyport\/(?:revocation|trust|quarantine)\//

/**
 * Kept when the receiver's own mapping leaves lists where they are looked for, and nothing else comes there. Stops pieces
 * that no policy judges from moving the tags of an image, and content from moving those of another channel's denials, of
 * its word on trust, or of what is kept in quarantine. Throws MAP_INVALID, TARGET_COLLISION.
 * @param landed - by name in the bundle the full path at the target
 * @param channels - that of the bundle, and those of its passengers
 */
export function demandRevocationPaths(
  landed: Iterable<readonly [name: string, path: string]>,
  channels: readonly string[],
): void {
  for (const [name, to] of landed) {
    if (KEPT_PATH.test(to) && !isTrustPlace(name, to, channels) && !isRevocationName(name))
      throw new SallyportError('TARGET_COLLISION', {
        side: 'target',
        subject: to,
        detail: `${name} would lie where lists, trust information or the quarantine do`,
        remedy: 'map it to another path with --map',
      })
    if (!isRevocationName(name)) continue
    const channel = name.slice(NAMES.length)
    if (isRevocationPath(to, channel)) continue
    throw new SallyportError('MAP_INVALID', {
      side: 'target',
      subject: to,
      detail: `revocation lists go to ${revocationPath(channel)}, below any prefix`,
    })
  }
}
