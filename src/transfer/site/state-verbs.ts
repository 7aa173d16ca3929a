/** The verbs of the site's memory: init, check, rebuild, backup, restore. */
import { existsSync } from 'node:fs'
import { isSiteName, SITE_NAME_RULE } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import {
  backup,
  checkState,
  demandVacant,
  rebuildIndex,
  rehearseRestore,
  restore,
  State,
  type CheckReport,
  type Restored,
} from '../../state/index.ts'
import { demandReason } from '../run/reason.ts'
import { nowOf, type RunOptions } from '../run/run.ts'

export interface StateRunOptions extends RunOptions {
  state: string
  /** Proves that it could be done, and writes nothing. */
  dryRun?: boolean | undefined
}

export interface InitReport {
  state: string
  site: string
  dryRun: boolean
}

export interface RebuildReport {
  state: string
  rows: number
  dryRun: boolean
}

export interface BackupReport extends RebuildReport {
  file: string
  head: string
}

/** Makes an empty state, on purpose: a lost disk must not look like a new site. Throws STATE_EXISTS, USAGE. */
export async function stateInit(options: StateRunOptions & { site: string; reason: string }): Promise<InitReport> {
  const { state: dir, site, reason, dryRun = false } = options
  if (!isSiteName(site))
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: site.slice(0, 100),
      detail: SITE_NAME_RULE,
    })
  demandReason(reason)
  if (dryRun) await demandVacant(dir)
  else await (await State.init(dir, { now: nowOf(options), site, reason })).close()
  return { state: dir, site, dryRun }
}

/** Proves the journal's chain, and that the index says the same; differences are reported, not thrown. */
export async function stateCheck({ state, ...options }: StateRunOptions): Promise<CheckReport> {
  return checkState(state, { now: nowOf(options) })
}

/**
 * Makes the index anew from the journal, which is proven first; the old one is replaced in one step.
 * Throws JOURNAL_BROKEN where acknowledged rows are missing at the journal's end, unless `acceptLoss` says why the site
 * goes on without them, which goes into the journal.
 */
export async function stateRebuild({
  state,
  dryRun = false,
  acceptLoss,
  ...options
}: StateRunOptions & { acceptLoss?: string | undefined }): Promise<RebuildReport> {
  if (acceptLoss !== undefined) demandReason(acceptLoss)
  const now = nowOf(options)
  if (!dryRun) await rebuildIndex(state, { now, acceptLoss })
  const opened = await State.open(state, { now, write: false, acceptLoss: acceptLoss !== undefined })
  await opened.close()
  return { state, rows: opened.head.n, dryRun }
}

/** Writes the record to one self-checking file. Throws OUTPUT_EXISTS. */
export async function stateBackup(options: StateRunOptions & { file: string }): Promise<BackupReport> {
  const { state, file, dryRun = false } = options
  if (existsSync(file)) throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file })
  if (dryRun) {
    const opened = await State.open(state, { now: nowOf(options), write: false })
    await opened.close()
    return { state, file, rows: opened.head.n, head: opened.head.hash, dryRun }
  }
  const head = await backup({ dir: state }, file)
  return { state, file, rows: head.n, head: head.hash, dryRun }
}

/** Makes a state from a backup that is proven whole. Its counters are those of the backup's time, which the report says. */
export async function stateRestore(
  options: StateRunOptions & { file: string; reason: string },
): Promise<Restored & { state: string; dryRun: boolean }> {
  const { state, file, reason, dryRun = false } = options
  demandReason(reason)
  const now = nowOf(options)
  return { state, dryRun, ...(await (dryRun ? rehearseRestore : restore)(state, file, { now, reason })) }
}
