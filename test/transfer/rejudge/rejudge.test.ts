/** What is judged again when lists, denials or the policy change: what they touch, and nothing else. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import { digestOf } from '../../../src/oci/index.ts'
import { fallenOf, rejudgeExit, type RejudgeReport } from '../../../src/transfer/rejudge/report.ts'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import type { Piece } from '../../contract/content.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { rejudgeSite } from '../../../src/transfer/rejudge/site-rejudge.ts'
import { pemOf, policyFolder, policyText, rootOf, statement, VENDOR, VENDOR_STORE } from '../policies.ts'
import { PATH, Revocable, RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'
import { BUNDLE } from '../ward.ts'

/** Asks of the vendor what it asked before, in other words. */
const MUST_HAVE = (site: RevocableSite): string =>
  `version: 1\nrevocation:\n  mustHave: ['${site.vendor.authority.certificate.spkiSha256}']\n`
const SINCE = '2026-05-20T00:00:00Z'

/** `[digest, before, verdict, code]` of each that was judged again. */
function told(report: RejudgeReport | null): unknown[][] {
  return (report?.artifacts ?? []).map(({ digest, before, verdict, code }) => [digest, before, verdict, code])
}

function row(made: Piece, before: string, verdict: string, code?: string): unknown[] {
  return [made.descriptor.digest, before, verdict, code]
}

function atTargets(name: string, make: () => Promise<RevocableSite>): void {
  describe(name, () => {
    let site: RevocableSite
    beforeEach(async () => (site = await make()))
    afterEach(() => site?.close())

    const revoke = (number: number, entries: Readonly<Record<number, number>> = {}): Promise<void> =>
      site.take(site.vendor.list(number, entries))

    it('#7 judges what hangs on a revoked serial number, once, and says what can still be pulled', async () => {
      const [bad, good] = [await site.admit([1]), await site.admit([2])]
      assert.deepEqual([site.verdictOf(bad), site.verdictOf(good)], ['trusted', 'trusted'])
      assert.equal(await site.rejudge(), null)
      await revoke(2, { 1: 1 })
      const report = await site.rejudge()
      assert.deepEqual(told(report), [row(bad, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
      assert.deepEqual([report?.known, report?.signatures, report?.elsewhere, report?.complete], [2, 1, 0, true])
      assert.deepEqual(report?.artifacts[0]?.because, ['certificate 1 of CN=signer 1,O=acme,ST=WA,C=US'])
      assert.deepEqual(report?.artifacts[0]?.tags, ['v1'])
      const { measure, outcome, reachable } = report?.artifacts[0]?.measure ?? assert.fail()
      assert.deepEqual([measure, outcome, reachable], ['report', 'done', true])
      assert.deepEqual([rejudgeExit(report), fallenOf(report ?? assert.fail()).length], [14, 1])
      assert.deepEqual([site.verdictOf(bad), site.verdictOf(good)], ['rejected', 'trusted'])
      assert.deepEqual([site.state.pending().lists, await site.rejudge()], [[], null])
      // Another list that says the same touches nobody, and is looked at once.
      await revoke(3, { 1: 1 })
      assert.deepEqual([told(await site.rejudge()), await site.rejudge()], [[], null])
    })

    it('keeps an artifact that another valid signature makes trusted', async () => {
      const both = await site.admit([1, 2])
      await revoke(2, { 1: 1 })
      const report = await site.rejudge()
      assert.deepEqual(told(report), [row(both, 'trusted', 'trusted')])
      assert.deepEqual([rejudgeExit(report), report?.artifacts[0]?.measure], [0, null])
      await revoke(3, { 1: 1, 2: 1 })
      assert.deepEqual(told(await site.rejudge()), [row(both, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
    })

    it('trusts again when a hold is lifted', async () => {
      const held = await site.admit([1])
      await revoke(2, { 1: 6 })
      assert.deepEqual(told(await site.rejudge()), [row(held, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
      await revoke(3)
      const report = await site.rejudge()
      assert.deepEqual([told(report), rejudgeExit(report)], [[row(held, 'rejected', 'trusted')], 0])
      assert.equal(site.verdictOf(held), 'trusted')
    })

    it('reports what can not be decided, takes no measure, and decides with the next list', async () => {
      const made = await site.admit([1])
      const late = new Date('2026-07-15T00:00:00Z')
      // A policy that asks anew finds the list stale.
      site.policy = site.vendor.policy(site.path('policy'), { 'policy.yaml': MUST_HAVE(site) })
      const report = await site.rejudge({ now: late })
      assert.deepEqual(told(report), [row(made, 'trusted', 'inconclusive', report?.artifacts[0]?.code)])
      assert.deepEqual([rejudgeExit(report), report?.artifacts[0]?.measure], [16, null])
      assert.equal(await site.rejudge({ now: late }), null)
      // It says of the certificate what the one before said: nothing.
      await revoke(2)
      assert.deepEqual(told(await site.rejudge()), [row(made, 'inconclusive', 'trusted')])
    })

    it('takes the measure that a kill, or a refusal at the door, left', async () => {
      const bad = await site.admit([1])
      await revoke(2, { 1: 1 })
      // As an import has it that refuses the artifact at the door while it lies behind it.
      assert.equal(await site.judge(bad), 'rejected')
      const applied: string[] = []
      const apply = async ({ digest }: { digest: string }) => {
        applied.push(digest)
        return { measure: 'report', outcome: 'failed', detail: 'x', reachable: true } as const
      }
      const report = await site.rejudgeWith({ apply })
      assert.deepEqual(told(report), [row(bad, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
      assert.deepEqual([report?.artifacts[0]?.because, report?.signatures], [['verdict'], 1])
      assert.equal(rejudgeExit(report), 14)
      // Nothing journaled that something was done: it is taken again, and once it is done no more.
      assert.equal(rejudgeExit(await site.rejudgeWith({ apply })), 14)
      assert.deepEqual(applied, [bad.descriptor.digest, bad.descriptor.digest])
      assert.equal((await site.rejudge())?.artifacts[0]?.measure?.outcome, 'done')
      assert.equal(await site.rejudge(), null)
      // A stronger measure, which the policy asks for by now.
      assert.deepEqual(told(await site.rejudgeWith({ apply, measure: 'remove' })), [
        row(bad, 'rejected', 'rejected', 'CERTIFICATE_REVOKED'),
      ])
    })

    it('takes a measure again that failed, or that was taken before it was let in again', async () => {
      const held = await site.admit([1])
      const { digest } = held.descriptor
      const row = { ...site.ward.placeOf(held.descriptor), measure: 'report', tags: [], detail: 'x' } as const
      const applied: string[] = []
      const apply = async (one: { digest: string }) => {
        applied.push(one.digest)
        return { measure: 'report', outcome: 'done', detail: '', reachable: true } as const
      }
      await site.state.recordQuarantine({ ...row, outcome: 'done' })
      await revoke(2, { 1: 6 })
      assert.equal(await site.judge(held), 'rejected')
      await site.rejudgeWith({ apply })
      await site.state.recordQuarantine({ ...row, outcome: 'failed' })
      await site.rejudgeWith({ apply })
      await site.state.recordQuarantine({ ...row, outcome: 'done' })
      await site.rejudgeWith({ apply })
      assert.deepEqual(applied, [digest, digest])
    })

    it('leaves out what was never let in, and does not look twice for what is gone', async () => {
      await revoke(2, { 5: 6 })
      const refused = await site.ward.image()
      await site.sign(refused, site.vendor.signer(5))
      assert.equal(await site.judge(refused), 'rejected')
      const gone = await site.ward.image()
      await site.sign(gone, site.vendor.signer(1))
      await site.judge(gone)
      await site.ward.target.deleteManifest(gone.descriptor.digest)
      // The hold ends, too: it was never let in, and is not looked for.
      await revoke(3, { 1: 1 })
      const report = await site.rejudge()
      assert.deepEqual([told(report), rejudgeExit(report)], [[row(gone, 'trusted', 'absent')], 0])
      assert.equal(await site.rejudge(), null)
    })

    it('goes by denials alone without a policy, and leaves lists to a run with one', async () => {
      const [denied, other] = [await site.admit([1]), await site.admit([2])]
      await revoke(2, { 2: 1 })
      await site.state.addDenials([{ artifact: denied.descriptor.digest, reason: 'CVE', since: SINCE }], null)
      const report = await site.rejudge({ policy: undefined })
      assert.deepEqual(told(report), [row(denied, 'trusted', 'rejected', 'ARTIFACT_DENIED')])
      assert.deepEqual([report?.complete, report?.signatures, rejudgeExit(report)], [false, 0, 14])
      assert.deepEqual(told(await site.rejudge()), [row(other, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
    })

    it('finds what is denied within an index, and one signer of an artifact', async () => {
      const child = await site.ward.image()
      const index = await site.ward.index(child)
      await site.sign(index, site.vendor.signer(1))
      await site.judge(index)
      const { target, path, digest } = site.ward.placeOf(index.descriptor)
      const recorded = (await site.state.verdictOf({ target, path, digest })) ?? assert.fail()
      const { n: _n, time: _time, ...verdict } = recorded
      await site.state.recordVerdicts([{ ...verdict, within: [child.descriptor.digest] }])
      const twice = await site.admit([3, 4])
      const spki = site.vendor.signer(3).chain[0]?.spkiSha256
      await site.state.addDenials(
        [
          { artifact: child.descriptor.digest, reason: 'CVE', since: SINCE },
          { artifact: twice.descriptor.digest, signer: spki, reason: 'by mistake', since: SINCE },
        ],
        null,
      )
      const report = await site.rejudge()
      assert.deepEqual(told(report)[0], row(index, 'trusted', 'rejected', 'ARTIFACT_DENIED'))
      // All signers of this vendor have one key: both signatures are denied.
      assert.deepEqual(told(report)[1], row(twice, 'trusted', 'rejected', 'SIGNATURE_DENIED'))
    })

    it('finds what is denied within an index that another bundle brought with fewer platforms since', async () => {
      const child = await site.ward.image()
      const index = await site.admit([1], await site.ward.index(child, await site.ward.image()))
      const { target, path, digest } = site.ward.placeOf(index.descriptor)
      const row = { id: BUNDLE, repository: path, target, path, digest, tags: [], why: 'CHANNEL' }
      for (const within of [[child.descriptor.digest], []])
        await site.state.recordVerdicts([{ ...row, verdict: 'trusted', within }])
      await site.state.addDenials([{ artifact: child.descriptor.digest, reason: 'CVE', since: SINCE }], null)
      const report = await site.rejudge({ policy: undefined })
      assert.deepEqual(told(report), [[digest, 'trusted', 'rejected', 'ARTIFACT_DENIED']])
    })

    it('finds what is denied by its other hash', async () => {
      const [denied] = [await site.admit([1]), await site.admit([2])]
      await site.state.addDenials([{ artifact: digestOf(denied.bytes, 'sha512'), reason: 'CVE', since: SINCE }], null)
      for (const policy of [undefined, site.policy])
        if (policy === undefined)
          assert.deepEqual(told(await site.rejudge({ policy })), [
            row(denied, 'trusted', 'rejected', 'ARTIFACT_DENIED'),
          ])
        else assert.deepEqual(told(await site.rejudge({ policy })), [])
      assert.equal(await site.rejudge(), null)
    })

    it('finds what is denied within an index by its other hash, whichever that is', async () => {
      const [one, two] = [await site.ward.image(), await site.ward.image()]
      const made = [await site.admit([1], await site.ward.index(one))]
      const denied = [digestOf(one.bytes, 'sha512')]
      // The registry takes no manifest by sha512.
      if (site.ward.to.startsWith('oci:')) {
        const other = { ...two, descriptor: { ...two.descriptor, digest: digestOf(two.bytes, 'sha512') } }
        await site.ward.push(other)
        const mixed = await site.admit([2], await site.ward.index(other))
        const recorded = (await site.state.verdictOf(site.ward.placeOf(mixed.descriptor))) ?? assert.fail()
        const { n: _n, time: _time, ...verdict } = recorded
        await site.state.recordVerdicts([{ ...verdict, within: [other.descriptor.digest] }])
        made.push(mixed)
        denied.push(two.descriptor.digest)
      }
      await site.state.addDenials(
        denied.map((artifact) => ({ artifact, reason: 'CVE', since: SINCE })),
        null,
      )
      const found = told(await site.rejudge({ policy: undefined }))
      const wanted = made.map((index) => row(index, 'trusted', 'rejected', 'ARTIFACT_DENIED'))
      assert.deepEqual(new Set(found.map(String)), new Set(wanted.map(String)))
    })

    it('judges by another policy only where it asks something else, or an anchor is gone', async () => {
      const made = await site.admit([1])
      const more = pemOf(site.vendor.authority.certificate, rootOf(VENDOR))
      site.policy = site.vendor.policy(site.path('policy'), { 'truststore/x509/ca/other/root.crt': more })
      assert.equal(await site.rejudge(), null)
      site.policy = site.vendor.policy(site.path('policy'), { [VENDOR_STORE]: pemOf(rootOf(VENDOR)) })
      const report = await site.rejudge()
      assert.deepEqual(told(report)[0]?.slice(0, 3), [made.descriptor.digest, 'trusted', 'rejected'])
      assert.equal(rejudgeExit(report), 13)
      assert.equal(await site.rejudge(), null)
      site.policy = site.vendor.policy(site.path('policy'))
      assert.deepEqual(told(await site.rejudge()), [row(made, 'rejected', 'trusted')])
      const elsewhere = statement({ name: 'x', registryScopes: ['registry.example/elsewhere'] })
      const strict = statement({ signatureVerification: { level: 'strict' } })
      site.policy = site.vendor.policy(site.path('policy'), { 'trustpolicy.json': policyText(strict, elsewhere) })
      assert.equal(await site.rejudge(), null)
    })

    it('judges again what met a statement by an anchor that only another statement names any more', async () => {
      const second = new Revocable()
      const [ours, theirs] = [pemOf(site.vendor.authority.certificate), pemOf(second.authority.certificate)]
      const one = (name: string, trustStores: string[]): object =>
        statement({ name, registryScopes: [`local/${name}`], trustStores })
      const policy = (files: Readonly<Record<string, string>>): string =>
        policyFolder(site.path('policy'), {
          'trustpolicy.json': policyText(one('one', ['ca:vendor', 'ca:more']), one('two', ['ca:two'])),
          'policy.yaml': `version: 1
scopes: [{ scope: '${site.ward.place.scope(PATH)}', require: { allOf: [a, b] } }]
statements: { a: { notation: one }, b: { notation: two } }
`,
          [VENDOR_STORE]: ours,
          'truststore/x509/ca/more/root.crt': pemOf(rootOf(VENDOR)),
          'truststore/x509/ca/two/root.crt': ours + theirs,
          ...files,
        })
      site.policy = policy({})
      const made = await site.ward.image()
      await site.sign(made, second.signer(1))
      await site.admit([1], made)
      assert.equal(site.verdictOf(made), 'trusted')
      site.policy = policy({ 'truststore/x509/ca/further/root.crt': theirs })
      assert.equal(await site.rejudge(), null)
      const back = site.policy
      for (const [store, left] of [
        // Of all anchors of the scope none is gone, and yet nobody can meet `a`.
        [VENDOR_STORE, pemOf(rootOf(VENDOR))],
        ['truststore/x509/ca/more/root.crt', ''],
      ] as const) {
        site.policy = policy({ [store]: left })
        if (left === '') rmSync(join(site.policy, store))
        assert.deepEqual(told(await site.rejudge())[0]?.slice(0, 3), [made.descriptor.digest, 'trusted', 'rejected'])
        site.policy = back
        assert.deepEqual(told(await site.rejudge()), [row(made, 'rejected', 'trusted')])
      }
    })

    it('goes on past an artifact that can not be read, which is undecided then', async () => {
      const [bad, unreadable] = [await site.admit([1]), await site.admit([2])]
      // A hold may end: what can't be read is not taken away for it.
      await revoke(2, { 1: 1, 2: 6 })
      const { place } = site.ward
      const target = place.at(PATH)
      const [referrers, manifest] = [target.referrers.bind(target), target.manifest.bind(target)]
      const [signature] = await referrers(unreadable.descriptor.digest)
      target.referrers = async (digest) => {
        if (digest !== unreadable.descriptor.digest) return referrers(digest)
        throw new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: digest })
      }
      target.manifest = async (descriptor) => {
        if (descriptor.digest !== signature?.digest) return manifest(descriptor)
        throw new SallyportError('MANIFEST_MISSING', { side: 'source', subject: descriptor.digest })
      }
      const report = await site.rejudge()
      assert.deepEqual(
        new Set(told(report).map(String)),
        new Set(
          [
            row(bad, 'trusted', 'rejected', 'CERTIFICATE_REVOKED'),
            row(unreadable, 'trusted', 'inconclusive', 'LIMIT_EXCEEDED'),
          ].map(String),
        ),
      )
      assert.deepEqual([rejudgeExit(report), report?.complete], [14, true])
      Object.assign(target, { referrers, manifest })
      // The next list of its issuer, whatever it says.
      await revoke(3, { 1: 1, 2: 1 })
      assert.deepEqual(told(await site.rejudge()), [row(unreadable, 'inconclusive', 'rejected', 'CERTIFICATE_REVOKED')])
    })

    it('leaves what lies at another target to a run for that one', async () => {
      const made = await site.admit([1])
      const place = openPlace(`oci:${site.path('layout')}`, {})
      try {
        const here = await site.state.verdictOf(site.ward.placeOf(made.descriptor))
        assert.ok(here)
        const { n: _n, time: _time, ...verdict } = here
        await site.state.recordVerdicts([{ ...verdict, target: place.name }])
        await revoke(2, { 1: 1 })
        const report = await site.rejudge()
        assert.deepEqual(told(report), [row(made, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
        assert.deepEqual([report?.known, report?.elsewhere, report?.complete], [1, 1, false])
        assert.equal(site.state.pending().lists.length, 1)
        const there = await rejudgeSite(site.state, place, { now: NOW, material: openPolicy(site.policy) })
        assert.deepEqual(told(there), [row(made, 'trusted', 'absent')])
        assert.deepEqual([there?.elsewhere, there?.complete], [0, true])
        assert.deepEqual([await site.rejudge(), site.state.pending().lists], [null, []])
      } finally {
        await place.close()
      }
    })

    it('leaves what a target could not be asked about to the next run', async () => {
      const made = await site.admit([1])
      await revoke(2, { 1: 1 })
      const target = site.ward.place.at(PATH)
      const resolve = target.resolve.bind(target)
      target.resolve = async (digest) => {
        throw new SallyportError('REGISTRY_UNREACHABLE', { side: 'target', subject: digest })
      }
      const report = await site.rejudge()
      assert.deepEqual(told(report), [row(made, 'trusted', 'unasked', 'REGISTRY_UNREACHABLE')])
      assert.deepEqual([report?.complete, rejudgeExit(report), site.verdictOf(made)], [false, 21, 'trusted'])
      target.resolve = resolve
      assert.deepEqual(told(await site.rejudge()), [row(made, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
    })

    it('judges again what the channel alone was asked about behind the list', async () => {
      const made = await site.admit([1])
      const recorded = (await site.state.verdictOf(site.ward.placeOf(made.descriptor))) ?? assert.fail()
      await revoke(2, { 1: 1 })
      const { id, repository, digest, target, path } = recorded
      await site.state.recordVerdicts([{ id, repository, digest, target, path, verdict: 'trusted', why: 'CHANNEL' }])
      assert.deepEqual(told(await site.rejudge()), [row(made, 'trusted', 'rejected', 'CERTIFICATE_REVOKED')])
    })
  })
}

describe('transfer/rejudge/rejudge', function () {
  this.timeout(120_000)

  atTargets('in a layout', () => RevocableSite.make())

  describe('at a registry', () => {
    const registry = suiteRegistry({ deletes: true })
    atTargets('that deletes', () => RevocableSite.make(`${registry().host}/mirror`))
  })
})
