import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Descriptor } from '../../../src/oci/index.ts'
import { checkBlob, signBlob, type RunEvent } from '../../../src/transfer/index.ts'
import { documentIn, sallyport } from '../../cli/program.ts'
import { needPeers, peer, startRegistry } from '../../peers/setup/registry.ts'
import {
  artifactIn,
  checkAt,
  layDown,
  makeSignature,
  mustHaveVendor,
  pemOf,
  policyFolder,
  policyText,
  rootOf,
  signAt,
  statement,
  STRANGER,
  VENDOR,
  VENDOR_STORE,
  writeFiles,
} from '../policies.ts'
import { hoursLater, planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/verdict/check', () => {
  let stage: Stage
  let policy: string
  let dir: string
  let app: Descriptor

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
    dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    app = artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    artifactIn(builder, 'registry.example/none', '2.0', 'unsigned')
    builder.finish()
    await signAt(`oci:${dir}:1.0`)
    await signAt(`oci:${dir}:1.0`, { signer: STRANGER, format: 'cose' })
  })

  after(() => stage?.close())

  it('gives the verdict with every signature, and changes nothing', async () => {
    const before = [tree(dir), tree(policy)]
    const report = await checkAt(`oci:${dir}:1.0`, policy)
    assert.deepEqual(
      [report.verdict, report.repository, report.tag, report.digest],
      ['trusted', 'registry.example/app', '1.0', app.digest],
    )
    assert.deepEqual(report.signatures.map(({ verdict, code }) => [verdict, code]).sort(), [
      ['rejected', 'SIGNER_UNTRUSTED'],
      ['trusted', undefined],
    ])
    assert.equal((await checkAt(`oci:${dir}:2.0`, policy)).code, 'SIGNATURE_MISSING')
    assert.deepEqual([tree(dir), tree(policy)], before)
  })

  it('refuses where no policy speaks: an empty folder, another scope, a scope with a tag', async () => {
    const empty = stage.path('empty')
    mkdirSync(empty)
    const missing = async (folder: string, scope?: string): Promise<void> => {
      const { verdict, code, signatures } = await checkAt(`oci:${dir}:1.0`, folder, { scope })
      assert.deepEqual([verdict, code, signatures.length], ['rejected', 'POLICY_MISSING', 0])
    }
    await missing(empty)
    const narrow = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ registryScopes: ['registry.site:5000/app'] })),
    })
    await missing(narrow)
    const scope = 'registry.site:5000/app'
    assert.equal((await checkAt(`oci:${dir}:1.0`, narrow, { scope })).verdict, 'trusted')
    for (const odd of [
      `${scope}:1.0`,
      `${scope}@${app.digest}`,
      `https://${scope}`,
      `${scope}/`,
      `${scope}/x`,
      '*',
      '',
      'app',
      `${scope}\n`,
    ]) {
      await missing(narrow, odd)
      // Nor does the statement for everything speak for what is no repository.
      if (!odd.endsWith('/x')) await missing(policy, odd)
    }
  })

  it('names an artifact in a layout as export and import do, whatever host it came from', async () => {
    const own = stage.path('layout')
    const builder = new LayoutBuilder(own)
    artifactIn(builder, 'localhost:5000/team/app', '1.0', 'cargo')
    builder.finish()
    await signAt(`oci:${own}:1.0`)
    const folder = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ registryScopes: ['local/team/app'] })),
    })
    const lying = await checkAt(`oci:${own}:1.0`, folder)
    assert.deepEqual([lying.verdict, lying.scope], ['trusted', 'local/team/app'])
    const output = stage.path('named.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${own}`), policy: folder })
    const to = stage.path('out')
    const { artifacts } = await stage.import(output, `oci:${to}`, { state: await stage.site(), policy: folder })
    assert.deepEqual(
      artifacts?.map(({ scope }) => scope),
      ['local/team/app'],
    )
    const landed = await checkAt(`oci:${to}:1.0`, folder)
    assert.deepEqual([landed.verdict, landed.scope], ['trusted', 'local/team/app'])
  })

  it('goes by policy.yaml alone where there is one, and never by `*` beside it', async () => {
    const site =
      'version: 1\nscopes:\n  - { scope: "registry.site:5000/*", require: { allOf: [v] } }\nstatements:\n  v: { notation: vendor }\n'
    const folder = policyFolder(stage.path('policy'), { 'policy.yaml': site })
    assert.equal((await checkAt(`oci:${dir}:1.0`, folder)).code, 'POLICY_MISSING')
    assert.equal((await checkAt(`oci:${dir}:1.0`, folder, { scope: 'registry.site:5000/app' })).verdict, 'trusted')
  })

  it('demands the origin from the repository where it lies', async () => {
    const site =
      'version: 1\nscopes:\n  - { scope: "local/*", require: { allOf: [v] }, requireOrigin: true }\nstatements:\n  v: { notation: vendor }\n'
    const folder = policyFolder(stage.path('policy'), { 'policy.yaml': site })
    const own = stage.path('layout')
    const builder = new LayoutBuilder(own)
    artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    builder.finish()
    const code = async (): Promise<string | undefined> => (await checkAt(`oci:${own}:1.0`, folder)).code
    await signAt(`oci:${own}:1.0`)
    assert.equal(await code(), 'ORIGIN_MISMATCH')
    await signAt(`oci:${own}:1.0`, { metadata: { 'io.sallyport.origin': 'test.example/app' } })
    assert.equal(await code(), 'ORIGIN_MISMATCH')
    await signAt(`oci:${own}:1.0`, { origin: true })
    assert.equal(await code(), undefined)
  })

  it('judges by the policy that stood before the first look at the artifact', async () => {
    for (const phase of ['resolving', 'reading signatures']) {
      const folder = policyFolder(stage.path('policy'))
      const { policy: digest } = await checkAt(`oci:${dir}:1.0`, folder)
      const onEvent = (event: RunEvent): void => {
        if (event.type === 'phase' && event.phase === phase)
          writeFiles(folder, {
            'trustpolicy.json': policyText(statement({ registryScopes: ['a.b/c'] })),
            [VENDOR_STORE]: pemOf(rootOf(STRANGER)),
          })
      }
      const report = await checkAt(`oci:${dir}:1.0`, folder, { onEvent })
      assert.deepEqual([report.verdict, report.policy], ['trusted', digest], phase)
      assert.equal((await checkAt(`oci:${dir}:1.0`, folder)).verdict, 'rejected')
    }
  })

  it('reads a good artifact from a real registry, and names a signature whose blob is gone there', async function () {
    needPeers(this)
    const registry = await startRegistry({ deletes: true })
    try {
      const { host, env, storage } = registry
      const over = { registry: { plainHttp: true } }
      const ref = `${host}/app:1.0`
      await peer('oras', ['cp', '--from-oci-layout', `${dir}@${app.digest}`, '--to-plain-http', ref], { env })
      assert.equal((await checkAt(ref, policy, over)).code, 'SIGNATURE_MISSING')
      await signAt(ref, over)
      const good = await checkAt(ref, policy, over)
      assert.deepEqual([good.verdict, good.scope], ['trusted', `${host}/app`])
      const { manifests } = {
        manifests: readdirSync(join(storage, 'docker/registry/v2/repositories/app/_layers/sha256')),
      }
      const envelope = manifests.find((hex) => readBlob(storage, hex)?.toString('latin1').startsWith('{"payload"'))
      assert.ok(envelope)
      rmSync(blobPath(storage, envelope))
      const gone = await checkAt(ref, policy, over)
      assert.deepEqual([gone.verdict, gone.code, gone.signatures.length], ['rejected', 'BLOB_MISSING', 1])
      await signAt(ref, { ...over, format: 'cose' })
      assert.equal((await checkAt(ref, policy, over)).verdict, 'trusted')
    } finally {
      await registry.stop()
    }
  })

  const blobPath = (storage: string, hex: string): string =>
    join(storage, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
  function readBlob(storage: string, hex: string): Buffer | undefined {
    try {
      return readFileSync(blobPath(storage, hex))
    } catch {
      return undefined
    }
  }

  it('judges by no clock that is behind what the state has seen signed, an artifact or a file', async () => {
    const output = stage.path('seen.tar')
    await stage.export({ output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`) })
    const state = await stage.site()
    await stage.import(output, `oci:${stage.path('out')}`, { state, now: hoursLater(1) })
    const file = stage.path('tool.bin')
    writeFileSync(file, 'content')
    const signing = { file, signer: VENDOR, format: 'jws', metadata: {}, now: hoursLater(-48) } as const
    const { output: signature } = await signBlob(signing)
    const files = policyFolder(stage.path('policy'), {
      'trustpolicy.blob.json': policyText(statement({ registryScopes: undefined, globalPolicy: true })),
    })
    const at = (now: Date, known: string | undefined): (() => Promise<{ verdict: string }>)[] => [
      () => checkAt(`oci:${dir}:1.0`, policy, { now, state: known }),
      () => checkBlob({ file, signature, policy: files, now, state: known }),
    ]
    for (const judged of at(hoursLater(-1), state)) await assert.rejects(judged, fault('CLOCK_BEHIND'))
    // Set back as far as nobody knows, a clock is believed.
    for (const judged of [...at(hoursLater(1), state), ...at(hoursLater(-1), undefined)])
      assert.equal((await judged()).verdict, 'trusted')
  })

  it('exits by its verdict, with `ok` false in JSON for all that is not trusted', async () => {
    const strict = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      'policy.yaml': mustHaveVendor(),
    })
    const odd = stage.path('layout')
    const builder = new LayoutBuilder(odd)
    const swapped = artifactIn(builder, 'registry.example/app', '1.0', 'swapped')
    layDown(builder, swapped, [await makeSignature(swapped, { over: app })])
    builder.finish()
    for (const [ref, folder, exit, code] of [
      [`oci:${dir}:1.0`, policy, 0, undefined],
      [`oci:${dir}:2.0`, policy, 13, 'SIGNATURE_MISSING'],
      [`oci:${odd}:1.0`, policy, 12, 'TARGET_MISMATCH'],
      [`oci:${dir}:1.0`, strict, 16, 'REVOCATION_UNKNOWN'],
    ] as const) {
      const { status, stdout } = await sallyport(['check', ref, '--policy', folder, '--json'])
      const document = documentIn(stdout)
      assert.deepEqual([status, document.exit, document.ok, document.report['code']], [exit, exit, exit === 0, code])
      const text = await sallyport(['check', ref, '--policy', folder])
      assert.equal(text.status, exit)
      const word = exit === 0 ? 'TRUSTED' : exit === 16 ? 'INCONCLUSIVE (not trusted)' : 'REJECTED'
      assert.ok(text.stdout.startsWith(`${word}  `), text.stdout)
    }
    const { status, stdout } = await sallyport(['check', `oci:${dir}:1.0`, '--policy', stage.path('nowhere'), '--json'])
    assert.deepEqual([status, documentIn(stdout).ok, documentIn(stdout).error.code], [2, false, 'FILE_UNREADABLE'])
  })

  it('prints no character of a signature that a terminal acts on', async () => {
    const own = stage.path('layout')
    const builder = new LayoutBuilder(own)
    artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    builder.finish()
    await signAt(`oci:${own}:1.0`, {
      metadata: { 'io.sallyport.origin': 'a\u001b[2J\u202e\u200b\u0007\r\nTRUSTED  x' },
    })
    const site =
      'version: 1\nscopes:\n  - { scope: "local/*", require: { allOf: [v] }, requireOrigin: true }\nstatements:\n  v: { notation: vendor }\n'
    const folder = policyFolder(stage.path('policy'), { 'policy.yaml': site })
    for (const json of [[], ['--json']]) {
      const { stdout, stderr, status } = await sallyport(['check', `oci:${own}:1.0`, '--policy', folder, ...json])
      assert.equal(status, 13)
      for (const hostile of ['\u001b', '\u202e', '\u200b', '\u0007', '\r'])
        assert.ok(!(stdout + stderr).includes(hostile))
      assert.doesNotMatch(stdout, /^TRUSTED/m)
    }
  })

  it('says usage for a reference that is none, before it reads a signature', async () => {
    await assert.rejects(checkAt(`oci:${dir}:3.0`, policy), fault('MANIFEST_MISSING'))
    await assert.rejects(checkAt(`oci:${stage.path('nowhere')}`, policy), fault('FILE_UNREADABLE'))
    await assert.rejects(checkAt(`oci:${dir}@sha256:12`, policy), fault('REFERENCE_INVALID'))
    const twice = stage.path('layout')
    const builder = new LayoutBuilder(twice)
    const one = artifactIn(builder, 'registry.example/a', '1.0', 'same')
    builder.tag('registry.example/b', '1.0', one)
    builder.finish()
    // One artifact under two names: which policy is asked hangs on the name.
    await assert.rejects(checkAt(`oci:${twice}:1.0`, policy), fault('USAGE'))
    assert.equal((await checkAt(`oci:${twice}:registry.example/b:1.0`, policy)).scope, 'local/b')
    writeFileSync(join(twice, 'index.json'), '{}')
    await assert.rejects(checkAt(`oci:${twice}:1.0`, policy), fault('LAYOUT_MALFORMED'))
    assert.notEqual(VENDOR.algorithm, STRANGER.algorithm)
  })
})
