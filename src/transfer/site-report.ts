/** `status` and `log`: what the site's journal says. */
import { parseReference, repositoryName } from '../oci/index.ts'
import { State, type JournalRow } from '../state/index.ts'
import { channelShow, type ChannelShowReport } from './channel-verbs.ts'
import { Deprecated, type DeprecatedArtifact } from './deprecated.ts'
import { openPolicy } from './policy-folder.ts'
import { nowOf } from './run.ts'
import type { StateRunOptions } from './state-verbs.ts'

export interface StatusReport {
  site: string
  state: string
  floor: string | null
  rows: number
  channels: ChannelShowReport['channels']
  bundles: { channel: string; sequence: number; id: string; time: string; phase: string; target?: string }[]
  openTags: { target: string; repository: string; tag: string }[]
  /** What hangs on algorithms that the policy deprecates or refuses by now; null when none was named. */
  deprecated: DeprecatedArtifact[] | null
}

export interface StatusOptions extends StateRunOptions {
  /** The policy folder that says which algorithms are deprecated. */
  policy?: string | undefined
}

/** What the site holds: channels, the last bundle of each, imports that are not done. */
export async function status(options: StatusOptions): Promise<StatusReport> {
  const material = options.policy === undefined ? undefined : openPolicy(options.policy)
  const deprecated = new Deprecated()
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const bundles = new Map<string, StatusReport['bundles'][number]>()
  let rows = 0
  for await (const row of state.rows()) {
    rows = row.n
    if (material !== undefined) deprecated.take(row)
    if (row.kind !== 'head' && row.kind !== 'import') continue
    const [channel, sequence, id] = [String(row['channel']), Number(row['sequence']), String(row['id'])]
    const entry = {
      channel,
      sequence,
      id,
      time: row.time,
      phase: row.kind === 'head' ? 'accepted' : String(row['phase']),
    }
    bundles.set(`${channel} ${sequence}`, row.kind === 'head' ? entry : { ...entry, target: String(row['target']) })
  }
  const { channels } = await channelShow({ state: options.state, now: nowOf(options) })
  return {
    site: state.site,
    state: options.state,
    floor: state.floor ?? null,
    rows,
    channels,
    bundles: [...bundles.values()],
    openTags: state.openIntents().map(({ target, repository, tag }) => ({ target, repository, tag })),
    deprecated: material === undefined ? null : deprecated.artifacts(material, state.effectiveNow(nowOf(options))),
  }
}

export interface LogReport {
  rows: JournalRow[]
}

/**
 * The journal, or the part of it that speaks of one reference `[host/]repository[:tag]` or digest.
 * Large members (roots, lists of digests) are in it as they were written.
 */
export async function log(options: StateRunOptions & { ref?: string | undefined }): Promise<LogReport> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const speaks = options.ref === undefined ? (): boolean => true : matcher(options.ref)
  const rows: JournalRow[] = []
  for await (const row of state.rows()) if (speaks(row)) rows.push(row)
  return { rows }
}

function matcher(ref: string): (row: JournalRow) => boolean {
  if (/^sha(?:256|512):[0-9a-f]+$/.test(ref)) {
    return (row) =>
      [row['digest'], row['id'], row['old'], row['new']].includes(ref) ||
      (Array.isArray(row['digests']) && row['digests'].includes(ref))
  }
  const { host, path, tag } = parseReference(ref, 'target')
  const names = new Set([path, repositoryName({ host, path }), ref.replace(/:[^/:]*$/, ''), ref])
  return (row) =>
    names.has(String(row['repository'])) && (tag === undefined || row['tag'] === undefined || row['tag'] === tag)
}
