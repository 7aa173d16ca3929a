/** What passes for trust information and is none stays content, which the policy judges. */
import assert from 'node:assert/strict'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { isFault } from '../../../src/errors/index.ts'
import { digestOf, OCI_MANIFEST, type Descriptor } from '../../../src/oci/index.ts'
import { inspectBundle, type TrustTree } from '../../../src/transfer/index.ts'
import { chainsDocument } from '../../../src/transfer/trust/document.ts'
import { trustManifest, trustTag, trustType, type TrustItem } from '../../../src/transfer/trust/item.ts'
import {
  artifactIn,
  makeSignature,
  layDown,
  pemOf,
  policyFolder,
  policyText,
  rootOf,
  statement,
  STRANGER,
  VENDOR,
} from '../policies.ts'
import { CHANNEL, NOW, planFor, Stage } from '../stage.ts'

const OWN = `local/sallyport/trust/${CHANNEL}`
const STORE: TrustItem = { kind: 'store', name: 'ca:vendor', bytes: Buffer.from(pemOf(rootOf(VENDOR))) }
const POLICY: TrustItem = { kind: 'policy', name: 'trustpolicy.json', bytes: Buffer.from(policyText(statement())) }

type Chain = Parameters<typeof chainsDocument>[0] extends Iterable<infer C> ? C : never

function chains(): Chain[] {
  const [signer, ...above] = VENDOR.chain
  assert.ok(signer)
  return [{ purpose: 'signing', chain: [signer, ...above] }]
}

const CHAINS: TrustItem = { kind: 'chains', name: '', bytes: chainsDocument(chains()) }

describe('transfer/passage/trust-information', () => {
  let stage: Stage
  let policy: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
  })

  after(() => stage?.close())

  /** Puts a piece, or what claims to be one, into a layout. */
  function put(
    builder: LayoutBuilder,
    item: TrustItem,
    { tag = trustTag(item), repository = OWN, alter = (text: string): string => text } = {},
  ): Descriptor {
    const layer = builder.blob(trustType(item.kind), item.bytes)
    builder.empty()
    const made = builder.blob(OCI_MANIFEST, alter(trustManifest(item, layer).toString()))
    builder.tag(repository, tag, made)
    return made
  }

  /** The bundle of a layout, from a sender who packs by hand. */
  async function bundle(
    fill: (builder: LayoutBuilder) => unknown,
    map: { from: string; to: string }[] = [],
  ): Promise<string> {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    await fill(builder)
    builder.finish()
    const output = stage.path('june.tar')
    await stage.export({ output, plan: { ...planFor(`oci:${dir}`), map } })
    return output
  }

  async function trustOf(file: string): Promise<TrustTree> {
    const { trust } = await inspectBundle({ input: { file }, trust: true, now: NOW })
    return trust ?? assert.fail('no tree')
  }

  /** What import makes of it under a policy: the information, and the artifacts that are judged. */
  async function judged(file: string): Promise<{ informs: string[]; refused: string[]; pushed: number }> {
    const state = await stage.site()
    const report = await stage.import(file, `oci:${stage.path('out')}`, { state, policy, keepGoing: true })
    const refused = (report.artifacts ?? []).filter(({ verdict }) => verdict !== 'trusted').map(({ digest }) => digest)
    return { informs: report.information.map(({ tag }) => tag).sort(), refused, pushed: report.counts.manifestsPushed }
  }

  it('takes each kind that has its very form', async () => {
    const file = await bundle((builder) => [STORE, POLICY, CHAINS].forEach((item) => put(builder, item)))
    const { items, faults } = await trustOf(file)
    assert.deepEqual([items.length, faults], [3, []])
    assert.deepEqual(await judged(file), {
      informs: ['chains', 'policy-trustpolicy.json', 'store-ca-vendor'],
      refused: [],
      pushed: 3,
    })
  })

  const json = (change: (manifest: Record<string, unknown>) => void) => (text: string) => {
    const manifest = JSON.parse(text) as Record<string, unknown>
    change(manifest)
    return JSON.stringify(manifest)
  }
  const subject = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from('x')), size: 1 }
  const pem = STORE.bytes.toString()

  const FORGERIES: Record<string, (builder: LayoutBuilder) => Descriptor> = {
    'under another tag': (builder) => put(builder, STORE, { tag: 'latest' }),
    'under the tag of another piece': (builder) => put(builder, STORE, { tag: 'chains' }),
    'under two tags': (builder) => {
      builder.tag(OWN, 'latest', put(builder, STORE))
      return put(builder, STORE)
    },
    'in another spelling': (builder) => put(builder, STORE, { alter: (text) => `${text}\n` }),
    'with a subject': (builder) => put(builder, STORE, { alter: json((manifest) => (manifest['subject'] = subject)) }),
    'with an annotation of its own': (builder) =>
      put(builder, STORE, {
        alter: json((manifest) => (manifest['annotations'] = { ...(manifest['annotations'] as object), a: 'b' })),
      }),
    'with a second layer': (builder) => {
      const further = builder.blob('application/octet-stream', '\u007fELF')
      return put(builder, STORE, {
        alter: json((manifest) => (manifest['layers'] = [...(manifest['layers'] as []), further])),
      })
    },
    'with a config': (builder) => {
      const config = builder.blob('application/vnd.oci.image.config.v1+json', '{"config":{"Cmd":["sh"]}}')
      return put(builder, STORE, { alter: json((manifest) => (manifest['config'] = config)) })
    },
    'of a type that is not ours': (builder) =>
      put(builder, STORE, { alter: (text) => text.replaceAll('trust.store.v1', 'trust.other.v1') }),
    'with a name that no store may have': (builder) =>
      put(builder, { ...STORE, name: 'ca:..' }, { tag: 'store-ca-..' }),
    'with a name that no policy file has': (builder) => put(builder, { ...POLICY, name: 'run.sh' }),
    'with a program for a store': (builder) => put(builder, { ...STORE, bytes: Buffer.from('#!/bin/sh\nrm -rf /\n') }),
    'with text around the certificates': (builder) =>
      put(builder, { ...STORE, bytes: Buffer.from(`#!/bin/sh\n${pem}`) }),
    'with a store that holds a leaf': (builder) =>
      put(builder, { ...STORE, bytes: Buffer.from(pemOf(...VENDOR.chain.slice(0, 1))) }),
    'with a policy without its shape': (builder) => put(builder, { ...POLICY, bytes: Buffer.from('{"version":"9"}') }),
    'with a policy.yaml that names nobody': (builder) =>
      put(builder, {
        kind: 'policy',
        name: 'policy.yaml',
        bytes: Buffer.from(
          'version: 1\nscopes: [{scope: a.b/c, require: {allOf: [x]}}]\nstatements: {x: {notation: none}}\n',
        ),
      }),
    'with chains that are not one document': (builder) =>
      put(builder, { ...CHAINS, bytes: Buffer.concat([CHAINS.bytes, Buffer.from(' ')]) }),
    'with something signed onto it': (builder) => {
      const made = put(builder, STORE)
      const further = builder.manifest({
        artifactType: 'application/vnd.example.sbom',
        layers: [builder.blob('text/plain', 'big')],
        subject: made,
      })
      builder.referrers(made.digest, [further])
      return made
    },
    'within an index': (builder) => {
      const made = put(builder, STORE, { repository: 'local/elsewhere' })
      const index = builder.index({ manifests: [made] })
      builder.tag(OWN, 'chains', index)
      return index
    },
  }

  for (const [how, forge] of Object.entries(FORGERIES)) {
    it(`judges what comes ${how}`, async () => {
      let forged: Descriptor | undefined
      const file = await bundle((builder) => {
        forged = forge(builder)
        put(builder, how.includes('policy') ? CHAINS : POLICY)
      })
      const digest = forged?.digest ?? assert.fail()
      const { items, faults, stores, statements } = await trustOf(file)
      const count = (kind: TrustItem['kind']): number => items.filter((item) => item.kind === kind).length
      assert.deepEqual([stores.length, statements.length], [count('store'), count('policy')])
      assert.ok(faults.some((fault) => fault.digest === digest && fault.why !== ''))
      assert.ok(items.every((item) => item.digest !== digest))
      const { informs, refused } = await judged(file)
      assert.ok(refused.includes(digest))
      // What stands beside it passes all the same.
      assert.equal(informs.length, items.length)
    })
  }

  it('judges a piece in any repository but its own', async () => {
    const places = [`registry.example/trust/${CHANNEL}`, 'local/sallyport/trust']
    const file = await bundle((builder) => places.forEach((repository) => put(builder, STORE, { repository })))
    assert.deepEqual((await trustOf(file)).items, [])
    const { informs, refused, pushed } = await judged(file)
    assert.deepEqual([informs, refused.length, pushed], [[], 2, 0])
  })

  for (const repository of [`registry.example/sallyport/trust/${CHANNEL}`, 'local/sallyport/trust/vendor-b'])
    it(`refuses content that would land where trust information does, its own or another's: ${repository}`, async () => {
      const file = await bundle((builder) => put(builder, STORE, { repository }))
      await assert.rejects(judged(file), (error) => isFault(error, 'TARGET_COLLISION'))
    })

  it('judges a piece that the sender lays over the repository of an image', async () => {
    const file = await bundle((builder) => put(builder, STORE), [{ from: OWN, to: 'app' }])
    const { items, faults } = await trustOf(file)
    assert.deepEqual([items, faults.length], [[], 1])
    assert.deepEqual((await judged(file)).informs, [])
  })

  it('judges a piece that the receiver lets land elsewhere', async () => {
    const file = await bundle((builder) => put(builder, STORE))
    const state = await stage.site()
    const bring = (to: string): Promise<string[]> =>
      stage
        .import(file, `oci:${stage.path('out')}`, { state, policy, keepGoing: true, map: [{ from: OWN, to }] })
        .then(({ information }) => information.map(({ tag }) => tag))
    assert.deepEqual(await bring('app'), [])
    assert.deepEqual(await bring(`below/sallyport/trust/${CHANNEL}`), ['store-ca-vendor'])
  })

  it('refuses more of it than it reads', async () => {
    const many = await bundle((builder) => {
      for (let i = 0; i < 2001; i++) put(builder, { ...STORE, name: `ca:v${i}` })
    })
    const { items, faults } = await trustOf(many)
    assert.deepEqual([items.length, faults.length], [0, 2001])
    const large = await bundle((builder) => put(builder, { ...STORE, bytes: Buffer.alloc(8 * 1024 * 1024 + 1, pem) }))
    assert.deepEqual((await trustOf(large)).items, [])
  })

  it('lets the site alone judge a signature whose signer comes with his root and a policy', async () => {
    const file = await bundle(async (builder) => {
      const made = artifactIn(builder, 'registry.example/app', '1.0', 'x')
      layDown(builder, made, [await makeSignature(made, { signer: STRANGER })])
      put(builder, { ...STORE, name: 'ca:stranger', bytes: Buffer.from(pemOf(rootOf(STRANGER))) })
      put(builder, { ...POLICY, bytes: Buffer.from(policyText(statement({ trustStores: ['ca:stranger'] }))) })
    })
    const state = await stage.site()
    const report = await stage.import(file, `oci:${stage.path('out')}`, { state, policy, keepGoing: true })
    assert.deepEqual(
      report.artifacts?.map(({ verdict, code }) => [verdict, code]),
      [['rejected', 'SIGNER_UNTRUSTED']],
    )
    assert.equal(report.information.length, 2)
  })
})
