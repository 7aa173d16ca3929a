import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSigningKey } from '../../../src/ca/index.ts'
import { checkChain, distinguishedNameText, parseCertificates, type Certificate } from '../../../src/signature/index.ts'
import type { CaIssueOptions } from '../../../src/transfer/index.ts'
import { ACME, CA_PASSPHRASE, Certificates, fault, NEW_PASSPHRASE, says } from './certificates.ts'
import { hoursLater, NOW, tree } from '../stage.ts'

function chainOf(dir: string, name: string): Certificate[] {
  return parseCertificates(readFileSync(join(dir, name, 'chain.crt')))
}

describe('transfer/ca/issue', function () {
  this.timeout(60_000)
  let ca: Certificates
  let vendor: string
  before(async () => {
    ca = new Certificates()
    vendor = ca.path('vendor')
    await ca.init({ dir: vendor, crlUrl: 'http://crl.acme.example/' })
  })
  after(() => ca.close())

  const fork = (): string => ca.fork(vendor)

  /** A folder with a team's authority in it, whose scope is r.site/team/*. */
  async function withTeam(more: Partial<CaIssueOptions> = {}): Promise<string> {
    const dir = fork()
    const scope = ['r.site/team/*']
    await ca.issue({ dir, commonName: 'Team', from: 'issuing', kind: 'ca', days: 100, scope, ...more })
    return dir
  }

  const byTeam = { from: 'team', passphrase: says(NEW_PASSPHRASE) } as const

  it('issues a signer with a key, a chain and a name of its own', async () => {
    const dir = fork()
    const { certificate } = await ca.issue({ dir, commonName: 'Acme CI, Ältere', from: 'issuing', days: 90 })
    assert.equal(certificate.name, 'acme-ci-ältere')
    const chain = chainOf(dir, certificate.name)
    checkChain(chain, 'codeSigning')
    assert.equal(chain.length, 3)
    const [own] = chain
    assert.equal(distinguishedNameText(own?.subject ?? []), 'CN=Acme CI\\, Ältere,O=Acme,ST=Bern,C=CH')
    assert.equal(own?.notAfter.getTime(), hoursLater(90 * 24).getTime())
    assert.deepEqual(own?.crlUrls, ['http://crl.acme.example/issuing.crl'])
    const pem = readFileSync(join(dir, certificate.name, 'key.pem'), 'latin1')
    const key = await openSigningKey(pem, Buffer.from(NEW_PASSPHRASE), 'key.pem')
    assert.ok(own?.x509.checkPrivateKey(key))
  })

  it('issues to another house, with another algorithm', async () => {
    const dir = fork()
    const subject = { country: 'US', state: 'WA', organization: 'Partner', unit: 'Build' }
    await ca.issue({ dir, commonName: 'Partner CI', from: 'issuing', subject, algorithm: 'PS256' })
    const [own] = chainOf(dir, 'partner-ci')
    assert.equal(distinguishedNameText(own?.subject ?? []), 'CN=Partner CI,OU=Build,O=Partner,ST=WA,C=US')
    assert.equal(own?.algorithm, 'PS256')
  })

  it('issues a timestamp service without being told from which root', async () => {
    const dir = fork()
    const { certificate } = await ca.issue({ dir, commonName: 'second tsa', kind: 'tsa' })
    assert.equal(certificate.issuedBy, 'CN=Acme timestamp root,O=Acme,ST=Bern,C=CH')
    checkChain(chainOf(dir, 'second-tsa'), 'timestamping')
  })

  it('delegates to a team, which issues within its scope', async () => {
    const dir = await withTeam()
    const scope = ['r.site/team/app', 'r.site/team/lib/*']
    const { certificate } = await ca.issue({ dir, commonName: 'CI', ...byTeam, scope })
    assert.deepEqual(certificate.scope, scope)
    const chain = chainOf(dir, 'ci')
    checkChain(chain, 'codeSigning')
    assert.equal(chain.length, 4)
    assert.deepEqual(chain[0]?.crlUrls, ['http://crl.acme.example/team.crl'])
    const trust = ['-CAfile', 'root/certificate.crt', '-untrusted', 'ci/chain.crt']
    const at = ['-attime', String(NOW.getTime() / 1000 + 60)]
    const args = ['verify', '-x509_strict', '-no-CApath', '-no-CAstore', ...at, ...trust, 'ci/certificate.crt']
    assert.equal(spawnSync('openssl', args, { cwd: dir }).status, 0)
  })

  it('lets a team issue from its own part of the folder alone', async () => {
    const dir = await withTeam()
    const own = ca.path('handed-over')
    mkdirSync(own)
    cpSync(join(dir, 'team'), join(own, 'team'), { recursive: true })
    const { certificate } = await ca.issue({ dir: own, commonName: 'CI', passphrase: says(NEW_PASSPHRASE) })
    assert.deepEqual(certificate.scope, ['r.site/team/*'])
    checkChain(chainOf(own, 'ci'), 'codeSigning')
    await assert.rejects(
      ca.issue({ dir: own, commonName: 'CI 2', ...byTeam, scope: ['r.site/other'] }),
      fault('CA_SCOPE'),
    )
  })

  it('gives a signer no longer than its issuer has when nobody says how long', async () => {
    const dir = await withTeam()
    await ca.issue({ dir, commonName: 'CI', ...byTeam, now: hoursLater(24) })
    const [own, issuer] = chainOf(dir, 'ci')
    assert.equal(own?.notAfter.getTime(), issuer?.notAfter.getTime())
  })

  it('lets what lives to the very end of its issuer be issued', async () => {
    const dir = await withTeam()
    await ca.issue({ dir, commonName: 'CI', ...byTeam, days: 100, now: new Date(NOW.getTime() + 999) })
  })

  const beyond: Readonly<Record<string, Partial<CaIssueOptions>>> = {
    'another scope': { scope: ['r.site/other/app'] },
    'a wider scope': { scope: ['r.site/*'] },
    'a scope that only begins alike': { scope: ['r.site/team-evil/app'] },
    'one scope of two': { scope: ['r.site/team/app', 'r.site/other'] },
    'more days than the issuer has': { days: 101 },
    'an authority where its path length leaves no room': { kind: 'ca' },
  }
  for (const [what, options] of Object.entries(beyond))
    it(`refuses a team ${what}, and asks for no passphrase`, async () => {
      const dir = await withTeam()
      const before = tree(dir)
      const never = (): never => assert.fail('asked for a passphrase')
      const asked = { dir, commonName: 'CI', ...byTeam, passphrase: never, newPassphrase: never }
      for (const dryRun of [true, false])
        await assert.rejects(ca.issue({ ...asked, dryRun, ...options }), fault('CA_SCOPE'))
      assert.deepEqual(tree(dir), before)
    })

  it('refuses after the issuer ended and before it began', async () => {
    const dir = await withTeam()
    await assert.rejects(ca.issue({ dir, commonName: 'CI', ...byTeam, now: hoursLater(101 * 24) }), fault('CA_SCOPE'))
    await assert.rejects(ca.issue({ dir, commonName: 'CI', ...byTeam, now: hoursLater(-1) }), fault('CA_SCOPE'))
  })

  it('refuses to issue from a signer, and artifacts from a root of timestamps', async () => {
    for (const from of ['signer', 'tsa', 'tsa-root'])
      await assert.rejects(ca.issue({ dir: vendor, commonName: 'CI', from }), fault('CA_SCOPE'), from)
    await assert.rejects(ca.issue({ dir: vendor, commonName: 'CI', from: 'tsa-root', kind: 'ca' }), fault('CA_SCOPE'))
  })

  it('counts the path lengths of all above, not the own one alone', async () => {
    const dir = fork()
    await assert.rejects(ca.issue({ dir, commonName: 'a', from: 'root', kind: 'ca', pathLength: 2 }), fault('CA_SCOPE'))
    await ca.issue({ dir, commonName: 'a', from: 'root', kind: 'ca', pathLength: 1 })
    const more = { dir, kind: 'ca', passphrase: says(NEW_PASSPHRASE) } as const
    await assert.rejects(ca.issue({ ...more, commonName: 'b', from: 'a', pathLength: 1 }), fault('CA_SCOPE'))
    await ca.issue({ ...more, commonName: 'b', from: 'a' })
    await assert.rejects(ca.issue({ ...more, commonName: 'c', from: 'b' }), fault('CA_SCOPE'))
  })

  it('refuses a delegate who widens the record of his own scope', async () => {
    const dir = await withTeam()
    const file = join(dir, 'team/delegation.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('r.site/team/*', 'r.site/*'))
    await assert.rejects(ca.issue({ dir, commonName: 'CI', ...byTeam, scope: ['r.site/x'] }), fault('CA_MALFORMED'))
  })

  it('refuses a record that was moved to another certificate', async () => {
    const dir = await withTeam()
    await ca.issue({ dir, commonName: 'Wide', from: 'issuing', kind: 'ca' })
    cpSync(join(dir, 'wide/delegation.json'), join(dir, 'team/delegation.json'))
    await assert.rejects(ca.issue({ dir, commonName: 'CI', ...byTeam, scope: ['r.site/x'] }), fault('CA_MALFORMED'))
  })

  it('refuses a key that belongs to another certificate, a wrong passphrase, and a missing key', async () => {
    const dir = fork()
    const issue = (more: Partial<CaIssueOptions> = {}): Promise<unknown> =>
      ca.issue({ dir, commonName: 'CI', from: 'issuing', ...more })
    await assert.rejects(issue({ passphrase: says('another') }), fault('KEY_PASSPHRASE'))
    await assert.rejects(issue({ newPassphrase: says('') }), fault('KEY_PASSPHRASE'))
    cpSync(join(dir, 'root/key.pem'), join(dir, 'issuing/key.pem'))
    await assert.rejects(issue(), fault('CA_MALFORMED'))
    renameSync(join(dir, 'issuing/key.pem'), join(dir, '..', 'offline.pem'))
    await assert.rejects(issue(), fault('KEY_MISSING'))
    assert.ok(!existsSync(join(dir, 'ci')) && !existsSync(join(dir, '.ci.new')))
  })

  it('waits for no pipe in the place of a key', async () => {
    const dir = fork()
    rmSync(join(dir, 'issuing/key.pem'))
    execFileSync('mkfifo', [join(dir, 'issuing/key.pem')])
    await assert.rejects(ca.issue({ dir, commonName: 'CI', from: 'issuing' }), fault('FILE_UNREADABLE'))
  })

  it('chooses the issuer only when one can be meant', async () => {
    const dir = fork()
    await assert.rejects(ca.issue({ dir, commonName: 'CI' }), fault('USAGE'))
    renameSync(join(dir, 'root/key.pem'), join(dir, '..', 'root-offline.pem'))
    const { certificate } = await ca.issue({ dir, commonName: 'CI' })
    assert.equal(certificate.issuedBy, 'CN=Acme issuing,O=Acme,ST=Bern,C=CH')
    await assert.rejects(ca.issue({ dir, commonName: 'CI 2', from: '../issuing' }), fault('USAGE'))
  })

  it('leaves what bears the name already, be it written in other letters', async () => {
    const dir = fork()
    const before = tree(dir)
    for (const commonName of ['signer', 'SIGNER', 'Signer!'])
      await assert.rejects(ca.issue({ dir, commonName, from: 'issuing' }), fault('CA_EXISTS'))
    assert.deepEqual(tree(dir), before)
  })

  it('leaves what appeared under the name while it asked for a passphrase', async () => {
    const dir = fork()
    const newPassphrase = (): Promise<Buffer> => {
      mkdirSync(join(dir, 'ci'))
      writeFileSync(join(dir, 'ci', 'mine'), 'mine')
      return says(NEW_PASSPHRASE)()
    }
    await assert.rejects(ca.issue({ dir, commonName: 'CI', from: 'issuing', newPassphrase }), fault('CA_EXISTS'))
    assert.equal(readFileSync(join(dir, 'ci', 'mine'), 'utf8'), 'mine')
    assert.ok(!existsSync(join(dir, '.ci.new')))
  })

  it('says in a dry run what it would issue', async () => {
    const dir = fork()
    const never = (): never => assert.fail('asked for a passphrase')
    const asked = { dir, commonName: 'CI', from: 'issuing', scope: ['r.site/a'], days: 5 } as const
    const dry = await ca.issue({ ...asked, dryRun: true, passphrase: never, newPassphrase: never })
    assert.ok(!existsSync(join(dir, 'ci')))
    const made = await ca.issue(asked)
    const bare = { ...made.certificate, fingerprint: null, words: [], keyHash: null }
    assert.deepEqual(dry, { ...made, certificate: bare, dryRun: true })
  })

  for (const [what, options] of [
    ['a name without letters', { commonName: '!!' }],
    ["the issuer's own name", { commonName: 'Acme issuing' }],
    ['a name with a line feed', { commonName: 'a\nb' }],
    ['an issuer that is not there', { from: 'nobody' }],
    ['a path length for a signer', { pathLength: 0 }],
    ['a scope that is none', { scope: ['*'] }],
    ['a subject without organization', { subject: { country: 'CH', state: 'Bern' } }],
    ['a subject that has another common name', { subject: { ...ACME, commonName: 'x' } }],
  ] as const)
    it(`refuses ${what}`, async () => {
      const dir = fork()
      const before = tree(dir)
      await assert.rejects(ca.issue({ dir, commonName: 'CI', from: 'issuing', ...options }), fault('USAGE'))
      assert.deepEqual(tree(dir), before)
    })

  it('opens the issuer with its own passphrase, not the new one', async () => {
    const dir = fork()
    const asked: string[] = []
    const passphrase = (file: string): Promise<Buffer> => (asked.push(file), says(CA_PASSPHRASE)())
    const newPassphrase = (file: string): Promise<Buffer> => (asked.push(file), says(NEW_PASSPHRASE)())
    await ca.issue({ dir, commonName: 'CI', from: 'issuing', passphrase, newPassphrase })
    assert.deepEqual(asked, [join(dir, 'issuing/key.pem'), join(dir, 'ci/key.pem')])
  })
})
