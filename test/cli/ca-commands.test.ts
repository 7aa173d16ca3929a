import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { documentIn, sallyport, start, type Ended } from './program.ts'

const FIRST = 'the first passphrase'
const SECOND = 'the second passphrase'

describe('cli/ca-commands', function () {
  this.timeout(120_000)
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-cli-ca-'))
    writeFileSync(join(dir, 'pw'), `${FIRST}\n`)
    writeFileSync(join(dir, 'pw2'), `${SECOND}\n`)
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  /** Runs `ca …` in the scratch folder; no passphrase may show in what it says. */
  async function ca(...args: string[]): Promise<Ended> {
    const ended = await sallyport(['ca', ...args], { cwd: dir })
    for (const secret of [FIRST, SECOND]) assert.ok(!`${ended.stdout}${ended.stderr}`.includes(secret))
    return ended
  }

  async function refused(code: string, ...args: string[]): Promise<void> {
    const { status, stdout } = await ca(...args, '--json')
    assert.deepEqual([status, documentIn(stdout).error.code], [2, code], stdout)
  }

  const acme = ['--subject', 'O=Acme, ST=Bern, C=CH']
  const init = (folder: string, ...more: string[]): string[] => [
    'init',
    '--dir',
    folder,
    '--algorithm',
    'ES256',
    '--passphrase-file',
    'pw',
    ...more,
  ]

  it('makes, delegates and shows, in words', async () => {
    const made = await ca(...init('words/', '--preset', 'vendor', '--crl-url', 'http://crl.acme.example', ...acme))
    assert.deepEqual([made.status, made.stderr], [0, ''])
    assert.match(made.stdout, /Take words\/root\/key\.pem offline now/)
    assert.doesNotMatch(made.stdout, /without --crl-url/)
    const scopes = ['--scope', 'r.site/team/*', '--scope', 'r.site/common']
    const keys = ['--passphrase-file', 'pw', '--new-passphrase-file', 'pw2']
    const team = await ca('issue', 'Team A', '--dir', 'words', '--from', 'issuing', '--kind', 'ca', ...scopes, ...keys)
    assert.deepEqual([team.status, team.stderr], [0, ''])
    assert.match(team.stdout, /r\.site\/team\/\*, r\.site\/common/)
    assert.match(team.stdout, /no verifier reads it/)
    const shown = await ca('show', '--dir', 'words/')
    assert.deepEqual([shown.status, shown.stderr], [0, ''])
    assert.match(shown.stdout, /^root {2}CN=Acme root,O=Acme,ST=Bern,C=CH$/m)
    assert.match(shown.stdout, /^ {8}team-a {2}CN=Team A/m)
    assert.match(shown.stdout, /^ends:\n {2}\d{4}-\d\d-\d\d {2}/m)
    for (const line of shown.stdout.split('\n')) assert.ok(line.length <= 140, line)
  })

  it('reports as JSON, with the words of each fingerprint', async () => {
    const { status, stdout } = await ca(...init('json', '--preset', 'hobbyist', '--name', 'Jo Doe', '--json'))
    assert.equal(status, 0)
    const { verb, report } = documentIn(stdout) as unknown as {
      verb: string
      report: { certificates: { subject: string; words: string[]; fingerprint: string }[] }
    }
    assert.equal(verb, 'ca init')
    assert.deepEqual(
      report.certificates.map(({ subject }) => subject),
      ['CN=Jo Doe,O=Jo Doe,ST=none,C=XX'],
    )
    assert.equal(report.certificates[0]?.words.length, 32)
    const show = await ca('show', '--dir', 'json', '--json')
    assert.ok(show.stdout.includes(report.certificates[0]?.fingerprint ?? '?'))
  })

  it('takes the name of the folder when nobody says one', async () => {
    const { status, stdout } = await ca(...init('some-house', '--preset', 'team', '--dry-run'))
    assert.equal(status, 0)
    assert.match(stdout, /CN=some-house root,O=some-house/)
    assert.ok(!existsSync(join(dir, 'some-house')))
  })

  it('puts a common name on a subject that has none', async () => {
    const { stdout } = await ca(...init('x', '--preset', 'hobbyist', '--dry-run', '--name', 'Release', ...acme))
    assert.match(stdout, /CN=Release,O=Acme,ST=Bern,C=CH/)
    const named = ['--subject', 'C=CH,ST=Bern,O=Acme,CN=Other', '--name', 'Release']
    await refused('USAGE', ...init('x', '--preset', 'hobbyist', '--dry-run', ...named))
  })

  it('refuses on the command line what cannot be done', async () => {
    const issue = ['issue', 'CI', '--dir', 'json', '--passphrase-file', 'pw', '--new-passphrase-file', 'pw2']
    for (const wrong of [
      ['--days', '0'],
      ['--days', '1.5'],
      ['--days', 'many'],
      ['--path-length', '-1'],
      ['--days', '3', '--days', '4'],
      ['--kind', 'root'],
      ['--subject', 'CN=x'],
      ['--subject', 'C=CH,ST=Bern,O=Acme,SERIALNUMBER=1'],
      ['--subject', 'C=CH,ST=Bern,O=Acme+OU=x'],
    ])
      await refused('USAGE', ...issue, ...wrong)
    await refused('CA_SCOPE', ...issue, '--from', 'signer')
    await refused('CA_MALFORMED', 'show', '--dir', 'nowhere')
    await refused('CA_EXISTS', ...init('json', '--preset', 'team'))
  })

  it('revokes, signs lists and shows both, in words and as JSON', async () => {
    const made = init('lists', '--preset', 'vendor', '--crl-url', 'http://crl.acme.example', ...acme)
    assert.equal((await ca(...made)).status, 0)
    const invalid = ['--invalidity-date', '2026-01-31']
    const revoked = await ca('revoke', 'signer', '--dir', 'lists/', '--reason', 'keyCompromise', ...invalid)
    assert.deepEqual([revoked.status, revoked.stderr], [0, ''])
    assert.match(revoked.stdout, /bad since 2026-01-31T00:00:00Z/)
    assert.match(revoked.stdout, /sallyport ca crl --dir lists --from issuing/)
    const crl = ['crl', '--dir', 'lists', '--from', 'issuing', '--passphrase-file', 'pw']
    const url = ['--delta-url', 'http://crl.acme.example/d.crl']
    const signed = await ca(...crl, ...url, '-o', 'issuing.crl')
    assert.deepEqual([signed.status, signed.stderr], [0, ''])
    assert.match(signed.stdout, /signed list 1 of issuing: 1 revoked certificate\n/)
    assert.match(signed.stdout, /Publish it at http:\/\/crl\.acme\.example\/issuing\.crl/)
    assert.ok(existsSync(join(dir, 'issuing.crl')))
    const delta = await ca(...crl, '--delta', '--days', '2', '--json')
    const { report } = documentIn(delta.stdout)
    assert.deepEqual([report['number'], report['deltaBase'], report['entries']], [2, 1, 0])
    const shown = await ca('show', '--dir', 'lists')
    assert.match(shown.stdout, /REVOKED: keyCompromise/)
    assert.match(shown.stdout, /list 1, delta list 2 · next due/)
    for (const line of shown.stdout.split('\n')) assert.ok(line.length <= 160, line)

    const revoke = ['revoke', 'signer', '--dir', 'lists']
    await refused('CA_REVOKED_ALREADY', ...revoke, '--reason', 'superseded')
    await refused('CA_NOT_ON_HOLD', ...revoke, '--unhold')
    await refused('CA_CERTIFICATE_UNKNOWN', 'revoke', 'nobody', '--dir', 'lists', '--reason', 'superseded')
    for (const wrong of [
      [],
      ['--reason', 'removeFromCRL'],
      ['--unhold', '--reason', 'superseded'],
      ['--reason', 'superseded', '--invalidity-date', '2026-02-30'],
      ['--reason', 'superseded', '--invalidity-date', '2026-01-31T00:00:00+01:00'],
      ['--reason', 'superseded', '--invalidity-date', '9999-01-01'],
    ])
      await refused('USAGE', ...revoke, ...wrong)
    for (const wrong of [
      ['--days', '0'],
      ['--days', '1.5'],
      ['--delta', ...url],
      ['--delta-url', 'ftp://x/'],
    ])
      await refused('USAGE', ...crl, ...wrong)
    await refused('OUTPUT_EXISTS', ...crl, '-o', 'pw')
    await refused('KEY_PASSPHRASE', ...crl.slice(0, 5))
  })

  it('takes no passphrase but from a file where there is no terminal', async () => {
    const args = ['init', '--preset', 'hobbyist', '--dir', 'silent']
    await refused('KEY_PASSPHRASE', ...args)
    await refused('USAGE', ...args, '--passphrase', 'x')
    await refused('FILE_UNREADABLE', ...args, '--passphrase-file', 'absent')
    assert.ok(!existsSync(join(dir, 'silent')))
  })

  it('leaves nothing that counts when it is killed, and the same command completes it', async () => {
    // Large RSA keys take long enough to be met in the middle.
    const args = [
      'ca',
      'init',
      '--preset',
      'vendor',
      '--dir',
      'killed',
      '--algorithm',
      'PS512',
      '--passphrase-file',
      'pw',
    ]
    const { child, ended } = start(args, { cwd: dir })
    while (!existsSync(join(dir, '.killed.new', 'root', 'delegation.json')) && child.exitCode === null)
      await setTimeout(5)
    child.kill('SIGKILL')
    assert.equal((await ended).signal, 'SIGKILL')
    assert.ok(!existsSync(join(dir, 'killed')))
    assert.ok(existsSync(join(dir, '.killed.new')))
    const again = await sallyport(
      args.map((arg) => (arg === 'PS512' ? 'ES256' : arg)),
      { cwd: dir },
    )
    assert.equal(again.status, 0, again.stderr)
    assert.ok(!existsSync(join(dir, '.killed.new')))
    assert.equal((await ca('show', '--dir', 'killed')).status, 0)
  })

  it('writes no passphrase and no open key anywhere', () => {
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.startsWith('pw')) continue
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1')
      assert.ok(!text.includes(FIRST) && !text.includes(SECOND) && !/BEGIN (?:EC |RSA )?PRIVATE/.test(text), entry.name)
    }
  })

  for (const command of ['ca init', 'ca issue', 'ca revoke', 'ca crl', 'ca show'])
    it(`shows two examples of ${command}, and what it says fits a line`, async () => {
      const { status, stdout } = await sallyport([...command.split(' '), '--help'])
      assert.equal(status, 0)
      const examples = stdout.slice(stdout.indexOf('Examples:'))
      assert.equal(examples.split('\n').filter((line) => line.includes(`sallyport ${command} `)).length, 2)
      for (const line of stdout.split('\n')) assert.ok(line.length <= 120, line)
    })
})
