/** A real site with a real state, for the corpus: pinned by hand, brought to what it has seen by real imports. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Judge } from '../../bundles/vectors/expect.ts'
import { channelPin, importBundle, stateInit, verifyBundle, type ImportReport } from '../../src/transfer/index.ts'
import { BUNDLES } from './corpus.ts'

export class CorpusSite {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-corpus-'))
  readonly state = join(this.dir, 'state')
  private readonly judge: Judge
  private targets = 0

  constructor(judge: Judge) {
    this.judge = judge
  }

  private get now(): Date {
    return new Date(this.judge.now)
  }

  /** Makes the state, pins the root and imports what came before. */
  async open(): Promise<void> {
    const { state, now } = this
    await stateInit({ state, now, site: this.judge.site, reason: 'corpus' })
    for (const { channel, purpose, root, before } of [this.judge, ...(this.judge.also ?? [])]) {
      const file = join(BUNDLES, root)
      const fingerprint = `sha256:${hash('sha256', readFileSync(file))}`
      await channelPin({ state, now, channel, purpose, root: file, fingerprint })
      if (before !== null) await this.import(join(BUNDLES, before.bundle), this.target())
    }
  }

  target(): string {
    return join(this.dir, `target-${this.targets++}`)
  }

  /** Imports into a fresh layout, or into the one named. */
  import(file: string, target: string): Promise<ImportReport> {
    const { state, now } = this
    return importBundle({ input: { file }, state, now, to: `oci:${target}`, map: [], registry: {}, concurrency: 4 })
  }

  async verify(file: string): Promise<void> {
    await verifyBundle({ input: { file }, state: this.state, now: this.now })
  }

  /** All bytes of the journal: equal before and after what must leave no trace. */
  journal(): string {
    const files = readdirSync(this.state).filter((name) => name.startsWith('journal'))
    if (files.length === 0) throw new Error('no journal')
    return files.map((name) => `${name} ${readFileSync(join(this.state, name), 'latin1')}`).join('\n')
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}
