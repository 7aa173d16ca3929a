import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { channelInit, exportBundle, parsePlan, verifyBundle } from '../../src/index.ts'
import { digestOf, OCI_EMPTY, OCI_MANIFEST } from '../../src/oci/index.ts'
import { needPeers, peer } from '../peers/setup/registry.ts'

const SIZE = 9 * 1024 ** 3
const NOW = new Date('2026-11-24T00:00:00Z')

/** A layout with one layer of 9 GiB of zeros, which takes no room on disk. */
function buildHugeLayout(dir: string): string {
  const blobs = join(dir, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const hasher = createHash('sha256')
  const zeros = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < SIZE / zeros.length; i++) hasher.update(zeros)
  const hex = hasher.digest('hex')
  writeFileSync(join(blobs, hex), '')
  truncateSync(join(blobs, hex), SIZE)
  const put = (value: object): { digest: string; size: number } => {
    const bytes = Buffer.from(JSON.stringify(value))
    const digest = digestOf(bytes)
    writeFileSync(join(blobs, digest.slice(7)), bytes)
    return { digest, size: bytes.length }
  }
  const config = { mediaType: OCI_EMPTY, ...put({}) }
  const layers = [{ mediaType: 'application/octet-stream', digest: `sha256:${hex}`, size: SIZE }]
  const manifest = put({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: 'application/vnd.example.huge',
    config,
    layers,
  })
  const annotations = { 'org.opencontainers.image.ref.name': 'registry.example/huge:1' }
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(
    join(dir, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, ...manifest, annotations }] }),
  )
  return manifest.digest
}

describe('slow/huge', function () {
  this.timeout(3_600_000)
  let dir: string
  let bundle: string
  let digest: string

  before(async function () {
    needPeers(this)
    dir = mkdtempSync(join(tmpdir(), 'sallyport-huge-'))
    digest = buildHugeLayout(join(dir, 'layout'))
    bundle = join(dir, 'huge.tar')
    const passphrase = async (): Promise<Buffer> => Buffer.from('huge')
    await channelInit({
      channel: 'huge',
      purpose: 'content',
      dir: join(dir, 'keys'),
      people: ['alice'],
      threshold: 1,
      kind: 'ed25519',
      rootDays: 9,
      passphrase,
      now: NOW,
    })
    const plan = await parsePlan(`audience: [site-a]\nartifacts: [{ ref: 'oci:${join(dir, 'layout')}' }]`, 'plan')
    await exportBundle({
      plan,
      planName: 'plan',
      keys: join(dir, 'keys'),
      passphrase,
      output: bundle,
      registry: {},
      concurrency: 2,
      validDays: 9,
      now: NOW,
    })
  })

  after(() => {
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  })

  it('verifies a bundle with a member of 9 GiB', async () => {
    const root = join(dir, 'keys', 'root.json')
    const fingerprint = `sha256:${execFileSync('sha256sum', [root], { encoding: 'latin1' }).slice(0, 64)}`
    const report = await verifyBundle({
      input: { file: bundle },
      root: { file: root, fingerprint },
      site: 'site-a',
      now: NOW,
    })
    assert.equal(report.verdict, 'trusted')
  })

  it('is listed alike by GNU tar and Python', () => {
    const sizes = execFileSync('tar', ['--list', '--verbose', '--file', bundle], { encoding: 'latin1' })
    assert.match(sizes, new RegExp(` ${SIZE} `))
    const script = 'import sys, tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name, m.size)'
    const python = execFileSync('python3', ['-c', script, bundle], { encoding: 'latin1' })
    assert.match(python, new RegExp(` ${SIZE}\n`))
  })

  it('is read by skopeo', async () => {
    const raw = await peer('skopeo', ['inspect', '--raw', `oci-archive:${bundle}:1`], { env: { TMPDIR: dir } })
    assert.equal(digestOf(Buffer.from(raw)), digest)
  })

  it('is read by oras, the large blob whole', async () => {
    const out = join(dir, 'blob')
    const layer = JSON.parse(await peer('oras', ['manifest', 'fetch', '--oci-layout', `${bundle}:1`])) as {
      layers: { digest: string }[]
    }
    await peer('oras', ['blob', 'fetch', '--oci-layout', '--output', out, `${bundle}@${layer.layers[0]?.digest ?? ''}`])
    const hex = execFileSync('sha256sum', [out], { encoding: 'latin1' }).slice(0, 64)
    rmSync(out)
    assert.equal(`sha256:${hex}`, layer.layers[0]?.digest)
  })

  it('is imported by regctl', async () => {
    await peer('regctl', ['image', 'import', `ocidir://${join(dir, 'regctl')}:1`, bundle])
    assert.equal((await peer('regctl', ['image', 'digest', `ocidir://${join(dir, 'regctl')}:1`])).trim(), digest)
  })
})
