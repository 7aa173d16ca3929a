/** Two lists of one number: an alarm, and the end for what hangs on that issuer; not for what others signed. */
import assert from 'node:assert/strict'
import { createPrivateKey, hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../../src/oci/index.ts'
import { localSigner, type Signer } from '../../../src/signature/index.ts'
import {
  channelPin,
  exitOfImport,
  importBundle,
  revocationBundle,
  stateInit,
  verifyBundle,
  type ImportOptions,
  type ImportReport,
} from '../../../src/transfer/index.ts'
import { listsExit } from '../../../src/transfer/passage/passenger-report.ts'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { Authority } from '../../revocation/authority.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from '../policies.ts'
import { at, lists, RevocationWorld, SITE } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

describe('transfer/import/disputed', function () {
  this.timeout(120_000)
  let world: RevocationWorld
  let other: Authority
  let otherSigner: Signer
  let otherUrl: string
  let otherTag: string
  let keys: string
  let revKeys: string
  let policy: string
  let now: Date
  const bundle: Record<'first' | 'second' | 'same' | 'vendor' | 'alone' | 'riding' | 'later', string> = {
    first: '',
    second: '',
    same: '',
    vendor: '',
    alone: '',
    riding: '',
    later: '',
  }

  before(async () => {
    world = await RevocationWorld.open()
    other = new Authority('other')
    otherUrl = `${world.server.origin}/other.crl`
    const leaf = other.issue('other signer', [lists(otherUrl)])
    const key = createPrivateKey(readFileSync(other.path('other signer.key')))
    otherSigner = localSigner(key, [leaf, other.certificate])
    now = new Date()
    // The world's own time is from before this authority.
    Object.defineProperty(world, 'now', { value: now })
    keys = await world.channel()
    revKeys = await world.channel('revocation')
    policy = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(
        statement({ signatureVerification: { level: 'strict' }, trustStores: ['ca:vendor', 'ca:other'] }),
      ),
      [VENDOR_STORE]: pemOf(world.root.certificate),
      'truststore/x509/ca/other/root.crt': pemOf(other.certificate),
    })
    const publish = (hours: number): void =>
      world.publish({ 'GET /other.crl': { body: world.list(other, { until: at(now, hours) }) } })
    const signed = (name: string, signer = world.signer): Promise<string> => {
      return world.signed(signer, `registry.example/${name}`)
    }
    const chain = world.path('other.pem')
    writeFileSync(chain, pemOf(...otherSigner.chain))
    const exported = async (refs: string[], more = {}, chains: string[] = []): Promise<string> => {
      const { output, revocation } = await world.export(keys, refs, { chains }, { now, ...more })
      otherTag = revocation?.pieces.find(({ url }) => url === otherUrl)?.tag ?? assert.fail()
      return output
    }
    const collected = async (chains: string[]): Promise<string> => {
      const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains }
      const options = { ...world.options(revKeys, { revocation }), now, output: world.path('rev.tar') }
      return (await revocationBundle(options)).output
    }
    publish(24 * 10)
    bundle.first = await exported([await signed('app'), await signed('else', otherSigner)])
    const [app, elsewhere] = [await signed('app2'), await signed('else2', otherSigner)]
    bundle.same = await exported([app, elsewhere])
    publish(24 * 11)
    bundle.second = await exported([app, elsewhere])
    bundle.vendor = await exported([app], {}, [chain])
    bundle.alone = await collected([chain])
    publish(24 * 10)
    bundle.riding = await exported([app, elsewhere], { passengers: [bundle.alone] })
    bundle.later = await exported([app, elsewhere])
  })

  after(async () => {
    other?.remove()
    await world?.close()
  })

  /** A site that has the first bundle. */
  async function site(): Promise<{ state: string; to: string }> {
    const state = world.path('state')
    await stateInit({ state, site: SITE, reason: 'a test', now })
    for (const [channel, folder] of [
      ['content-x', keys],
      ['revocation-x', revKeys],
    ] as const) {
      const root = join(folder, 'root.json')
      const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
      const purpose = channel === 'content-x' ? 'content' : 'revocation'
      await channelPin({ state, channel, root, fingerprint, purpose, now })
    }
    const to = `oci:${world.path('out')}`
    const { verdict, revocation } = await bring({ state, to }, bundle.first)
    assert.deepEqual([verdict, listsExit(revocation)], ['trusted', 0])
    return { state, to }
  }

  function bring(
    place: { state: string; to: string },
    file: string,
    more: Partial<ImportOptions> = {},
  ): Promise<ImportReport> {
    return importBundle({ input: { file }, ...place, map: [], registry: {}, concurrency: 4, now, policy, ...more })
  }

  const told = ({ revocation }: Pick<ImportReport, 'revocation'>): unknown[] | undefined =>
    revocation?.lists.filter(({ url }) => url === otherUrl).map(({ outcome, code }) => [outcome, code])

  const verdicts = ({ artifacts }: ImportReport): unknown[] | undefined =>
    artifacts?.map(({ repository, verdict, code }) => [repository, verdict, code])

  const lying = async (to: string, path: string, tag: string): Promise<Digest | undefined> =>
    (await openPlace(to, {}).at(path).resolve(tag))?.digest

  it('lets in what others signed, and nothing that hangs on the issuer', async () => {
    const place = await site()
    const stopped = await bring(place, bundle.second)
    assert.deepEqual([stopped.verdict, stopped.counts.manifestsPushed], ['inconclusive', 0])
    const report = await bring(place, bundle.second, { keepGoing: true })
    assert.deepEqual(verdicts(report), [
      ['registry.example/app2', 'trusted', undefined],
      ['registry.example/else2', 'inconclusive', 'REVOCATION_UNKNOWN'],
    ])
    assert.deepEqual(told(report), [['refused', 'LIST_EQUIVOCATION']])
    assert.equal(await exitOfImport(report), 15)
    assert.ok(await lying(place.to, 'app2', '1.0'))
    assert.equal(await lying(place.to, 'else2', '1.0'), undefined)
  })

  it('lets in all of it where the list is the same', async () => {
    const report = await bring(await site(), bundle.same)
    assert.deepEqual([report.verdict, await exitOfImport(report), told(report)], ['trusted', 0, [['held', undefined]]])
  })

  it('raises the alarm where nothing hangs on the issuer too, and takes the list nowhere', async () => {
    const place = await site()
    const path = 'sallyport/revocation/content-x'
    const before = await lying(place.to, path, otherTag)
    assert.ok(before)
    const verified = await verifyBundle({ input: { file: bundle.vendor }, state: place.state, policy, now })
    assert.deepEqual([verified.verdict, listsExit(verified.revocation)], ['trusted', 15])
    const report = await bring(place, bundle.vendor)
    assert.deepEqual(
      [report.verdict, await exitOfImport(report), told(report)],
      ['trusted', 15, [['refused', 'LIST_EQUIVOCATION']]],
    )
    assert.equal(await lying(place.to, path, otherTag), before)
    // The one that came first is in force, for whatever comes without the other.
    assert.equal((await bring(place, bundle.later)).verdict, 'trusted')
  })

  it('takes nothing of a bundle for revocation alone', async () => {
    const place = await site()
    const rows = readFileSync(join(place.state, 'journal.jsonl'), 'utf8')
    await assert.rejects(bring(place, bundle.alone), fault('LIST_EQUIVOCATION'))
    assert.equal(readFileSync(join(place.state, 'journal.jsonl'), 'utf8'), rows)
  })

  it('refuses such a passenger alone, and what hangs on the issuer', async () => {
    const report = await bring(await site(), bundle.riding, { keepGoing: true })
    assert.deepEqual(
      report.passengers.map(({ outcome, code }) => [outcome, code]),
      [['refused', 'LIST_EQUIVOCATION']],
    )
    assert.deepEqual(
      verdicts(report)?.map((one) => (one as unknown[])[1]),
      ['trusted', 'inconclusive'],
    )
    assert.equal(await exitOfImport(report), 15)
  })
})
