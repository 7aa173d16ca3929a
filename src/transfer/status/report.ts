/** `status` and `log`: what the site's journal says. */
import { State, type JournalRow } from '../../state/index.ts'
import { channelShow, type ChannelShowReport } from '../site/channel-verbs.ts'
import type { ClockOptions } from '../run/clock.ts'
import { attentionOf, Restores, type Attention } from './attention.ts'
import { BundleEnds, type BundleEnd } from './bundle-ends.ts'
import type { DeprecatedArtifact } from './deprecated.ts'
import { nowOf } from '../run/run.ts'
import { siteFacts, siteStatus, type SiteStatus } from './site.ts'
import { writeStatus, type StatusFiles } from './file.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'
import { TagHistory, type TagMoveRecord } from './tag-history.ts'
import { parseTargetReference } from '../place/target-reference.ts'

export interface StatusReport {
  site: string
  state: string
  floor: string | null
  rows: number
  channels: ChannelShowReport['channels']
  /** Each bundle at each target that it was brought to; one that was brought to none yet stands there once. */
  bundles: BundleEnd[]
  openTags: { target: string; repository: string; tag: string }[]
  /** What hangs on algorithms that the policy deprecates or refuses by now; null when none was named. */
  deprecated: DeprecatedArtifact[] | null
  /** What of revocation waits for somebody. */
  attention: Attention
  /** Ages of channels and lists, and what somebody has to look at. */
  health: SiteStatus
}

export interface StatusOptions extends StateRunOptions, Pick<ClockOptions, 'built'> {
  /** Where `health` is written besides, for those who watch the site. */
  files?: StatusFiles | undefined
  /** The policy folder that says which algorithms are deprecated. */
  policy?: string | undefined
}

/** What the site holds: channels, bundles with their end at each target, imports that are not done. */
export async function status(options: StatusOptions): Promise<StatusReport> {
  // Only who names a policy waits for the code that reads one.
  const deprecated =
    options.policy === undefined ? undefined : new (await import('./deprecated.ts')).Deprecated(options.policy)
  const restores = new Restores()
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const bundles = new BundleEnds()
  let rows = 0
  for await (const row of state.rows()) {
    rows = row.n
    deprecated?.take(row)
    restores.take(row)
    bundles.take(row)
  }
  const { channels } = await channelShow({ state: options.state, now: nowOf(options) })
  const health = siteStatus(await siteFacts(state), nowOf(options), options.built)
  writeStatus(health, null, options.files ?? {})
  const isForgotten = (target: string): boolean => state.isForgotten(target)
  return {
    site: state.site,
    state: options.state,
    floor: state.floor ?? null,
    rows,
    channels,
    bundles: bundles.list(isForgotten),
    openTags: state.openIntents().map(({ target, repository, tag }) => ({ target, repository, tag })),
    deprecated: deprecated?.artifacts(state.effectiveNow(nowOf(options)), isForgotten) ?? null,
    attention: attentionOf(state, restores, nowOf(options)),
    health,
  }
}

export interface LogReport {
  rows: JournalRow[]
  /** The moves of tags that the rows tell of: who, when, from and to what, under which signers. */
  moves: TagMoveRecord[]
}

/**
 * The journal, or the part of it that speaks of one reference at a target (`[host/]repository[:tag]`,
 * `oci:DIR:repository[:tag]`) or digest. Large members (roots, lists of digests) are in it as they were written.
 */
export async function log(options: StateRunOptions & { ref?: string | undefined }): Promise<LogReport> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const { speaks, of }: Matcher =
    options.ref === undefined ? { speaks: () => true, of: (rows) => rows } : matcher(options.ref)
  const history = new TagHistory()
  const rows: JournalRow[] = []
  const moves: TagMoveRecord[] = []
  for await (const row of state.rows()) {
    const move = history.take(row)
    if (!speaks(row)) continue
    rows.push(row)
    if (move !== undefined) moves.push(move)
  }
  return { rows: of(rows), moves }
}

interface Matcher {
  speaks: (row: JournalRow) => boolean
  /** Those that remain once all are known. */
  of: (rows: JournalRow[]) => JournalRow[]
}

/** Without what only speaks of the tag's repository, or of digests that the tag never named. */
function namedBy(rows: JournalRow[], tag: string): JournalRow[] {
  const isOfTag = (row: JournalRow): boolean =>
    row['tag'] === tag || (Array.isArray(row['tags']) && row['tags'].includes(tag))
  const named = new Set(rows.filter(isOfTag).flatMap((row) => [row['digest'], row['old'], row['new']]))
  named.delete(null)
  named.delete(undefined)
  const holds = (row: JournalRow): boolean =>
    named.has(row['digest']) || (Array.isArray(row['digests']) && row['digests'].some((digest) => named.has(digest)))
  return rows.filter((row) => isOfTag(row) || holds(row))
}

function matcher(ref: string): Matcher {
  if (/^sha(?:256|512):[0-9a-f]+$/.test(ref)) {
    const speaks = (row: JournalRow): boolean =>
      [row['digest'], row['id'], row['old'], row['new']].includes(ref) ||
      (Array.isArray(row['digests']) && row['digests'].includes(ref))
    return { speaks, of: (rows) => rows }
  }
  const { target, path, tag } = parseTargetReference(ref)
  const names = new Set([path])
  const isLayout = ref.startsWith('oci:')
  if (!isLayout) for (const name of [`${target}/${path}`, ref.replace(/:[^/:]*$/, ''), ref]) names.add(name)
  const isNamed = (row: JournalRow): boolean => names.has(String(row['path'])) || names.has(String(row['repository']))
  const namesHost = ref.startsWith(`${target}/`)
  const elsewhere = ({ target: at }: JournalRow): boolean =>
    // A layout has no host: what has this path there is meant, too.
    isLayout ? at !== target : namesHost && typeof at === 'string' && at !== target && !at.startsWith('oci:')
  // Measures and verdicts speak of all tags of an artifact.
  const tagged = (row: JournalRow): boolean =>
    row['tag'] === tag || (row['tag'] === undefined && (!Array.isArray(row['tags']) || row['tags'].includes(tag ?? '')))
  return {
    speaks: (row) => isNamed(row) && !elsewhere(row) && (tag === undefined || tagged(row)),
    of: (rows) => (tag === undefined ? rows : namedBy(rows, tag)),
  }
}
