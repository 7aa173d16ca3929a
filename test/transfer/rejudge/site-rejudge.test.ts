/** What `remove` leaves and takes where artifacts share manifests, from the verdicts on. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { policyText, statement } from '../policies.ts'
import type { Piece } from '../../contract/content.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { PATH, RevocableSite } from '../revocable.ts'

const REMOVE = { 'policy.yaml': 'version: 1\nrevocation: { measure: remove }\n' }

function atTargets(name: string, make: () => Promise<RevocableSite>): void {
  describe(name, () => {
    let site: RevocableSite
    beforeEach(async () => {
      site = await make()
      site.policy = site.vendor.policy(site.path('removing'), REMOVE)
    })
    afterEach(() => site?.close())

    const there = async ({ descriptor }: Piece): Promise<boolean> =>
      (await site.ward.target.resolve(descriptor.digest)) !== undefined
    const revoke = (number: number, ...serials: readonly number[]): Promise<void> =>
      site.take(site.vendor.list(number, Object.fromEntries(serials.map((serial) => [serial, 1]))))
    /** As an import has it that refuses the artifact at the door, and pushes nothing. */
    const refuse = async (made: Piece): Promise<void> => {
      const place = site.ward.placeOf(made.descriptor)
      const { policy, basis } = (await site.state.verdictOf(place)) ?? assert.fail()
      const row = { id: `sha256:${'2'.repeat(64)}`, repository: PATH, verdict: 'rejected', signatures: [] } as const
      await site.state.recordVerdicts([{ ...row, ...place, tags: [], why: 'SIGNATURE_MISSING', policy, basis }])
    }

    it('leaves a trusted image as it is when an index of it is removed, also at the next look', async () => {
      const child = await site.ward.image()
      await site.ward.tag(child, 'child')
      await site.admit([1], child)
      const bad = await site.admit([2], await site.ward.index(child))
      await revoke(2, 2)
      assert.equal((await site.rejudge())?.artifacts[0]?.measure?.outcome, 'done')
      assert.equal(await there(bad), false)
      await revoke(3, 2, 3)
      await site.rejudge()
      assert.equal(await site.judge(child), 'trusted')
      assert.ok(await there(child))
    })

    it('leaves the child of an index that is refused at the door, and trusted where it lies', async () => {
      const child = await site.ward.image()
      const good = await site.admit([1], await site.ward.index(child))
      const bad = await site.admit([2], await site.ward.index(child))
      await refuse(good)
      await revoke(2, 2)
      await site.rejudge()
      assert.deepEqual([site.verdictOf(good), site.verdictOf(bad)], ['trusted', 'rejected'])
      assert.deepEqual([await there(bad), await there(good), await there(child)], [false, true, true])
    })

    it('takes what nothing needs but artifacts that one run rejects, also those that a run before left', async () => {
      const [child, other] = [await site.admit([1]), await site.admit([1])]
      const indexes: Piece[] = []
      for (const one of [child, child, other, other]) indexes.push(await site.ward.index(one))
      for (const one of indexes) await site.admit([1], one)
      const [, , third, fourth] = indexes
      assert.ok(third && fourth)
      await revoke(2, 1)
      for (const one of [other, third, fourth]) await site.judge(one)
      const report = await site.rejudge()
      assert.equal(report?.artifacts.length, 6)
      // A layout lets nothing go that an index of it leads to: there they go with the last index.
      if (!site.ward.to.startsWith('oci:'))
        assert.ok(report.artifacts.every(({ measure }) => measure?.outcome === 'done'))
      for (const one of [...indexes, child, other]) assert.equal(await there(one), false)
    })

    it('leaves the child of what the policy only forgot, when an index that was denied is removed', async () => {
      const child = await site.ward.image()
      const good = await site.admit([1], await site.ward.index(child))
      const bad = await site.admit([1], await site.ward.index(child))
      const { digest } = bad.descriptor
      const denial = { reason: 'CVE', since: '2026-05-20T00:00:00Z' }
      await site.state.addDenials([{ artifact: digest, ...denial }], null)
      const scopes = { registryScopes: ['elsewhere.example/app'], signatureVerification: { level: 'strict' } }
      const policy = site.vendor.policy(join(site.dir, 'forgetful'), {
        'trustpolicy.json': policyText(statement(scopes)),
        ...REMOVE,
      })
      const report = await site.rejudge({ policy })
      assert.deepEqual(report?.artifacts.map(({ code }) => code).toSorted(), ['ARTIFACT_DENIED', 'POLICY_MISSING'])
      assert.deepEqual([await there(bad), await there(good), await there(child)], [false, true, true])
    })
  })
}

describe('transfer/rejudge/site-rejudge', () => {
  atTargets('in a layout', () => RevocableSite.make())

  describe('at a registry', () => {
    const registry = suiteRegistry({ deletes: true })

    atTargets('that deletes', () => RevocableSite.make(registry().host))
  })
})
