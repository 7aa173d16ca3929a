/** A bundle is an OCI image layout in a tar: the tools of others read it as it is, or as the folder it unpacks to. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildZooLayout, type ZooLayout } from '../../fixtures/layouts/build.ts'
import { tree, planFor, Stage } from '../transfer/stage.ts'
import { contentsOf, namedBy, sha256, type Contents } from './registry-contents.ts'
import { needPeers, orasFlags, peer, peersBin, startRegistry, tryPeer, type Registry } from './setup/registry.ts'
import { planOf, PORT, seedRegistry, type Seeded } from './setup/seed.ts'

const run = promisify(execFile)

describe('peers/bundle-readers', function () {
  this.timeout(120_000)
  let stage: Stage
  let source: Registry
  let target: Registry
  let seeded: Seeded
  let bundle: string
  let folder: string
  let porter: string
  const original: Record<string, Contents> = {}

  before(async function () {
    needPeers(this)
    source = await startRegistry()
    target = await startRegistry()
    seeded = await seedRegistry(source)
    stage = await Stage.make()
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planOf(source), now: new Date() })
    for (const name of PORT) original[name] = await contentsOf(source, name)
    folder = stage.path('unpacked')
    mkdirSync(folder)
    await run('tar', ['-xf', bundle, '-C', folder])
    porter = seeded.references.find(({ kind }) => kind === 'cosign-signature-tag')?.subject ?? ''
  })

  after(async () => {
    await source?.stop()
    await target?.stop()
    stage?.close()
  })

  const tool = (name: string, ...args: string[]) => peer(name, args, { env: target.env, cwd: stage.dir })

  /** Every `host/repo:tag` of the source but fallback tags, with its digest. */
  function* references(): Generator<[reference: string, digest: string, repository: string]> {
    for (const name of PORT)
      for (const [tag, digest] of Object.entries(original[name]?.tags ?? {}))
        yield [`${source.host}/${name}:${tag}`, digest, name]
  }

  const everyManifest = () => new Map(Object.values(original).flatMap(({ manifests }) => Object.entries(manifests)))

  it('is a tar whose sums GNU coreutils check', async () => {
    await run('sha256sum', ['--check', '--quiet', '--strict', 'SHA256SUMS'], { cwd: folder })
    const listed = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n').length
    const files = Object.values(tree(folder)).filter((digest) => digest !== '/').length
    // Not in the list: itself and the four files of the channel's metadata.
    assert.equal(files - listed, 5)
  })

  it('unpacks to one folder with GNU tar, bsdtar, busybox and Python', async () => {
    const bin = peersBin() ?? ''
    const python = 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])'
    for (const [name, program, args] of [
      ['bsdtar', join(bin, 'bsdtar'), ['-xf', bundle, '-C']],
      ['busybox', join(bin, 'busybox'), ['tar', '-xf', bundle, '-C']],
      ['python', 'python3', ['-W', 'ignore', '-c', python, bundle]],
    ] as const) {
      const out = stage.path(name)
      mkdirSync(out)
      await run(program, [...args, out])
      assert.deepEqual(tree(out), tree(folder), name)
      rmSync(out, { recursive: true })
    }
  })

  it('is read by oras from the tar: every tag, child and referrer', async () => {
    const tags = (await tool('oras', 'repo', 'tags', '--oci-layout', bundle)).trim().split('\n')
    for (const [reference, digest] of references()) {
      assert.ok(tags.includes(reference), reference)
      assert.equal(sha256(await tool('oras', 'manifest', 'fetch', '--oci-layout-path', bundle, reference)), digest)
    }
    const digests = new Set(Object.values(original).flatMap(({ manifests }) => Object.keys(manifests)))
    for (const digest of digests)
      assert.equal(sha256(await tool('oras', 'manifest', 'fetch', '--oci-layout', `${bundle}@${digest}`)), digest)
    const template = 'go-template={{range .referrers}}{{.digest}} {{end}}'
    // By digest oras discovers only what index.json lists; the referrers of children and of referrers it copies (below).
    const found = await tool('oras', 'discover', '--oci-layout', `${bundle}@${porter}`, '--format', template)
    assert.deepEqual(found.trim().split(' ').sort(), original['port/porter']?.referrers[porter])
  })

  // By digest oras takes what index.json doesn't list for bytes that name nothing.
  it('is copied by oras from the tar by name, with every child and referrer and all that these name', async () => {
    const layout = stage.path('by-name')
    for (const [reference] of references())
      await tool('oras', 'copy', '-r', '--from-oci-layout-path', bundle, reference, '--to-oci-layout', `${layout}:1`)
    const held = new Set(Object.keys(tree(join(layout, 'blobs/sha256'))))
    for (const [digest, text] of everyManifest())
      for (const named of [digest, ...namedBy(text).blobs, ...namedBy(text).children])
        assert.ok(held.has(named.slice(7)), named)
  })

  // From the tar regctl imports by name alone, and skopeo knows neither there nor in a folder any digest but those that a name leads
  // to: it reaches children by `copy --all`, and of the referrers only those that a tag of cosign's names.
  it('is read by regctl from the folder by digest: every child and referrer', async () => {
    const template = '{{range .Descriptors}}{{.Digest}} {{end}}'
    for (const [digest] of everyManifest()) {
      const from = `ocidir://${folder}@${digest}`
      assert.equal(sha256(await tool('regctl', 'manifest', 'get', '--format', 'raw-body', from)), digest)
      const found = await tool('regctl', 'artifact', 'list', '--format', template, from)
      const wanted = Object.values(original).flatMap(({ referrers }) => referrers[digest] ?? [])
      assert.deepEqual(found.trim().split(' ').filter(Boolean).sort(), [...new Set(wanted)].sort(), digest)
    }
  })

  it('is copied by oras from the tar with all referrers', async () => {
    const flags = orasFlags(target, 'to-')
    await tool(
      'oras',
      'copy',
      '-r',
      '--from-oci-layout',
      `${bundle}@${porter}`,
      ...flags,
      `${target.host}/oras/porter:1`,
    )
    const { referrers, tags } = await contentsOf(target, 'oras/porter')
    assert.deepEqual([referrers, tags], [original['port/porter']?.referrers, { '1': porter }])
  })

  it('is read by skopeo from the tar, but for Docker manifests, which it finds in no layout', async () => {
    for (const [reference, digest, repository] of references()) {
      const inspect = ['inspect', '--raw']
      const fromTar = await tryPeer('skopeo', [...inspect, `oci-archive:${bundle}:${reference}`])
      if (repository === 'port/legacy') {
        const fromFolder = await tryPeer('skopeo', [...inspect, `oci:${folder}:${reference}`])
        assert.deepEqual([fromTar.status === 0, fromFolder.status === 0], [false, false], 'skopeo has learnt it')
      } else assert.equal(sha256(fromTar.stdout), digest, `${reference} ${fromTar.stderr}`)
    }
    const copy = ['copy', '--quiet', '--all', '--preserve-digests', '--dest-tls-verify=false']
    await tool(
      'skopeo',
      ...copy,
      `oci-archive:${bundle}:${source.host}/port/porter:1`,
      `docker://${target.host}/skopeo/porter:1`,
    )
    assert.equal((await contentsOf(target, 'skopeo/porter')).tags['1'], porter)
  })

  it('is imported by regctl from the tar, under every name', async () => {
    for (const [reference, digest, repository] of references()) {
      if (reference.includes(':sha256-')) continue
      const to = `${target.host}/regctl/${repository}`
      await tool('regctl', 'image', 'import', '--name', reference, `${to}:here`, bundle)
      assert.equal((await tool('crane', 'digest', `${to}:here`)).trim(), digest, reference)
    }
  })

  it('is copied by regctl from the folder with referrers and signature tags', async () => {
    const to = `${target.host}/ocidir/porter:1`
    await tool('regctl', 'image', 'copy', '--referrers', '--digest-tags', `ocidir://${folder}@${porter}`, to)
    const wanted = original['port/porter']
    const found = await contentsOf(target, 'ocidir/porter')
    const signatures = Object.entries(wanted?.tags ?? {}).filter(([tag]) => tag.startsWith('sha256-'))
    assert.deepEqual(found.referrers, wanted?.referrers)
    assert.deepEqual(found.tags, { ...Object.fromEntries(signatures), '1': porter })
    assert.equal(signatures.length, 2)
  })

  it('is pushed by crane from the folder, and whole there', async () => {
    await tool('crane', 'push', '--index', folder, `${target.host}/crane/all:1`)
    for (const { manifests } of Object.values(original))
      for (const [digest, text] of Object.entries(manifests))
        assert.equal(await tool('crane', 'manifest', `${target.host}/crane/all@${digest}`), text)
    await tool('crane', 'validate', '--remote', `${target.host}/crane/all@${porter}`)
  })

  describe('with a sha512 blob, whose name only a PAX record can hold', () => {
    let zoo: ZooLayout
    let zooBundle: string
    let unpacked: string
    const name = 'registry.example/zoo/one:sha512'

    before(async () => {
      const layout = stage.path('zoo')
      zoo = await buildZooLayout(layout)
      zooBundle = stage.path('zoo.tar')
      await stage.export({ output: zooBundle, keys: stage.forkKeys(), plan: planFor(`oci:${layout}`), now: new Date() })
      unpacked = stage.path('zoo-unpacked')
      mkdirSync(unpacked)
      await run('tar', ['-xf', zooBundle, '-C', unpacked])
    })

    it('unpacks alike with all four tars, and its sums are right', async () => {
      const bin = peersBin() ?? ''
      for (const list of ['256', '512'])
        await run(`sha${list}sum`, ['--check', '--quiet', '--strict', `SHA${list}SUMS`], { cwd: unpacked })
      assert.ok(tree(unpacked)[`blobs/${zoo.sha512Layer.digest.replace(':', '/')}`])
      const python = 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])'
      for (const [program, ...args] of [
        [join(bin, 'bsdtar'), '-xf', zooBundle, '-C'],
        [join(bin, 'busybox'), 'tar', '-xf', zooBundle, '-C'],
        ['python3', '-W', 'ignore', '-c', python, zooBundle],
      ] as const) {
        const out = stage.path('out')
        mkdirSync(out)
        await run(program, [...args, out])
        assert.deepEqual(tree(out), tree(unpacked), program)
      }
    })

    it('is copied by oras and imported by regctl', async () => {
      const { digest } = zoo.tags.sha512
      const layout = stage.path('oras')
      await tool('oras', 'copy', '--from-oci-layout-path', zooBundle, name, '--to-oci-layout', `${layout}:1`)
      assert.ok(tree(layout)[`blobs/${zoo.sha512Layer.digest.replace(':', '/')}`])
      const to = `${target.host}/regctl/sha512:1`
      await tool('regctl', 'image', 'import', '--name', name, to, zooBundle)
      assert.equal((await tool('crane', 'digest', to)).trim(), digest)
    })

    it('is read by skopeo, which has nowhere to put such a blob, from a folder neither', async () => {
      const raw = await tool('skopeo', 'inspect', '--raw', `oci-archive:${zooBundle}:${name}`)
      assert.equal(sha256(raw), zoo.tags.sha512.digest)
      for (const from of [`oci-archive:${zooBundle}:${name}`, `oci:${unpacked}:${name}`]) {
        const { status, stderr } = await tryPeer('skopeo', ['copy', from, `dir:${stage.path('dir')}`])
        assert.notEqual(status, 0)
        assert.match(stderr, /sha512:.*saved with digest sha256/)
      }
    })
  })
})
