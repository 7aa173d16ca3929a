/**
 * Scenario #8, of a timestamp authority: its certificate names a list. While nobody revoked it, the time that it vouches for
 * counts; once it is revoked nothing does, though the list says that its key was lost after it had spoken, since a clock
 * vouches for others and never for itself. The twin: the same image without the clock's list.
 */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { stockNotation } from '../peers/notation.ts'
import { STAMPER_EXTENSIONS } from '../peers/setup/certificates.ts'
import { startTimestampAuthority, type TimestampAuthority } from '../peers/setup/timestamp-authority.ts'
import { Authority, lists } from '../revocation/authority.ts'
import { opensslAnchor } from './openssl-house.ts'
import { opensslWord, stockWord } from './outside.ts'
import { judgedArtifacts } from './rejudged.ts'
import type { Anchor } from './side.ts'
import { FAR, REVOCATION, Stage } from './stage.ts'

const NAME = 'wabbit/net-monitor'
const CRL = 'http://crl.clock.example/clock.crl'
const DAY = 86_400_000

const at = (days: number, form: 'short' | 'long' = 'short'): string => {
  const time = `${new Date(Date.now() + days * DAY).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`
  return form === 'short' ? time.slice(2) : time
}

describe('scenarios/#8: the key of a timestamp authority is lost', function () {
  this.timeout(120_000)
  let stage: Stage
  let notation: string
  let clock: Authority
  let server: TimestampAuthority | undefined
  let tsa: Anchor
  let digest: string

  before(async function () {
    stage = Stage.raise(this)
    notation = stockNotation(this)
    const { near, far } = stage
    clock = new Authority('clock root')
    const stamper = clock.issue('stamper', [lists(CRL)], STAMPER_EXTENSIONS)
    tsa = opensslAnchor(near, clock, 'clock')
    near.write('stamper.crt', '')
    copyFileSync(clock.path('stamper.crt'), near.path('stamper.crt'))
    near.write('stamper-chain.crt', Buffer.concat([near.read('stamper.crt'), near.read('clock.crt')]))
    const signer = {
      key: clock.path('stamper.key'),
      certificate: near.path('stamper.crt'),
      chain: near.path('stamper-chain.crt'),
    }
    server = await startTimestampAuthority({ folder: near.dir, signer })
    const wabbit = await near.house('wabbit', 'Wabbit Networks')
    const registry = await near.hands.registry()
    const image = `${registry}/${NAME}`
    digest = await near.image(`${image}:1.0`)
    await near.sign(`${image}:1.0`, wabbit, { options: ['--timestamp', server.url] })
    await server.stop()

    const plan = `artifacts: [{ref: "${image}:1.0"}]\nrevocation:\n  from: crls\n`
    const [content, channel] = [await stage.channel('wabbit'), await stage.channel('wabbit-lists', REVOCATION)]
    near.write('crls/empty', '')
    near.write('blind.yaml', `${plan}  accept: ['${CRL}']\n`)
    await stage.pack('blind.tar', '-f', 'blind.yaml')
    near.write('plan.yaml', plan)
    const days = { from: at(-2), until: at(20) }
    near.write('crls/clock.crl', clock.list({ number: 1, ...days }))
    await stage.pack('cargo.tar', '-f', 'plan.yaml')
    // Lost an hour ahead of now, and so after every time that it has given.
    const why = `keyTime,${at(1 / 24, 'long')}`
    near.write(
      'crls/clock.crl',
      clock.list({ number: 2, ...days, from: at(-1), revoked: [{ serial: stamper.serial, why }] }),
    )
    await stage.collect('rev.tar', 'plan.yaml')

    const files = ['keys/root.json', 'rkeys/root.json', wabbit.anchor.file, 'clock.crt', 'stamper.crt']
    await stage.cross(registry, 'blind.tar', 'cargo.tar', 'rev.tar', ...files)
    await stage.found('wabbit', content)
    await stage.pin('wabbit-lists', channel, REVOCATION)
    await far.anchor('policy', 'tsa:clock', tsa)
    const scopes = [`${FAR}/${NAME}`]
    await far.believe('policy', wabbit, { scopes, stores: ['tsa:clock'], revocation: 'enforce' })
    // Even where a timestamp may excuse a signer.
    far.write('policy/policy.yaml', 'version: 1\nrevocation: {measure: retag, timestampCounts: true}\n')
    await far.believe('clockless', wabbit, { scopes, revocation: 'enforce' })
  })
  after(async () => {
    await server?.stop()
    clock?.remove()
    await stage?.lower()
  })

  async function seeded(): Promise<string> {
    const { far } = stage
    await far.done('revocation seed --notation --policy policy --state state')
    return stockWord(far, notation, `${FAR}/${NAME}@${digest}`)
  }

  const openssl = (channel: string): Promise<string> =>
    opensslWord(stage.far, { anchor: tsa, signer: 'stamper.crt', repository: `${FAR}/sallyport/revocation/${channel}` })

  it('refuses the image where the list of the clock was left out: REVOCATION_UNKNOWN', async () => {
    const { far } = stage
    await far.refused(16, 'REVOCATION_UNKNOWN', `import blind.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.tool('crane', `catalog ${FAR}`), '')
  })

  it('believes the time while the clock is not revoked', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    const { signatures } = await far.done(`check ${FAR}/${NAME}:1.0 --policy policy --state state`)
    assert.ok((signatures as [{ timestamp?: string }])[0].timestamp)
    assert.equal(await openssl('wabbit'), 'OK')
    assert.equal(await seeded(), 'trusted')
  })

  it('counts the timestamped signature no more when it is, whenever the key was lost', async () => {
    const { far } = stage
    const result = await far.refused(
      14,
      'CERTIFICATE_REVOKED',
      `import rev.tar --to ${FAR} --state state --policy policy`,
    )
    assert.deepEqual(judgedArtifacts(result), [[NAME, digest, 'rejected', 'done']])
    const place = `${FAR}/${NAME}@${digest}`
    await far.refused(14, 'CERTIFICATE_REVOKED', `check ${place} --policy policy --state state`)
    assert.equal(await openssl('wabbit-lists'), 'certificate revoked')
    assert.equal(await seeded(), 'revoked')
    // Nothing else is wrong with it: who asks for no time goes on believing the signer.
    await far.done(`check ${place} --policy clockless --state state`)
  })
})
