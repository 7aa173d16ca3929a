/** A site's status as metrics, in the text exposition format of Prometheus, for the textfile collector of node_exporter. */
import type { ListStatus } from './lists.ts'
import type { SiteStatus } from './site.ts'
import type { WatchRun } from './watch-run.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number | null]

// Of these a label's value may hold nothing else unescaped; a URL comes out of a stranger's certificate.
function escaped(value: string): string {
  const visible = value.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) =>
    c === '\n' ? c : `{${c.codePointAt(0)?.toString(16)}}`,
  )
  return visible.slice(0, 500).toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function family(name: string, kind: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string[] {
  const lines = samples.flatMap(([labels, value]) => {
    if (value === null) return []
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
    return [`sallyport_${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`]
  })
  return lines.length === 0 ? [] : [`# HELP sallyport_${name} ${help}`, `# TYPE sallyport_${name} ${kind}`, ...lines]
}

function seconds(time: string | null): number | null {
  return time === null ? null : Date.parse(time) / 1000
}

function seriesOf({ form, issuer, url }: ListStatus): string {
  return form === 'answer' ? issuer : `${issuer} ${form} ${url}`
}

/** One series for each list; of the answers of an issuer the one that ends first, since they are as many as certificates. */
function perSeries(lists: readonly ListStatus[]): ListStatus[] {
  const first = new Map<string, ListStatus>()
  for (const list of lists) {
    const key = seriesOf(list)
    const known = first.get(key)
    if (known === undefined || list.nextUpdate < known.nextUpdate) first.set(key, list)
  }
  return [...first.values()]
}

/** Ends with a line feed. */
export function statusMetrics(status: SiteStatus, run: WatchRun | null): string {
  const { channels, artifacts, alarms } = status
  const lists = perSeries(status.lists)
  const lost = new Map<string, number>()
  for (const one of status.lists.filter(({ bytes }) => bytes === 'lost'))
    lost.set(seriesOf(one), (lost.get(seriesOf(one)) ?? 0) + 1)
  const each = (of: (one: (typeof channels)[number]) => number | null): Sample[] =>
    channels.map((one) => [{ channel: one.channel, purpose: one.purpose }, of(one)])
  const perList = (of: (one: ListStatus) => number | null): Sample[] =>
    lists.map((one) => [{ issuer: one.issuer, form: one.form, url: one.url }, of(one)])
  const codes = new Map<string, number>()
  for (const { code } of alarms) codes.set(code, (codes.get(code) ?? 0) + 1)
  const lines = [
    ...family('site_info', 'gauge', 'The site that this is about.', [[{ site: status.site }, 1]]),
    ...family('status_time_seconds', 'gauge', 'When this was written.', [[{}, seconds(status.time)]]),
    ...family('floor_time_seconds', 'gauge', 'The newest signed time seen.', [[{}, seconds(status.floor)]]),
    ...family(
      'channel_sequence',
      'gauge',
      'The last bundle that was accepted.',
      each(({ sequence }) => sequence),
    ),
    ...family(
      'channel_accepted_time_seconds',
      'gauge',
      'When that was.',
      each(({ accepted }) => seconds(accepted)),
    ),
    ...family(
      'channel_age_seconds',
      'gauge',
      'How long ago that is.',
      each(({ ageSeconds }) => ageSeconds),
    ),
    ...family(
      'channel_root_expires_time_seconds',
      'gauge',
      'When its root expires, and nothing of it is taken any more.',
      each(({ rootExpires }) => seconds(rootExpires)),
    ),
    ...family(
      'channel_expected_seconds',
      'gauge',
      'How often one is due.',
      each(({ everySeconds }) => everySeconds),
    ),
    ...family(
      'channel_overdue',
      'gauge',
      '1 when the next one is overdue.',
      each(({ overdue }) => Number(overdue)),
    ),
    ...family(
      'list_age_seconds',
      'gauge',
      'Since the thisUpdate of a revocation list.',
      perList(({ ageSeconds }) => ageSeconds),
    ),
    ...family(
      'list_next_update_time_seconds',
      'gauge',
      'Until when it counts.',
      perList((one) => seconds(one.nextUpdate)),
    ),
    ...family(
      'list_days_to_blind',
      'gauge',
      'Days until then, negative after it.',
      perList((one) => one.daysToBlind),
    ),
    ...family(
      'list_blind',
      'gauge',
      '1 when it is stale or lost and certificates hang on it.',
      perList((one) => Number(one.blind)),
    ),
    ...family(
      'list_lost',
      'gauge',
      '1 when its bytes are missing or damaged in the state; of answers, how many are.',
      perList((one) => lost.get(seriesOf(one)) ?? 0),
    ),
    ...family(
      'artifacts',
      'gauge',
      'Artifacts by their newest verdict.',
      Object.entries(artifacts).map(([verdict, n]) => [{ verdict }, n]),
    ),
    ...family('quarantined', 'gauge', 'Artifacts that a measure was taken against.', [[{}, status.quarantined]]),
    ...family('alarms', 'gauge', 'What somebody has to look at.', [
      [{ code: 'any' }, alarms.length],
      ...[...codes].map(([code, n]): Sample => [{ code }, n]),
    ]),
    ...(run === null ? [] : runMetrics(run)),
  ]
  return `${lines.join('\n')}\n`
}

function runMetrics(run: WatchRun): string[] {
  const { imported, duplicate, rejected, waiting, strange, last } = run
  return [
    ...family('watch_time_seconds', 'gauge', 'When the inbox was looked at last.', [[{}, seconds(run.time)]]),
    ...family('watch_bundles_total', 'counter', 'Bundles since the watch began.', [
      [{ outcome: 'imported' }, imported],
      [{ outcome: 'duplicate' }, duplicate],
      [{ outcome: 'rejected' }, rejected],
    ]),
    ...family('watch_waiting', 'gauge', 'Bundles that lie in the inbox still.', [[{}, waiting]]),
    ...family('watch_strange', 'gauge', 'What lies there and is no bundle.', [[{}, strange]]),
    ...family('watch_last_exit', 'gauge', 'Exit status of the bundle that was handled last.', [
      [{}, last?.exit ?? null],
    ]),
    ...family('watch_last_time_seconds', 'gauge', 'When that was.', [[{}, seconds(last?.time ?? null)]]),
  ]
}
