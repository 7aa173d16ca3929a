/** A stranger's signature beside the vendor's, whose certificates name what can't be had: named, bounded, and no end of the export. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type SallyportError } from '../../../src/errors/index.ts'
import { localSigner, parseCertificates, type Certificate } from '../../../src/signature/index.ts'
import { revocationBundle } from '../../../src/transfer/index.ts'
import { DEMANDED, STRANGERS, type AllowanceTerms } from '../../../src/transfer/collect/allowance.ts'
import { collectRevocation, type Collection } from '../../../src/transfer/collect/collect.ts'
import { demandedOf } from '../../../src/transfer/collect/demanded.ts'
import { networkSource } from '../../../src/transfer/collect/network.ts'
import { revocableIn, type RevocableCertificate } from '../../../src/transfer/collect/wants.ts'
import { sallyport } from '../../cli/program.ts'
import { Authority } from '../../revocation/authority.ts'
import { pemOf, policyFolder, policyText, signAt, statement, VENDOR_STORE } from '../policies.ts'
import { lists, responders, RevocationWorld, SITE } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

describe('transfer/collect/strangers', function () {
  this.timeout(120_000)
  let world: RevocationWorld
  let keys: string
  let ref: string
  let policy: string
  let stranger: Authority
  let own: string

  before(async () => {
    world = await RevocationWorld.open()
    keys = await world.channel()
    ref = await world.signed()
    policy = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(world.root.certificate),
    })
    stranger = new Authority('stranger')
    own = `${world.server.origin}/stranger.crl`
    const leaf = stranger.issue('mallory', [lists(own), responders(`${world.server.origin}/stranger-ocsp`)])
    const key = createPrivateKey(readFileSync(stranger.path('mallory.key')))
    await signAt(ref, { signer: localSigner(key, [leaf, stranger.certificate]), now: new Date() })
  })
  beforeEach(() => {
    world.publish()
    world.server.asked.length = 0
  })
  after(async () => {
    stranger?.remove()
    await world?.close()
  })

  it('goes without the lists of whom the policy does not believe, and names them', async () => {
    const { revocation } = await world.export(keys, [ref], {}, { policy })
    assert.deepEqual(revocation?.lacking.map(({ kind, url, code, accepted }) => [kind, url, code, accepted]).sort(), [
      ['answer', `${world.server.origin}/stranger-ocsp`, 'LIST_UNAVAILABLE', 'by policy'],
      ['list', own, 'LIST_UNAVAILABLE', 'by policy'],
    ])
    assert.equal(revocation?.pieces.length, 3)
    assert.ok(world.server.seen().includes('GET /stranger.crl'), 'they are asked for all the same')
  })

  it('carries them where they can be had', async () => {
    world.publish({ 'GET /stranger.crl': { body: world.list(stranger) } })
    const { revocation } = await world.export(keys, [ref], {}, { policy })
    assert.deepEqual(
      [revocation?.pieces.filter(({ url }) => url === own).length, revocation?.lacking.map(({ accepted }) => accepted)],
      [1, ['by its lists']],
    )
  })

  it('asks for none of them for a bundle of lists alone, which is all or nothing where it goes', async () => {
    world.publish({ 'GET /stranger.crl': { body: world.list(stranger) } })
    const revKeys = await world.channel('revocation')
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    const plan = { artifacts: [{ ref, referrers: 'all' as const }], revocation }
    const options = { ...world.options(revKeys, plan), output: world.path('rev.tar') }
    const report = await revocationBundle({ ...options, policy })
    assert.deepEqual(
      [report.revocation?.pieces.length, report.revocation?.lacking.map(({ accepted }) => accepted)],
      [3, ['by policy', 'by policy']],
    )
    assert.ok(!world.server.seen().includes('GET /stranger.crl'))
    assert.equal((await revocationBundle({ ...options, output: world.path('rev.tar') })).revocation?.pieces.length, 4)
  })

  it('demands the list that may revoke an anchor below its root, for a bundle of lists alone too', async () => {
    const below = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(world.issuing.certificate),
    })
    const revKeys = await world.channel('revocation')
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] }
    const plan = { artifacts: [{ ref, referrers: 'all' as const }], revocation }
    const options = { ...world.options(revKeys, plan), policy: below }
    const report = await revocationBundle({ ...options, output: world.path('rev.tar') })
    assert.ok(report.revocation?.pieces.some(({ url }) => url === world.rootUrl))
    world.publish({ 'GET /root.crl': { status: 404 } })
    await assert.rejects(
      revocationBundle({ ...options, output: world.path('rev.tar') }),
      fault('LIST_UNAVAILABLE', world.rootUrl),
    )
  })

  it('demands the lists of whom it believes, and all of them where no policy is named', async () => {
    world.publish({ 'GET /ca.crl': { status: 404 } })
    await assert.rejects(world.export(keys, [ref], {}, { policy }), fault('LIST_UNAVAILABLE', world.listUrl))
    world.publish()
    await assert.rejects(world.export(keys, [ref]), fault('LIST_UNAVAILABLE', own))
    await assert.rejects(world.export(keys, [ref]), ({ remedy }: SallyportError) =>
      ['revocation.accept', '--policy'].every((way) => remedy.includes(way)),
    )
  })

  it('demands none where the name at the destination makes a stranger of everyone', async () => {
    const other = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(
        statement({ registryScopes: ['registry.site/app'], signatureVerification: { level: 'strict' } }),
        statement({ name: 'other', registryScopes: ['registry.site/else'], trustStores: ['ca:else'] }),
      ),
      [VENDOR_STORE]: pemOf(world.root.certificate),
      'truststore/x509/ca/else/root.crt': pemOf(stranger.certificate),
    })
    const to = (name: string): ReturnType<RevocationWorld['options']> =>
      world.options(keys, {
        artifacts: [{ ref, referrers: 'all' }],
        map: [{ from: 'registry.example/app', to: name }],
        revocation: { accept: [], nextBundle: '7d', allowPrivate: true, chains: [] },
      })
    const more = { policy: other, destination: 'registry.site' }
    await world.export(keys, [], {}, { ...to('app'), ...more })
    // Under the other name it is the stranger who is believed.
    await assert.rejects(world.export(keys, [], {}, { ...to('else'), ...more }), fault('LIST_UNAVAILABLE', own))
  })

  it('takes what a policy let be lacking for nothing in a run that goes on without one', async () => {
    const output = world.path('stopped.tar')
    const stop = new AbortController()
    const onEvent = (event: { type: string }): void => void (event.type === 'total' && stop.abort())
    const options = { output, created: world.now }
    await assert.rejects(world.export(keys, [ref], {}, { ...options, policy, signal: stop.signal, onEvent }))
    await assert.rejects(world.export(keys, [ref], {}, options), fault('LIST_UNAVAILABLE', own))
    const done = await world.export(keys, [ref], {}, { ...options, policy })
    assert.deepEqual([done.resumed, done.revocation?.from], [true, 'kept'])
  })

  it('ends with 3 where something of strangers is left out', async () => {
    const plan = world.path('plan.yaml')
    const phrase = world.path('passphrase')
    writeFileSync(phrase, 'only for tests')
    writeFileSync(
      plan,
      `audience: [${SITE}]\nartifacts: [{ ref: '${ref}' }]\nrevocation: { collect: network, allowPrivate: true }\n`,
    )
    const common = ['-f', plan, '--keys', keys, '--passphrase-file', phrase]
    const run = (...more: string[]): Promise<number | null> =>
      sallyport(['export', ...common, '-o', world.path('x.tar'), ...more]).then(({ status }) => status)
    assert.equal(await run('--policy', policy), 3)
    assert.equal(await run(), 20)
    const revKeys = await world.channel('revocation')
    const collect = ['revocation', 'collect', '-f', plan, '--keys', revKeys, '--passphrase-file', phrase]
    const ended = await sallyport([...collect, '-o', world.path('rev.tar'), '--policy', policy])
    assert.equal(ended.status, 3, ended.stderr)
  })

  describe('who certifies a key of the vendor anew', () => {
    let cross: Certificate
    const certify = (name: string, of: Authority): Certificate => {
      const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', lists(own)]
      writeFileSync(stranger.path(`${name}.ext`), `${extensions.join('\n')}\n`)
      const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '30', '-extfile', `${name}.ext`]
      stranger.run('x509', '-req', '-in', of.path('ca.csr'), ...by, '-out', `${name}.crt`)
      return parseCertificates(readFileSync(stranger.path(`${name}.crt`)))[0] ?? assert.fail()
    }
    before(() => (cross = certify('cross', world.issuing)))

    it('puts no issuer of his own in the place of the one that is demanded', () => {
      const [leaf, issuing, root] = [world.leaf, world.issuing.certificate, world.root.certificate]
      const anchors = { signing: [root], timestamping: [] }
      const chains = [[leaf, cross, stranger.certificate] as const, [leaf, issuing, root] as const]
      const found = chains.flatMap((chain) => demandedOf({ purpose: 'signing', chain }, anchors))
      for (const order of [found, found.toReversed()]) {
        const known = new Map(revocableIn(order, []).map((one) => [one.certificate.sha256, one]))
        assert.deepEqual(
          [leaf, issuing, cross].map(({ sha256 }) => [known.get(sha256)?.issuer.sha256, known.get(sha256)?.demanded]),
          [
            [issuing.sha256, true],
            [root.sha256, true],
            [stranger.certificate.sha256, false],
          ],
        )
      }
    })

    it('has nothing demanded that stands above an anchor', () => {
      const crossRoot = certify('cross-root', world.root)
      const chain = [world.leaf, world.issuing.certificate, crossRoot, stranger.certificate] as const
      const anchors = { signing: [world.issuing.certificate], timestamping: [world.root.certificate] }
      assert.deepEqual(
        demandedOf({ purpose: 'signing', chain }, anchors).map(({ demanded }) => demanded),
        [1],
      )
      // Of a timestamp, up to the anchor that issued it, whatever the token says above.
      const [path, tried] = demandedOf({ purpose: 'timestamping', chain }, anchors)
      assert.deepEqual(
        [path?.chain.map(({ sha256 }) => sha256), path?.demanded, tried?.demanded],
        [[world.leaf, world.issuing.certificate, world.root.certificate].map(({ sha256 }) => sha256), 2, 0],
      )
    })
  })

  describe('of whom there are a thousand', () => {
    const COUNT = 1000
    let crowd: RevocableCertificate[]

    before(() => {
      const urls = (i: number): string[] => [`${world.server.origin}/crowd/${i}.crl`]
      crowd = Array.from({ length: COUNT }, (_, i) => ({
        certificate: { ...world.leaf, sha256: i.toString(16).padStart(64, '0') },
        issuer: stranger.certificate,
        demanded: false,
        purposes: new Set(['signing'] as const),
        crlUrls: urls(i),
        freshestUrls: [],
        ocspUrls: [],
      }))
    })

    function collect(strangers: Partial<AllowanceTerms>, demanded = false): Promise<Collection> {
      const { now } = world
      const source = networkSource({ now, allowPrivate: true })
      const given = crowd.map((one) => ({ ...one, demanded }))
      const allowances = { demanded: DEMANDED, strangers: { ...STRANGERS, ...strangers } }
      return collectRevocation(given, {
        now,
        concurrency: 16,
        source,
        accept: [],
        alone: false,
        policy: true,
        allowances,
      })
    }

    it('asks for so many lists and no more', async () => {
      world.publish({ 'GET /crowd/*': { status: 404 } })
      const { lacking, untold } = await collect({})
      assert.deepEqual([lacking.length, untold, world.server.asked.length], [COUNT, 0, STRANGERS.requests])
    })

    it('waits for all of them together no longer than it is given', async () => {
      world.publish({ 'GET /crowd/*': () => new Promise(() => undefined) })
      const begun = performance.now()
      const { lacking } = await collect({ ms: 1500, documentMs: 1000 })
      assert.equal(lacking.length, COUNT)
      assert.ok(performance.now() - begun < 10_000)
      assert.ok(world.server.asked.length <= 16)
    })

    it('reads of all of them together no more than it is given', async () => {
      const MIB = 1 << 20
      world.publish({ 'GET /crowd/*': { body: Buffer.alloc(MIB, 0x30) } })
      const { lacking } = await collect({ bytes: 20 * MIB, documentBytes: MIB })
      assert.deepEqual([lacking.length, world.server.asked.length], [COUNT, 20])
    })

    it('says soon what is lacking when each is demanded', async () => {
      world.publish({
        'GET /crowd/*': ({ url }) => (url.endsWith('/0.crl') ? { status: 404 } : new Promise(() => undefined)),
      })
      const begun = performance.now()
      await assert.rejects(collect({}, true), fault('LIST_UNAVAILABLE', `${world.server.origin}/crowd/0.crl`))
      assert.ok(performance.now() - begun < 30_000)
    })

    it('tells of more than anybody reads by their number', async () => {
      const doubled = crowd.map((one) => ({ ...one, crlUrls: [...one.crlUrls, `${one.crlUrls[0]}?again`] }))
      const source = networkSource({ now: world.now, allowPrivate: true })
      const terms = { now: world.now, concurrency: 4, source, accept: [], alone: false, policy: true }
      const strangers = { ...STRANGERS, requests: 3 }
      const done = await collectRevocation(doubled, { ...terms, allowances: { demanded: DEMANDED, strangers } })
      assert.deepEqual([done.lacking.length, done.untold], [COUNT, COUNT])
    })
  })
})
