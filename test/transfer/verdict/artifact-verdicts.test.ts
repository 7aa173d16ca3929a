import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Code } from '../../../src/errors/index.ts'
import { digestOf, hexOf, type Descriptor } from '../../../src/oci/index.ts'
import { demandTrusted, verdictExit } from '../../../src/transfer/verdict/artifact-verdicts.ts'
import { log, type ImportReport } from '../../../src/transfer/index.ts'
import {
  artifactIn,
  checkAt,
  layDown,
  makeSignature,
  mustHaveVendor,
  policyFolder,
  policyText,
  signAt,
  statement,
  STRANGER,
  wrap,
} from '../policies.ts'
import { hoursLater, NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/verdict/artifact-verdicts', () => {
  let stage: Stage
  let policy: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(() => stage?.close())

  it('exits by the lowest class of what was refused', async () => {
    const old = stage.path('layout')
    const builder = new LayoutBuilder(old)
    artifactIn(builder, 'registry.example/none', '1.0', 'x')
    const expired = artifactIn(builder, 'registry.example/old', '1.0', 'y')
    const swapped = artifactIn(builder, 'registry.example/swap', '1.0', 'z')
    layDown(builder, expired, [await makeSignature(expired, { expiry: hoursLater(1) })])
    layDown(builder, swapped, [await makeSignature(swapped, { over: expired })])
    builder.finish()
    const exits = async (...tags: string[]): Promise<[number, (Code | undefined)[]]> => {
      const output = stage.path('exits.tar')
      const keys = stage.forkKeys()
      await stage.export({
        output,
        keys,
        plan: planFor(...tags.map((tag) => `oci:${old}:registry.example/${tag}:1.0`)),
      })
      const { artifacts } = await stage.verify(output, { state: await stage.site(), policy, now: hoursLater(2) })
      return [verdictExit(artifacts ?? []), (artifacts ?? []).map(({ code }) => code)]
    }
    assert.deepEqual(await exits('old'), [15, ['SIGNATURE_EXPIRED']])
    assert.deepEqual(await exits('old', 'none'), [13, ['SIGNATURE_MISSING', 'SIGNATURE_EXPIRED']])
    const many = Array.from({ length: 200_000 }, () => ({ verdict: 'rejected', code: 'SIGNATURE_EXPIRED' }) as const)
    assert.equal(verdictExit(many), 15)
    assert.deepEqual(await exits('old', 'none', 'swap'), [
      12,
      ['SIGNATURE_MISSING', 'SIGNATURE_EXPIRED', 'TARGET_MISMATCH'],
    ])
  })

  it('exits 14 for what was revoked or denied, before what is stale or unknown and after what is not trusted', () => {
    const exit = (...codes: Code[]): number => verdictExit(codes.map((code) => ({ verdict: 'rejected', code })))
    for (const code of ['CERTIFICATE_REVOKED', 'ARTIFACT_DENIED', 'SIGNATURE_DENIED'] as const) {
      assert.equal(exit(code), 14)
      assert.equal(exit('REVOCATION_UNKNOWN', 'SIGNATURE_EXPIRED', code, 'LIMIT_EXCEEDED'), 14)
      assert.equal(exit(code, 'SIGNATURE_MISSING'), 13)
      assert.equal(exit(code, 'ENVELOPE_SIGNATURE'), 12)
      const refused = { digest: digestOf(Buffer.from('x')), scope: 'local/x', verdict: 'rejected', code } as const
      const rest = { statements: [], missing: [], signatures: [], unjudged: 0, repository: 'x', tags: [] }
      const judged = { ...refused, ...rest, why: 'denied here', policy: refused.digest }
      assert.throws(() => demandTrusted([judged], 'source'), fault(code))
    }
  })

  it('says inconclusive, exit 16, while nothing is known of revocations', async () => {
    const strict = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      'policy.yaml': mustHaveVendor(),
    })
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    builder.finish()
    await signAt(`oci:${dir}:1.0`)
    const output = stage.path('unknown.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
    const to = stage.path('out')
    for (const keepGoing of [false, true]) {
      const run = { state: await stage.site(), policy: strict, keepGoing }
      const { verdict, artifacts, tags } = await stage.import(output, `oci:${to}`, run)
      assert.deepEqual([verdict, artifacts?.[0]?.code, tags], ['inconclusive', 'REVOCATION_UNKNOWN', []])
      assert.equal(verdictExit(artifacts ?? []), 16)
    }
  })

  it('judges an index by a signature of its own, not by those of its children', async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const layers = (text: string): Descriptor[] => [builder.blob('text/plain', text)]
    const children = ['amd64', 'arm64'].map((architecture) => ({
      ...builder.manifest({ layers: layers(architecture) }),
      platform: { os: 'linux', architecture },
    }))
    const index = builder.index({ manifests: children })
    builder.tag('registry.example/multi', '1.0', index)
    builder.finish()
    const verdicts = async (): Promise<ImportReport> => {
      const output = stage.path('multi.tar')
      await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
      return stage.import(output, `oci:${stage.path('out')}`, { state: await stage.site(), policy })
    }
    for (const { digest } of children) await signAt(`oci:${dir}@${digest}`)
    const before = await verdicts()
    assert.deepEqual([before.verdict, before.artifacts?.[0]?.code], ['rejected', 'SIGNATURE_MISSING'])
    await signAt(`oci:${dir}:registry.example/multi:1.0`)
    assert.equal((await verdicts()).verdict, 'trusted')
    for (const { digest } of [index, ...children])
      assert.equal((await checkAt(`oci:${dir}@${digest}`, policy)).verdict, 'trusted')
  })

  it('ends soon and in bounded memory with 10,000 signatures on one artifact, and sees the claimed anchor first', async function () {
    this.timeout(240_000)
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const app = artifactIn(builder, 'registry.example/heap', '1.0', 'cargo')
    const heap = Array.from({ length: 10_000 }, (_, i) => wrap(app, Buffer.from(`{"payload":"${i}"}`), STRANGER, 'jws'))
    const good = await makeSignature(app)
    layDown(builder, app, heap)
    builder.finish()
    const output = stage.path('heap.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
    const before = process.memoryUsage().rss
    const begun = performance.now()
    const report = await stage.verify(output, { state: await stage.site(), policy })
    const [verdict] = report.artifacts ?? []
    assert.deepEqual([verdict?.verdict, verdict?.code], ['inconclusive', 'LIMIT_EXCEEDED'])
    assert.deepEqual([verdict?.signatures.length, verdict?.unjudged], [100, 9900])
    assert.equal(verdictExit(report.artifacts ?? []), 17)
    assert.ok(performance.now() - begun < 60_000)
    assert.ok(process.memoryUsage().rss - before < 512 * 1024 * 1024)

    const with1 = stage.path('layout')
    const second = new LayoutBuilder(with1)
    const same = artifactIn(second, 'registry.example/heap', '1.0', 'cargo')
    layDown(second, same, [...heap, good])
    second.finish()
    const found = stage.path('heap.tar')
    await stage.export({ output: found, keys: stage.forkKeys(), plan: planFor(`oci:${with1}`), policy })
    const [trusted] = (await stage.verify(found, { state: await stage.site(), policy })).artifacts ?? []
    assert.equal(trusted?.verdict, 'trusted')
  })

  it('carries an envelope of 100 MB as payload, and judges by the others', async function () {
    this.timeout(240_000)
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const app = artifactIn(builder, 'registry.example/huge', '1.0', 'cargo')
    const huge = wrap(app, Buffer.alloc(100 * 1024 * 1024, 'a'), STRANGER, 'cose')
    layDown(builder, app, [huge])
    builder.finish()
    const bundled = async (): Promise<ImportReport> => {
      const output = stage.path('huge.tar')
      await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
      return stage.import(output, `oci:${stage.path('out')}`, { state: await stage.site(), policy })
    }
    const before = await bundled()
    const [refused] = before.artifacts ?? []
    assert.deepEqual([refused?.verdict, refused?.code, refused?.signatures.length], ['rejected', 'LIMIT_EXCEEDED', 1])
    await signAt(`oci:${dir}:1.0`)
    const after = await bundled()
    assert.deepEqual([after.verdict, after.artifacts?.[0]?.signatures.length], ['trusted', 2])
    assert.ok(after.counts.bytesPushed > 100 * 1024 * 1024)
  })

  it('keeps its journal whole whatever a signature says of itself', async () => {
    // 400 characters of a reason are kept; this one has a surrogate pair across each edge it might be cut at.
    for (let shift = 0; shift < 2; shift++) {
      const dir = stage.path('layout')
      const builder = new LayoutBuilder(dir)
      artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
      builder.finish()
      const odd = `${'x'.repeat(shift)}${'\u{1F480}'.repeat(400)}\u202e\u001b[31m\n`
      await signAt(`oci:${dir}:1.0`, { metadata: { 'io.sallyport.origin': odd } })
      const output = stage.path('odd.tar')
      const site =
        'version: 1\nscopes:\n  - { scope: "local/*", require: { allOf: [v] }, requireOrigin: true }\nstatements:\n  v: { notation: vendor }\n'
      const strict = policyFolder(stage.path('policy'), { 'policy.yaml': site })
      await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
      const state = await stage.site()
      const report = await stage.import(output, `oci:${stage.path('out')}`, { state, policy: strict })
      assert.equal(report.artifacts?.[0]?.code, 'ORIGIN_MISMATCH')
      const again = await stage.import(output, `oci:${stage.path('out')}`, { state, policy: strict })
      assert.equal(again.repeat, true)
      const { rows } = await log({ state, now: NOW })
      const row = rows.find(({ kind }) => kind === 'verdict')
      assert.ok(String(row?.['detail']).isWellFormed())
    }
  })

  it('lets large payload of what is refused pass by on a pipe, and proves it all the same', async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    const large = 'refused '.repeat(1_000_000)
    artifactIn(builder, 'registry.example/a-bad', '1.0', large, 'also refused')
    artifactIn(builder, 'registry.example/good', '1.0', 'good'.repeat(2_000_000))
    builder.finish()
    await signAt(`oci:${dir}:registry.example/good:1.0`)
    const output = stage.path('large.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
    const run = async (file: string): Promise<{ report: ImportReport; out: string; state: string }> => {
      const out = stage.path('out')
      const state = await stage.site()
      const report = await stage.piped(file, (input) =>
        stage.import(input, `oci:${out}`, { state, policy, keepGoing: true }),
      )
      return { report, out, state }
    }
    const { report, out } = await run(output)
    assert.deepEqual([report.verdict, report.tags.map(({ tag }) => tag)], ['rejected', ['1.0']])
    const hex = hexOf(digestOf(Buffer.from(large)))
    assert.ok(!existsSync(join(out, 'blobs/sha256', hex)))
    // One byte of what nobody takes is wrong: the bundle is damaged, and no tag moves.
    const bytes = readFileSync(output)
    const at = bytes.indexOf(large.slice(0, 4096))
    assert.ok(at > 0)
    bytes[at + 5_000_000] = 0x21
    const damaged = stage.path('damaged.tar')
    writeFileSync(damaged, bytes)
    await assert.rejects(run(damaged), fault('DIGEST_MISMATCH'))
  })
})
