/** What a channel is called, what it is for, and the caps on its metadata. */

/** The four roles of TUF; a channel has no others. */
export type Role = 'root' | 'targets' | 'snapshot' | 'timestamp'
export const ROLES: readonly Role[] = ['root', 'targets', 'snapshot', 'timestamp']

/** What `of` says of each role. */
export function byRole<T>(of: (role: Role) => T): Record<Role, T> {
  return { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') }
}

/** What a channel may speak about. Named in its root and pinned beside the fingerprint. */
export type Purpose = 'content' | 'trust' | 'revocation'
export const PURPOSES: readonly Purpose[] = ['content', 'trust', 'revocation']

/** Lengths in bytes that are never read past (TUF 5: "endless data"), and the number of root rotations in one update. */
export const CAPS = { root: 512_000, timestamp: 16_384, snapshot: 16_384, targets: 5_000_000, rotations: 256 } as const

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/

/** True for a channel's name: it becomes a folder's name in the tar, so 1 to 63 of `a-z 0-9`, singly joined by `. _ -`. */
export function isChannelName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 63 && NAME.test(text)
}

export function isPurpose(text: unknown): text is Purpose {
  return PURPOSES.some((purpose) => purpose === text)
}

/** The signed parts of a head name their channel and their bundle in this member, the root its channel and purpose. */
export const MARK = 'x-sallyport'

/** In `snapshot.meta["targets.json"]`: the hex SHA-256 of the canonical `signed` part of targets. */
export const SIGNED_SHA256 = 'x-sallyport-signed-sha256'
