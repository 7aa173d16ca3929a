import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { openLayout } from '../../../src/content/index.ts'
import { fallbackTag, type Descriptor } from '../../../src/oci/index.ts'
import { openEnvelope, readTarget } from '../../../src/signature/index.ts'
import { signaturesAt } from '../../../src/transfer/trust/found-signatures.ts'
import { needPeers, peer, startRegistry, type Registry } from '../../peers/setup/registry.ts'
import { QUICK, scripted } from '../../registry/scripted.ts'
import { apiRegistry } from './api-registry.ts'
import { artifactIn, checkAt, policyFolder, signAt, signerWith, STRANGER, VENDOR } from '../policies.ts'
import { NOW, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/sign/sign', () => {
  let stage: Stage
  let policy: string
  let registry: Registry | undefined

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(async () => {
    await registry?.stop()
    stage?.close()
  })

  function layoutOf(...tags: string[]): { dir: string; made: Descriptor[] } {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const made = tags.map((tag) => artifactIn(builder, 'registry.example/app', tag, tag))
    builder.finish()
    return { dir, made }
  }

  interface IndexEntry {
    digest: string
    annotations?: Record<string, string>
  }

  const entriesOf = (dir: string): IndexEntry[] =>
    (JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as { manifests: IndexEntry[] }).manifests

  /** The signers of the artifact, by all that its place lists. */
  async function signers(ref: string, registryOptions = {}): Promise<string[]> {
    const verdict = await checkAt(ref, policy, { registry: registryOptions })
    assert.ok(verdict.signatures.every(({ checks }) => checks.integrity.outcome === 'passed'))
    return verdict.signatures.map(({ signer }) => signer ?? '').sort()
  }

  it('adds its signature to a layout beside all that is there, and changes nothing else', async () => {
    const dir = stage.path('demo')
    const demo: DemoLayout = await buildDemoLayout(dir)
    const before = tree(dir)
    const entries = entriesOf(dir)
    const report = await signAt(`oci:${dir}:1.0`)
    assert.deepEqual(
      [report.artifact, report.tag, report.referrers, report.signingTime],
      [demo.index.digest, '1.0', 'fallback', '2026-06-01T12:00:00Z'],
    )
    const after = tree(dir)
    for (const [name, digest] of Object.entries(before))
      if (name !== 'index.json') assert.equal(after[name], digest, name)
    // Envelope, manifest, empty config (there already), and the new list.
    assert.equal(Object.keys(after).length - Object.keys(before).length, 3)
    const list = fallbackTag(demo.index.digest)
    const others = (all: IndexEntry[]): string[] =>
      all
        .filter(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] !== list)
        .map((entry) => JSON.stringify(entry))
        .sort()
    assert.deepEqual(others(entriesOf(dir)), others(entries))
    const source = (await openLayout(dir)).source('registry.example/demo/app')
    const listed = (await source.referrers(demo.index.digest)).map(({ digest }) => digest)
    assert.deepEqual(listed, [demo.sbom.digest, demo.signature.digest, report.signature].sort())
  })

  it('signs what the reference names: media type, digest and size, and what it is told to say', async () => {
    const { dir, made } = layoutOf('1.0')
    await signAt(`oci:${dir}:1.0`, { metadata: { build: '7' }, origin: true, validDays: 30, format: 'cose' })
    const [found] = await signaturesAt(
      (await openLayout(dir)).source('registry.example/app'),
      made[0]?.digest ?? 'sha256:',
      {
        anchors: new Set(),
      },
    )
    const envelope = openEnvelope(found?.mediaType ?? '', found?.envelope ?? Buffer.alloc(0))
    const { annotations, ...target } = readTarget(envelope.payload)
    assert.deepEqual(target, made[0])
    assert.deepEqual(annotations, { build: '7', 'io.sallyport.origin': 'registry.example/app' })
    assert.equal(envelope.expiry?.toISOString(), '2026-07-01T12:00:00.000Z')
    assert.equal(envelope.signingTime?.toISOString(), NOW.toISOString())
  })

  it('binds to the repository where the artifact lies, also in a layout of several', async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, 'registry.example/aaa', '1.0', 'a')
    const app = artifactIn(builder, 'registry.example/zzz', '1.0', 'z')
    builder.finish()
    for (const ref of [`oci:${dir}:registry.example/zzz:1.0`, `oci:${dir}@${app.digest}`]) {
      assert.equal((await signAt(ref, { origin: true, dryRun: true })).repository, 'registry.example/zzz', ref)
      const { repository, scope } = await checkAt(ref, policy)
      assert.deepEqual([repository, scope], ['registry.example/zzz', 'local/zzz'], ref)
    }
    await assert.rejects(signAt(`oci:${dir}:1.0`), fault('USAGE'))
    await assert.rejects(signAt(`oci:${dir}`), fault('USAGE'))
    await assert.rejects(signAt(`oci:${dir}:registry.example/zzz:2.0`), fault('MANIFEST_MISSING'))
  })

  it('writes nothing in a dry run, and refuses in it what the run would refuse', async function () {
    needPeers(this)
    const { dir } = layoutOf('1.0')
    const before = tree(dir)
    const report = await signAt(`oci:${dir}:1.0`, { dryRun: true })
    assert.deepEqual([report.signature, report.referrers, report.dryRun], [null, null, true])
    assert.deepEqual(tree(dir), before)
    const archive = stage.path('layout.tar')
    await peer('bsdtar', ['--format', 'ustar', '-cf', archive, '-C', dir, 'oci-layout', 'index.json', 'blobs'])
    for (const dryRun of [true, false]) {
      await assert.rejects(signAt(`oci:${archive}:1.0`, { dryRun }), fault('USAGE'))
      await assert.rejects(signAt(`oci:${dir}:1.0`, { dryRun, metadata: { 'io.cncf.notary.x': '1' } }), fault('USAGE'))
      await assert.rejects(signAt(`oci:${dir}:1.0`, { dryRun, validDays: 0.000001 }), fault('USAGE'))
    }
    assert.deepEqual(tree(dir), before)
    const fake = await apiRegistry()
    try {
      const { bytes, digest } = onlyManifest(fake)
      await signAt(`${fake.host}/app@${digest}`, { registry: { plainHttp: true }, dryRun: true })
      assert.deepEqual([fake.writes, bytes.length > 0], [[], true])
    } finally {
      await fake.close()
    }
  })

  /** Puts a small artifact there behind the client's back. */
  function onlyManifest(fake: Awaited<ReturnType<typeof apiRegistry>>): { bytes: Buffer; digest: string } {
    const { made, dir } = layoutOf('seed')
    const digest = made[0]?.digest ?? 'sha256:'
    const bytes = readFileSync(join(dir, 'blobs', ...digest.split(':')))
    for (const name of readdirSync(join(dir, 'blobs/sha256')))
      fake.blobs.set(`sha256:${name}`, readFileSync(join(dir, 'blobs/sha256', name)))
    fake.manifests.set(digest, { type: 'application/vnd.oci.image.manifest.v1+json', bytes })
    return { bytes, digest }
  }

  it('leaves nothing behind when the timestamp service fails', async () => {
    const { dir } = layoutOf('1.0')
    const before = tree(dir)
    const timestamp = (): Promise<Buffer> => Promise.reject(new Error('no service'))
    await assert.rejects(signAt(`oci:${dir}:1.0`, { timestamp }), /no service/)
    assert.deepEqual(tree(dir), before)
  })

  it('keeps several signatures side by side, of an index and of its children each their own', async () => {
    const dir = stage.path('demo')
    const demo = await buildDemoLayout(dir)
    const third = signerWith('ES512')
    for (const signer of [VENDOR, STRANGER, third]) await signAt(`oci:${dir}:1.0`, { signer })
    await signAt(`oci:${dir}@${demo.amd64.digest}`, { format: 'cose' })
    const source = (await openLayout(dir)).source('registry.example/demo/app')
    const found = async (digest: Descriptor['digest']): Promise<number> =>
      (await signaturesAt(source, digest, { anchors: new Set() })).filter(({ fault: wrong }) => wrong === undefined)
        .length
    assert.deepEqual(
      [await found(demo.index.digest), await found(demo.amd64.digest), await found(demo.arm64.digest)],
      [4, 1, 0],
    )
    assert.equal((await checkAt(`oci:${dir}:1.0`, policy)).verdict, 'trusted')
    assert.equal((await checkAt(`oci:${dir}@${demo.amd64.digest}`, policy)).verdict, 'trusted')
    assert.equal((await checkAt(`oci:${dir}@${demo.arm64.digest}`, policy)).code, 'SIGNATURE_MISSING')
  })

  it('signs in layouts that skopeo and oras made, which both read afterwards', async function () {
    needPeers(this)
    const { dir } = layoutOf('1.0')
    const skopeo = stage.path('by-skopeo')
    await peer('skopeo', [
      '--insecure-policy',
      'copy',
      '-q',
      `oci:${dir}:registry.example/app:1.0`,
      `oci:${skopeo}:2.0`,
    ])
    const oras = stage.path('by-oras')
    await peer('oras', ['cp', '--from-oci-layout', '--to-oci-layout', `${skopeo}:2.0`, `${oras}:3.0`])
    const bare = stage.path('nameless')
    cpSync(skopeo, bare, { recursive: true })
    const index = JSON.parse(readFileSync(join(bare, 'index.json'), 'utf8')) as { manifests: IndexEntry[] }
    for (const entry of index.manifests) delete entry.annotations
    writeFileSync(join(bare, 'index.json'), JSON.stringify(index))
    for (const [ref, place, name] of [
      [`oci:${skopeo}:2.0`, skopeo, ':2.0'],
      [`oci:${oras}:3.0`, oras, ':3.0'],
      [`oci:${bare}`, bare, `@${entriesOf(bare)[0]?.digest ?? ''}`],
    ] as const) {
      for (const signer of [VENDOR, STRANGER]) await signAt(ref, { signer })
      const verdict = await checkAt(ref, policy)
      assert.deepEqual([verdict.verdict, verdict.signatures.length], ['trusted', 2], ref)
      const shown = await peer('oras', ['discover', '--oci-layout', '--format', 'json', `${place}${name}`])
      assert.equal((JSON.parse(shown) as { referrers: object[] }).referrers.length, 2, ref)
      const entries = entriesOf(place)
      if (name.startsWith(':')) await peer('skopeo', ['inspect', '--raw', `oci:${place}${name}`])
      // What was named keeps its name, and one list is all that is new.
      assert.equal(entries.length, 2, JSON.stringify(entries))
    }
  })

  it('stands beside others when several sign at once, in a registry without the Referrers API', async function () {
    needPeers(this)
    this.timeout(120_000)
    registry ??= await startRegistry()
    const { host, env } = registry
    const { dir, made } = layoutOf('1.0')
    const digest = made[0]?.digest ?? 'sha256:'
    const signing = [VENDOR, STRANGER, signerWith('ES512')]
    for (let round = 0; round < 6; round++) {
      const name = `${host}/many/app${round}`
      await peer('oras', ['cp', '--from-oci-layout', `${dir}@${digest}`, '--to-plain-http', `${name}:1.0`], { env })
      const all = signing.flatMap((signer) => (['jws', 'cose'] as const).map((format) => ({ signer, format })))
      const reports = await Promise.all(
        all.map((terms) => signAt(`${name}:1.0`, { ...terms, registry: { plainHttp: true } })),
      )
      assert.ok(reports.every(({ referrers }) => referrers === 'fallback'))
      const verdict = await checkAt(`${name}:1.0`, policy, { registry: { plainHttp: true } })
      assert.deepEqual(
        verdict.signatures.map(({ manifest }) => manifest).sort(),
        reports.map(({ signature }) => signature).sort(),
        `round ${round}`,
      )
    }
  })

  it('stands beside others when several sign at once, in a registry with the Referrers API, and writes no fallback tag', async () => {
    const fake = await apiRegistry()
    try {
      const { digest } = onlyManifest(fake)
      const ref = `${fake.host}/app@${digest}`
      const over = { registry: { plainHttp: true } }
      const reports = await Promise.all([VENDOR, STRANGER].map((signer) => signAt(ref, { ...over, signer })))
      assert.deepEqual(
        reports.map(({ referrers }) => referrers),
        ['api', 'api'],
      )
      assert.deepEqual(await signers(ref, over.registry), reports.map(({ signer }) => signer ?? '').sort())
      assert.ok(fake.writes.every((line) => !line.includes('/manifests/sha256-')))
    } finally {
      await fake.close()
    }
  })

  it('loses no signature where several sign in one layout at once: who comes too late is told so', async () => {
    const { dir } = layoutOf('1.0')
    const all = [VENDOR, STRANGER, signerWith('ES512')].flatMap((signer) =>
      (['jws', 'cose'] as const).map((format) => ({ signer, format })),
    )
    const done: (string | null)[] = []
    for (let left = all, round = 0; left.length > 0; round++) {
      assert.ok(round < all.length, 'nobody came through')
      const outcomes = await Promise.allSettled(left.map((terms) => signAt(`oci:${dir}:1.0`, terms)))
      for (const outcome of outcomes)
        if (outcome.status === 'fulfilled') done.push(outcome.value.signature)
        else assert.ok(fault('LAYOUT_LOCKED')(outcome.reason), String(outcome.reason))
      left = left.filter((_, at) => outcomes[at]?.status === 'rejected')
    }
    const verdict = await checkAt(`oci:${dir}:1.0`, policy)
    assert.deepEqual(verdict.signatures.map(({ manifest }) => manifest).sort(), done.sort())
    assert.equal(verdict.verdict, 'trusted')
  })

  it('lists nothing before all of it is there, whichever request of it the registry refuses', async () => {
    const fake = await apiRegistry()
    try {
      const { digest } = onlyManifest(fake)
      // A first run tells how many writes there are; each is then refused in turn.
      await signAt(`${fake.host}/app@${digest}`, { registry: { plainHttp: true } })
      const count = fake.writes.length
      assert.ok(count >= 3, fake.writes.join())
      const before = new Set([...fake.manifests.keys(), ...fake.blobs.keys()])
      for (let failing = 0; failing < count; failing++) {
        let write = 0
        const pass = async ({
          method,
          url,
          headers,
          body,
        }: {
          method: string
          url: string
          headers: object
          body: Buffer
        }) => {
          if (!['GET', 'HEAD'].includes(method) && write++ === failing) return { status: 403 }
          const type = (headers as Record<string, string>)['content-type']
          const answer = await fetch(`http://${fake.host}${url}`, {
            method,
            headers: type === undefined ? {} : { 'content-type': type },
            ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
          })
          const bytes = Buffer.from(await answer.arrayBuffer())
          const passed = ['content-type', 'docker-content-digest', 'location', 'oci-subject', 'content-length']
          const found = passed.flatMap((name) => {
            const value = answer.headers.get(name)
            return value === null ? [] : [[name, value] as const]
          })
          return { status: answer.status, headers: Object.fromEntries(found), body: bytes }
        }
        const proxy = await scripted(
          Object.fromEntries(['GET', 'HEAD', 'PUT', 'POST'].map((verb) => [`${verb} /*`, pass])),
        )
        const ref = `${proxy.host}/app@${digest}`
        const registryOptions = { plainHttp: true, timing: QUICK, retries: 0 }
        try {
          // Each run signs other bytes, so nothing of an earlier one helps.
          const signer = signerWith('ES512')
          const terms = { registry: registryOptions, signer, metadata: { run: String(failing) } }
          await assert.rejects(signAt(ref, terms), fault('REGISTRY_DENIED'))
        } finally {
          await proxy.close()
        }
        for (const [name, { bytes }] of fake.manifests) {
          if (before.has(name)) continue
          const { layers = [], config } = JSON.parse(bytes.toString()) as {
            layers?: { digest: string }[]
            config?: { digest: string }
          }
          for (const part of [...layers, ...(config === undefined ? [] : [config])])
            assert.ok(fake.blobs.has(part.digest))
        }
        assert.equal(
          (await checkAt(`${fake.host}/app@${digest}`, policy, { registry: { plainHttp: true } })).verdict,
          'trusted',
        )
      }
    } finally {
      await fake.close()
    }
  })
})
