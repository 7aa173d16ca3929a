import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCertificates } from '../../../src/signature/index.ts'
import { signerStanding } from '../../../src/transfer/index.ts'
import { sallyport } from '../../cli/program.ts'
import { CA_PASSPHRASE, Certificates } from '../ca/certificates.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'

describe('transfer/status/signer-standing', function () {
  this.timeout(60_000)

  it('tells of a signer whom a list of the site names, and of no other', async () => {
    const site = await RevocableSite.make()
    try {
      await site.take(site.vendor.list(2, { 1: 1 }))
      const said = async (serial: number): Promise<string[]> => {
        const { chain } = site.vendor.signer(serial)
        return (await signerStanding({ chain, state: site.ward.stateDir, now: NOW })).revoked.map(({ by }) => by)
      }
      assert.deepEqual([await said(1), await said(2)], [['state'], []])
    } finally {
      await site.close()
    }
  })

  it('tells of a signer whom the folder of his authority has revoked, and of a place that it could not ask', async () => {
    const ca = new Certificates()
    try {
      const dir = ca.path('ca')
      await ca.init({ dir })
      const chain = parseCertificates(readFileSync(join(dir, 'signer/chain.crt')))
      const ask = (): ReturnType<typeof signerStanding> => signerStanding({ chain, folder: dir, now: NOW })
      assert.deepEqual((await ask()).revoked, [])
      await ca.revoke({ dir })
      assert.deepEqual(
        (await ask()).revoked.map(({ by }) => by),
        ['folder'],
      )
      const { unasked } = await signerStanding({ chain, state: ca.path('none'), now: NOW })
      assert.deepEqual(unasked, [{ by: 'state', code: 'STATE_EMPTY' }])
    } finally {
      ca.close()
    }
  })

  it('is told on standard error by sign, which signs all the same', async () => {
    const ca = new Certificates()
    try {
      const dir = ca.path('ca')
      await ca.init({ dir, now: new Date() })
      const [file, passphrase] = [ca.path('file'), ca.path('passphrase')]
      writeFileSync(file, 'x')
      writeFileSync(passphrase, CA_PASSPHRASE)
      const own = ['--key', join(dir, 'signer/key.pem'), '--chain', join(dir, 'signer/chain.crt')]
      const sign = (): ReturnType<typeof sallyport> =>
        sallyport(['sign', '--blob', file, ...own, '--passphrase-file', passphrase, '--json'])
      const notes = (stderr: string): number => stderr.split('\n').filter((line) => line.includes('"note"')).length
      const before = await sign()
      assert.deepEqual([before.status, notes(before.stderr)], [0, 0])
      rmSync(`${file}.jws.sig`)
      await ca.revoke({ dir, now: new Date() })
      const after = await sign()
      assert.deepEqual([after.status, notes(after.stderr)], [0, 1])
    } finally {
      ca.close()
    }
  })
})
