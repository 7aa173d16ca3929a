import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCertificates } from '../../src/signature/index.ts'
import { Certificates } from '../transfer/ca/certificates.ts'
import { hoursLater } from '../transfer/stage.ts'
import { NotationJudge, type GoList } from './notation.ts'

/** What Go's crypto/x509 says of the lists that `ca crl` signs. */
describe('peers: revocation lists in Go', function () {
  this.timeout(60_000)
  let ca: Certificates
  let judge: NotationJudge
  before(async function () {
    judge = NotationJudge.start(this)
    ca = new Certificates()
  })
  after(() => {
    judge?.stop()
    ca?.close()
  })

  function file(dir: string, name: string): string {
    return join(dir, name)
  }

  function read(dir: string, list: string, issuer = 'issuing'): Promise<GoList> {
    return judge.readList(readFileSync(file(dir, list)), file(dir, `${issuer}/certificate.crt`))
  }

  for (const algorithm of ['ES256', 'ES384', 'ES512', 'PS256'] as const)
    it(`reads lists of ${algorithm} as they were meant, and takes them for the issuer's alone`, async () => {
      const dir = ca.path(algorithm)
      await ca.init({ dir, algorithm, crlUrl: 'http://crl.acme.example/' })
      const serial = parseCertificates(readFileSync(file(dir, 'signer/chain.crt')))[0]?.serial ?? ''
      await ca.revoke({ dir, reason: 'certificateHold' })
      await ca.crl({ dir, deltaUrl: 'http://crl.acme.example/delta.crl', days: 5 })
      await ca.revoke({ dir, invalidity: hoursLater(-24), now: hoursLater(1) })
      await ca.crl({ dir, delta: true, now: hoursLater(1) })

      const base = await read(dir, 'issuing/lists/1.crl')
      const dates = ['2026-06-01T12:00:00Z', '2026-06-06T12:00:00Z']
      assert.deepEqual([base.ok, base.error, base.number, base.deltaBase], [true, undefined, '1', ''])
      assert.deepEqual([base.thisUpdate, base.nextUpdate], dates)
      assert.deepEqual(base.entries, [{ serial, revoked: dates[0], reason: 6 }])

      const delta = await read(dir, 'issuing/lists/2-delta.crl')
      assert.deepEqual([delta.ok, delta.number, delta.deltaBase], [true, '2', '1'])
      const invalidity = '2026-05-31T12:00:00Z'
      assert.deepEqual(delta.entries, [{ serial, revoked: dates[0], reason: 1, invalidity }])

      // Twins: another issuer, one who is no authority, and a flipped bit.
      assert.equal((await read(dir, 'issuing/lists/1.crl', 'root')).ok, false)
      assert.equal((await read(dir, 'issuing/lists/1.crl', 'signer')).ok, false)
      const bent = readFileSync(file(dir, 'issuing/lists/1.crl'))
      bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
      assert.equal((await judge.readList(bent, file(dir, 'issuing/certificate.crt'))).ok, false)
    })
})
