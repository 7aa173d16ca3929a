/** Floor 5: channels. Builds and judges their TUF metadata; no I/O, no clock. */
export { addSignature, buildHead, type SignedHead, type HeadPlan } from './build.ts'
export { byRole, CAPS, isChannelName, ROLES, type Purpose, type Role } from './channel.ts'
export {
  judgeHead,
  readAgreedHead,
  type AgreedHead,
  type Counters,
  type HeadFiles,
  type HeadInput,
  type HeadVerdict,
} from './head.ts'
export { approvals, inspectHead, type Approvals, type UnverifiedHead, type UnverifiedPart } from './inspect.ts'
export { ChannelKey, generateKey, type Signer } from './key.ts'
export { openKey, sealKey, type Passphrase } from './key-file.ts'
export type { TargetInfo } from './parts.ts'
export { keyidOf, type KeyKind, type TufKey } from './public-key.ts'
export type { BadSignature, RoleKeys } from './role.ts'
export { buildRoot, rootApprovals, signRoot, type RootApprovals, type RootPlan } from './root.ts'
export { judgeRoots, replacesHost, type RootsInput, type RootsVerdict, type TrustedRoot } from './root-chain.ts'
export { fingerprint, readRoot, readUnsignedRoot, rootId, type Root } from './root-reader.ts'
export { targetsSlot, type SlotRole } from './slot.ts'
