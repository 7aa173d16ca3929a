/** Floor 5: what a site decided, has seen and holds. The journal is the record, LevelDB is its index. */
export { Acknowledged } from './acknowledged.ts'
export { backup } from './backup.ts'
export type { Counters, Purpose } from './channel-record.ts'
export type { OpenEngine } from './engine.ts'
export type {
  Held,
  Import,
  JudgedHead,
  Pin,
  RecordedSignature,
  RefusedSignature,
  SignatureChains,
  TagDone,
  TagCause,
  TagIntent,
  TagName,
  Verdict,
  VerifiedRoots,
} from './entry.ts'
export { HeadFile, readHead } from './head-file.ts'
export { checkState, rebuildIndex, type CheckReport, type Difference, type ListDamage } from './index-care.ts'
export type { Entry, JournalHead, JournalRow } from './journal-row.ts'
export type { Proven } from './journal-scan.ts'
export { Journal, type JournalOptions } from './journal.ts'
export { runsOf } from './more-rows.ts'
export type { Intent } from './ledger.ts'
export { LIST_CAP } from './list-files.ts'
export { Lock } from './lock.ts'
export type { KnownBundle, PinnedChannel, TagMove } from './queries.ts'
export type {
  ArtifactPlace,
  Denial,
  KnownCertificate,
  ListForm,
  ListPlace,
  ListRow,
  Origin,
  ProvenList,
  Quarantine,
  Release,
} from './revocation-entry.ts'
export type {
  Expectation,
  Forgotten,
  HeldDenial,
  HeldList,
  JudgedPlace,
  Pending,
  Quarantined,
  RecordedVerdict,
  UnplacedVerdict,
} from './revocation-queries.ts'
export { demandVacant, stateMark } from './state-folder.ts'
export { rehearseRestore, restore, type Restored } from './restore.ts'
export { State } from './state.ts'
export type { TrustedSignature } from './trusted-signature.ts'
export type { StateOptions } from './writer.ts'
