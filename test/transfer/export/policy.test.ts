/** The policy before the trip: what the far side would refuse does not leave. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { exitOf } from '../../../src/errors/index.ts'
import type { Descriptor } from '../../../src/oci/index.ts'
import type { RunEvent } from '../../../src/transfer/index.ts'
import { verdictExit } from '../../../src/transfer/verdict/artifact-verdicts.ts'
import {
  artifactIn,
  checkAt,
  layDown,
  makeSignature,
  policyFolder,
  policyText,
  signAt,
  statement,
  STRANGER,
  VENDOR,
  wrap,
  type MadeSignature,
} from '../policies.ts'
import { planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/export/policy', () => {
  let stage: Stage
  let policy: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(() => stage?.close())

  function layoutOf(build: (builder: LayoutBuilder) => Descriptor | void): string {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    build(builder)
    builder.finish()
    return dir
  }

  it('makes no bundle, takes no number and leaves no trace when one artifact is not trusted', async () => {
    const dir = layoutOf((builder) => {
      artifactIn(builder, 'registry.example/good', '1.0', 'good')
      artifactIn(builder, 'registry.example/none', '1.0', 'none')
    })
    await signAt(`oci:${dir}:registry.example/good:1.0`)
    const keys = stage.forkKeys()
    // The folder's own log begins with its first use, whatever comes of it.
    const numbers = (): object => ({ ...tree(keys), 'journal.jsonl': '', 'journal.head': '' })
    const before = numbers()
    const output = stage.path('june.tar')
    const run = { output, keys, plan: planFor(`oci:${dir}`), policy }
    for (const dryRun of [true, false]) {
      await assert.rejects(stage.export({ ...run, dryRun }), fault('SIGNATURE_MISSING'))
      const left = readdirSync(stage.dir).filter((name) => name.includes('june.tar'))
      assert.deepEqual(left, [])
    }
    assert.deepEqual(numbers(), before)
    await signAt(`oci:${dir}:registry.example/none:1.0`, { signer: STRANGER })
    await assert.rejects(stage.export(run), fault('SIGNER_UNTRUSTED'))
    await signAt(`oci:${dir}:registry.example/none:1.0`)
    assert.equal((await stage.export(run)).sequence, 1)
  })

  it('refuses before anything for a policy that cannot be read, or that speaks for nothing', async () => {
    const dir = layoutOf((builder) => void artifactIn(builder, 'registry.example/good', '1.0', 'good'))
    await signAt(`oci:${dir}:1.0`)
    const broken = policyFolder(stage.path('policy'), { 'policy.yaml': '{' })
    const elsewhere = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ registryScopes: ['registry.site/other'] })),
    })
    for (const [folder, code] of [
      [stage.path('nowhere'), 'FILE_UNREADABLE'],
      [broken, 'POLICY_MALFORMED'],
      [elsewhere, 'POLICY_MISSING'],
    ] as const) {
      const output = stage.path('refused.tar')
      const run = { output, keys: stage.forkKeys(), plan: planFor(`oci:${dir}`), policy: folder }
      await assert.rejects(stage.export(run), fault(code))
      assert.ok(!existsSync(output))
    }
  })

  it('judges by the names at the destination: the plan maps them', async () => {
    const dir = layoutOf((builder) => void artifactIn(builder, 'registry.example/app', '1.0', 'good'))
    await signAt(`oci:${dir}:1.0`)
    const folder = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ registryScopes: ['registry.site:5000/mirror/renamed'] })),
    })
    const map = [{ from: 'registry.example/app', to: 'renamed' }]
    const run = (destination: string | undefined, mapped: boolean): Promise<unknown> => {
      const plan = { ...planFor(`oci:${dir}`), ...(mapped ? { map } : {}) }
      return stage.export({ output: stage.path('a.tar'), keys: stage.forkKeys(), plan, policy: folder, destination })
    }
    await run('registry.site:5000/mirror', true)
    await run('registry.site:5000/mirror/', true)
    await assert.rejects(run('registry.site:5000/mirror', false), fault('POLICY_MISSING'))
    await assert.rejects(run('registry.site:5000', true), fault('POLICY_MISSING'))
    await assert.rejects(run(undefined, true), fault('POLICY_MISSING'))
    for (const odd of [
      'registry.site:5000/mirror:1.0',
      'https://registry.site:5000',
      'registry.site:5000/Mirror',
      '/mirror',
    ])
      await assert.rejects(run(odd, true), fault('REFERENCE_INVALID'), odd)
  })

  it('judges what a stopped export is gone on with, as it is now', async () => {
    const dir = layoutOf(
      (builder) => void artifactIn(builder, 'registry.example/app', '1.0', 'good', 'more', 'still more'),
    )
    await signAt(`oci:${dir}:1.0`)
    const keys = stage.forkKeys()
    const output = stage.path('stopped.tar')
    const stop = new AbortController()
    const onEvent = ({ type }: RunEvent): void => {
      if (type === 'blob') stop.abort()
    }
    const run = { output, keys, plan: planFor(`oci:${dir}`), policy, concurrency: 1 }
    await assert.rejects(stage.export({ ...run, signal: stop.signal, onEvent }), fault('INTERRUPTED'))
    assert.ok(existsSync(`${output}.part.json`))

    // Meanwhile the tag moves to another artifact, which nobody signed, and the old one is signed once more.
    const old = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as {
      manifests: { digest: string; annotations?: object }[]
    }
    const digest = old.manifests.find(({ annotations }) => JSON.stringify(annotations ?? {}).includes(':1.0'))?.digest
    const next = layoutOf((builder) => void artifactIn(builder, 'registry.example/app', '1.0', 'unsigned'))
    await signAt(`oci:${dir}@${digest}`, { format: 'cose' })
    const mixed = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as typeof old
    const moved = JSON.parse(readFileSync(join(next, 'index.json'), 'utf8')) as typeof old
    const nameless = mixed.manifests.map((entry) => {
      if (entry.digest !== digest) return entry
      const { annotations: _, ...rest } = entry
      return rest
    })
    cpSync(join(next, 'blobs'), join(dir, 'blobs'), { recursive: true })
    writeFileSync(join(dir, 'index.json'), JSON.stringify({ ...mixed, manifests: [...nameless, ...moved.manifests] }))

    await assert.rejects(stage.export(run), fault('SIGNATURE_MISSING'))
    assert.ok(!existsSync(output))
  })

  it('refuses with the exit status that check and import have, whatever is wrong with the signature', async () => {
    const broken = async (break_: (good: MadeSignature) => Buffer | undefined): Promise<string> => {
      const dir = stage.path('layout')
      const builder = new LayoutBuilder(dir)
      const app = artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
      const good = await makeSignature(app)
      const bytes = break_(good)
      layDown(builder, app, [bytes === undefined ? good : wrap(app, bytes, VENDOR, 'jws')])
      builder.finish()
      if (bytes === undefined) rmSync(join(dir, 'blobs', ...good.blob.digest.split(':')))
      return dir
    }
    const swapped = ({ envelope }: MadeSignature, alg: string): Buffer => {
      const parts = JSON.parse(envelope.toString()) as { protected: string }
      const header = JSON.parse(Buffer.from(parts.protected, 'base64url').toString()) as object
      return Buffer.from(
        JSON.stringify({ ...parts, protected: Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url') }),
      )
    }
    for (const [name, dir] of [
      ['alg none', await broken((good) => swapped(good, 'none'))],
      ['alg HS384', await broken((good) => swapped(good, 'HS384'))],
      ['alg ES256', await broken((good) => swapped(good, 'ES256'))],
      ['no JSON', await broken(() => Buffer.from('{'))],
      ['gone', await broken(() => undefined)],
    ] as const) {
      const verdict = await checkAt(`oci:${dir}:1.0`, policy)
      assert.equal(verdict.verdict, 'rejected', name)
      const run = { output: stage.path('no.tar'), keys: stage.forkKeys(), plan: planFor(`oci:${dir}`), policy }
      await assert.rejects(stage.export(run), (error) => {
        assert.equal(exitOf(error), verdictExit([verdict]), name)
        return error instanceof Error && error.message.includes(verdict.why)
      })
    }
  })
})
