/** The channel whose people approve releases from quarantine, and how many of them it takes. */
import type { Root } from '../../tuf/index.ts'

export const APPROVERS = 'quarantine'
/** Two people at least, whatever threshold the channel has. */
export const LEAST_APPROVERS = 2

/** Why nobody could approve a release under this root of a channel, or undefined. */
export function tooFewApprovers({ channel, roles }: Root): string | undefined {
  const { size } = roles.targets.keys
  if (channel !== APPROVERS || size >= LEAST_APPROVERS) return undefined
  return `channel ${APPROVERS} has ${size} of the ${LEAST_APPROVERS} people that a release takes at least: until it has them, nothing is released`
}
