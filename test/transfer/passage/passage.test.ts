import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout, type DemoLayout, type ZooLayout } from '../../../fixtures/layouts/build.ts'
import { openLayout } from '../../../src/content/index.ts'
import { parseSignatureTag, type Digest } from '../../../src/oci/index.ts'
import { log, status } from '../../../src/transfer/index.ts'
import { NOW, planFor, Stage, tree } from '../stage.ts'
import { advised, fault } from '../../fault.ts'

/** Every tag, referrer and manifest of a repository in a layout, with the manifests' bytes proven on the way. */
async function contents(dir: string, repository: string, digests: readonly Digest[]) {
  const layout = await openLayout(dir)
  try {
    // A layout vouches for no host of names that have none.
    const source = layout.source(layout.repositories().includes(repository) ? repository : `local/${repository}`)
    const tags: Record<string, string> = {}
    for (const tag of await source.tags()) {
      const descriptor = await source.resolve(tag)
      // A fallback tag's index is the target's own doing; what it lists is compared below.
      if (parseSignatureTag(tag)?.suffix !== null) tags[tag] = descriptor?.digest ?? ''
    }
    const referrers: Record<string, string[]> = {}
    for (const digest of digests) {
      const descriptor = await source.resolve(digest)
      assert.ok(descriptor, `${repository}@${digest}`)
      await source.manifest(descriptor)
      referrers[digest] = (await source.referrers(digest)).map((referrer) => referrer.digest)
    }
    return { tags, referrers }
  } finally {
    layout.close()
  }
}

describe('transfer/passage/passage', () => {
  let stage: Stage
  let demoDir: string
  let zooDir: string
  let demo: DemoLayout
  let zoo: ZooLayout

  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob', 'carol'], threshold: 2, kind: 'ed25519' })
    demoDir = join(stage.dir, 'demo')
    zooDir = join(stage.dir, 'zoo')
    demo = await buildDemoLayout(demoDir)
    zoo = await buildZooLayout(zooDir)
  })

  after(() => stage?.close())

  it('tells of an old disc that says it is for another site', async () => {
    const [keys, old, next] = [stage.forkKeys(), stage.path('old.tar'), stage.path('next.tar')]
    const plan = planFor(`oci:${demoDir}`)
    for (const [output, site] of [
      [old, 'site-b'],
      [next, 'site-a'],
    ] as const) {
      await stage.export({ output, keys, plan: { ...plan, audience: [site] } })
      await stage.approve(output, 'bob')
    }
    const state = await stage.site('site-a')
    await stage.import(next, `oci:${stage.path('out')}`, { state })
    await assert.rejects(stage.verify(old, { state }), advised('ROLLBACK'))
    const other = await stage.site('site-b')
    await stage.import(old, `oci:${stage.path('out')}`, { state: other })
    await assert.rejects(stage.import(next, `oci:${stage.path('out')}`, { state: other }), fault('AUDIENCE_MISMATCH'))
  })

  /** An approved bundle of these references. */
  async function bundle(name: string, ...refs: string[]): Promise<string> {
    const output = stage.path(`${name}.tar`)
    await stage.export({ output, plan: planFor(...refs) })
    await stage.approve(output, 'bob')
    return output
  }

  it('carries the demo whole: tags, children, referrers of referrers and signature tags', async () => {
    const june = await bundle('demo', `oci:${demoDir}`)
    const state = await stage.site()
    const verdict = await stage.verify(june, { state })
    assert.equal(verdict.verdict, 'trusted')
    assert.deepEqual([verdict.replayChecked, verdict.audienceChecked, verdict.repeat], [true, true, false])
    const out = stage.path('out')
    const report = await stage.import(june, `oci:${out}`, { state })
    assert.equal(report.repeat, false)
    const { rows } = await log({ state, now: NOW })
    // Alice signed the export, Bob approved it; the report alone told so once.
    assert.equal(verdict.approval.signers.length, 2)
    assert.deepEqual(rows.find(({ kind }) => kind === 'head')?.['signers'], verdict.approval.signers)
    const [end] = (await status({ state, now: NOW })).bundles
    assert.deepEqual(end?.signers, verdict.approval.signers)
    assert.deepEqual(
      report.tags.map(({ tag, old, new: now, outcome }) => [tag, old, now, outcome]).sort(),
      [
        ['1.0', null, demo.index.digest, 'moved'],
        ['latest', null, demo.index.digest, 'moved'],
      ].sort(),
    )
    const all = [demo.index, demo.amd64, demo.arm64, demo.sbom, demo.signature, demo.sbomSignature, demo.cosign]
    const digests = all.map(({ digest }) => digest)
    const { tags, referrers } = await contents(out, 'demo/app', digests)
    const theirs = await contents(demoDir, demo.repository, digests)
    assert.deepEqual({ tags, referrers }, theirs)
    assert.equal(Object.keys(tags).length, 3)
    assert.deepEqual(referrers[demo.sbom.digest], [demo.sbomSignature.digest])
  })

  it('carries the zoo whole, and names what stands behind URLs', async () => {
    const output = stage.path('zoo.tar')
    const exported = await stage.export({ output, plan: planFor(`oci:${zooDir}`) })
    assert.deepEqual(
      exported.omitted.map(({ digest, why, of }) => [digest, why, of]),
      [[zoo.foreignLayer.digest, 'foreign-layer', zoo.tags.foreign.digest]],
    )
    await stage.approve(output, 'carol')
    const out = stage.path('zoo-out')
    const state = await stage.site()
    const report = await stage.import(output, `oci:${out}`, { state, readBackFull: true })
    assert.deepEqual(report.omitted, exported.omitted)
    const digests = [...Object.values(zoo.tags), zoo.unknown].map(({ digest }) => digest)
    const [one, two] = zoo.repositories
    assert.deepEqual(await contents(out, 'zoo/one', digests), await contents(zooDir, one, digests))
    assert.deepEqual(
      await contents(out, 'zoo/two', [zoo.shared.digest]),
      await contents(zooDir, two, [zoo.shared.digest]),
    )
    for (const { digest } of [zoo.sha512Layer, zoo.nameless, zoo.stray])
      assert.ok(existsSync(join(out, 'blobs', ...digest.split(':'))), digest)
    assert.ok(!existsSync(join(out, 'blobs', ...zoo.foreignLayer.digest.split(':'))))
  })

  it('carries several layouts at once, and from a tar as from a folder', async () => {
    const first = await bundle('both', `oci:${demoDir}`, `oci:${zooDir}`)
    const again = stage.path('again.tar')
    const keys = stage.forkKeys()
    // A bundle is a layout itself: what it holds can be exported anew.
    const report = await stage.export({ output: again, keys, plan: planFor(`oci:${first}`) })
    const inBundle = report.repositories.map(({ name, tags }) => [name, tags])
    assert.deepEqual(inBundle, [
      [demo.repository, { '1.0': demo.index.digest, latest: demo.index.digest }],
      [zoo.repositories[0], Object.fromEntries(Object.entries(zoo.tags).map(([tag, { digest }]) => [tag, digest]))],
      [zoo.repositories[1], { shared: zoo.shared.digest }],
    ])
    assert.equal(report.repositories[0]?.referrers, 4)
  })

  it('does nothing the second time but look', async () => {
    const june = await bundle('twice', `oci:${demoDir}`)
    const state = await stage.site()
    const out = stage.path('out')
    const first = await stage.import(june, `oci:${out}`, { state })
    const before = { out: tree(out), journal: readFileSync(join(state, 'journal.jsonl')) }
    const report = await stage.import(june, `oci:${out}`, { state })
    assert.equal(report.repeat, true)
    const { counts } = report
    assert.deepEqual([counts.blobsPushed, counts.manifestsPushed, counts.bytesPushed], [0, 0, 0])
    assert.equal(counts.manifestsPresent, first.counts.manifestsPushed)
    assert.deepEqual(
      report.tags.map(({ outcome }) => outcome),
      ['kept', 'kept'],
    )
    assert.deepEqual(tree(out), before.out)
    assert.deepEqual(readFileSync(join(state, 'journal.jsonl')), before.journal)
  })

  it('brings back what the target lost since the first import', async () => {
    const june = await bundle('lost', `oci:${demoDir}`)
    const state = await stage.site()
    const out = stage.path('out')
    await stage.import(june, `oci:${out}`, { state })
    const before = tree(out)
    for (const { digest } of [demo.arm64, demo.layer]) rmSync(join(out, 'blobs', ...digest.split(':')))
    const report = await stage.import(june, `oci:${out}`, { state })
    assert.equal(report.repeat, true)
    assert.deepEqual([report.counts.blobsPushed, report.counts.manifestsPushed], [1, 1])
    assert.deepEqual(tree(out), before)
  })

  it('brings back a signature tag and a list of referrers that the target lost', async () => {
    const june = await bundle('tags', `oci:${demoDir}`)
    const state = await stage.site()
    const out = stage.path('out')
    await stage.import(june, `oci:${out}`, { state })
    const file = join(out, 'index.json')
    const whole = readFileSync(file)
    const index = JSON.parse(whole.toString()) as { manifests: { annotations?: Record<string, string> }[] }
    for (const lost of ['.sig', demo.index.digest.replace(':', '-')]) {
      const kept = index.manifests.filter(
        ({ annotations }) =>
          !Object.values(annotations ?? {})
            .join()
            .endsWith(lost),
      )
      assert.ok(kept.length < index.manifests.length, lost)
      writeFileSync(file, JSON.stringify({ ...index, manifests: kept }))
      await stage.import(june, `oci:${out}`, { state })
      const names = (JSON.parse(readFileSync(file, 'utf8')) as typeof index).manifests.map(({ annotations }) =>
        Object.values(annotations ?? {}).join(),
      )
      assert.ok(
        names.some((name) => name.endsWith(lost)),
        lost,
      )
    }
  })

  it('writes nothing in a dry run, on either side', async () => {
    const output = stage.path('dry.tar')
    const keysBefore = tree(stage.keys)
    const plan = planFor(`oci:${demoDir}`)
    const exported = await stage.export({ output, plan, dryRun: true })
    assert.equal(exported.dryRun, true)
    assert.ok(!existsSync(output) && !existsSync(`${output}.part.json`))
    assert.deepEqual(tree(stage.keys), keysBefore)

    const wet = await stage.export({ output, plan })
    assert.deepEqual([wet.id, wet.sequence, wet.size], [exported.id, exported.sequence, exported.size])
    const unsigned = readFileSync(output)
    const approval = await stage.approve(output, 'bob', { dryRun: true })
    assert.deepEqual([approval.added, approval.signed], [true, 2])
    assert.deepEqual(readFileSync(output), unsigned)
    await stage.approve(output, 'bob')

    const state = await stage.site()
    const stateBefore = tree(state)
    const out = stage.path('out')
    const rehearsal = await stage.import(output, `oci:${out}`, { state, dryRun: true })
    assert.ok(!existsSync(out))
    assert.deepEqual(tree(state), stateBefore)
    const real = await stage.import(output, `oci:${out}`, { state })
    assert.equal(rehearsal.dryRun, true)
    for (const count of ['blobsPushed', 'bytesPushed', 'manifestsPushed'] as const)
      assert.equal(rehearsal.counts[count], real.counts[count], count)
    assert.deepEqual(rehearsal.tags, real.tags)
    assert.deepEqual(rehearsal.landed, real.landed)
    const after = [tree(out), tree(state)]
    await stage.import(output, `oci:${out}`, { state, dryRun: true })
    assert.deepEqual([tree(out), tree(state)], after)
  })

  describe('names at the target', () => {
    it('follow the sender, and the receiver before the sender', async () => {
      const output = stage.path('map.tar')
      const map = [{ from: 'registry.example/demo', to: 'vendor' }]
      const report = await stage.export({ output, plan: { ...planFor(`oci:${demoDir}`, `oci:${zooDir}`), map } })
      assert.deepEqual(
        report.repositories.map(({ to }) => to),
        ['vendor/app', 'zoo/one', 'zoo/two'],
      )
      await stage.approve(output, 'bob')
      const state = await stage.site()
      const [theirs, ours] = [stage.path('theirs'), stage.path('ours')]
      await stage.import(output, `oci:${theirs}`, { state })
      assert.deepEqual((await openLayout(theirs)).repositories().length, 3)
      const landed = await stage.import(output, `oci:${ours}`, {
        state,
        map: [
          { from: 'registry.example', to: 'mirror' },
          { from: 'registry.example/zoo/two', to: 'other' },
        ],
      })
      assert.deepEqual(
        landed.landed.map(({ at }) => at),
        ['mirror/demo/app', 'mirror/zoo/one', 'other'],
      )
      assert.equal((await contents(ours, 'mirror/demo/app', [])).tags['1.0'], demo.index.digest)
    })

    it('are refused when two sources would meet', async () => {
      const map = [
        { from: 'registry.example/zoo/one', to: 'same' },
        { from: 'registry.example/zoo/two', to: 'same' },
      ]
      const plan = { ...planFor(`oci:${zooDir}`), map }
      const output = stage.path('meet.tar')
      await assert.rejects(stage.export({ output, plan }), fault('TARGET_COLLISION'))
      assert.ok(!existsSync(output))
      const zooBundle = await bundle('zoo', `oci:${zooDir}`)
      const state = await stage.site()
      const out = stage.path('out')
      const before = readFileSync(join(state, 'journal.jsonl'))
      await assert.rejects(stage.import(zooBundle, `oci:${out}`, { state, map }), fault('TARGET_COLLISION'))
      assert.ok(!existsSync(out))
      assert.deepEqual(readFileSync(join(state, 'journal.jsonl')), before)
    })

    it('are refused when they are for nothing in the bundle', async () => {
      const june = await bundle('idle-map', `oci:${demoDir}`)
      const state = await stage.site()
      const out = stage.path('out')
      const map = [{ from: `${demo.repository}s`, to: 'mirror' }]
      await assert.rejects(stage.import(june, `oci:${out}`, { state, map }), fault('MAP_INVALID'))
      assert.ok(!existsSync(out))
      // As of a watch, whose mapping is for all that comes.
      assert.equal((await stage.import(june, `oci:${out}`, { state, map, mapsMore: true })).verdict, 'trusted')
    })

    it('are refused when no path comes out', async () => {
      const june = await bundle('bad-map', `oci:${demoDir}`)
      const state = await stage.site()
      for (const to of ['', 'UPPER', 'a//b', '../up'])
        await assert.rejects(
          stage.import(june, `oci:${stage.path('out')}`, { state, map: [{ from: demo.repository, to }] }),
          fault('MAP_INVALID'),
          to,
        )
    })
  })

  describe('platforms', () => {
    const take = (platforms: string[], ref: string) => ({ artifacts: [{ ref, platforms, referrers: 'all' as const }] })

    it('leave the index as it is and name each child that stays behind', async () => {
      const output = stage.path('amd64.tar')
      const report = await stage.export({ output, plan: take(['linux/amd64'], `oci:${demoDir}:1.0`) })
      assert.deepEqual(
        report.omitted.map(({ digest, why, what, of }) => [digest, why, what, of]),
        [[demo.arm64.digest, 'platform', 'linux/arm64', demo.index.digest]],
      )
      assert.deepEqual(report.repositories[0]?.tags, { '1.0': demo.index.digest })
      await stage.approve(output, 'bob')
      const out = stage.path('out')
      const state = await stage.site()
      const verdict = await stage.verify(output, { state })
      assert.deepEqual(verdict.omitted, report.omitted)
      await stage.import(output, `oci:${out}`, { state })
      const kept = [demo.index, demo.amd64, demo.cosign, demo.sbom].map(({ digest }) => digest)
      const { tags } = await contents(out, 'demo/app', kept)
      assert.equal(tags['1.0'], demo.index.digest)
      assert.ok(!existsSync(join(out, 'blobs', ...demo.arm64.digest.split(':'))))
    })

    it('name nothing when all of them are taken', async () => {
      const output = stage.path('all.tar')
      const report = await stage.export({
        output,
        plan: take(['linux/amd64', 'linux/arm64'], `oci:${demoDir}:1.0`),
      })
      assert.deepEqual(report.omitted, [])
    })

    it('can be had alone by digest, with signatures of their own', async () => {
      const output = stage.path('child.tar')
      const report = await stage.export({ output, plan: planFor(`oci:${demoDir}@${demo.amd64.digest}`) })
      assert.deepEqual(report.repositories[0]?.untagged, [demo.amd64.digest])
      assert.deepEqual(report.repositories[0]?.tags, {})
      assert.deepEqual(report.omitted, [])
      await stage.approve(output, 'bob')
      const out = stage.path('out')
      await stage.import(output, `oci:${out}`, { state: await stage.site() })
      const { tags } = await contents(out, 'demo/app', [demo.amd64.digest])
      assert.deepEqual(tags, { [`${demo.amd64.digest.replace(':', '-')}.sig`]: demo.cosign.digest })
      assert.ok(!existsSync(join(out, 'blobs', ...demo.index.digest.split(':'))))
    })
  })

  describe('referrers', () => {
    type Name = 'sbom' | 'signature' | 'sbomSignature' | 'cosign'
    const MODES: Record<'all' | 'signatures' | 'none', { there: Name[]; omitted: Name[] }> = {
      all: { there: ['sbom', 'signature', 'sbomSignature', 'cosign'], omitted: [] },
      signatures: { there: ['signature', 'cosign'], omitted: ['sbom'] },
      none: { there: [], omitted: ['sbom', 'signature', 'cosign'] },
    }

    for (const mode of ['all', 'signatures', 'none'] as const) {
      const { there, omitted } = MODES[mode]
      it(`ride along as chosen: ${mode}`, async () => {
        const output = stage.path(`${mode}.tar`)
        const artifacts = [{ ref: `oci:${demoDir}:1.0`, referrers: mode }]
        const report = await stage.export({ output, plan: { artifacts } })
        const named = report.omitted.filter(({ why }) => why === 'referrer').map(({ digest }) => digest)
        for (const name of omitted) assert.ok(named.includes(demo[name].digest), `${name} is not named`)
        await stage.approve(output, 'bob')
        const out = stage.path('out')
        await stage.import(output, `oci:${out}`, { state: await stage.site() })
        for (const name of ['sbom', 'signature', 'sbomSignature', 'cosign'] as const) {
          const present = existsSync(join(out, 'blobs', ...demo[name].digest.split(':')))
          assert.equal(present, there.includes(name), name)
        }
      })
    }
  })
})
