/** `revocation collect`: a bundle of lists, OCSP answers and denials alone, small enough to be sent each day. */
import { exportBundle } from './export.ts'
import type { ExportReport } from './made.ts'
import type { ExportOptions } from './terms.ts'
import { openChannelFolder } from '../channel/folder.ts'
import { ExportLog } from '../channel/export-log.ts'
import { nearDenials } from '../revocation/near-denials.ts'

export interface RevocationBundleReport extends ExportReport {
  /** Tags of pieces against the last bundle of the channel; `renewed` are under the same tag, with newer content. */
  changes: { added: string[]; renewed: string[]; gone: string[] }
  /** Nothing has changed: the bundle says that the channel is alive. */
  heartbeat: boolean
  /** How many denials it carries. */
  denials: number
}

type Pieces = Readonly<Record<string, string>>

function changesOf(before: Pieces, now: Pieces): RevocationBundleReport['changes'] {
  const tags = Object.keys(now).sort()
  return {
    added: tags.filter((tag) => before[tag] === undefined),
    renewed: tags.filter((tag) => before[tag] !== undefined && before[tag] !== now[tag]),
    gone: Object.keys(before)
      .filter((tag) => now[tag] === undefined)
      .sort(),
  }
}

async function lastPieces(dir: string): Promise<Pieces> {
  const log = await ExportLog.read(dir)
  try {
    return log.lastPieces() ?? {}
  } finally {
    await log.close()
  }
}

/**
 * Always makes a bundle, of its own sequence, also when nothing has changed: silence can't be told from suppression.
 * Throws as `exportBundle`; PURPOSE_MISMATCH for a channel of another purpose; DENIALS_MALFORMED.
 */
export async function revocationBundle(
  options: Omit<ExportOptions, 'revocationOnly'>,
): Promise<RevocationBundleReport> {
  const { dir } = openChannelFolder(options.keys)
  const before = await lastPieces(dir)
  const denials = nearDenials(dir)
  const report = await exportBundle({ ...options, revocationOnly: { denials } })
  const now = Object.fromEntries((report.revocation?.pieces ?? []).map(({ tag, digest }) => [tag, digest]))
  const changes = changesOf(before, now)
  return {
    ...report,
    changes,
    heartbeat: changes.added.length + changes.renewed.length + changes.gone.length === 0,
    denials: denials.length,
  }
}
