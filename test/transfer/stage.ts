/** Both sides of a passage in one scratch folder: a channel with its people, sites that pinned it, and the verbs between. */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, cpSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import {
  approveBundle,
  channelInit,
  channelPin,
  exportBundle,
  importBundle,
  stateInit,
  verifyBundle,
  type ApproveOptions,
  type ApproveReport,
  type BundleInput,
  type ChannelInitOptions,
  type ExportOptions,
  type ExportReport,
  type ImportOptions,
  type ImportReport,
  type Plan,
  type VerifyOptions,
  type VerifyReport,
} from '../../src/transfer/index.ts'

/** The time of every run that is not told another one. */
export const NOW = new Date('2026-06-01T12:00:00Z')
export const CHANNEL = 'vendor-a'
export const SITE = 'site-a'
/** Opens every key of every stage. */
export const PASSPHRASE = 'only for the stage'

export function hoursLater(hours: number): Date {
  return new Date(NOW.getTime() + hours * 3_600_000)
}

/** Path → digest of every file below a folder, with `/` for folders; what two runs may not differ in. */
export function tree(dir: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const bytes = entry.isFile() ? readFileSync(path) : undefined
    found[relative(dir, path)] = bytes === undefined ? '/' : createHash('sha256').update(bytes).digest('hex')
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
}

type Channel = Pick<ChannelInitOptions, 'people' | 'threshold' | 'kind'> & { channel?: string }

const SOLO: Channel = { people: ['alice'], threshold: 1, kind: 'ed25519' }

export type StageExport = Partial<Omit<ExportOptions, 'plan'>> & { plan?: Partial<Plan> }
type StageImport = Partial<ImportOptions> & { state: string }

/** The plan for references, as the command line makes it. */
export function planFor(...refs: string[]): Pick<Plan, 'artifacts'> {
  return { artifacts: refs.map((ref) => ({ ref, referrers: 'all' })) }
}

export class Stage {
  readonly dir: string
  readonly keys: string
  fingerprint = ''
  private count = 0

  private constructor(dir: string) {
    this.dir = dir
    this.keys = join(dir, 'keys')
  }

  static async make(channel: Channel = SOLO): Promise<Stage> {
    const stage = new Stage(mkdtempSync(join(tmpdir(), 'sallyport-stage-')))
    const { fingerprint } = await channelInit({
      channel: CHANNEL,
      purpose: 'content',
      dir: stage.keys,
      rootDays: 365,
      now: NOW,
      passphrase: stage.passphrase,
      ...channel,
    })
    stage.fingerprint = fingerprint ?? ''
    return stage
  }

  readonly passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from(PASSPHRASE))

  /** A fresh path. */
  path(name: string): string {
    return join(this.dir, `${++this.count}-${name}`)
  }

  /** Runs with the bundle coming through a real pipe. */
  async piped<T>(bundle: string, run: (input: { fd: number }) => Promise<T>): Promise<T> {
    const fifo = this.path('fifo')
    execFileSync('mkfifo', [fifo])
    const writer = spawn('sh', ['-c', `cat '${bundle}' >'${fifo}'`], { stdio: 'ignore' })
    const fd = openSync(fifo, 'r')
    try {
      return await run({ fd })
    } finally {
      closeSync(fd)
      writer.kill()
    }
  }

  /** A copy of the channel's folder as it is now: the same keys, a counter of its own from here on. */
  forkKeys(): string {
    const fork = this.path('keys')
    cpSync(this.keys, fork, { recursive: true })
    return fork
  }

  export(options: StageExport & { output: ExportOptions['output'] }): Promise<ExportReport> {
    const { plan, ...rest } = options
    return exportBundle({
      planName: 'the test',
      keys: this.keys,
      passphrase: this.passphrase,
      registry: {},
      concurrency: 4,
      validDays: 30,
      now: NOW,
      ...rest,
      plan: { map: [], artifacts: [], audience: [SITE], ...plan },
    })
  }

  approve(bundle: string, person: string, more: Partial<ApproveOptions> = {}): Promise<ApproveReport> {
    const key = join(this.keys, `${person}.pem`)
    return approveBundle({ bundle, key, passphrase: this.passphrase, now: NOW, ...more })
  }

  /** A site's state with the channel pinned. */
  async site(name: string = SITE, now: Date = NOW): Promise<string> {
    const state = this.path(`state-${name}`)
    await stateInit({ state, site: name, reason: 'test', now })
    await this.pin(state, now)
    return state
  }

  async pin(state: string, now: Date = NOW): Promise<void> {
    const root = join(this.keys, 'root.json')
    await channelPin({ state, channel: CHANNEL, root, fingerprint: this.fingerprint, purpose: 'content', now })
  }

  verify(bundle: string, options: Partial<VerifyOptions>): Promise<VerifyReport> {
    return verifyBundle({ input: { file: bundle }, now: NOW, ...options })
  }

  import(bundle: string | BundleInput, to: string, options: StageImport): Promise<ImportReport> {
    const input = typeof bundle === 'string' ? { file: bundle } : bundle
    return importBundle({ input, to, map: [], registry: {}, concurrency: 4, now: NOW, ...options })
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Where each member of a bundle stands, read by its tar headers alone. */
export function members(bundle: string): { name: string; at: number; bodyAt: number; size: number }[] {
  const bytes = readFileSync(bundle)
  const found = []
  for (let at = 0; at + 512 <= statSync(bundle).size && bytes[at] !== 0;) {
    const text = (from: number, length: number): string =>
      bytes.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '')
    const prefix = text(345, 155)
    const size = Number.parseInt(text(124, 12), 8)
    found.push({ name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`, at, bodyAt: at + 512, size })
    at += 512 + Math.ceil(size / 512) * 512
  }
  return found
}
