/** What Sallyport brought is there for every client, not for the one that the other tests look with. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { tree, Stage } from '../transfer/stage.ts'
import { peerReaders, type PeerReader } from './peer-reader.ts'
import { contentsOf, FALLBACK, namedBy, sha256, type Contents } from './registry-contents.ts'
import { needPeers, startRegistry, type Registry } from './setup/registry.ts'
import { planOf, PORT, seedRegistry } from './setup/seed.ts'

/** A manifest and all that it names, by any number of steps. */
function closure(contents: Contents, digest: string): string[] {
  const text = contents.manifests[digest]
  if (text === undefined) return [digest]
  const { blobs, children } = namedBy(text)
  return [digest, ...blobs, ...children.flatMap((child) => closure(contents, child))]
}

/** An index of indexes: skopeo pulls none, though it pulls each of its children. */
function isNested({ manifests }: Contents, digest: string): boolean {
  const below = (one: string): string[] => namedBy(manifests[one] ?? '{}').children
  return below(digest).some(
    (child) => (JSON.parse(manifests[child] ?? '{}') as { manifests?: unknown }).manifests !== undefined,
  )
}

describe('peers/imported-readers', function () {
  this.timeout(180_000)
  let stage: Stage
  let source: Registry
  let target: Registry
  let bundle: string
  const original: Record<string, Contents> = {}

  before(async function () {
    needPeers(this)
    source = await startRegistry()
    target = await startRegistry()
    await seedRegistry(source)
    stage = await Stage.make()
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planOf(source), now: new Date() })
    for (const name of PORT) original[name] = await contentsOf(source, name)
    const now = new Date()
    await stage.import(bundle, `${target.host}/mirror`, { state: await stage.site('site-a', now), now })
    const { tags, referrers } = original['port/porter'] ?? assert.fail('nothing was seeded')
    // A signature and an attestation of cosign's, and referrers of an index, of a child and of a referrer.
    assert.equal(Object.keys(tags).filter((tag) => /^sha256-.*\.(?:sig|att)$/.test(tag)).length, 2)
    assert.equal(Object.keys(referrers).length, 3)
  })

  after(async () => {
    await source?.stop()
    await target?.stop()
    stage?.close()
  })

  const NAMES = ['skopeo', 'regctl', 'oras'] as const
  const reader = (name: string): PeerReader => peerReaders(target).find((one) => one.name === name) ?? assert.fail(name)

  for (const name of NAMES)
    it(`lets ${name} list every tag and referrer of the source, and fetch each with its digest`, async () => {
      const tool = reader(name)
      for (const [repository, { tags, referrers, manifests }] of Object.entries(original)) {
        const there = `mirror/${repository}`
        const found = await tool.tags(there)
        assert.deepEqual(found.filter((tag) => !FALLBACK.test(tag)).sort(), Object.keys(tags).sort())
        for (const [tag, digest] of Object.entries(tags))
          assert.equal(sha256(await tool.manifest(there, `:${tag}`)), digest, `${repository}:${tag}`)
        for (const digest of Object.keys(manifests)) {
          assert.equal(sha256(await tool.manifest(there, `@${digest}`)), digest)
          assert.deepEqual((await tool.referrers(there, digest)).sort(), referrers[digest] ?? [], digest)
        }
      }
    })

  for (const name of NAMES)
    it(`lets ${name} pull every tag, child, referrer and signature whole`, async () => {
      const tool = reader(name)
      for (const [repository, contents] of Object.entries(original)) {
        // Tags and signature tags name some of these; the others are children and referrers.
        for (const digest of Object.keys(contents.manifests)) {
          const folder = stage.path('pulled')
          if (!tool.nests && isNested(contents, digest)) {
            await assert.rejects(tool.pull(`mirror/${repository}`, digest, folder), `${name} has learnt it`)
            continue
          }
          await tool.pull(`mirror/${repository}`, digest, folder)
          const held = new Set(Object.values(tree(folder)).map((hex) => `sha256:${hex}`))
          assert.deepEqual(
            closure(contents, digest).filter((one) => !held.has(one)),
            [],
            `${repository}@${digest}`,
          )
          rmSync(folder, { recursive: true })
        }
      }
    })
})
