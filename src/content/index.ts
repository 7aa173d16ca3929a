/** Floor 4: sources, targets, and the walk over the graph between them. */
export type { BlobBody, FileSlot, Source, Target, TargetPlace } from './source.ts'
