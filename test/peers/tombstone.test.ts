import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../src/oci/index.ts'
import { openSigner, trustPolicyAdd, trustStoreAdd } from '../../src/transfer/index.ts'
import { judgeAgain } from '../../src/transfer/rejudge/site-deny.ts'
import type { MeasureOutcome } from '../../src/transfer/rejudge/report.ts'
import type { SealOptions } from '../../src/transfer/sign/seal-target.ts'
import { CA_PASSPHRASE, Certificates, says } from '../transfer/ca/certificates.ts'
import { checkAt } from '../transfer/policies.ts'
import { RevocableSite } from '../transfer/revocable.ts'
import { certificateAt } from '../transfer/revocation/seed-stage.ts'
import { stockNotation } from './notation.ts'

/** What the verbs lay down for a tag, judged by notation's own command line, which knows nothing of tombstones. */
describe('peers: the signature of a tombstone', function () {
  this.timeout(120_000)
  let notation: string
  let ca: Certificates
  let site: RevocableSite
  let home: string
  let policy: string

  before(async function () {
    notation = stockNotation(this)
    const now = new Date()
    ca = new Certificates()
    await ca.init({ dir: ca.path('ca'), now: new Date(now.getTime() - 86_400_000) })
    home = ca.path('home')
    policy = join(home, '.config/notation')
    const from = join(authority(), 'root/certificate.crt')
    const fingerprints = [`sha256:${certificateAt(authority(), 'root').sha256}`]
    await trustStoreAdd({ policy, kind: 'ca', name: 'site', bytes: readFileSync(from), from, fingerprints, now })
    const statement = { name: 'tombstones', scopes: ['*'], stores: ['ca:site'], identities: ['*'] }
    await trustPolicyAdd({ policy, ...statement, level: 'permissive', revocation: 'skip' })
  })
  after(() => ca?.close())
  beforeEach(async () => {
    site = await RevocableSite.make()
    site.policy = site.vendor.policy(site.path('policy'), {
      'policy.yaml': 'version: 1\nrevocation:\n  measure: retag\n',
    })
  })
  afterEach(() => site?.close())

  const authority = (): string => join(ca.dir, '1-ca')

  async function sealBy(format: 'jws' | 'cose'): Promise<SealOptions> {
    const folder = join(authority(), 'signer')
    const files = { key: join(folder, 'key.pem'), chain: join(folder, 'chain.crt'), passphrase: says(CA_PASSPHRASE) }
    return { signer: await openSigner(files), format }
  }

  /** Revokes the signer of what a tag names, and judges again. */
  async function buried(seal?: SealOptions): Promise<NonNullable<MeasureOutcome['tombstone']>> {
    const bad = await site.admit([7])
    await site.ward.tag(bad, '1.0')
    await site.take(site.vendor.list(2, { 7: 1 }))
    await site.ward.pause()
    const terms = { state: site.ward.stateDir, to: site.ward.to, policy: site.policy, registry: {}, now: new Date() }
    const { rejudged } = await judgeAgain({ ...terms, seal })
    await site.ward.resume()
    const measure = rejudged?.artifacts[0]?.measure
    assert.deepEqual([measure?.measure, measure?.outcome], ['retag', 'done'])
    const tombstone = measure?.tombstone ?? assert.fail()
    assert.equal(await site.ward.named('1.0'), tombstone.digest)
    return tombstone
  }

  function verify(digest: Digest): { status: number | null; said: string } {
    const env = { PATH: process.env['PATH'], HOME: home, NOTATION_EXPERIMENTAL: '1' }
    const reference = `${site.ward.to.slice('oci:'.length)}@${digest}`
    const args = ['verify', '--oci-layout', reference, '--scope', 'local/site']
    const { status, stdout, stderr } = spawnSync(notation, args, { env, encoding: 'utf8' })
    return { status, said: stdout + stderr }
  }

  for (const format of ['jws', 'cose'] as const)
    it(`is verified by notation and by us, as ${format}`, async () => {
      const tombstone = await buried(await sealBy(format))
      assert.ok(tombstone.signature)
      const theirs = verify(tombstone.digest)
      assert.deepEqual([theirs.status, /Successfully verified/.test(theirs.said)], [0, true], theirs.said)
      const ours = await checkAt(`${site.ward.to}@${tombstone.digest}`, policy, {
        scope: 'local/site',
        now: new Date(),
      })
      // A tombstone is no artifact to be used, whoever signed it.
      assert.deepEqual([ours.verdict, ours.code], ['rejected', 'ARTIFACT_QUARANTINED'])
      assert.deepEqual(
        ours.signatures.map(({ manifest, verdict }) => [manifest, verdict]),
        [[tombstone.signature, 'trusted']],
      )
    })

  it('is missing where no key was named, and nobody verifies it then', async () => {
    const tombstone = await buried()
    assert.equal(tombstone.signature, null)
    assert.notEqual(verify(tombstone.digest).status, 0)
    const ours = await checkAt(`${site.ward.to}@${tombstone.digest}`, policy, { scope: 'local/site', now: new Date() })
    assert.deepEqual(ours.signatures, [])
  })
})
