/** Floor 6: the verbs; the only room that orders steps. Each is loaded when it is called, so that a command starts fast. */
export type { Access, AccessOptions } from './access.ts'
export type { AffectedOptions, AffectedReport } from './affected-report.ts'
export type { JudgedArtifact } from './artifact-verdicts.ts'
export type { CheckBlobOptions, CheckBlobReport } from './check-blob.ts'
export type { CheckOptions, CheckReport } from './check.ts'
export type { AsOf, AsOfReport } from './clock.ts'
export type { SignBlobOptions, SignBlobReport } from './sign-blob.ts'
export type { SignOptions, SignReport } from './sign.ts'
export type { SignerFiles } from './signing-key.ts'
export type { ApproveOptions, ApproveReport } from './approve.ts'
export type { AskPassphrase } from './channel-folder.ts'
export type { CaInitOptions, CaInitReport, CaPreset } from './ca-init.ts'
export type { CaIssueOptions, CaIssueReport } from './ca-issue.ts'
export type { CaCrlOptions, CaCrlReport } from './ca-crl.ts'
export type { CaListing } from './ca-listing.ts'
export type { CaRevokeOptions, CaRevokeReport } from './ca-revoke.ts'
export type { CaShowOptions, CaShowReport, CaShown } from './ca-show.ts'
export type { PartialSubject } from './ca-subject.ts'
export type { ChannelInitOptions, ChannelInitReport } from './channel-init.ts'
export type { ChannelShowReport, PinReport } from './channel-verbs.ts'
export type { DenyOptions, DenyReport } from './near-denials.ts'
export type { ExportReport } from './export-made.ts'
export type { ExportOptions } from './export-terms.ts'
export type { ImportOptions, ImportReport } from './import-terms.ts'
export type { InspectOptions, InspectReport } from './inspect.ts'
export { parseMapping, type Mapping } from './naming.ts'
export { NAMES } from './people.ts'
export type { Plan } from './plan-file.ts'
export type { MeasureOutcome, RejudgedArtifact, RejudgeReport } from './rejudge-report.ts'
export type { RevocationBundleReport } from './revocation-bundle.ts'
export type { CarriedRevocationReport, RevocationPieceReport } from './revocation-information.ts'
export type { CollectedReport, LackingReport, RevocableReport } from './revocation-report.ts'
export type { RevocationSeedOptions, RevocationSeedReport } from './revocation-seed.ts'
export type { RevocationStatusOptions, RevocationStatusReport } from './revocation-status.ts'
export type { RunEvent, RunOptions } from './run.ts'
export type { JudgeAgainOptions, JudgeAgainReport, SiteDenyOptions, SiteDenyReport } from './site-deny.ts'
export type { ExpectReport } from './schedule.ts'
export type { Alarm, SiteStatus } from './site-status.ts'
export type { StatusDocument, StatusFiles } from './site-status-file.ts'
export type { ApproveReleaseOptions, ApproveReleaseReport, QuarantineListReport } from './quarantine-verbs.ts'
export type { ReleaseOptions, ReleaseReport } from './quarantine-release.ts'
export type { RestoreOptions, RestoreReport } from './restore-tag.ts'
export type { LogReport, StatusOptions, StatusReport } from './site-report.ts'
export type { InitReport, StateRunOptions } from './state-verbs.ts'
export type { ByteOutput } from './stream-out.ts'
export type { PassengerClaim, PassengerReport } from './passenger-report.ts'
export type { PolicyAddOptions, PolicyEditReport } from './trust-policy-edit.ts'
export type { PolicyCheckReport, PolicyExplainReport, PolicyShowReport } from './trust-policy.ts'
export type { Anchor, StoreAddReport, StoreListReport, StoreRemoveReport } from './trust-store.ts'
export type { InformationReport } from './trust-information.ts'
export type { TreeCertificate, TrustTree } from './trust-tree.ts'
export type { SignatureReport, VerdictReport } from './verdict-report.ts'
export type { BundleSummary } from './summary.ts'
export type { BundleInput, VerifyOptions, VerifyReport } from './verify.ts'
export type { WatchOptions } from './watch.ts'
export type { Ended, WatchReport } from './watch-report.ts'

function lazily<A extends unknown[], R>(
  load: () => Promise<(...args: A) => R | Promise<R>>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    const verb = await load()
    return verb(...args)
  }
}

export const registryAccess = lazily(async () => (await import('./access.ts')).registryAccess)
export const parsePlan = lazily(async () => (await import('./plan-file.ts')).parsePlan)

export const channelInit = lazily(async () => (await import('./channel-init.ts')).channelInit)
export const channelPin = lazily(async () => (await import('./channel-verbs.ts')).channelPin)
export const channelShow = lazily(async () => (await import('./channel-verbs.ts')).channelShow)
export const channelExpect = lazily(async () => (await import('./schedule.ts')).channelExpect)
export const parseSpan = lazily(async () => (await import('./schedule.ts')).parseSpan)
export const channelUnpin = lazily(async () => (await import('./channel-verbs.ts')).channelUnpin)

export const caInit = lazily(async () => (await import('./ca-init.ts')).caInit)
export const caIssue = lazily(async () => (await import('./ca-issue.ts')).caIssue)
export const caRevoke = lazily(async () => (await import('./ca-revoke.ts')).caRevoke)
export const caCrl = lazily(async () => (await import('./ca-crl.ts')).caCrl)
export const caShow = lazily(async () => (await import('./ca-show.ts')).caShow)
export const parseSubject = lazily(async () => (await import('./ca-subject.ts')).parseSubject)

export const exportBundle = lazily(async () => (await import('./export.ts')).exportBundle)
export const revocationBundle = lazily(async () => (await import('./revocation-bundle.ts')).revocationBundle)
export const denyArtifact = lazily(async () => (await import('./near-denials.ts')).denyArtifact)
export const denyAtSite = lazily(async () => (await import('./site-deny.ts')).denyAtSite)
export const judgeAgain = lazily(async () => (await import('./site-deny.ts')).judgeAgain)
export const revocationAffected = lazily(async () => (await import('./affected-report.ts')).revocationAffected)
export const revocationStatus = lazily(async () => (await import('./revocation-status.ts')).revocationStatus)
export const exitOfRevocationStatus = lazily(async () => (await import('./revocation-status.ts')).revocationStatusExit)
export const approveBundle = lazily(async () => (await import('./approve.ts')).approveBundle)
export const inspectBundle = lazily(async () => (await import('./inspect.ts')).inspectBundle)
export const verifyBundle = lazily(async () => (await import('./verify.ts')).verifyBundle)
export const importBundle = lazily(async () => (await import('./import.ts')).importBundle)

export const sign = lazily(async () => (await import('./sign.ts')).sign)
export const signBlob = lazily(async () => (await import('./sign-blob.ts')).signBlob)
export const checkBlob = lazily(async () => (await import('./check-blob.ts')).checkBlob)
export const check = lazily(async () => (await import('./check.ts')).check)
export const openSigner = lazily(async () => (await import('./signing-key.ts')).openSigner)
export const openPluginSigner = lazily(async () => (await import('./signing-key.ts')).openPluginSigner)
export const timestamper = lazily(async () => (await import('./signing-key.ts')).timestamper)
export const exitOfPassengers = lazily(async () => (await import('./passenger-report.ts')).passengerExit)
export const exitOfRejudged = lazily(async () => (await import('./rejudge-report.ts')).rejudgeExit)
export const exitOfVerdicts = lazily(async () => (await import('./artifact-verdicts.ts')).verdictExit)

export const trustStoreAdd = lazily(async () => (await import('./trust-store.ts')).trustStoreAdd)
export const trustStoreList = lazily(async () => (await import('./trust-store.ts')).trustStoreList)
export const trustStoreRemove = lazily(async () => (await import('./trust-store.ts')).trustStoreRemove)
export const acquire = lazily(async () => (await import('./acquire.ts')).acquire)
export const trustPolicyAdd = lazily(async () => (await import('./trust-policy-edit.ts')).trustPolicyAdd)
export const trustPolicyRemove = lazily(async () => (await import('./trust-policy-edit.ts')).trustPolicyRemove)
export const trustPolicyCheck = lazily(async () => (await import('./trust-policy.ts')).trustPolicyCheck)
export const trustPolicyShow = lazily(async () => (await import('./trust-policy.ts')).trustPolicyShow)
export const trustPolicyExplain = lazily(async () => (await import('./trust-policy.ts')).trustPolicyExplain)

export const revocationSeed = lazily(async () => (await import('./revocation-seed.ts')).revocationSeed)

export const quarantineList = lazily(async () => (await import('./quarantine-verbs.ts')).quarantineList)
export const heldTarget = lazily(async () => (await import('./quarantine-verbs.ts')).heldTarget)
export const quarantineApprove = lazily(async () => (await import('./quarantine-verbs.ts')).quarantineApprove)
export const quarantineRelease = lazily(async () => (await import('./quarantine-release.ts')).quarantineRelease)
export const restoreTag = lazily(async () => (await import('./restore-tag.ts')).restoreTag)
export const placeOfReference = lazily(async () => (await import('./target-reference.ts')).parseTargetReference)

export const watch = lazily(async () => (await import('./watch.ts')).watch)
export const exitOfImport = lazily(async () => (await import('./watch-report.ts')).importExit)
export const exitOfAlarms = lazily(async () => (await import('./watch-report.ts')).alarmsExit)
export const status = lazily(async () => (await import('./site-report.ts')).status)
export const log = lazily(async () => (await import('./site-report.ts')).log)
export const stateInit = lazily(async () => (await import('./state-verbs.ts')).stateInit)
export const stateCheck = lazily(async () => (await import('./state-verbs.ts')).stateCheck)
export const stateRebuild = lazily(async () => (await import('./state-verbs.ts')).stateRebuild)
export const stateBackup = lazily(async () => (await import('./state-verbs.ts')).stateBackup)
export const stateRestore = lazily(async () => (await import('./state-verbs.ts')).stateRestore)
