/** Our side of an agreement case: signatures read from where they lie, judged by notation's own files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { Source } from '../../../src/content/index.ts'
import { type Code, SallyportError } from '../../../src/errors/index.ts'
import { type Descriptor, parseManifest } from '../../../src/oci/index.ts'
import { envelopeOf } from '../../../src/signature/index.ts'
import {
  type ArtifactVerdict,
  type FoundSignature,
  judgeArtifact,
  readTrustMaterial,
} from '../../../src/trust/index.ts'
import type { Said } from './case.ts'

export interface OurVerdict {
  readonly said: Said
  /** Of the only signature, else of the artifact or of what could not be read. */
  readonly code?: Code
  readonly verdict?: ArtifactVerdict
}

function policyFiles(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    entries.map(({ parentPath, name }) => [
      relative(folder, join(parentPath, name)),
      readFileSync(join(parentPath, name)),
    ]),
  )
}

async function signatureAt(source: Source, descriptor: Descriptor): Promise<FoundSignature | undefined> {
  try {
    const bytes = await source.manifest(descriptor)
    const envelope = envelopeOf(parseManifest(bytes, descriptor.mediaType, 'source', descriptor.digest))
    if (envelope === undefined) return undefined
    const blob = await buffer(source.blob(envelope))
    return { manifest: descriptor.digest, mediaType: envelope.mediaType, envelope: blob }
  } catch (fault) {
    if (!(fault instanceof SallyportError)) throw fault
    return { manifest: descriptor.digest, fault }
  }
}

export async function ourVerdict(
  source: Source,
  artifact: Descriptor,
  scope: string,
  configDir: string,
): Promise<OurVerdict> {
  const referrers = await source.referrers(artifact.digest)
  const found = await Promise.all(referrers.map((referrer) => signatureAt(source, referrer)))
  const signatures = found.filter((signature) => signature !== undefined)
  let material
  try {
    material = readTrustMaterial(policyFiles(configDir))
  } catch (fault) {
    if (!(fault instanceof SallyportError)) throw fault
    return { said: 'refuse', code: fault.code }
  }
  const verdict = await judgeArtifact({ artifact, scope, signatures, material, now: new Date() })
  const [only] = verdict.signatures.length === 1 ? verdict.signatures : []
  const code = only?.code ?? verdict.code
  return { said: verdict.verdict === 'trusted' ? 'accept' : 'refuse', ...(code !== undefined && { code }), verdict }
}
