/** Signed content, beside the other in the registry's storage: made once, when a row first asks for it. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fixtureSigner } from '../../fixtures/chains/build.ts'
import { encodePem } from '../../src/codec/index.ts'
import { digestOf } from '../../src/oci/index.ts'
import {
  COSE,
  EMPTY_CONFIG,
  localSigner,
  parseCertificate,
  sealEnvelope,
  SIGNATURE_TYPE,
  signatureManifest,
  type Signer,
  targetPayload,
} from '../../src/signature/index.ts'
import { startRegistry } from '../peers/setup/registry.ts'
import { trustPolicy } from '../peers/setup/signed-layout.ts'
import { agent, type BenchData, MANIFEST, type Part, Pusher, pushBig, type Workload } from './data.ts'

/** A new number makes signed content anew. */
const GENERATOR = 1
const INDEX = 'application/vnd.oci.image.index.v1+json'
const SIGNED_AT = new Date('2026-06-01T00:00:00Z')
const SMALL_LAYER = 4096

export interface SignedData {
  /** 1,000 small images, one signature each. */
  readonly small: Workload
  /** More than 1 GiB in 100 images, one signature each. */
  readonly big: Workload
  /** Notation's folder with policy and store, which is ours too. */
  readonly policy: string
}

/** In the form that notation finds in a layout, listed by the fallback tag. */
async function signImage(pusher: Pusher, image: Part, signer: Signer): Promise<void> {
  const payload = targetPayload(image)
  const bytes = await sealEnvelope({ format: 'cose', payload, signer, signingTime: SIGNED_AT, agent: 'bench/1' })
  await pusher.blob(SIGNATURE_TYPE, EMPTY_CONFIG.length, () => [EMPTY_CONFIG])
  const envelope = await pusher.blob(COSE, bytes.length, () => [bytes])
  const manifest = signatureManifest({ subject: image, envelope, chain: signer.chain, created: SIGNED_AT })
  const { digest, size } = await pusher.manifest(digestOf(manifest), MANIFEST, manifest)
  pusher.manifests[digest] = size
  const listed = { mediaType: MANIFEST, digest, size, artifactType: SIGNATURE_TYPE }
  const list = { schemaVersion: 2, mediaType: INDEX, manifests: [listed] }
  await pusher.manifest(image.digest.replace(':', '-'), INDEX, Buffer.from(JSON.stringify(list)))
}

async function pushSmall(pusher: Pusher, first: number, last: number): Promise<Part[]> {
  const images: Part[] = []
  for (let n = first; n <= last; n += 1)
    images.push(await pusher.image(`v${n}`, [await pusher.layer(`signed ${n}`, SMALL_LAYER)]))
  return images
}

/** Strict but for revocation, by a subject: what a site would write. */
function writePolicy(folder: string, root: Buffer): void {
  const store = join(folder, 'truststore/x509/ca/acme')
  mkdirSync(store, { recursive: true })
  writeFileSync(join(store, 'root.crt'), encodePem('CERTIFICATE', root))
  const identities = ['x509.subject: C=XX, ST=Fixture, O=Sallyport fixtures']
  writeFileSync(join(folder, 'trustpolicy.json'), trustPolicy([{ name: 'bench', identities }]))
}

async function make(origin: string, scale: number): Promise<Pick<SignedData, 'small' | 'big'>> {
  const { key, chain } = fixtureSigner('ES384')
  const signer = localSigner(
    key,
    chain.map((der) => parseCertificate(der)),
  )
  const small = new Pusher(origin, 'bench/signed')
  const big = new Pusher(origin, 'bench/signed-big')
  const many = Math.max(4, Math.round(1000 * scale))
  for (const image of await pushSmall(small, 1, many)) await signImage(small, image, signer)
  const large = await pushBig(big, scale)
  for (const image of [...large, ...(await pushSmall(big, 9, 100))]) await signImage(big, image, signer)
  return { small: small.workload('bench/signed'), big: big.workload('bench/signed-big') }
}

/** The signed content at the scale of the other, and the policy that trusts it. */
export async function signedData(data: BenchData): Promise<SignedData> {
  const listed = join(data.folder, `signed-v${GENERATOR}.json`)
  const policy = join(data.folder, `signed-v${GENERATOR}.policy`)
  if (!existsSync(listed)) {
    process.stderr.write(`signing content in ${data.folder}\n`)
    rmSync(policy, { recursive: true, force: true })
    writePolicy(policy, fixtureSigner('ES384').chain.at(-1) ?? Buffer.alloc(0))
    const registry = await startRegistry({ storage: data.storage })
    try {
      writeFileSync(`${listed}.new`, JSON.stringify(await make(registry.origin, data.scale)))
      renameSync(`${listed}.new`, listed)
    } finally {
      agent.destroy()
      await registry.stop()
    }
  }
  return { ...(JSON.parse(readFileSync(listed, 'utf8')) as Pick<SignedData, 'small' | 'big'>), policy }
}
