/** `channel confine`: where at this site's targets the content of a channel may go, whatever its bundles say. */
import { SallyportError } from '../../errors/index.ts'
import { isRepositoryPath } from '../../oci/index.ts'
import { State } from '../../state/index.ts'
import { nowOf } from '../run/run.ts'
import type { StateRunOptions } from './state-verbs.ts'

/** So many paths of one channel at most. */
const MAX_PATHS = 100

export interface ConfineReport {
  channel: string
  /** Paths of repositories at a target, in whole components; null: anywhere. */
  into: string[] | null
  dryRun: boolean
}

/**
 * Writes down the paths that the channel's content may go to; null lifts that. It outlasts `unpin`: whoever pins the
 * channel again has it confined as before. Throws CHANNEL_NOT_PINNED, and USAGE for a path that is none or a channel that
 * brings no content.
 */
export async function channelConfine(
  options: StateRunOptions & { channel: string; into: readonly string[] | null },
): Promise<ConfineReport> {
  const { channel, dryRun = false } = options
  const into = options.into === null ? null : [...new Set(options.into)].sort()
  const usage = (subject: string, detail: string): SallyportError =>
    new SallyportError('USAGE', { side: 'state', subject, detail })
  const wrong = into?.find((path) => !isRepositoryPath(path))
  if (wrong !== undefined) throw usage(`--into ${wrong.slice(0, 300)}`, 'no path of a repository')
  if (into !== null && (into.length === 0 || into.length > MAX_PATHS)) throw usage('--into', `1 to ${MAX_PATHS} paths`)
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    const pinned = state.channel(channel)
    if (pinned === undefined) throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'state', subject: channel })
    if (pinned.purpose !== 'content') throw usage(channel, `it is for ${pinned.purpose} and brings no content`)
    if (!dryRun) await state.confine(channel, into)
    return { channel, into, dryRun }
  } finally {
    await state.close()
  }
}
