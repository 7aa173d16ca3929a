/** Fills a registry with every shape of artifact that a passage must carry, made by the tools that make them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../../../src/transfer/index.ts'
import { imagesLayout } from './images.ts'
import { orasFlags, peerEnv, type Reachable, skopeoFlags } from './peer-env.ts'
import { peer, tryPeer } from './run.ts'

export type SeededKind =
  | 'multi-platform'
  | 'docker-list'
  | 'artifact'
  | 'nested-index'
  | 'opaque'
  | 'cosign-signature-tag'
  | 'cosign-attestation-tag'
  | 'cosign-bundle-referrer'
  | 'sbom-referrer'
  | 'referrer-of-referrer'
  | 'child-referrer'

export interface SeededReference {
  readonly kind: SeededKind
  readonly repository: string
  /** Referrers have none. */
  readonly tag?: string
  readonly digest: string
  /** What a signature or referrer belongs to. */
  readonly subject?: string
}

export interface Seeded {
  readonly references: readonly SeededReference[]
  /** PEM: the key whose private half made the cosign signatures. */
  readonly cosignPublicKey: string
  /** Whether the registry took a manifest of an unknown media type. Distribution does not. */
  readonly opaqueAccepted: boolean
}

/** The repositories of a seed with the prefix `port`, but the one that only some registries take. */
export const PORT = ['busybox', 'charter', 'fleet', 'legacy', 'porter'].map((name) => `port/${name}`)

/** All of these repositories, with all that refers to anything there. */
export function planOf({ host }: Pick<Reachable, 'host'>, repositories = PORT): Pick<Plan, 'artifacts' | 'map'> {
  const artifacts = repositories.map((name) => ({
    ref: `${host}/${name}`,
    tagPattern: '*',
    referrers: 'all' as const,
  }))
  return { artifacts, map: [] }
}

export interface SeedOptions {
  /** The first part of every repository's name. */
  readonly prefix?: string
}

const INDEX = 'application/vnd.oci.image.index.v1+json'
const SBOM = 'application/spdx+json'
/** oras writes the present time unless it is told another one. */
const CREATED = ['--annotation', 'org.opencontainers.image.created=2026-01-01T00:00:00Z']
const NO_NETWORK = ['--use-signing-config=false', '--tlog-upload=false', '--allow-http-registry', '--yes']
/** The longest tag that the specification allows. */
export const LONGEST_TAG = `v1.${'0'.repeat(125)}`

export async function seedRegistry(registry: Reachable, options: SeedOptions = {}): Promise<Seeded> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-seed-'))
  try {
    return await seed(registry, options.prefix ?? 'port', folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function seed(registry: Reachable, prefix: string, folder: string): Promise<Seeded> {
  const layout = await imagesLayout()
  const env = { ...peerEnv([registry], folder), COSIGN_PASSWORD: 'only-for-tests' }
  const run = (name: string, args: readonly string[], input?: string) =>
    peer(name, args, { env, cwd: folder, ...(input !== undefined && { input }) })
  const repo = (name: string) => `${registry.host}/${prefix}/${name}`
  const oras = orasFlags(registry)
  const references: SeededReference[] = []

  async function note(kind: SeededKind, name: string, tag: string, subject?: string): Promise<string> {
    const digest = (await run('crane', ['digest', `${repo(name)}:${tag}`])).trim()
    references.push({ kind, repository: `${prefix}/${name}`, tag, digest, ...(subject !== undefined && { subject }) })
    return digest
  }

  async function image(name: string, from: string, tag: string, kind: SeededKind, format: 'oci' | 'v2s2') {
    const to = [...skopeoFlags(registry, 'dest-'), `docker://${repo(name)}:${tag}`]
    await run('skopeo', ['copy', '--quiet', '--all', '--format', format, `oci:${layout}:${from}`, ...to])
    return note(kind, name, tag)
  }

  async function attach(kind: SeededKind, subject: string, type: string, file: string): Promise<string> {
    const flags = [...oras, ...CREATED, '--artifact-type', type, '--format', 'go-template={{.digest}}']
    const digest = await run('oras', ['attach', ...flags, `${repo('porter')}@${subject}`, `${file}:${type}`])
    references.push({ kind, repository: `${prefix}/porter`, digest: digest.trim(), subject })
    return digest.trim()
  }

  await image('busybox', 'busybox', '1', 'multi-platform', 'oci')
  const porter = await image('porter', 'porter', '1', 'multi-platform', 'oci')
  for (const tag of ['latest', LONGEST_TAG]) {
    await run('crane', ['tag', `${repo('porter')}:1`, tag])
    await note('multi-platform', 'porter', tag)
  }
  await image('legacy', 'porter', '1', 'docker-list', 'v2s2')

  writeFileSync(join(folder, 'charter.txt'), 'Two doors, never open at once.\n')
  const artifactType = 'application/vnd.sallyport.test.charter'
  const push = ['push', ...oras, ...CREATED, '--artifact-type', artifactType, `${repo('charter')}:1`]
  await run('oras', [...push, 'charter.txt:text/plain'])
  await note('artifact', 'charter', '1')

  const children = []
  for (const name of ['busybox', 'porter']) {
    const digest = await image('fleet', name, name, 'multi-platform', 'oci')
    const size = Buffer.byteLength(await run('crane', ['manifest', `${repo('fleet')}@${digest}`]))
    children.push({ mediaType: INDEX, digest, size })
  }
  const nested = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: children })
  await run('oras', ['manifest', 'push', ...oras, '--media-type', INDEX, `${repo('fleet')}:1`, '-'], nested)
  await note('nested-index', 'fleet', '1')

  const opaque = ['--media-type', 'application/vnd.sallyport.test.opaque+json', `${repo('opaque')}:1`, '-']
  const taken = await tryPeer('oras', ['manifest', 'push', ...oras, ...opaque], { env, input: '{"opaque":true}' })
  const opaqueAccepted = taken.status === 0
  if (opaqueAccepted) await note('opaque', 'opaque', '1')

  writeFileSync(join(folder, 'sbom.json'), '{"spdxVersion":"SPDX-2.3","name":"porter"}\n')
  writeFileSync(join(folder, 'review.txt'), 'Read by two.\n')
  const sbom = await attach('sbom-referrer', porter, SBOM, 'sbom.json')
  await attach('referrer-of-referrer', sbom, 'application/vnd.sallyport.test.review', 'review.txt')
  const amd64 = ['digest', '--platform', 'linux/amd64', `${repo('porter')}@${porter}`]
  await attach('child-referrer', (await run('crane', amd64)).trim(), SBOM, 'sbom.json')

  await run('cosign', ['generate-key-pair'])
  const subject = `${repo('porter')}@${porter}`
  const sign = ['--key', 'cosign.key', ...NO_NETWORK]
  await run('cosign', ['sign', ...sign, '--new-bundle-format=false', subject])
  await note('cosign-signature-tag', 'porter', `${porter.replace(':', '-')}.sig`, porter)
  const predicate = ['--predicate', 'sbom.json', '--type', 'custom']
  await run('cosign', ['attest', ...sign, '--new-bundle-format=false', ...predicate, subject])
  await note('cosign-attestation-tag', 'porter', `${porter.replace(':', '-')}.att`, porter)
  const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
  await run('cosign', ['sign', ...sign, '--new-bundle-format=true', subject])
  const template = 'go-template={{range .referrers}}{{.digest}} {{end}}'
  const discover = ['discover', ...oras, '--artifact-type', bundleType, '--format', template, subject]
  for (const digest of (await run('oras', discover)).trim().split(' ')) {
    references.push({ kind: 'cosign-bundle-referrer', repository: `${prefix}/porter`, digest, subject: porter })
  }

  return { references, cosignPublicKey: readFileSync(join(folder, 'cosign.pub'), 'utf8'), opaqueAccepted }
}
