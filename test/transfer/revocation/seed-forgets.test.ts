/** Lists that notation is not given, since by them alone it would take a certificate for good that is revoked here. */
import assert from 'node:assert/strict'
import { KeptEntries, KeptWriter } from '../../../src/revocation/kept.ts'
import { revocationSeed, type RevocationSeedReport } from '../../../src/transfer/index.ts'
import { Certificates } from '../ca/certificates.ts'
import { certificateAt, knownCertificate, provenList, siteWith, take, write } from './seed-stage.ts'
import { hoursLater, NOW } from '../stage.ts'

const ISSUING = 'http://crl.acme.example/issuing.crl'
const DELTA = 'http://crl.acme.example/delta.crl'

describe('transfer/revocation/seed: lists that forget', function () {
  this.timeout(60_000)
  let ca: Certificates
  let dir: string
  before(async () => {
    ca = new Certificates()
    dir = ca.path('ca')
    await ca.init({ dir, crlUrl: 'http://crl.acme.example/' })
    await ca.crl({ dir })
  })
  after(() => ca.close())

  const whole = () => provenList(dir, 'issuing', '1.crl', ISSUING)

  async function site(...lists: ReturnType<typeof whole>[]): Promise<{ state: string; cache: string }> {
    const state = ca.path('state')
    await siteWith(state, lists, hoursLater(3))
    return { state, cache: ca.path('notation') }
  }

  function seed(at: { state: string; cache: string }): Promise<RevocationSeedReport> {
    return revocationSeed({ config: at.cache, now: hoursLater(3), ...at })
  }

  function told({ lists }: RevocationSeedReport): string[] {
    return lists.map(({ url, outcome, fault: why, number, delta: changes }) =>
      [url.slice(24), outcome, number, changes, why].join(' ').trim(),
    )
  }

  it('leaves out a list that forgets a certificate which an earlier one revoked for good', async () => {
    const { serial } = certificateAt(dir, 'signer')
    const writer = new KeptWriter()
    writer.add({ serial, number: '0', revoked: NOW, reason: 1 })
    const at = await site({ ...whole(), kept: writer.finish().bytes })
    assert.deepEqual(told(await seed(at)), ['issuing.crl written 1'])
    await write(at.state, hoursLater(3), (open) => open.knowCertificates([knownCertificate(dir, 'signer', 'issuing')]))
    assert.deepEqual(told(await seed(at)), ['issuing.crl removed 1  forgets a certificate'])
    const none = await site({ ...whole(), kept: new KeptEntries().bytes })
    await write(none.state, hoursLater(3), (open) =>
      open.knowCertificates([knownCertificate(dir, 'signer', 'issuing')]),
    )
    assert.deepEqual(told(await seed(none)), ['issuing.crl written 1'])
  })

  it('leaves out a list that forgets an expired certificate, whose timestamped signatures notation would take', async () => {
    const expired = { ...knownCertificate(dir, 'signer', 'issuing'), notAfter: '2026-06-01T00:00:00Z' }
    const writer = new KeptWriter()
    writer.add({ serial: expired.serial, number: '0', revoked: NOW, reason: 1 })
    const at = await site({ ...whole(), kept: writer.finish().bytes })
    await write(at.state, hoursLater(3), (open) => open.knowCertificates([expired]))
    assert.deepEqual(told(await seed(at)), ['issuing.crl left out 1  forgets a certificate'])
  })

  it('leaves out a list when that of another address revokes a certificate for good', async () => {
    const third = ca.path('third')
    await ca.init({ dir: third, crlUrl: 'http://crl.acme.example/' })
    await ca.crl({ dir: third })
    await ca.revoke({ dir: third, now: hoursLater(1) })
    await ca.crl({ dir: third, now: hoursLater(2) })
    const at = await site(provenList(third, 'issuing', '1.crl', ISSUING))
    const known = knownCertificate(third, 'signer', 'issuing')
    await write(at.state, hoursLater(3), (open) => open.knowCertificates([known]))
    assert.deepEqual(told(await seed(at)), ['issuing.crl written 1'])
    await take(at.state, [provenList(third, 'issuing', '2.crl', `${ISSUING}?mirror`)], hoursLater(3))
    const [own, other] = told(await seed(at))
    assert.deepEqual(
      [own, other?.startsWith('issuing.crl?mirror written 2')],
      ['issuing.crl removed 1  forgets a certificate', true],
    )
  })

  it('leaves out a list when a delta that notation is not given alone revokes a certificate for good', async () => {
    const second = ca.path('second')
    await ca.init({ dir: second, crlUrl: 'http://crl.acme.example/' })
    await ca.crl({ dir: second, deltaUrl: DELTA })
    await ca.crl({ dir: second, delta: true, now: hoursLater(1) })
    await ca.revoke({ dir: second, now: hoursLater(1) })
    await ca.crl({ dir: second, delta: true, now: hoursLater(2) })
    const [list, silent] = [['1.crl', ISSUING] as const, ['2-delta.crl', DELTA] as const]
    const lists = [list, silent].map(([file, url]) => provenList(second, 'issuing', file, url))
    const at = await site(...lists)
    const known = knownCertificate(second, 'signer', 'issuing')
    await write(at.state, hoursLater(3), (open) => open.knowCertificates([known]))
    assert.deepEqual(told(await seed(at)), ['issuing.crl written 1 2'])
    await take(at.state, [provenList(second, 'issuing', '3-delta.crl', `${DELTA}?mirror`)], hoursLater(3))
    assert.deepEqual(told(await seed(at)), ['issuing.crl removed 1 2 forgets a certificate'])
  })
})
