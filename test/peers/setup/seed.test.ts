import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { needPeers, peer, type Registry, startRegistry } from './registry.ts'
import { LONGEST_TAG, type Seeded, seedRegistry } from './seed.ts'

describe('the seeded registry', function () {
  this.timeout(180_000)
  let registry: Registry
  let seeded: Seeded
  let folder: string

  before(async function () {
    needPeers(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-seeded-'))
    registry = await startRegistry({ auth: 'token', tls: true })
    seeded = await seedRegistry(registry)
  })
  after(async () => {
    await registry?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  function only(kind: string) {
    const [found] = seeded.references.filter((reference) => reference.kind === kind)
    assert.ok(found, kind)
    return found
  }

  const manifest = async (repository: string, reference: string): Promise<unknown> =>
    JSON.parse(await peer('crane', ['manifest', `${registry.host}/${repository}${reference}`], { env: registry.env }))

  it('serves every reference that it names, under the digest named', async () => {
    for (const { repository, tag, digest } of seeded.references) {
      const at = tag === undefined ? `@${digest}` : `:${tag}`
      const found = await peer('crane', ['digest', `${registry.host}/${repository}${at}`], { env: registry.env })
      assert.equal(found.trim(), digest, `${repository}${at}`)
    }
  })

  it('holds each kind of artifact, but an opaque one only where the registry takes it', () => {
    const kinds = new Set(seeded.references.map(({ kind }) => kind))
    assert.equal(kinds.size, seeded.opaqueAccepted ? 11 : 10)
    assert.ok(seeded.references.some(({ tag }) => tag === LONGEST_TAG))
  })

  it('keeps the Docker list in Docker media types', async () => {
    const list = await manifest('port/legacy', ':1')
    assert.match(JSON.stringify(list), /"mediaType":"application\/vnd\.docker\.distribution\.manifest\.list\.v2\+json"/)
    assert.doesNotMatch(JSON.stringify(list), /vnd\.oci/)
  })

  it('nests an index in an index', async () => {
    const index = JSON.stringify(await manifest('port/fleet', ':1'))
    assert.equal(index.match(/application\/vnd\.oci\.image\.index\.v1\+json/g)?.length, 3)
  })

  it('names its subject in the referrer and in the referrer of the referrer', async () => {
    for (const kind of ['sbom-referrer', 'referrer-of-referrer', 'child-referrer', 'cosign-bundle-referrer']) {
      const { repository, digest, subject } = only(kind)
      const found = await manifest(repository, `@${digest}`)
      assert.ok(typeof found === 'object' && found !== null && 'subject' in found, kind)
      assert.ok(JSON.stringify(found.subject).includes(String(subject)), kind)
    }
    assert.equal(only('referrer-of-referrer').subject, only('sbom-referrer').digest)
  })

  for (const form of ['true', 'false'] as const) {
    it(`verifies with cosign and the key returned, new bundle format: ${form}`, async () => {
      writeFileSync(join(folder, 'cosign.pub'), seeded.cosignPublicKey)
      const { digest } = only('cosign-signature-tag')
      const subject = `${registry.host}/port/porter@${only('cosign-signature-tag').subject ?? digest}`
      const flags = ['--key', 'cosign.pub', '--insecure-ignore-tlog', `--new-bundle-format=${form}`]
      await peer('cosign', ['verify', ...flags, subject], { env: registry.env, cwd: folder })
    })
  }
})
