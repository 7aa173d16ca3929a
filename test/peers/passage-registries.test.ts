/** The passage between real registries, looked at with the tools of others. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitOf, isFault, type Code } from '../../src/errors/index.ts'
import { log, registryAccess, type Access, type ExportReport } from '../../src/transfer/index.ts'
import { Stage } from '../transfer/stage.ts'
import { failUploads } from './failing-proxy.ts'
import { contentsOf, type Contents } from './registry-contents.ts'
import { needPeers, orasFlags, peer, peerEnv, startRegistry, type Registry } from './setup/registry.ts'
import { planOf, PORT, seedRegistry, type Seeded } from './setup/seed.ts'

const fault = (code: Code, exit: number) => (error: unknown) => isFault(error, code) && exitOf(error) === exit

/** What the command line makes of `--authfile` and `--ca-file`. */
function accessTo({ env, caFile }: Registry): Promise<Access> {
  const authfile = env['REGISTRY_AUTH_FILE']
  return registryAccess({ authfile, caFile, env: {}, home: '/nonexistent' }, [])
}

/** So long a run waits at each blob, as on a slow line. */
function slowly(milliseconds: number): (event: { type: string }) => void {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return ({ type }) => void (type === 'blob' && Atomics.wait(cell, 0, 0, milliseconds))
}

describe('peers/passage-registries', function () {
  this.timeout(180_000)
  let stage: Stage
  let source: Registry
  let seeded: Seeded
  let bundle: string
  let exported: ExportReport
  const original: Record<string, Contents> = {}
  const started: Registry[] = []

  async function start(options: Parameters<typeof startRegistry>[0] = {}): Promise<Registry> {
    const registry = await startRegistry(options)
    started.push(registry)
    return registry
  }

  before(async function () {
    needPeers(this)
    source = await start()
    seeded = await seedRegistry(source)
    stage = await Stage.make()
    bundle = stage.path('june.tar')
    source.clearRequests()
    exported = await stage.export({ output: bundle, plan: planOf(source), now: new Date() })
    for (const name of PORT) original[name] = await contentsOf(source, name)
  })

  after(async () => {
    for (const registry of started) await registry.stop()
    stage?.close()
  })

  /** Imports below `mirror/`, and compares all that outside tools see with the source. */
  async function imported(to: Registry, options: { onEvent?: (event: { type: string }) => void } = {}) {
    const state = await stage.site()
    const registry = await accessTo(to)
    const run = { state, registry, now: new Date(), ...options }
    const report = await stage.import(bundle, `${to.host}/mirror`, run)
    for (const name of PORT) assert.deepEqual(await contentsOf(to, `mirror/${name}`), original[name], name)
    return { report, state, run }
  }

  it('exports every reference with all that refers to it, and writes nothing at the source', () => {
    for (const { repository, tag, digest, kind } of seeded.references) {
      if (tag === undefined || kind.startsWith('cosign-')) continue
      const found = exported.repositories.find(({ name }) => name === `${source.host}/${repository}`)
      assert.equal(found?.tags[tag], digest, `${repository}:${tag}`)
    }
    assert.deepEqual(exported.omitted, [])
    assert.deepEqual(exported.moved, [])
    // Four referrers, a signature tag and an attestation tag.
    assert.equal(exported.repositories.find(({ name }) => name.endsWith('/porter'))?.referrers, 6)
    const methods = new Set(source.requests().map(({ method }) => method))
    assert.deepEqual(
      [...methods].filter((method) => method !== 'GET' && method !== 'HEAD'),
      [],
    )
  })

  it('fetches every blob once, and of each repository every manifest, by tag or digest', () => {
    const counted = new Map<string, number>()
    for (const { method, path, status, agent } of source.requests()) {
      if (agent !== 'sallyport' || method !== 'GET' || status !== 200 || !/\/(?:blobs|manifests)\//.test(path)) continue
      const name = path.includes('/blobs/') ? path.replace(/^.*\//, '') : path
      counted.set(name, (counted.get(name) ?? 0) + 1)
    }
    assert.ok(counted.size > 10)
    assert.deepEqual(
      [...counted].filter(([, count]) => count > 1),
      [],
    )
  })

  describe('the target', () => {
    it('is asked once what an absent repository holds, and never for each blob before its push', async () => {
      const to = await start()
      const { report } = await imported(to)
      const asked = to.requests().filter(({ method, status }) => method === 'HEAD' && status === 404)
      assert.deepEqual(
        asked.filter(({ path }) => path.includes('/blobs/')),
        [],
      )
      const readBack = to.requests().filter(({ method, path }) => method === 'HEAD' && path.includes('/blobs/'))
      assert.ok(report.counts.blobsPushed > 10)
      assert.ok(readBack.length >= report.counts.blobsPushed, String(readBack.length))
    })

    it('anonymous over plain HTTP: is equal to the source, and a second import only looks', async () => {
      const to = await start()
      const { report, run } = await imported(to)
      await to.settled()
      const mounts = to.requests().filter(({ path, status }) => /[?&]mount=sha256.*from=/.test(path) && status === 201)
      assert.ok(mounts.length > 0)
      assert.equal(mounts.length, report.counts.blobsMounted)
      const puts = to.requests().filter(({ method, path }) => method === 'PUT' && path.includes('/blobs/uploads/'))
      assert.equal(puts.length, report.counts.blobsPushed)
      // Every tag after every manifest that it leads to, and signatures before the tag of what they sign.
      const order = to
        .requests()
        .filter(({ method }) => method === 'PUT')
        .map(({ path }) => path)
      const last = (pattern: RegExp): number => order.findLastIndex((path) => pattern.test(path))
      const first = (pattern: RegExp): number => order.findIndex((path) => pattern.test(path))
      assert.ok(last(/porter\/manifests\/sha256[:-]/) < first(/porter\/manifests\/(?:1|latest|v1\.0*)$/))

      to.clearRequests()
      const again = await stage.import(bundle, `${to.host}/mirror`, run)
      assert.deepEqual([again.repeat, again.counts.blobsPushed, again.counts.manifestsPushed], [true, 0, 0])
      await to.settled()
      const looks = to.requests().filter(({ path }) => path !== '/v2/')
      const manifests = Object.values(original).reduce((sum, { manifests: held }) => sum + Object.keys(held).length, 0)
      const lists = Object.values(original).reduce((sum, { referrers }) => sum + Object.keys(referrers).length, 0)
      // Three tags name one index. Each list of referrers is a manifest too; that there is no API is asked twice a repository.
      const probed = Object.values(original).filter(({ referrers }) => Object.keys(referrers).length > 0).length
      assert.ok(
        looks.length <= manifests + 2 + lists + 2 * probed,
        `${looks.length} requests for ${manifests} manifests`,
      )
      assert.deepEqual(
        looks.filter(({ method, path }) => path.includes('/blobs/') || !['GET', 'HEAD'].includes(method)),
        [],
      )
    })

    it('htpasswd over TLS of an own authority: is equal to the source, and verifies with cosign', async () => {
      const to = await start({ auth: 'htpasswd', tls: true })
      await imported(to)
      writeFileSync(join(stage.dir, 'cosign.pub'), seeded.cosignPublicKey)
      const subject = seeded.references.find(({ kind }) => kind === 'cosign-signature-tag')?.subject ?? ''
      const name = `${to.host}/mirror/port/porter@${subject}`
      const key = ['--key', 'cosign.pub', '--insecure-ignore-tlog']
      const cosign = (...args: string[]) => peer('cosign', args, { env: to.env, cwd: stage.dir })
      for (const form of ['true', 'false']) await cosign('verify', ...key, `--new-bundle-format=${form}`, name)
      await cosign('verify-attestation', ...key, '--type', 'custom', '--new-bundle-format=false', name)
    })

    it('with tokens that live a second: is equal to the source, and tokens were renewed on the way', async () => {
      const to = await start({ auth: 'token', tls: true, tokenLifetime: 1 })
      await imported(to, { onEvent: slowly(70) })
      const asked = to.tokens().map(({ scopes }) => scopes.toSorted().join(' '))
      const most = Math.max(...asked.map((scope) => asked.filter((other) => other === scope).length))
      assert.ok(most > 1, `no scope was asked for twice: ${asked.length} tokens`)
    })

    it('without mounts: is equal to the source', async () => {
      const to = await start()
      const proxy = await failUploads(to)
      try {
        const run = { state: await stage.site(), now: new Date() }
        const report = await stage.import(bundle, `${proxy.host}/mirror`, run)
        assert.equal(report.counts.blobsMounted, 0)
        assert.ok(proxy.refused() > 0)
        for (const name of PORT) assert.deepEqual(await contentsOf(to, `mirror/${name}`), original[name], name)
      } finally {
        await proxy.stop()
      }
    })

    it('is not written to by a dry run', async () => {
      const to = await start()
      const report = await stage.import(bundle, `${to.host}/mirror`, {
        state: await stage.site(),
        now: new Date(),
        dryRun: true,
      })
      assert.ok(report.counts.blobsPushed > 10)
      await to.settled()
      assert.deepEqual(
        to.requests().filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
        [],
      )
    })

    it('keeps what others put there: tags, signatures and referrers', async () => {
      const to = await start()
      const folder = join(stage.dir, 'others')
      mkdirSync(folder)
      const env = { ...peerEnv([source, to], folder), COSIGN_PASSWORD: 'only-for-tests' }
      const run = (name: string, ...args: string[]) => peer(name, args, { env, cwd: folder })
      const repository = `${to.host}/mirror/port/porter`
      await run(
        'skopeo',
        'copy',
        '--quiet',
        '--all',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        `docker://${source.host}/port/porter:1`,
        `docker://${repository}:theirs`,
      )
      const busybox = await run('crane', 'digest', `${source.host}/port/busybox:1`)
      await run('crane', 'copy', `${source.host}/port/busybox:1`, `${repository}:latest`)
      const porter = (await run('crane', 'digest', `${repository}:theirs`)).trim()
      writeFileSync(join(folder, 'note.txt'), 'We were here first.\n')
      const attach = ['attach', ...orasFlags(to), '--artifact-type', 'application/vnd.example.theirs']
      await run('oras', ...attach, `${repository}@${porter}`, 'note.txt:text/plain')
      await run('cosign', 'generate-key-pair')
      const flags = ['--key', 'cosign.key', '--use-signing-config=false', '--tlog-upload=false', '--yes']
      await run(
        'cosign',
        'sign',
        ...flags,
        '--allow-http-registry',
        '--new-bundle-format=false',
        `${repository}@${porter}`,
      )
      const before = await contentsOf(to, 'mirror/port/porter')

      const state = await stage.site()
      const options = { state, now: new Date() }
      const report = await stage.import(bundle, `${to.host}/mirror`, options)
      const after = await contentsOf(to, 'mirror/port/porter')
      const ours = original['port/porter']
      assert.ok(ours)
      const moved = report.tags.find(({ repository: at, tag }) => at === 'mirror/port/porter' && tag === 'latest')
      assert.deepEqual([moved?.old, moved?.new], [busybox.trim(), porter])
      assert.equal(after.tags['theirs'], porter)
      assert.deepEqual(
        after.referrers[porter],
        [...(before.referrers[porter] ?? []), ...(ours.referrers[porter] ?? [])].sort(),
      )
      // Nothing is gone that was there, and nothing is missing that came.
      for (const digest of [...Object.keys(before.manifests), ...Object.keys(ours.manifests)])
        assert.ok(await run('crane', 'manifest', `${repository}@${digest}`), digest)
      const theirs = ['--key', 'cosign.pub']
      writeFileSync(join(folder, 'ours.pub'), seeded.cosignPublicKey)
      for (const key of [theirs, ['--key', 'ours.pub']])
        await run(
          'cosign',
          'verify',
          ...key,
          '--insecure-ignore-tlog',
          '--allow-http-registry',
          '--new-bundle-format=false',
          `${repository}@${porter}`,
        )
      const rows = (await log({ state, ref: `${to.host}/mirror/port/porter:latest`, now: new Date() })).rows
      assert.deepEqual(
        rows.filter(({ kind }) => kind === 'tag-intent').map((row) => [row['old'], row['new']]),
        [[busybox.trim(), porter]],
      )

      to.clearRequests()
      const again = await stage.import(bundle, `${to.host}/mirror`, options)
      assert.equal(again.repeat, true)
      await to.settled()
      assert.deepEqual(
        to.requests().filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
        [],
      )
      assert.deepEqual(await contentsOf(to, 'mirror/port/porter'), after)
    })
  })

  describe('the source', () => {
    it('is read through tokens that live a second as without any', async () => {
      const guarded = await start({ storage: source.storage, auth: 'token', tls: true, tokenLifetime: 1 })
      const output = stage.path('guarded.tar')
      const registry = await accessTo(guarded)
      const run = { output, plan: planOf(guarded), registry, now: new Date(), onEvent: slowly(120), concurrency: 2 }
      const report = await stage.export(run)
      assert.deepEqual(
        report.repositories.map(({ tags }) => tags),
        exported.repositories.map(({ tags }) => tags),
      )
      assert.deepEqual([report.blobs, report.manifests], [exported.blobs, exported.manifests])
      const asked = guarded.tokens().map(({ scopes }) => scopes.join(' '))
      assert.ok(new Set(asked).size < asked.length, 'no scope was asked for twice')
    })

    it('names what is not there, and who is not let in', async () => {
      const guarded = await start({ storage: source.storage, auth: 'htpasswd', tls: true })
      const trusting = await accessTo(guarded)
      const wrong = {
        ...trusting,
        credentials: { entries: [{ key: guarded.host, username: 'porter', password: 'x' }], helpers: {} },
      }
      const cases: [ref: string, registry: Access, Code][] = [
        [`${source.host}/port/porter:absent`, {}, 'MANIFEST_MISSING'],
        [`${source.host}/port/porter@sha256:${'0'.repeat(64)}`, {}, 'MANIFEST_MISSING'],
        [`${source.host}/never/was:1`, {}, 'MANIFEST_MISSING'],
        [`127.0.0.1:1/a:1`, { retries: 0 }, 'REGISTRY_UNREACHABLE'],
        [`${guarded.host}/port/porter:1`, {}, 'REGISTRY_TLS'],
        [`${guarded.host}/port/porter:1`, { caPem: trusting.caPem }, 'REGISTRY_DENIED'],
        [`${guarded.host}/port/porter:1`, wrong, 'REGISTRY_DENIED'],
      ]
      for (const [ref, registry, code] of cases) {
        const output = stage.path('refused.tar')
        const plan = { artifacts: [{ ref, referrers: 'all' as const }] }
        await assert.rejects(stage.export({ output, plan, registry }), fault(code, 20), `${ref} ${code}`)
        assert.ok(!existsSync(output))
      }
      const all = { artifacts: [{ ref: `${source.host}/never/was`, tagPattern: '*', referrers: 'all' as const }] }
      await assert.rejects(stage.export({ output: stage.path('x'), plan: all }), fault('REPOSITORY_MISSING', 20))
    })
  })

  describe('sparse indexes', () => {
    let sparse: string

    before(async () => {
      sparse = stage.path('sparse.tar')
      const artifacts = [
        { ref: `${source.host}/port/busybox:1`, platforms: ['linux/amd64'], referrers: 'all' as const },
      ]
      const report = await stage.export({
        output: sparse,
        keys: stage.forkKeys(),
        plan: { artifacts },
        now: new Date(),
      })
      assert.deepEqual(
        report.omitted.map(({ why, what }) => [why, what]),
        [['platform', 'linux/arm64']],
      )
    })

    it('are refused by name where the registry wants all children, and no tag is moved', async () => {
      const to = await start()
      const state = await stage.site()
      const run = { state, now: new Date() }
      await assert.rejects(stage.import(sparse, to.host, run), fault('SPARSE_REFUSED', 21))
      await to.settled()
      assert.deepEqual(
        to.requests().filter(({ method, path }) => method === 'PUT' && path.endsWith('/manifests/1')),
        [],
      )
      const rows = (await log({ state, now: new Date() })).rows
      assert.ok(!rows.some(({ kind, phase }) => kind === 'import' && phase === 'done'))
    })

    it('land with their digest where the registry takes them', async () => {
      const to = await start({ platforms: 'none' })
      await stage.import(sparse, to.host, { state: await stage.site(), now: new Date() })
      const digest = await peer('crane', ['digest', `${to.host}/port/busybox:1`], { env: to.env })
      assert.equal(digest.trim(), original['port/busybox']?.tags['1'])
      const image = ['digest', '--platform', 'linux/amd64', `${to.host}/port/busybox:1`]
      assert.match(await peer('crane', image, { env: to.env }), /^sha256:/)
    })
  })

  it('names a target that cannot be written, and leaves the state so that the next run completes', async () => {
    const to = await start()
    const locked = await start({ readonly: true, storage: to.storage })
    const state = await stage.site()
    const run = { state, now: new Date() }
    const error: unknown = await stage.import(bundle, `${locked.host}/mirror`, run).catch((caught: unknown) => caught)
    assert.equal(exitOf(error), 21, String(error))
    assert.ok(isFault(error, 'PUSH_REFUSED', 'REGISTRY_DENIED'), String(error))
    const denied = await start({ auth: 'htpasswd' })
    await assert.rejects(stage.import(bundle, denied.host, run), fault('REGISTRY_DENIED', 21))
    await assert.rejects(
      stage.import(bundle, '127.0.0.1:1/mirror', { ...run, registry: { retries: 0 } }),
      fault('REGISTRY_UNREACHABLE', 21),
    )
    const report = await stage.import(bundle, `${to.host}/mirror`, run)
    assert.equal(report.repeat, true)
    for (const name of PORT) assert.deepEqual(await contentsOf(to, `mirror/${name}`), original[name], name)
  })
})
