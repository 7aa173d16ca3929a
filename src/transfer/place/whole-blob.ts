/** A small blob of a source, whole in memory. */
import type { Source } from '../../content/index.ts'
import { verifying, type Descriptor } from '../../oci/index.ts'

/** The bytes, proven against the descriptor. Duty of the caller: its size has been capped. Throws as the source, DIGEST_MISMATCH. */
export async function wholeBlob(source: Pick<Source, 'repository' | 'blob'>, descriptor: Descriptor): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  const subject = `${source.repository}@${descriptor.digest}`
  // A source may use its buffer again.
  for await (const chunk of verifying(source.blob(descriptor), descriptor, 'source', subject))
    chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}
