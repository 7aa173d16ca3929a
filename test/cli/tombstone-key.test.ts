import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Piece } from '../contract/content.ts'
import { CA_PASSPHRASE, Certificates } from '../transfer/ca/certificates.ts'
import { RevocableSite } from '../transfer/revocable.ts'
import { documentIn, sallyport } from './program.ts'

describe('cli/tombstone-key', function () {
  this.timeout(120_000)
  let ca: Certificates
  let site: RevocableSite
  let bad: Piece
  let key: string[]
  let state: string[]

  before(async () => {
    ca = new Certificates()
    const dir = ca.path('ca')
    await ca.init({ dir, now: new Date() })
    const passphrase = ca.path('passphrase')
    writeFileSync(passphrase, CA_PASSPHRASE)
    const signer = join(dir, 'signer')
    key = ['--key', join(signer, 'key.pem'), '--chain', join(signer, 'chain.crt'), '--passphrase-file', passphrase]
  })
  after(() => ca?.close())

  beforeEach(async () => {
    site = await RevocableSite.make()
    bad = await site.ward.image()
    await site.ward.tag(bad, '1.0')
    await site.ward.judge(bad, 'trusted')
    await site.ward.pause()
    state = ['--state', site.ward.stateDir]
    site.policy = site.vendor.policy(site.path('policy'), {
      'policy.yaml': 'version: 1\nrevocation:\n  measure: retag\n',
    })
  })
  afterEach(async () => {
    await site?.ward.resume()
    await site?.close()
  })

  const deny = (...more: string[]): ReturnType<typeof sallyport> => {
    const terms = ['--reason', 'CVE', ...state, '--to', site.ward.to, '--policy', site.policy]
    return sallyport(['revocation', 'deny', bad.descriptor.digest, ...terms, ...more])
  }

  interface Told {
    rejudged: { artifacts: { measure: { tombstone?: { digest: string; signature: string | null } } | null }[] }
  }

  it('signs the tombstone by the key that is named', async () => {
    const { status, stdout } = await deny(...key, '--format', 'cose', '--json')
    assert.equal(status, 14)
    const { rejudged } = documentIn(stdout).report as unknown as Told
    const tombstone = rejudged.artifacts[0]?.measure?.tombstone ?? assert.fail()
    assert.match(tombstone.signature ?? '', /^sha256:/)
    await site.ward.resume()
    const listed = await site.ward.target.referrers(tombstone.digest as `sha256:${string}`)
    assert.deepEqual(
      listed.map(({ digest }) => digest),
      [tombstone.signature],
    )
    await site.ward.pause()
  })

  it('says which command signs it where no key is named', async () => {
    const { stdout } = await deny()
    const [, command = ''] = /signed by (sallyport sign \S+) --key KEY --chain CHAIN/.exec(stdout) ?? []
    const signed = await sallyport([...command.split(' ').slice(1), ...key, '--json'])
    assert.equal(signed.status, 0, signed.stdout + signed.stderr)
  })

  it('is refused by every command when it is half named, before anything is written', async () => {
    const inbox = site.path('inbox')
    mkdirSync(inbox)
    const [to, policy] = [
      ['--to', site.ward.to],
      ['--policy', site.policy],
    ]
    for (const args of [
      ['import', 'absent.tar', ...to, ...policy, ...state],
      ['watch', inbox, ...to, ...policy, ...state, '--once'],
      ['revocation', 'judge', ...to, ...policy, ...state],
      ['revocation', 'deny', bad.descriptor.digest, '--reason', 'x', ...to, ...policy, ...state],
    ])
      for (const half of [key.slice(0, 2), key.slice(2, 4)]) {
        const { stdout } = await sallyport([...args, ...half, '--json'])
        assert.equal(documentIn(stdout).error.code, 'USAGE', args.join(' '))
      }
    const nowhere = ['revocation', 'deny', bad.descriptor.digest, '--reason', 'x', ...state, ...key, '--json']
    assert.equal(documentIn((await sallyport(nowhere)).stdout).error.code, 'USAGE')
    await site.ward.resume()
    assert.deepEqual(site.state.denials(), [])
    await site.ward.pause()
  })
})
