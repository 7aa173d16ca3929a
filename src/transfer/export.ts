/** `export`: resolve → walk → promise → sign → lay down. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { hash } from 'node:crypto'
import {
  arrange,
  FileWriter,
  layOut,
  promise,
  type BundleLayout,
  type Content,
  type Promise3,
} from '../bundle/index.ts'
import { canonicalJson } from '../codec/index.ts'
import type { Omission, Source } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { digestOf, hexOf, type Digest } from '../oci/index.ts'
import type { RegistryOptions } from '../registry/index.ts'
import { buildHead, fingerprint, type ChannelKey, type Head } from '../tuf/index.ts'
import { exportKeys, openChannelFolder, type AskPassphrase, type ChannelFolder } from './channel-folder.ts'
import { ExportLog } from './export-log.ts'
import { fetchBlobs } from './fetch.ts'
import { gather, movedTags, type GatheredRepository, type Resolved } from './gather.ts'
import type { Plan } from './plan-file.ts'
import { addDays, checkInterrupted, EXPORTER, tell, timeText, type RunOptions } from './run.ts'
import { Sources } from './sources.ts'
import {
  Progress,
  readStopped,
  removeStopped,
  resolvedRecord,
  writeStopped,
  partNames,
  type StoppedExport,
} from './stopped-export.ts'
import { streamBundle, type ByteOutput } from './stream-out.ts'

export interface ExportOptions extends RunOptions {
  plan: Plan
  /** The plan as errors name it. */
  planName: string
  /** The channel's folder. */
  keys: string
  /** Whose key signs; the first person's there by default. */
  holder?: string | undefined
  passphrase: AskPassphrase
  /** A file, or an open stream that is written in order. */
  output: string | ByteOutput
  registry: Omit<RegistryOptions, 'side'>
  /** Requests under way at once. */
  concurrency: number
  /** Days until the bundle expires. */
  validDays: number
  /** The time in the bundle; `now` by default. Equal input and an equal time give equal bytes. */
  created?: Date | undefined
  sequence?: number | undefined
  /** Says what would be exported and writes nothing. */
  dryRun?: boolean | undefined
}

export interface ExportReport {
  output: string
  channel: string
  sequence: number
  id: Digest
  audience: string[]
  created: string
  validUntil: string
  size: number
  blobs: number
  manifests: number
  repositories: { name: string; to: string; tags: Record<string, Digest>; untagged: Digest[]; referrers: number }[]
  omitted: Omission[]
  /** Tags that point elsewhere now than in the bundle. */
  moved: string[]
  signedBy: string
  /** How many people must still approve. */
  approvalsMissing: number
  /** Bytes that a stopped run had brought already are counted in; true when there was one. */
  resumed: boolean
  dryRun: boolean
}

interface Terms {
  folder: ChannelFolder
  audience: string[]
  signers: ChannelKey[]
  holder: string
}

interface Made {
  head: Head
  files: Promise3
  layout: BundleLayout
}

async function readTerms(options: ExportOptions): Promise<Terms> {
  const { plan, planName } = options
  const folder = openChannelFolder(options.keys)
  if (plan.channel !== undefined && plan.channel !== folder.channel) {
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'source',
      subject: planName,
      detail: `it names ${plan.channel}, the keys are of ${folder.channel}`,
    })
  }
  if (plan.audience === undefined) {
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: planName,
      detail: 'for which site? Name it with --for-site, or audience in the plan',
    })
  }
  const { keys, holder } = await exportKeys(folder, options.holder, options.passphrase)
  return { folder, audience: [...new Set(plan.audience)].sort(), signers: keys, holder }
}

function inputsOf({ folder, audience, holder }: Terms, options: ExportOptions): string {
  const { plan, validDays, created, sequence } = options
  const asked = {
    plan,
    audience,
    holder,
    validDays,
    root: fingerprint(folder.root.bytes),
    created: created === undefined ? null : timeText(created),
    sequence: sequence ?? null,
  }
  return hash('sha256', canonicalJson(JSON.parse(JSON.stringify(asked))), 'hex')
}

function make(
  terms: Terms,
  log: ExportLog,
  repositories: GatheredRepository[],
  content: Content,
  started: Pick<StoppedExport, 'created' | 'sequence'>,
  options: ExportOptions,
): Made {
  const { folder, audience, signers } = terms
  const { created, sequence } = started
  const validUntil = timeText(addDays(new Date(created), options.validDays))
  const files = promise(
    {
      channel: folder.channel,
      purpose: folder.purpose,
      sequence,
      audience,
      previous: Object.fromEntries(audience.map((site) => [site, log.previous(site, sequence)])),
      map: options.plan.map,
      created,
      validUntil,
      exporter: EXPORTER,
    },
    repositories,
    content,
  )
  const targets = Object.fromEntries(
    [...files.files].map(([name, bytes]) => [name, { length: bytes.length, sha256: hexOf(digestOf(bytes)) }]),
  )
  const head = buildHead({ root: folder.root.bytes, sequence, expires: validUntil, targets, signers })
  const layout = layOut({ channel: folder.channel, roots: folder.roots, ...head }, files.files, content)
  return { head, files, layout }
}

function sourceFinder(repositories: readonly GatheredRepository[], content: Content): (digest: Digest) => Source {
  const sources = new Map(repositories.map(({ graph, source }) => [graph.repository, source]))
  const holders = new Map<Digest, Source>()
  for (const { repository, blobs } of content.artifacts) {
    const source = sources.get(repository)
    for (const { digest } of blobs) if (source !== undefined && !holders.has(digest)) holders.set(digest, source)
  }
  return (digest) => {
    const source = holders.get(digest)
    if (source === undefined) throw new TypeError(`no source for ${digest}`)
    return source
  }
}

function report(
  options: ExportOptions,
  terms: Terms,
  started: Pick<StoppedExport, 'created' | 'sequence'>,
  made: Made,
  content: Content,
  repositories: GatheredRepository[],
): ExportReport {
  const { transfer } = made.files
  const needed = terms.folder.root.roles.targets.threshold
  return {
    output: typeof options.output === 'string' ? options.output : '-',
    channel: transfer.channel,
    sequence: started.sequence,
    id: made.head.id,
    audience: terms.audience,
    created: transfer.created,
    validUntil: transfer.validUntil,
    size: made.layout.size,
    blobs: made.layout.blobs.length,
    manifests: transfer.counts.manifests - content.generated.length,
    repositories: repositories.map(({ graph, to, bindings, untagged }, i) => ({
      name: graph.repository,
      to,
      tags: Object.fromEntries([...bindings].map(([tag, { digest }]) => [tag, digest])),
      untagged: untagged.map(({ digest }) => digest),
      referrers:
        (transfer.repositories[i]?.referrers.length ?? 0) +
        Object.keys(transfer.repositories[i]?.companions ?? {}).length,
    })),
    omitted: transfer.omitted as Omission[],
    moved: [],
    signedBy: terms.holder,
    approvalsMissing: Math.max(0, needed - 1),
    resumed: false,
    dryRun: options.dryRun === true,
  }
}

/** Writes one bundle. Every refusal comes before the output has its name; a stopped run is gone on with. */
export async function exportBundle(options: ExportOptions): Promise<ExportReport> {
  const now = options.now ?? new Date()
  const terms = await readTerms(options)
  const file = typeof options.output === 'string' ? resolve(options.output) : undefined
  const inputs = inputsOf(terms, options)
  const stopped = file === undefined || options.dryRun === true ? undefined : readStopped(file)
  // A run that was stopped after the bundle had its name left its record: what remains is to book it.
  const written = file !== undefined && existsSync(file)
  if (written && stopped?.inputs !== inputs)
    throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
  if (stopped !== undefined && stopped.inputs !== inputs)
    throw new SallyportError('EXPORT_CHANGED', { side: 'state', subject: partNames(options.output as string).plan })
  const sources = new Sources(options.registry)
  const log = await ExportLog.open(terms.folder.dir, now)
  try {
    tell(options, {
      type: 'phase',
      phase: stopped === undefined ? 'resolving' : 'going on with a stopped export: resolving',
    })
    const resolved: Resolved = new Map(Object.entries(stopped?.resolved ?? {}))
    const repositories = await gather(await sources.select(options.plan, options.planName), {
      ...options,
      map: options.plan.map,
      resolved,
    })
    const content = arrange(repositories, 'source')
    checkInterrupted(options)
    if (options.dryRun === true) {
      const started = { created: timeText(options.created ?? now), sequence: log.peek(options.sequence) }
      return report(
        options,
        terms,
        started,
        make(terms, log, repositories, content, started, options),
        content,
        repositories,
      )
    }
    let started = stopped
    let made = started && make(terms, log, repositories, content, started, options)
    // The sources list something else by now: what was begun can't be finished, so another bundle is begun.
    const same = started !== undefined && started.id === made?.head.id && file !== undefined
    if (written && !same)
      throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: options.output as string })
    const goesOn = same && (written || existsSync(partNames(file).part))
    if (!goesOn || started === undefined || made === undefined) {
      if (file !== undefined) removeStopped(file, true)
      started = {
        format: 'sallyport-part/1',
        inputs,
        created: timeText(options.created ?? now),
        sequence: await log.take(options.sequence),
        id: null,
        resolved: resolvedRecord(resolved),
      }
      made = make(terms, log, repositories, content, started, options)
      if (file !== undefined) {
        mkdirSync(dirname(file), { recursive: true })
        writeStopped(file, { ...started, id: made.head.id })
      }
    }
    const done = report(options, terms, started, made, content, repositories)
    done.resumed = goesOn
    tell(options, { type: 'phase', phase: 'fetching' })
    tell(options, {
      type: 'total',
      bytes: made.layout.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
      blobs: made.layout.blobs.length,
    })
    const sourceOf = sourceFinder(repositories, content)
    if (file === undefined) await streamBundle(options.output as ByteOutput, made.layout, sourceOf, options)
    else if (!written) await writeFile(file, made.layout, goesOn, sourceOf, options)
    done.moved = await movedTags(repositories, options.concurrency)
    await log.exported({ sequence: started.sequence, id: made.head.id }, terms.audience)
    if (file !== undefined) removeStopped(file, false)
    return done
  } finally {
    await log.close()
    await sources.close()
  }
}

async function writeFile(
  file: string,
  layout: BundleLayout,
  resume: boolean,
  sourceOf: (digest: Digest) => Source,
  options: ExportOptions,
): Promise<void> {
  const writer = new FileWriter(file, layout, resume)
  const progress = new Progress(file)
  try {
    writer.writeReady()
    await fetchBlobs(writer, layout.blobs, sourceOf, progress, options)
  } catch (error) {
    progress.close()
    writer.close()
    throw error
  }
  progress.close()
  writer.finish()
}
