/**
 * Scenario #4.1: what no longer runs is archived, and is still provable when the signer's certificate is over, by a
 * timestamp. The twin: an archivist who believes no timestamp authority.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CertificateMaker, STAMPER_EXTENSIONS } from '../peers/setup/certificates.ts'
import { startTimestampAuthority, type TimestampAuthority } from '../peers/setup/timestamp-authority.ts'
import { contentsOf } from './contents.ts'
import { inRegistry, wordOf, type Anchor, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const PROD = `${FAR}/prod/web`
const ARCHIVE = `${FAR}/archive/web`

describe('scenarios/#4.1: archive artifacts within a registry', function () {
  this.timeout(60_000)
  let stage: Stage
  let authority: TimestampAuthority | undefined
  let digest: string
  let end: Date

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const begun = performance.now()
    const maker = new CertificateMaker(near.path('openssl'))
    const root = await maker.issue({ subject: '/C=US/ST=WA/O=Wabbit Networks/CN=root' })
    const clock = await maker.issue({ subject: '/C=US/ST=WA/O=Clock/CN=root' })
    const stamper = await maker.issue({ issuer: clock, extensions: STAMPER_EXTENSIONS })
    authority = await startTimestampAuthority({ folder: near.dir, signer: stamper })
    const registry = await near.hands.registry()
    const image = `${registry}/prod/web`
    digest = await near.image(`${image}:1.0`)

    // Long enough to sign with, also on a busy machine, and over before the archive is looked at.
    const seconds = Math.ceil(Math.max(5, ((performance.now() - begun) / 1000) * 2))
    end = new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000)
    const subject = '/C=US/ST=WA/O=Wabbit Networks/CN=signer'
    const leaf = await maker.issue({ issuer: root, until: end, subject })
    near.write('wabbit/signer/chain.crt', '')
    copyFileSync(leaf.chain, near.path('wabbit/signer/chain.crt'))
    const sealing = 'pkcs8 -topk8 -v2 aes-256-cbc -passout file:passphrase -out wabbit/signer/key.pem'
    await near.tool('openssl', `${sealing} -in ${leaf.key}`)
    const anchorOf = (file: string, name: string): Anchor => {
      copyFileSync(file, near.path(name))
      const told = execFileSync('openssl', ['x509', '-in', file, '-noout', '-fingerprint', '-sha256'], {
        encoding: 'utf8',
      })
      const fingerprint = `sha256:${told.split('=')[1]?.trim().replaceAll(':', '').toLowerCase()}`
      return { file: name, fingerprint }
    }
    const identity = 'C=US,ST=WA,O=Wabbit Networks'
    const wabbit: House = {
      name: 'wabbit',
      folder: 'wabbit',
      identity,
      anchor: anchorOf(root.certificate, 'wabbit.crt'),
    }
    const tsa = anchorOf(clock.certificate, 'clock.crt')
    await near.sign(`${image}:1.0`, wabbit, { options: ['--timestamp', authority.url] })
    assert.ok(Date.now() < end.getTime(), 'the machine is too slow for this certificate')

    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', `${image}:1.0`)
    await authority.stop()
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', 'wabbit.crt', 'clock.crt')
    await stage.found('wabbit', fingerprint)
    await far.anchor('policy', 'tsa:clock', tsa)
    await far.believe('policy', wabbit, { scopes: [PROD, ARCHIVE], stores: ['tsa:clock'] })
    await far.believe('clockless', wabbit, { scopes: [PROD, ARCHIVE] })
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    await far.copy(`${PROD}:1.0`, `${ARCHIVE}:1.0`)
    await sleep(Math.max(0, end.getTime() + 1000 - Date.now()))
  })
  after(async () => {
    await authority?.stop()
    await stage?.lower()
  })

  it('proves the archived image after the end of the certificate', async () => {
    const { far } = stage
    assert.deepEqual(await contentsOf(far, ARCHIVE, digest), await contentsOf(far, PROD, digest))
    const { signatures } = await far.done(`check ${ARCHIVE}:1.0 --policy policy`)
    const [{ timestamp }] = signatures as [{ timestamp: string }]
    assert.ok(Date.parse(timestamp) < end.getTime())
    const place = { ...inRegistry(ARCHIVE, digest), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  it('refuses it where no timestamp authority is believed: CERTIFICATE_EXPIRED', async () => {
    const { far } = stage
    await far.refused(15, 'CERTIFICATE_EXPIRED', `check ${ARCHIVE}:1.0 --policy clockless`)
    const place = { ...inRegistry(ARCHIVE, digest), configDir: far.path('clockless') }
    assert.equal(wordOf(await far.notation(place)), 'authenticTimestamp')
  })
})
