/** Floor 5: the bundle. The only room that knows tar. */
export {
  arrange,
  ENVELOPE_CAP,
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
  lawOffsets,
  layOut,
  layOutPayload,
  type BundleLayout,
  type HeadFiles,
  type PlacedBlob,
} from './layout.ts'
export { MemberReader, type PlacedMember } from './member-reader.ts'
export { isChannelName, metadataName } from './names.ts'
export { BundleReader, lawOrder, type Head, type LawMember, type PromiseFiles, type TargetFile } from './reader.ts'
export { checkPayload, type PayloadCheckOptions } from './payload-check.ts'
export { BLOCK, padded } from './tar-header.ts'
export { FORMAT, type Transfer, type TransferRepository } from './transfer.ts'
