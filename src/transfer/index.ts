/** Floor 6: the verbs; the only room that orders steps. */
export { registryAccess, type Access, type AccessOptions } from './access.ts'
export { approveBundle, type ApproveOptions, type ApproveReport } from './approve.ts'
export { openChannelFolder, type AskPassphrase, type ChannelFolder } from './channel-folder.ts'
export { channelInit, NAMES, type ChannelInitOptions, type ChannelInitReport } from './channel-init.ts'
export { exportBundle } from './export.ts'
export type { ExportReport } from './export-made.ts'
export type { ExportOptions } from './export-terms.ts'
export { importBundle, type ImportOptions, type ImportReport } from './import.ts'
export { inspectBundle, type InspectOptions, type InspectReport } from './inspect.ts'
export { parseMapping, type Mapping } from './naming.ts'
export { parsePlan, type Plan } from './plan-file.ts'
export type { RunEvent, RunOptions } from './run.ts'
export { channelPin, channelShow, channelUnpin, type ChannelShowReport, type PinReport } from './channel-verbs.ts'
export { log, status, type LogReport, type StatusReport } from './site-report.ts'
export {
  stateBackup,
  stateCheck,
  stateInit,
  stateRebuild,
  stateRestore,
  type InitReport,
  type StateRunOptions,
} from './state-verbs.ts'
export type { ByteOutput } from './stream-out.ts'
export type { BundleSummary } from './summary.ts'
export { verifyBundle, type BundleInput, type VerifyOptions, type VerifyReport } from './verify.ts'
