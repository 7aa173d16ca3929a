/** Floor 5: the bundle. The only room that knows tar. */
import type { Layout } from '../content/index.ts'

export {
  arrange,
  promise,
  type Content,
  type LawBlob,
  type PackedRepository,
  type Promise3,
  type Terms,
} from './assemble.ts'
export { proveReadable, takeCensus, takePassenger, type Census, type PassengerFiles } from './census.ts'
export { FileWriter } from './file-writer.ts'
export {
  fileInput,
  isFileInput,
  isPipeInput,
  memoryInput,
  pipeInput,
  type ByteInput,
  type FileInput,
  type PipeInput,
} from './input.ts'
export type { HashThread } from './hash-thread.ts'
export { referrersCarried } from './index-json.ts'
export { encodeBlobHeader, layOut, layOutPayload, PlacedBlobs, type BundleLayout, type PlacedBlob } from './layout.ts'
export { held, joined, memberParts, type Body } from './member-body.ts'
export type { HeadFiles, Passenger } from './passenger.ts'
export { withPassengers } from './passenger-content.ts'
export { BundleReader, type Head, type LawMember, type PromiseFiles, type TargetFile } from './reader.ts'
export { checkPayload } from './payload-check.ts'
export { WORTH_THREADS } from './provers.ts'
export { BLOCK, padded } from './tar-header.ts'
export { MAX_PASSENGERS, type Transfer, type TransferRepository } from './transfer.ts'

/** As `archive-source.ts` has it; loaded when it is called, since few commands read the archives of others. */
export async function openArchive(file: string): Promise<Layout> {
  return (await import('./archive-source.ts')).openArchive(file)
}
