/** Fetches a maker's certificates from wherever they are offered. What comes is worth nothing before a fingerprint says so. */
import { SallyportError } from '../../errors/index.ts'
import { blobsOf, parseManifest } from '../../oci/index.ts'
import { getDocument, type RegistryOptions } from '../../registry/index.ts'
import { locate } from '../place/reference-target.ts'
import type { RunOptions } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import { Sources } from '../place/sources.ts'
import { wholeBlob } from '../place/whole-blob.ts'

const CAP = 4 * 1024 * 1024

export interface AcquireOptions extends RunOptions {
  /** A file, `https://…`, or with `artifact` a reference. */
  from: string
  /** `from` is a reference to an OCI artifact that holds the certificates in its one blob. */
  artifact?: boolean | undefined
  registry: Omit<RegistryOptions, 'side'>
}

async function fromArtifact({ from, registry, signal }: AcquireOptions): Promise<Buffer> {
  const sources = new Sources(registry, signal)
  try {
    const { source, descriptor } = await locate(sources, from)
    const subject = `${source.repository}@${descriptor.digest}`
    const bytes = await source.manifest(descriptor)
    const blobs = blobsOf(parseManifest(bytes, descriptor.mediaType, 'source', subject)).filter(({ size }) => size > 2)
    const [blob, ...others] = blobs
    if (blob === undefined || others.length > 0 || blob.size > CAP)
      throw new SallyportError('CERTIFICATE_FILE', {
        side: 'source',
        subject,
        detail: 'an artifact with one small blob of certificates is wanted',
      })
    return await wholeBlob(source, blob)
  } finally {
    await sources.close()
  }
}

/** The bytes; their maker is not known yet. Throws FILE_UNREADABLE and what the network throws. */
export async function acquire(options: AcquireOptions): Promise<Buffer> {
  if (options.artifact === true) return fromArtifact(options)
  if (!/^https?:\/\//i.test(options.from)) return readSmall(options.from)
  const { caPem } = options.registry
  return getDocument({ url: options.from, side: 'source', caPem, signal: options.signal }, CAP)
}
