/** A run for one prefix of a registry leaves alone what lies below another, and a policy that forgot a repository takes nothing away. */
import assert from 'node:assert/strict'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import { rejudgeSite } from '../../../src/transfer/rejudge/site-rejudge.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { policyText, statement } from '../policies.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'
import { PATH } from '../ward.ts'

describe('transfer/rejudge/prefix', () => {
  const registry = suiteRegistry({ deletes: true })
  let site: RevocableSite

  beforeEach(async () => (site = await RevocableSite.make(`${registry().host}/mirror`)))
  afterEach(() => site?.close())

  /** A policy of another prefix alone, which takes away what it does not trust. */
  const elsewhere = (): string =>
    site.vendor.policy(site.path('policy'), {
      'trustpolicy.json': policyText(
        statement({ registryScopes: [`${registry().host}/other/app`], signatureVerification: { level: 'strict' } }),
      ),
      'policy.yaml': 'version: 1\nrevocation:\n  measure: remove\n',
    })

  it('judges nothing below another prefix, and says that it is left', async () => {
    const good = await site.admit([1])
    const material = openPolicy(elsewhere())
    const other = openPlace(`${registry().host}/other`, { plainHttp: true })
    await site.take(site.vendor.list(2, { 1: 1 }))
    const report = await rejudgeSite(site.state, other, { now: NOW, material })
    await other.close()
    assert.deepEqual([report?.artifacts, report?.elsewhere, report?.complete], [[], 1, false])
    assert.equal((await site.ward.target.resolve(good.descriptor.digest))?.digest, good.descriptor.digest)
    // Its own run finds it.
    const own = await site.rejudge()
    assert.deepEqual(
      own?.artifacts.map(({ path, verdict }) => [path, verdict]),
      [[PATH, 'rejected']],
    )
  })

  it('only reports what no policy speaks for any more', async () => {
    const good = await site.admit([1])
    const report = await rejudgeSite(site.state, site.ward.place, { now: NOW, material: openPolicy(elsewhere()) })
    assert.deepEqual(
      report?.artifacts.map(({ code, measure }) => [code, measure?.measure, measure?.reachable]),
      [['POLICY_MISSING', 'report', true]],
    )
    assert.equal((await site.ward.target.resolve(good.descriptor.digest))?.digest, good.descriptor.digest)
    // And once: nothing changed since, however strong the measure that the policy asks for against others.
    const again = await rejudgeSite(site.state, site.ward.place, { now: NOW, material: openPolicy(elsewhere()) })
    assert.equal(again, null)
    // A policy that speaks again finds it, whatever stands against it.
    await site.take(site.vendor.list(2, { 1: 1 }))
    const own = await site.rejudge()
    assert.deepEqual(
      own?.artifacts.map(({ code, measure }) => [code, measure === null]),
      [['CERTIFICATE_REVOKED', false]],
    )
  })
})
