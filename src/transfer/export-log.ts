/** The channel's own counter on the connected side: a hash-chained log of every sequence given out. */
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { Journal, type JournalRow } from '../state/index.ts'

export interface Issued {
  sequence: number
  id: Digest
}

/** `journal.jsonl` in the channel's folder; one writer at a time. */
export class ExportLog {
  private readonly journal: Journal
  private last = 0
  private readonly bySite = new Map<string, Issued>()

  private constructor(journal: Journal) {
    this.journal = journal
  }

  /** Throws STATE_LOCKED while another export of this channel runs, JOURNAL_BROKEN. */
  static async open(dir: string, now: Date): Promise<ExportLog> {
    const log = new ExportLog(await Journal.open(dir, { now }))
    for await (const row of log.journal.rows()) log.learn(row)
    return log
  }

  private learn(row: JournalRow): void {
    if (row.kind === 'sequence') this.last = Math.max(this.last, Number(row['sequence']))
    if (row.kind !== 'exported') return
    const issued = { sequence: Number(row['sequence']), id: String(row['id']) as Digest }
    for (const site of row['audience'] as string[]) {
      if ((this.bySite.get(site)?.sequence ?? 0) < issued.sequence) this.bySite.set(site, issued)
    }
  }

  /** The bundle that a site had last before `sequence`, or null. */
  previous(site: string, sequence: number): Issued | null {
    const issued = this.bySite.get(site)
    return issued === undefined || issued.sequence >= sequence ? null : issued
  }

  /**
   * A sequence that was never given out. It is recorded before it is used: a run that dies afterwards leaves a gap,
   * which is harmless, and never a second bundle of the same number.
   */
  async take(wanted: number | undefined): Promise<number> {
    const sequence = this.peek(wanted)
    this.learn(await this.journal.append('sequence', { sequence }))
    return sequence
  }

  /** The sequence that {@link take} would give. Throws USAGE for a wanted one that was given out already. */
  peek(wanted: number | undefined): number {
    if (wanted !== undefined && wanted <= this.last) {
      throw new SallyportError('USAGE', {
        side: 'source',
        subject: `--sequence ${wanted}`,
        detail: `${this.last} was given out already`,
      })
    }
    return wanted ?? this.last + 1
  }

  /** Records a finished bundle. */
  async exported({ sequence, id }: Issued, audience: readonly string[]): Promise<void> {
    this.learn(await this.journal.append('exported', { sequence, id, audience: [...audience] }))
  }

  async close(): Promise<void> {
    await this.journal.close()
  }
}
