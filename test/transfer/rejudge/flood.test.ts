/** A heap of signatures on what was revoked, by whoever may push to the target: it shields nothing, and takes nothing away. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import { OCI_MANIFEST, type Descriptor, type Digest } from '../../../src/oci/index.ts'
import { EMPTY_CONFIG as EMPTY_BYTES, SIGNATURE_TYPE, THUMBPRINTS } from '../../../src/signature/index.ts'
import type { RejudgeReport } from '../../../src/transfer/rejudge/report.ts'
import { bodyOf, piece, randomBlob, type Piece } from '../../contract/content.ts'
import { judgeLying } from '../../../src/transfer/verdict/judge-lying.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'

const JWS = 'application/jose+json'
const MIB = 1024 * 1024

/** `[verdict, code]` of each that was judged again. */
function told(report: RejudgeReport | null): unknown[] {
  return (report?.artifacts ?? []).map(({ verdict, code }) => [verdict, code])
}

describe('transfer/rejudge/flood', function () {
  this.timeout(240_000)
  let site: RevocableSite
  beforeEach(async () => (site = await RevocableSite.make()))
  afterEach(() => site?.close())

  const revoke = (number: number, entries: Readonly<Record<number, number>>): Promise<void> =>
    site.take(site.vendor.list(number, entries))

  const listed = async ({ descriptor }: Piece): Promise<Digest[]> =>
    (await site.ward.target.referrers(descriptor.digest)).map(({ digest }) => digest)

  /** Manifests that call the blob an envelope by the vendor's root, all before `behind` in the order of digests. */
  function heap(subject: Descriptor, blob: Descriptor, count: number, behind: string): Piece[] {
    const made: Piece[] = []
    for (let i = 0; made.length < count && i < 500_000; i += 1) {
      const one = piece(
        OCI_MANIFEST,
        JSON.stringify({
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          config: { mediaType: SIGNATURE_TYPE, digest: piece('', EMPTY_BYTES).descriptor.digest, size: 2 },
          layers: [{ ...blob, mediaType: JWS }],
          subject,
          annotations: { [THUMBPRINTS]: JSON.stringify([site.vendor.authority.certificate.sha256]), i: String(i) },
        }),
      )
      if (one.descriptor.digest < behind) made.push(one)
    }
    assert.equal(made.length, count)
    return made
  }

  async function flood(made: Piece, count: number, blob = randomBlob(100)): Promise<void> {
    const { target } = site.ward
    const [genuine = ''] = (await listed(made)).toSorted()
    const junk = heap(made.descriptor, blob.descriptor, count, genuine)
    await target.pushBlob(blob.descriptor, bodyOf(blob.bytes, MIB))
    for (const { descriptor, bytes } of junk) await target.pushManifest(descriptor, bytes)
    await target.listReferrers(
      made.descriptor,
      junk.map(({ descriptor }) => descriptor),
    )
  }

  for (const count of [150, 1_000])
    it(`#7 rejects a revoked artifact behind ${count} signatures more`, async () => {
      const bad = await site.admit([1])
      await flood(bad, count)
      await revoke(2, { 1: 1 })
      const applied: string[] = []
      const apply = async ({ digest }: { digest: string }) => {
        applied.push(digest)
        return { measure: 'remove', outcome: 'done', detail: '', reachable: false } as const
      }
      const report = await site.rejudgeWith({ apply, measure: 'remove' })
      assert.deepEqual(told(report), [['rejected', 'CERTIFICATE_REVOKED']])
      assert.deepEqual(applied, [bad.descriptor.digest])
      const row = await site.state.verdictOf(site.ward.placeOf(bad.descriptor))
      assert.deepEqual([row?.verdict, row?.why], ['rejected', 'CERTIFICATE_REVOKED'])
    })

  it('#7 rejects what is denied by its signer behind a heap', async () => {
    const bad = await site.admit([1])
    await flood(bad, 150)
    const signer = site.vendor.signer(1).chain[0]?.spkiSha256
    const since = '2026-05-20T00:00:00Z'
    await site.state.addDenials([{ artifact: bad.descriptor.digest, signer, reason: 'lost', since }], null)
    assert.deepEqual(told(await site.rejudge()), [['rejected', 'SIGNATURE_DENIED']])
  })

  it('#7 rejects a revoked artifact whose signature was taken away, or whose list was broken, beside a heap', async () => {
    const [gone, broken] = [await site.admit([1]), await site.admit([1])]
    const { target } = site.ward
    const [signature] = await listed(gone)
    assert.ok(signature)
    await flood(gone, 150)
    rmSync(join(site.ward.dir, 'layout', 'blobs', ...signature.split(':')))
    const referrers = target.referrers.bind(target)
    target.referrers = async (digest) => {
      if (digest !== broken.descriptor.digest) return referrers(digest)
      throw new SallyportError('MANIFEST_MALFORMED', { side: 'target', subject: digest })
    }
    await revoke(2, { 1: 1 })
    assert.deepEqual(told(await site.rejudge()), [
      ['rejected', 'CERTIFICATE_REVOKED'],
      ['rejected', 'CERTIFICATE_REVOKED'],
    ])
  })

  it('keeps what a second signature makes trusted, wherever it lies in the heap', async () => {
    for (const count of [150, 1_000]) {
      const both = await site.admit([1, 2])
      await flood(both, count)
      assert.equal(await site.judge(both), 'trusted')
    }
    await revoke(2, { 1: 1 })
    assert.deepEqual(told(await site.rejudge()), [
      ['trusted', undefined],
      ['trusted', undefined],
    ])
  })

  it('keeps what was not revoked from being rejected by large envelopes, and leaves it undecided', async () => {
    const made = await site.admit([1])
    await flood(made, 4, randomBlob(32 * MIB))
    // Known here, so that it is read first.
    assert.equal(await site.judge(made), 'trusted')
    const second = await site.ward.image()
    await site.sign(second, site.vendor.signer(2))
    await flood(second, 4, randomBlob(32 * MIB))
    assert.equal(await site.judge(second), 'inconclusive')
  })

  it('asks for room before envelopes are held, up to 128 MiB', async () => {
    const made = await site.admit([1, 2])
    const { state, place, target } = site.ward
    const judge = judgeLying(state, place, openPolicy(site.policy), { now: NOW })
    const asked: number[] = []
    const hold = async (bytes: number): Promise<void> => void asked.push(bytes)
    await judge(site.ward.placeOf(made.descriptor), target, hold)
    await flood(made, 3, randomBlob(20 * MIB))
    await judge(site.ward.placeOf(made.descriptor), target, hold)
    const [small = 0, large = 0] = asked
    assert.ok(small > 1_000 && small < 20_000, String(small))
    assert.equal(large, small + 60 * MIB)
    await flood(made, 5, randomBlob(32 * MIB))
    await judge(site.ward.placeOf(made.descriptor), target, hold)
    assert.equal(asked[2], 128 * MIB)
  })

  it('takes nothing away for a policy that asks more where a heap keeps it from being looked into', async () => {
    const made = await site.admit([1])
    await flood(made, 150)
    const asksMore = `version: 1\nrevocation:\n  mustHave: ['${site.vendor.authority.certificate.spkiSha256}']\n`
    site.policy = site.vendor.policy(site.path('policy'), { 'policy.yaml': asksMore })
    const late = new Date('2026-07-15T00:00:00Z')
    assert.deepEqual(
      told(await site.rejudge({ now: late })).map((one) => (one as string[])[0]),
      ['inconclusive'],
    )
  })
})
