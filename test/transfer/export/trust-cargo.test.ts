/** Trust information on its way: packed by the plan, shown by inspect, pushed with the content, believed by nobody. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { openLayout, type Layout } from '../../../src/content/index.ts'
import { parseManifest, verifying } from '../../../src/oci/index.ts'
import { acquire, inspectBundle, trustStoreAdd, type Plan, type TrustTree } from '../../../src/transfer/index.ts'
import { needPeers, orasFlags, peer, startRegistry } from '../../peers/setup/registry.ts'
import { stamp, timestampAuthority } from '../../trust/pki-fixture.ts'
import { Certificates } from '../ca/certificates.ts'
import {
  artifactIn,
  layDown,
  pemOf,
  policyFolder,
  policyText,
  rootOf,
  signAt,
  signerWith,
  statement,
  STRANGER,
  VENDOR,
  wrap,
  writeFiles,
} from '../policies.ts'
import { CHANNEL, hoursLater, NOW, planFor, SITE, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

const OWN = `local/sallyport/trust/${CHANNEL}`
const POLICY = `
version: 1
scopes:
  - { scope: registry.site/mirror/*, require: { allOf: [vendor] }, requireOrigin: false }
statements:
  vendor: { notation: vendor }
`

describe('transfer/export/trust-cargo', () => {
  let stage: Stage
  let certificates: Certificates
  let layout: string
  let policy: string
  let ca: string

  before(async () => {
    stage = await Stage.make()
    certificates = new Certificates()
    layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    artifactIn(builder, 'registry.example/app', '1.0', 'the payload')
    builder.finish()
    const ref = `oci:${layout}:registry.example/app:1.0`
    await signAt(ref)
    await signAt(ref, { signer: STRANGER, format: 'cose' })
    policy = policyFolder(stage.path('policy'), { 'policy.yaml': POLICY, 'plugins/secret': 'never read' })
    ca = certificates.path('ca')
    await certificates.init({ dir: ca })
    await certificates.issue({
      dir: ca,
      from: 'issuing',
      commonName: 'ci',
      kind: 'signer',
      scope: ['registry.example/app'],
    })
  })

  after(() => {
    certificates?.close()
    stage?.close()
  })

  type Trust = NonNullable<Plan['trust']>

  async function bundle(trust: Trust, more: Partial<Plan> = {}, keys = stage.keys): Promise<string> {
    const output = stage.path('june.tar')
    await stage.export({ output, keys, plan: { ...planFor(`oci:${layout}`), ...more, trust } })
    return output
  }

  async function trustOf(file: string, now = NOW): Promise<TrustTree> {
    const { trust } = await inspectBundle({ input: { file }, trust: true, now })
    assert.ok(trust)
    return trust
  }

  const whole = (): Trust => ({ policy, delegations: [ca], chains: true })

  it('shows who delegated to whom, for what, until when', async () => {
    const shown = await trustOf(await bundle(whole()))
    assert.deepEqual(shown.faults, [])
    assert.deepEqual(shown.items.map(({ tag, kind, name }) => [tag, kind, name]).sort(), [
      ['chains', 'chains', ''],
      ['delegations', 'delegations', ''],
      ['policy-policy.yaml', 'policy', 'policy.yaml'],
      ['policy-trustpolicy.json', 'policy', 'trustpolicy.json'],
      ['store-ca-vendor', 'store', 'ca:vendor'],
    ])
    const records = shown.certificates.filter(({ delegation }) => delegation !== null)
    const { certificates: listed } = await certificates.show(ca)
    assert.deepEqual(
      records
        .map(({ fingerprint, depth, notAfter, delegation }) => [
          fingerprint,
          depth,
          notAfter,
          delegation?.kind,
          delegation?.scope,
        ])
        .sort(),
      listed.map(({ fingerprint, depth, notAfter, kind, scope }) => [fingerprint, depth, notAfter, kind, scope]).sort(),
    )
    const ci = records.find(({ subject }) => subject.includes('CN=ci'))
    assert.deepEqual(ci?.delegation?.scope, ['registry.example/app'])
    // Each stands below its issuer: right after it, or after what else that issued.
    shown.certificates.forEach(({ depth }, i) => assert.ok(depth <= (shown.certificates[i - 1]?.depth ?? -1) + 1))
    assert.deepEqual(
      shown.stores.map(({ store, anchors }) => [store, anchors.map(({ fingerprint }) => fingerprint)]),
      [['ca:vendor', [`sha256:${rootOf(VENDOR).sha256}`]]],
    )
    assert.deepEqual(
      shown.statements.map(({ name, scopes, stores }) => [name, scopes, stores]),
      [['vendor', ['*'], ['ca:vendor']]],
    )
    assert.deepEqual(
      shown.requirements.map(({ scope, count, of }) => [scope, count, of]),
      [['registry.site/mirror/*', 1, ['vendor']]],
    )
  })

  it('carries every chain of the carried signatures, trusted or not', async () => {
    const { certificates: shown, items } = await trustOf(await bundle({ chains: true }))
    assert.deepEqual(
      items.map(({ tag }) => tag),
      ['chains'],
    )
    assert.deepEqual(
      shown
        .filter(({ signs }) => signs.length > 0)
        .map(({ fingerprint }) => fingerprint)
        .sort(),
      [VENDOR, STRANGER].map(({ chain }) => `sha256:${chain[0]?.sha256 ?? ''}`).sort(),
    )
    assert.ok(shown.every(({ validity }) => validity === 'valid'))
  })

  it('carries the chain of a timestamp, and is not stopped by a signature that is none', async () => {
    const dir = stage.path('stamped')
    const builder = new LayoutBuilder(dir)
    const subject = artifactIn(builder, 'registry.example/stamped', '1.0', 'x')
    layDown(builder, subject, [wrap(subject, Buffer.from('no envelope'), VENDOR, 'jws')])
    builder.finish()
    const authority = timestampAuthority('Clock')
    const timestamp = stamp(authority, { genTime: NOW.toISOString() })
    await signAt(`oci:${dir}:registry.example/stamped:1.0`, { timestamp })
    const { certificates: shown } = await trustOf(await bundle({ chains: true }, planFor(`oci:${dir}`)))
    assert.deepEqual(
      shown
        .filter(({ signs }) => signs.length > 0)
        .map(({ fingerprint, signs }) => [fingerprint, signs])
        .sort(),
      [
        [`sha256:${VENDOR.chain[0]?.sha256 ?? ''}`, ['signing']],
        [`sha256:${authority.chain[0]?.sha256 ?? ''}`, ['timestamping']],
      ].sort(),
    )
  })

  it('says what has expired by the time of the reader', async () => {
    const shown = await trustOf(await bundle({ delegations: [ca], chains: false }), hoursLater(24 * 366 * 40))
    assert.ok(shown.certificates.length > 0 && shown.certificates.every(({ validity }) => validity === 'expired'))
  })

  it('gives equal bytes for equal folders, however the files of a store are cut', async () => {
    const made: Buffer[] = []
    for (const cut of [0, 1]) {
      const roots = [rootOf(VENDOR), rootOf(STRANGER)]
      const dir = stage.path('cut')
      writeFiles(dir, { 'trustpolicy.json': policyText(statement()) })
      const files =
        cut === 0
          ? { 'a.pem': pemOf(...roots) }
          : Object.fromEntries(roots.map((root, i) => [`${9 - i}.crt`, root.der]))
      for (const [name, bytes] of Object.entries(files))
        writeFiles(dir, { [`truststore/x509/ca/vendor/${name}`]: bytes })
      made.push(readFileSync(await bundle({ policy: dir, delegations: [ca], chains: true }, {}, stage.forkKeys())))
    }
    assert.ok(made[0]?.equals(made[1] ?? Buffer.alloc(0)))
  })

  it('holds no key, nor anything else that lies in those folders', async () => {
    const bytes = readFileSync(await bundle(whole())).toString('latin1')
    assert.ok(!bytes.includes('PRIVATE KEY') && !bytes.includes('never read'))
  })

  it('lets import push it and leave the policy folder as it is', async () => {
    const june = await bundle(whole())
    const site = policyFolder(stage.path('site-policy'))
    const before = tree(site)
    const state = await stage.site()
    const verified = await stage.verify(june, { state, policy: site, destination: 'registry.site/mirror' })
    assert.deepEqual([verified.verdict, verified.information.length], ['trusted', 5])
    const out = stage.path('out')
    const report = await stage.import(june, `oci:${out}`, { state, policy: site })
    assert.equal(report.verdict, 'trusted')
    assert.deepEqual(
      report.artifacts?.map(({ repository }) => repository),
      ['registry.example/app'],
    )
    assert.deepEqual(
      report.information.map(({ repository }) => repository),
      Array(5).fill(OWN),
    )
    assert.deepEqual(tree(site), before)
    assert.deepEqual(
      report.tags
        .filter(({ repository }) => repository.includes('trust'))
        .map(({ tag }) => tag)
        .sort(),
      ['chains', 'delegations', 'policy-policy.yaml', 'policy-trustpolicy.json', 'store-ca-vendor'],
    )
    const found = await openLayout(out)
    try {
      assert.equal(await layerOf(found, 'store-ca-vendor'), pemOf(rootOf(VENDOR)))
      assert.equal(await layerOf(found, 'policy-policy.yaml'), POLICY)
    } finally {
      found.close()
    }
  })

  async function layerOf(from: Layout, tag: string): Promise<string> {
    const source = from.source(from.repositories().find((name) => name.includes('sallyport/trust')) ?? '')
    const descriptor = await source.resolve(tag)
    assert.ok(descriptor)
    const [layer] = parseManifest(await source.manifest(descriptor), descriptor.mediaType, 'target', tag).layers
    assert.ok(layer)
    const chunks: Buffer[] = []
    for await (const chunk of verifying(source.blob(layer), layer, 'target', tag)) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks).toString()
  }

  it('makes nothing trusted by the root that it carries', async () => {
    // The sender trusts the vendor and says so; this site trusts somebody else.
    const june = await bundle(whole())
    const site = policyFolder(stage.path('other-policy'), {
      'truststore/x509/ca/vendor/root.crt': pemOf(rootOf(signerWith('PS256'))),
    })
    const before = tree(site)
    const state = await stage.site()
    const out = stage.path('out')
    const report = await stage.import(june, `oci:${out}`, { state, policy: site })
    assert.deepEqual([report.verdict, report.artifacts?.[0]?.code], ['rejected', 'SIGNER_UNTRUSTED'])
    assert.deepEqual([report.counts.manifestsPushed, report.tags], [0, []])
    const again = await stage.import(june, `oci:${out}`, { state, policy: site, keepGoing: true })
    assert.deepEqual(
      [again.verdict, again.tags.length, again.tags.every(({ repository }) => repository.includes('sallyport/trust'))],
      ['rejected', 5, true],
    )
    // A second import, after the information is there: still nothing.
    const third = await stage.import(june, `oci:${out}`, { state, policy: site, keepGoing: true })
    assert.equal(third.artifacts?.[0]?.code, 'SIGNER_UNTRUSTED')
    assert.deepEqual(tree(site), before)
  })

  it('gives a store that a person may add against a fingerprint, and against no other', async () => {
    const out = stage.path('out')
    await stage.import(await bundle(whole()), `oci:${out}`, { state: await stage.site() })
    const from = `oci:${out}:${OWN}:store-ca-vendor`
    const bytes = await acquire({ from, artifact: true, registry: {} })
    const add = { policy: stage.path('fresh'), kind: 'ca', name: 'vendor', bytes, from, now: NOW }
    await assert.rejects(trustStoreAdd({ ...add, fingerprints: [] }), fault('FINGERPRINT_MISSING'))
    const { added } = await trustStoreAdd({ ...add, fingerprints: [`sha256:${rootOf(VENDOR).sha256}`] })
    assert.equal(added.length, 1)
  })

  it('gives oras the files themselves out of a registry', async function () {
    needPeers(this)
    this.timeout(120_000)
    const registry = await startRegistry()
    try {
      const to = `${registry.host}/mirror`
      const june = await bundle(whole())
      const report = await stage.import(june, to, {
        state: await stage.site(),
        registry: { plainHttp: [registry.host] },
      })
      assert.equal(report.verdict, 'trusted')
      const dir = stage.path('pulled')
      for (const tag of ['store-ca-vendor', 'policy-policy.yaml', 'chains', 'delegations']) {
        const ref = `${to}/sallyport/trust/${CHANNEL}:${tag}`
        await peer('oras', ['pull', ...orasFlags(registry), ref, '-o', dir], { env: registry.env })
      }
      assert.equal(readFileSync(join(dir, 'ca-vendor.pem'), 'utf8'), pemOf(rootOf(VENDOR)))
      assert.equal(readFileSync(join(dir, 'policy.yaml'), 'utf8'), POLICY)
      assert.ok(readFileSync(join(dir, 'delegations.json')).includes('sallyport-delegations/1'))
      assert.ok(readFileSync(join(dir, 'chains.json')).includes('sallyport-chains/1'))
    } finally {
      await registry.stop()
    }
  })

  it('passes the judge of the low side, which judges the content', async () => {
    await stage.export({
      output: stage.path('a.tar'),
      policy,
      destination: 'registry.site/mirror',
      plan: { ...planFor(`oci:${layout}`), trust: whole() },
    })
    await assert.rejects(
      stage.export({
        output: stage.path('b.tar'),
        policy: policyFolder(stage.path('p'), {
          'trustpolicy.json': policyText(statement({ registryScopes: ['x.y/z'] })),
        }),
        plan: { ...planFor(`oci:${layout}`), trust: whole() },
      }),
      fault('POLICY_MISSING'),
    )
  })

  it('goes below a prefix, and nowhere else', async () => {
    const below = await trustOf(await bundle(whole(), { map: [{ from: 'local', to: 'mirror' }] }))
    assert.deepEqual([below.items.length, below.faults], [5, []])
    for (const to of ['app', `sallyport/trust/${CHANNEL}x`, `x${OWN.slice('local/'.length)}`])
      await assert.rejects(bundle(whole(), { map: [{ from: OWN, to }] }), fault('MAP_INVALID'), to)
  })

  it('refuses content that lands on its path, or has its name', async () => {
    const path = `sallyport/trust/${CHANNEL}`
    await assert.rejects(
      bundle(whole(), { map: [{ from: 'registry.example/app', to: path }] }),
      fault('TARGET_COLLISION'),
    )
    const dir = stage.path('same')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, OWN, '1.0', 'x')
    builder.finish()
    await assert.rejects(bundle(whole(), planFor(`oci:${dir}`)), fault('TARGET_COLLISION'))
  })

  it('carries nothing that could not judge', async () => {
    const broken = policyFolder(stage.path('broken'), { 'trustpolicy.json': '{"version":"1.0"}' })
    await assert.rejects(bundle({ policy: broken, chains: false }), fault('POLICY_MALFORMED'))
    const stray = policyFolder(stage.path('stray'), { 'truststore/x509/ca/vendor/leaf.crt': leafPem() })
    await assert.rejects(bundle({ policy: stray, chains: false }), fault('TRUST_STORE_MALFORMED'))
    const empty = stage.path('empty')
    mkdirSync(empty)
    await assert.rejects(bundle({ delegations: [empty], chains: false }), fault('CA_MALFORMED'))
    await assert.rejects(bundle({ policy: join(empty, 'none'), chains: false }), fault('FILE_UNREADABLE'))
  })

  const leafPem = (): string => {
    const [leaf] = VENDOR.chain
    return leaf === undefined ? '' : pemOf(leaf)
  }

  it('refuses a record of delegation that was altered, before the trip', async () => {
    const dir = certificates.path('altered')
    await certificates.init({ dir, preset: 'team' })
    const file = join(dir, 'signer', 'delegation.json')
    const record = readFileSync(file, 'utf8')
    writeFileSync(file, record.replace('"scope":[]', '"scope":["registry.example/all"]'))
    assert.notEqual(readFileSync(file, 'utf8'), record)
    await assert.rejects(bundle({ delegations: [dir], chains: false }), fault('CA_MALFORMED'))
  })

  it('is absent where there is nothing to carry', async () => {
    const unsigned = stage.path('unsigned')
    const builder = new LayoutBuilder(unsigned)
    artifactIn(builder, 'registry.example/plain', '1.0', 'x')
    builder.finish()
    const shown = await trustOf(await bundle({ chains: true }, planFor(`oci:${unsigned}`)))
    assert.deepEqual([shown.items, shown.faults, shown.certificates], [[], [], []])
  })

  it('goes on with a stopped export, and begins anew when the folder changed meanwhile', async () => {
    const dir = policyFolder(stage.path('changing'))
    for (const changed of [false, true]) {
      const output = stage.path('stopped.tar')
      const plan = { ...planFor(`oci:${layout}`), audience: [SITE], trust: { policy: dir, chains: true } }
      const stop = new AbortController()
      await assert.rejects(
        stage.export({
          output,
          plan,
          signal: stop.signal,
          onEvent: (event) => event.type === 'phase' && event.phase === 'fetching' && stop.abort(),
        }),
        fault('INTERRUPTED'),
      )
      if (changed) writeFiles(dir, { 'truststore/x509/ca/further/root.crt': pemOf(rootOf(STRANGER)) })
      const report = await stage.export({ output, plan })
      assert.equal(report.resumed, !changed)
      const { stores } = await trustOf(output)
      assert.deepEqual(stores.map(({ store }) => store).sort(), changed ? ['ca:further', 'ca:vendor'] : ['ca:vendor'])
      rmSync(output)
    }
  })
})
