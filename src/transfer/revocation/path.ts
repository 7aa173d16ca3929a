/** Where lists, OCSP answers and denials lie; apart from what they are, since every reader of a bundle asks whether there are any. */
import { SallyportError } from '../../errors/index.ts'
import { trustRepository } from '../trust/path.ts'

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

/** Below any prefix: lists, what informs on trust, and copies of what was taken away. */
const KEPT_PATH = /(?:^|\/)sallyport\/(?:revocation|trust|quarantine)\//
const OWN_NAME = /^local\/(sallyport\/trust\/.+)$/

/**
 * Kept when the receiver's own mapping leaves lists where they are looked for, and nothing else comes there. Stops pieces
 * that no policy judges from moving the tags of an image, and content from moving those of another channel's denials or of
 * what is kept in quarantine. Throws MAP_INVALID, TARGET_COLLISION.
 */
export function demandRevocationPaths(landing: ReadonlyMap<string, string>): void {
  for (const [name, to] of landing) {
    const own = OWN_NAME.exec(name)?.[1]
    if (KEPT_PATH.test(to) && (own === undefined || !`/${to}`.endsWith(`/${own}`)) && !isRevocationName(name))
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
