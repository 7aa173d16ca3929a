/** What a registry holds: asked for by one HEAD, or read back and proven. */
import { isFault, SallyportError } from '../errors/index.ts'
import { verifying, type Descriptor } from '../oci/index.ts'
import { blobSubject, readBlob } from './blob.ts'
import { callTo, type Repository } from './repository.ts'

const BODY_CAP = 64 * 1024

/** True when the registry says that it holds the blob with this size. */
export async function headBlob(repository: Repository, descriptor: Descriptor): Promise<boolean> {
  const call = callTo(repository, 'HEAD', `blobs/${descriptor.digest}`, 'blob', blobSubject(repository, descriptor))
  const reply = await repository.registry.ask(call, [200, 404], BODY_CAP)
  if (reply.status === 404) return false
  const length = reply.header('content-length')
  if (length !== undefined) return Number(length) === descriptor.size
  // A proxy took the length away: only the bytes tell.
  await proveBlob(repository, descriptor)
  return true
}

/** Reads the blob back whole. Throws READ_BACK_MISMATCH when it is absent or something else. */
export async function proveBlob(repository: Repository, descriptor: Descriptor): Promise<void> {
  const subject = blobSubject(repository, descriptor)
  try {
    for await (const chunk of verifying(readBlob(repository, descriptor), descriptor, repository.side, subject))
      void chunk
  } catch (cause) {
    if (!isFault(cause, 'SIZE_MISMATCH', 'DIGEST_MISMATCH', 'BLOB_MISSING')) throw cause
    throw new SallyportError('READ_BACK_MISMATCH', { side: repository.side, subject, detail: cause.message, cause })
  }
}
