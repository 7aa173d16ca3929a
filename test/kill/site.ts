/** The two sides that the kill tests work with: a channel's keys, a site's state, a bundle, and work folders made of them. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildCargo, type Cargo } from './cargo.ts'
import { cheapenKeys } from './cheap-keys.ts'
import { Program } from './program.ts'

export const CREATED = '2026-11-01T00:00:00Z'
const DAYS = '36500'

export class Site {
  readonly root: string
  readonly program: Program
  readonly cargo: Cargo

  private constructor(root: string, program: Program, cargo: Cargo) {
    this.root = root
    this.program = program
    this.cargo = cargo
  }

  /** Builds the program, the cargo, a channel and a site that has pinned it. */
  static async make(): Promise<Site> {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-kill-'))
    const program = await Program.build(root)
    const site = new Site(root, program, await buildCargo(join(root, 'cargo')))
    writeFileSync(site.at('passphrase'), 'only for tests\n')
    const people = ['--threshold', '2', '--people', '3']
    await program.must([
      'channel',
      'init',
      'vendor-a',
      '--for',
      'content',
      '--dir',
      site.at('keys'),
      ...people,
      ...site.pass,
    ])
    cheapenKeys(site.at('keys'), 'only for tests')
    await program.must(['state', 'init', '--site', 'site-a', '--reason', 'kill test', '--state', site.at('state')])
    const fingerprint = createHash('sha256')
      .update(readFileSync(site.at('keys', 'root.json')))
      .digest('hex')
    const pin = ['--fingerprint', `sha256:${fingerprint}`, '--for', 'content', '--state', site.at('state')]
    await program.must(['channel', 'pin', 'vendor-a', site.at('keys', 'root.json'), ...pin])
    return site
  }

  at(...names: string[]): string {
    return join(this.root, ...names)
  }

  get pass(): string[] {
    return ['--passphrase-file', this.at('passphrase')]
  }

  /** A fresh folder below the root. */
  work(name: string): string {
    const dir = this.at('work', name)
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
    return dir
  }

  /** A copy of the channel's folder or of the site's state, as they were at first. */
  copy(what: 'keys' | 'state', dir: string): string {
    const to = join(dir, what)
    cpSync(this.at(what), to, { recursive: true, preserveTimestamps: true })
    return to
  }

  /** Writes a plan; its file. */
  plan(name: string, artifacts: readonly object[], map: readonly object[] = []): string {
    const file = this.at(`${name}.yaml`)
    writeFileSync(file, JSON.stringify({ channel: 'vendor-a', map, artifacts }))
    return file
  }

  /** A plan of all the cargo, as it lies in its layouts. */
  layoutPlan(): string {
    return this.plan(
      'layouts',
      this.cargo.layouts.map((dir) => ({ ref: `oci:${dir}` })),
    )
  }

  /** Arguments of an export that gives equal bytes every time. */
  exportArgs(plan: string, keys: string, output: string): string[] {
    const fixed = ['--for-site', 'site-a', '--created', CREATED, '--valid-days', DAYS]
    return ['export', '-f', plan, '--plain-http', '--keys', keys, '-o', output, ...fixed, ...this.pass]
  }

  /** A bundle of all the cargo, approved. */
  async bundle(): Promise<string> {
    const file = this.at('june.tar')
    if (existsSync(file)) return file
    const keys = this.copy('keys', this.work('bundle'))
    await this.program.must(this.exportArgs(this.layoutPlan(), keys, file))
    await this.approve(file)
    return file
  }

  approveArgs(file: string): string[] {
    return ['approve', file, '--key', this.at('keys', 'bob.pem'), ...this.pass]
  }

  async approve(file: string): Promise<void> {
    await this.program.must(this.approveArgs(file))
  }

  /** The chain is whole, the index agrees, nothing is open, and no row that was there before is gone. */
  async checkState(state: string, before: Buffer): Promise<void> {
    const { openTags } = await this.program.must(['status', '--state', state])
    assert.deepEqual(openTags, [], 'open tags')
    await this.program.must(['state', 'check', '--state', state])
    const kept = before.subarray(0, before.lastIndexOf(0x0a) + 1)
    assert.ok(journal(state).subarray(0, kept.length).equals(kept), 'journal rows are gone')
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

export function journal(dir: string): Buffer {
  const file = join(dir, 'journal.jsonl')
  return existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
}
