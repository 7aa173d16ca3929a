/** The rows of the speed table, by the names that `--rows` takes. */
import type { Row } from './contest.ts'
import { exportRow } from './rows-export.ts'
import { againRow, importRow } from './rows-import.ts'
import { listRow } from './rows-list.ts'
import { millionExportRow, millionImportRow, millionVerifyRow } from './rows-million.ts'
import { rejudgeRow } from './rows-rejudge.ts'
import { startRow } from './rows-start.ts'
import { verifySignedBigRow, verifySignedRow } from './rows-signed.ts'
import { verifyRow } from './rows-verify.ts'
import type { Stage } from './stage.ts'

export const ROWS: Readonly<Record<string, (stage: Stage) => Row | Promise<Row>>> = {
  'export-big': (stage) => exportRow(stage, 'big'),
  'export-small': (stage) => exportRow(stage, 'small'),
  'verify-file': (stage) => verifyRow(stage, 'file', false),
  'verify-file-cold': (stage) => verifyRow(stage, 'file', true),
  'verify-pipe': (stage) => verifyRow(stage, 'pipe', false),
  'verify-pipe-cold': (stage) => verifyRow(stage, 'pipe', true),
  'verify-signed': verifySignedRow,
  'verify-signed-big': verifySignedBigRow,
  'crl-million': listRow,
  rejudge: rejudgeRow,
  'import-big': (stage) => importRow(stage, 'big'),
  'import-small': (stage) => importRow(stage, 'small'),
  'again-big': (stage) => againRow(stage, 'big'),
  'again-small': (stage) => againRow(stage, 'small'),
  'million-export': millionExportRow,
  'million-verify': millionVerifyRow,
  'million-import': millionImportRow,
  'start-version': ({ site }) => startRow(site, '--version'),
  'start-help': ({ site }) => startRow(site, '--help'),
}

/** What a transport does not change is measured once. */
export const WITHOUT_NETWORK = /^(?:(?:verify|start|crl|million)-|rejudge$)/
