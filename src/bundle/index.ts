/** Floor 5: the bundle. The only room that knows tar. */
export {
  arrange,
  promise,
  type Content,
  type LawBlob,
  type PackedRepository,
  type Promise3,
  type Terms,
} from './assemble.ts'
export { openArchive } from './archive-source.ts'
export { proveReadable, takeCensus, type Census } from './census.ts'
export { FileWriter } from './file-writer.ts'
export { fileInput, isFileInput, memoryInput, pipeInput, type ByteInput, type FileInput } from './input.ts'
export { referrersCarried } from './index-json.ts'
export {
  encodeBlobHeader,
  encodeMember,
  layOut,
  layOutPayload,
  type BundleLayout,
  type HeadFiles,
  type PlacedBlob,
} from './layout.ts'
export { BundleReader, type Head, type LawMember, type PromiseFiles, type TargetFile } from './reader.ts'
export { checkPayload, type PayloadCheckOptions } from './payload-check.ts'
export { BLOCK, padded } from './tar-header.ts'
export type { Transfer, TransferRepository } from './transfer.ts'
