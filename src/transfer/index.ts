/** Floor 6: the verbs; the only room that orders steps. Each is loaded when it is called, so that a command starts fast. */
export type { Access, AccessOptions } from './place/access.ts'
export type { AffectedOptions, AffectedReport } from './status/affected-report.ts'
export type { JudgedArtifact } from './verdict/artifact-verdicts.ts'
export type { CheckBlobOptions, CheckBlobReport } from './verdict/check-blob.ts'
export type { CheckOptions, CheckReport } from './verdict/check.ts'
export type { AsOf, AsOfReport } from './run/clock.ts'
export type { SignBlobOptions, SignBlobReport } from './sign/sign-blob.ts'
export type { SignOptions, SignReport } from './sign/sign.ts'
export type { SignerFiles } from './sign/signing-key.ts'
export type { ApproveOptions, ApproveReport, PromisedReport, RevokedSinceReport } from './export/approve.ts'
export type { AskPassphrase } from './channel/folder.ts'
export type { CaInitOptions, CaInitReport, CaPreset } from './ca/init.ts'
export type { CaIssueOptions, CaIssueReport } from './ca/issue.ts'
export type { CaCrlOptions, CaCrlReport } from './ca/crl.ts'
export type { CaListing } from './ca/listing.ts'
export type { CaRevokeOptions, CaRevokeReport } from './ca/revoke.ts'
export type { CaShowOptions, CaShowReport, CaShown } from './ca/show.ts'
export type { PartialSubject } from './ca/subject.ts'
export type { ChannelInitOptions, ChannelInitReport } from './channel/init.ts'
export type { ChannelRotateOptions } from './channel/rotate.ts'
export type { ChannelRotateReport } from './channel/rotation-report.ts'
export type { ChannelShowReport, PinReport, UnpinReport } from './site/channel-verbs.ts'
export type { DenyOptions, DenyReport } from './revocation/near-denials.ts'
export type { ExportReport } from './export/made.ts'
export type { ExportOptions } from './export/terms.ts'
export type { ImportOptions, ImportReport } from './import/terms.ts'
export type { InspectOptions, InspectReport } from './verdict/inspect.ts'
export { parseMapping, type Mapping } from './place/naming.ts'
export { NAMES } from './place/people.ts'
export type { Plan } from './place/plan-file.ts'
export type { MeasureOutcome, RejudgedArtifact, RejudgeReport } from './rejudge/report.ts'
export type { RevocationBundleReport } from './export/revocation-bundle.ts'
export type { CarriedRevocationReport, RevocationPieceReport } from './revocation/information.ts'
export type { CollectedReport, LackingReport, RevocableReport } from './collect/report.ts'
export type { RevocationSeedOptions, RevocationSeedReport } from './revocation/seed.ts'
export type { RevocationStatusOptions, RevocationStatusReport } from './status/revocation.ts'
export type { RunEvent, RunOptions } from './run/run.ts'
export type { ForgetOptions, ForgetReport } from './rejudge/forget-target.ts'
export type { JudgeAgainOptions, JudgeAgainReport, SiteDenyOptions, SiteDenyReport } from './rejudge/site-deny.ts'
export type { ConfineReport } from './site/confine.ts'
export type { ExpectReport } from './site/schedule.ts'
export type { Alarm, SiteStatus } from './status/site.ts'
export type { StatusDocument, StatusFiles } from './status/file.ts'
export type { ApproveReleaseOptions, ApproveReleaseReport, QuarantineListReport } from './measure/quarantine-verbs.ts'
export type { ReleaseOptions, ReleaseReport } from './rejudge/quarantine-release.ts'
export type { RestoreOptions, RestoreReport } from './rejudge/restore-tag.ts'
export type { LogReport, StatusOptions, StatusReport } from './status/report.ts'
export type { InitReport, StateRunOptions } from './site/state-verbs.ts'
export type { ByteOutput } from './export/stream-out.ts'
export type { PassengerClaim, PassengerReport } from './passage/passenger-report.ts'
export type { PolicyAddOptions, PolicyEditReport } from './trust/policy-edit.ts'
export type { PolicyCheckReport, PolicyExplainReport, PolicyShowReport } from './trust/policy.ts'
export type { Anchor, StoreAddReport, StoreListReport, StoreRemoveReport } from './trust/store.ts'
export type { InformationReport } from './passage/trust-information.ts'
export type { TreeCertificate, TrustTree } from './passage/trust-tree.ts'
export type { SignatureReport, VerdictReport } from './verdict/report.ts'
export type { BundleSummary } from './passage/summary.ts'
export type { BundleInput, VerifyOptions, VerifyReport } from './verdict/verify.ts'
export type { WatchOptions } from './watch/watch.ts'
export type { Ended, WatchReport } from './watch/report.ts'

function lazily<A extends unknown[], R>(
  load: () => Promise<(...args: A) => R | Promise<R>>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    const verb = await load()
    return verb(...args)
  }
}

export const registryAccess = lazily(async () => (await import('./place/access.ts')).registryAccess)
export const parsePlan = lazily(async () => (await import('./place/plan-file.ts')).parsePlan)

export const channelInit = lazily(async () => (await import('./channel/init.ts')).channelInit)
export const channelRotate = lazily(async () => (await import('./channel/rotate.ts')).channelRotate)
export const channelPin = lazily(async () => (await import('./site/channel-verbs.ts')).channelPin)
export const channelShow = lazily(async () => (await import('./site/channel-verbs.ts')).channelShow)
export const channelConfine = lazily(async () => (await import('./site/confine.ts')).channelConfine)
export const channelExpect = lazily(async () => (await import('./site/schedule.ts')).channelExpect)
export const parseSpan = lazily(async () => (await import('./site/schedule.ts')).parseSpan)
export const channelUnpin = lazily(async () => (await import('./site/channel-verbs.ts')).channelUnpin)

export const caInit = lazily(async () => (await import('./ca/init.ts')).caInit)
export const caIssue = lazily(async () => (await import('./ca/issue.ts')).caIssue)
export const caRevoke = lazily(async () => (await import('./ca/revoke.ts')).caRevoke)
export const caCrl = lazily(async () => (await import('./ca/crl.ts')).caCrl)
export const caShow = lazily(async () => (await import('./ca/show.ts')).caShow)
export const parseSubject = lazily(async () => (await import('./ca/subject.ts')).parseSubject)

export const exportBundle = lazily(async () => (await import('./export/export.ts')).exportBundle)
export const revocationBundle = lazily(async () => (await import('./export/revocation-bundle.ts')).revocationBundle)
export const denyArtifact = lazily(async () => (await import('./revocation/near-denials.ts')).denyArtifact)
export const denyAtSite = lazily(async () => (await import('./rejudge/site-deny.ts')).denyAtSite)
export const judgeAgain = lazily(async () => (await import('./rejudge/site-deny.ts')).judgeAgain)
export const revocationAffected = lazily(async () => (await import('./status/affected-report.ts')).revocationAffected)
export const revocationStatus = lazily(async () => (await import('./status/revocation.ts')).revocationStatus)
export const exitOfRevocationStatus = lazily(async () => (await import('./status/revocation.ts')).revocationStatusExit)
export const approveBundle = lazily(async () => (await import('./export/approve.ts')).approveBundle)
export const inspectBundle = lazily(async () => (await import('./verdict/inspect.ts')).inspectBundle)
export const verifyBundle = lazily(async () => (await import('./verdict/verify.ts')).verifyBundle)
export const importBundle = lazily(async () => (await import('./import/import.ts')).importBundle)

export const signerStanding = lazily(async () => (await import('./status/signer-standing.ts')).signerStanding)
export const sign = lazily(async () => (await import('./sign/sign.ts')).sign)
export const signBlob = lazily(async () => (await import('./sign/sign-blob.ts')).signBlob)
export const checkBlob = lazily(async () => (await import('./verdict/check-blob.ts')).checkBlob)
export const check = lazily(async () => (await import('./verdict/check.ts')).check)
export const openSigner = lazily(async () => (await import('./sign/signing-key.ts')).openSigner)
export const openPluginSigner = lazily(async () => (await import('./sign/signing-key.ts')).openPluginSigner)
export const timestamper = lazily(async () => (await import('./sign/signing-key.ts')).timestamper)
export const exitOfRejudged = lazily(async () => (await import('./rejudge/report.ts')).rejudgeExit)
export const exitOfSiteDeny = lazily(async () => (await import('./rejudge/site-deny.ts')).siteDenyExit)
export const exitOfAffected = lazily(async () => (await import('./status/affected-report.ts')).affectedExit)
export const exitOfVerdicts = lazily(async () => (await import('./verdict/artifact-verdicts.ts')).verdictExit)

export const trustStoreAdd = lazily(async () => (await import('./trust/store.ts')).trustStoreAdd)
export const trustStoreList = lazily(async () => (await import('./trust/store.ts')).trustStoreList)
export const trustStoreRemove = lazily(async () => (await import('./trust/store.ts')).trustStoreRemove)
export const acquire = lazily(async () => (await import('./trust/acquire.ts')).acquire)
export const trustPolicyAdd = lazily(async () => (await import('./trust/policy-edit.ts')).trustPolicyAdd)
export const trustPolicyRemove = lazily(async () => (await import('./trust/policy-edit.ts')).trustPolicyRemove)
export const trustPolicyCheck = lazily(async () => (await import('./trust/policy.ts')).trustPolicyCheck)
export const trustPolicyShow = lazily(async () => (await import('./trust/policy.ts')).trustPolicyShow)
export const trustPolicyExplain = lazily(async () => (await import('./trust/policy.ts')).trustPolicyExplain)

export const revocationSeed = lazily(async () => (await import('./revocation/seed.ts')).revocationSeed)

export const quarantineList = lazily(async () => (await import('./measure/quarantine-verbs.ts')).quarantineList)
export const heldTarget = lazily(async () => (await import('./measure/quarantine-verbs.ts')).heldTarget)
export const quarantineApprove = lazily(async () => (await import('./measure/quarantine-verbs.ts')).quarantineApprove)
export const quarantineRelease = lazily(async () => (await import('./rejudge/quarantine-release.ts')).quarantineRelease)
export const restoreTag = lazily(async () => (await import('./rejudge/restore-tag.ts')).restoreTag)
export const placeOfReference = lazily(async () => (await import('./place/target-reference.ts')).parseTargetReference)

export const watch = lazily(async () => (await import('./watch/watch.ts')).watch)
export const exitOfImport = lazily(async () => (await import('./import/exit.ts')).importExit)
export const exitOfVerify = lazily(async () => (await import('./verdict/verify-exit.ts')).verifyExit)
export const exitOfAlarms = lazily(async () => (await import('./status/site.ts')).alarmsExit)
export const status = lazily(async () => (await import('./status/report.ts')).status)
export const log = lazily(async () => (await import('./status/report.ts')).log)
export const stateInit = lazily(async () => (await import('./site/state-verbs.ts')).stateInit)
export const stateCheck = lazily(async () => (await import('./site/state-verbs.ts')).stateCheck)
export const stateRebuild = lazily(async () => (await import('./site/state-verbs.ts')).stateRebuild)
export const stateBackup = lazily(async () => (await import('./site/state-verbs.ts')).stateBackup)
export const stateForget = lazily(async () => (await import('./rejudge/forget-target.ts')).stateForget)
export const stateRestore = lazily(async () => (await import('./site/state-verbs.ts')).stateRestore)
