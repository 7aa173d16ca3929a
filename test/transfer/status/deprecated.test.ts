/** `status --policy`: what hangs on an algorithm that the site gives up. */
import assert from 'node:assert/strict'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Json } from '../../../src/codec/index.ts'
import type { JournalRow } from '../../../src/state/index.ts'
import { denyAtSite, status } from '../../../src/transfer/index.ts'
import { Deprecated } from '../../../src/transfer/status/deprecated.ts'
import {
  artifactIn,
  pemOf,
  policyFolder,
  policyText,
  rootOf,
  signAt,
  signerWith,
  statement,
  VENDOR,
} from '../policies.ts'
import { NOW, planFor, Stage } from '../stage.ts'

const OLD = signerWith('PS256')

function site(require: string, algorithms: string): string {
  return `
version: 1
scopes: [{ scope: local/*, require: ${require} }]
statements: { vendor: { notation: vendor }, certifier: { notation: certifier } }
algorithms: ${algorithms}
`
}

const BOTH = '{ count: 2, of: [vendor, certifier] }'
const ONE = '{ count: 1, of: [vendor, certifier] }'

describe('transfer/status/deprecated', () => {
  let stage: Stage
  let state: string
  let out: string
  const digests: Record<string, string> = {}

  /** The folder that trusts both signers, and gives up algorithms. */
  function folder(require: string, algorithms: string): string {
    return policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(
        statement({ registryScopes: ['a.b/vendor'] }),
        statement({ name: 'certifier', registryScopes: ['a.b/certifier'], trustStores: ['ca:certifier'] }),
      ),
      'truststore/x509/ca/certifier/root.crt': pemOf(rootOf(OLD)),
      'policy.yaml': site(require, algorithms),
    })
  }

  async function hanging(require: string, algorithms: string, now = NOW): Promise<[string, string[], number][]> {
    const { deprecated } = await status({ state, policy: folder(require, algorithms), now })
    const names = new Map(Object.entries(digests).map(([name, digest]) => [digest, name]))
    return (deprecated ?? assert.fail())
      .map((item): [string, string[], number] => [names.get(item.digest) ?? '', item.standing, item.needed])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  before(async () => {
    stage = await Stage.make()
    state = await stage.site()
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    for (const name of ['old', 'new', 'both', 'none'])
      digests[name] = artifactIn(builder, `registry.example/${name}`, '1.0', name).digest
    builder.finish()
    const ref = (name: string): string => `oci:${dir}:registry.example/${name}:1.0`
    for (const name of ['old', 'both']) await signAt(ref(name), { signer: OLD, format: 'cose' })
    for (const name of ['new', 'both']) await signAt(ref(name), { signer: VENDOR })
    out = `oci:${stage.path('out')}`
    const june = stage.path('june.tar')
    await stage.export({ output: june, plan: planFor(`oci:${dir}`) })
    const policy = folder(ONE, '{}')
    const report = await stage.import(june, out, { state, policy, keepGoing: true })
    assert.equal(report.artifacts?.filter(({ verdict }) => verdict === 'trusted').length, 3)
  })

  after(() => stage?.close())

  it('lists what rests on nothing else', async () => {
    assert.deepEqual(await hanging(ONE, '{ PS256: { deprecated: 2026-01-01 } }'), [['old', [], 1]])
    assert.deepEqual(await hanging(ONE, '{ ES384: { deprecated: 2026-01-01 } }'), [['new', [], 1]])
    assert.deepEqual(await hanging(ONE, '{ ES384: { deprecated: 2026-01-01 }, PS256: refused }'), [
      ['both', [], 1],
      ['new', [], 1],
      ['old', [], 1],
    ])
  })

  it('lists what would keep too few signers for what the site demands', async () => {
    assert.deepEqual(await hanging(BOTH, '{ PS256: { deprecated: 2026-01-01 } }'), [
      ['both', ['vendor'], 2],
      ['old', [], 2],
    ])
  })

  it('waits for the day', async () => {
    const algorithms = '{ PS256: { deprecated: 2026-06-02 } }'
    assert.deepEqual(await hanging(ONE, algorithms), [])
    assert.deepEqual(await hanging(ONE, algorithms, new Date('2026-06-02T00:00:00Z')), [['old', [], 1]])
  })

  it('says which algorithm, since when, and by which bundle it came', async () => {
    const policy = folder(ONE, '{ PS256: { deprecated: 2026-01-01 } }')
    const { deprecated, bundles } = await status({ state, policy, now: NOW })
    assert.deepEqual(
      deprecated?.map(({ algorithms, repository, scope, id, target }) => [algorithms, repository, scope, id, target]),
      [[[{ algorithm: 'PS256', since: '2026-01-01' }], 'registry.example/old', 'local/old', bundles[0]?.id, out]],
    )
    const refused = await status({ state, policy: folder(ONE, '{ PS256: refused }'), now: NOW })
    assert.deepEqual(refused.deprecated?.[0]?.algorithms, [{ algorithm: 'PS256', since: null }])
  })

  it('goes by the newest verdict, and says nothing where no policy is named', async () => {
    assert.equal((await status({ state, now: NOW })).deprecated, null)
    const dir = stage.path('again')
    const builder = new LayoutBuilder(dir)
    const { digest } = artifactIn(builder, 'registry.example/old', '1.0', 'old')
    assert.equal(digest, digests['old'])
    builder.finish()
    await signAt(`oci:${dir}:registry.example/old:1.0`, { signer: OLD, format: 'cose' })
    await signAt(`oci:${dir}:registry.example/old:1.0`, { signer: VENDOR })
    const july = stage.path('july.tar')
    await stage.export({ output: july, plan: planFor(`oci:${dir}`) })
    await stage.import(july, out, { state, policy: folder(ONE, '{}') })
    assert.deepEqual(await hanging(ONE, '{ PS256: { deprecated: 2026-01-01 } }'), [])
  })

  it('says nothing more of what was denied since', async () => {
    const algorithms = '{ ES384: { deprecated: 2026-01-01 } }'
    const before = (await hanging(ONE, algorithms)).map(([name]) => name)
    assert.ok(before.includes('new'))
    const artifact = digests['new'] ?? ''
    const terms = { state, to: out, registry: {}, policy: folder(ONE, '{}'), concurrency: 1, now: NOW }
    await denyAtSite({ ...terms, artifact, reason: 'a backdoor' })
    assert.deepEqual(
      (await hanging(ONE, algorithms)).map(([name]) => name),
      before.filter((name) => name !== 'new'),
    )
  })

  describe('of rows', () => {
    const row = (n: number, more: Record<string, Json>): JournalRow => {
      const link = { n, prev: '', sum: '', tenant: '', kind: 'verdict', time: '2026-05-01T00:00:00Z' }
      const common = { repository: 'a/old', digest: `sha256:${'a'.repeat(64)}`, id: 'x', verdict: 'trusted' }
      return { ...link, ...common, ...more }
    }
    const HERE = { target: 'r.example', path: 'old' }
    const signed = { scope: 'local/old', signatures: [{ algorithm: 'PS256', statement: 'vendor' }] }
    const listed = (rows: readonly JournalRow[], forgotten?: string): number => {
      const deprecated = new Deprecated(folder(ONE, '{ PS256: { deprecated: 2026-01-01 } }'))
      for (const one of rows) deprecated.take(one)
      return deprecated.artifacts(NOW, (target) => target === forgotten).length
    }

    it('takes one that it is gone for the last word on its place, and on no other', () => {
      const gone = row(3, { ...HERE, verdict: 'rejected', why: 'MANIFEST_MISSING' })
      const there = { ...HERE, path: 'elsewhere' }
      assert.equal(listed([row(1, { ...HERE, ...signed }), gone]), 0)
      assert.equal(listed([row(1, { ...HERE, ...signed }), row(2, { ...there, ...signed }), gone]), 1)
    })

    it('takes the first with a place for the successor of those without', () => {
      assert.equal(listed([row(1, signed)]), 1)
      assert.equal(listed([row(1, signed), row(2, { ...HERE, ...signed })]), 1)
      assert.equal(listed([row(1, signed), row(2, { ...HERE, verdict: 'rejected' })]), 0)
    })

    it('is not lulled by one of the channel alone', () => {
      assert.equal(listed([row(1, { ...HERE, ...signed }), row(2, { ...HERE, why: 'CHANNEL' })]), 1)
    })

    it('counts nothing at a target that was forgotten', () => {
      assert.equal(listed([row(1, { ...HERE, ...signed })], HERE.target), 0)
      assert.equal(listed([row(1, { ...HERE, ...signed })], 'another.example'), 1)
    })
  })
})
