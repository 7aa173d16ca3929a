/** Floor 4: sources, targets, and the walk over the graph between them. */
export type { BlobBody, FileSlot, Source, Target, TargetPlace } from './source.ts'
export { isGone, thisProcess, type ProcessMark } from './process-mark.ts'
export { lockFolder, type FolderLock } from './file-lock.ts'
export { makeFolder } from './lasting-folder.ts'
export {
  placeFile,
  placeFileAside,
  syncFolder,
  syncFolderAside,
  writeAll,
  writeAllAside,
  writeNew,
} from './durable-file.ts'
export { demandFolder, demandNew, placeNewFile } from './new-file.ts'
export { fileBody, readSpan, type FileSpan } from './file-span.ts'
export { bytesBody } from './bytes-body.ts'
export { passedFault, passingBody } from './passing-body.ts'
export { provenBody } from './proven-body.ts'
export { byDigest, Graph, type CompanionTag, type GraphNode, type Omission } from './graph.ts'
export { carriedBlobs, isLeftOut, omissionsOf, orderArtifact, type OrderedArtifact } from './order.ts'
export { platformsFound } from './platforms.ts'
export { tagSetOf } from './tag-set.ts'
export { Walk, WalkBudget, type Choice, type Gate } from './walk.ts'
export { type LayoutFile, type LayoutReader } from './layout-file.ts'
export { LAYOUT_INDEX_CAP } from './layout-index.ts'
export { IMAGE_NAME, REF_NAME } from './layout-name.ts'
export { layoutOver, openLayout, type Layout } from './layout-source.ts'
export { layoutTarget } from './layout-target.ts'
export { MemoryPlace, type MemoryRepository } from './memory.ts'
export { openUnlinked } from './unlinked-file.ts'
