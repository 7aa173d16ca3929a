/** What an operator types, from a real registry to another, each word of it as a process of its own. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentIn, sallyport, type Ended } from '../cli/program.ts'
import { contentsOf, type Contents } from './registry-contents.ts'
import { needPeers, startRegistry, type Registry } from './setup/registry.ts'
import { seedRegistry } from './setup/seed.ts'

const PASSPHRASE = 'only for this passage'

describe('peers/passage-cli', function () {
  this.timeout(180_000)
  let dir: string
  let source: Registry
  let target: Registry
  let porter: Contents
  const outputs: string[] = []

  before(async function () {
    needPeers(this)
    dir = mkdtempSync(join(tmpdir(), 'sallyport-operator-'))
    source = await startRegistry({ auth: 'htpasswd', tls: true })
    target = await startRegistry({ auth: 'token', tls: true, tokenLifetime: 2 })
    await seedRegistry(source)
    porter = await contentsOf(source, 'port/porter')
    writeFileSync(join(dir, 'passphrase'), `${PASSPHRASE}\n`)
    writeFileSync(
      join(dir, 'plan.yaml'),
      `channel: vendor-a
audience: [site-a]
map:
  - {from: ${source.host}/port, to: vendor}
artifacts:
  - {ref: ${source.host}/port/porter, tagPattern: "*"}
  - {ref: ${source.host}/port/charter, tags: ["1"]}
`,
    )
  })

  after(async () => {
    await source?.stop()
    await target?.stop()
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  })

  function registryFlags({ env, caFile }: Registry): string[] {
    return ['--authfile', env['REGISTRY_AUTH_FILE'] ?? '', '--ca-file', caFile ?? '']
  }

  async function run(line: string, ...more: string[]): Promise<Ended> {
    const ended = await sallyport([...line.split(' '), ...more], { cwd: dir })
    outputs.push(ended.stdout, ended.stderr)
    return ended
  }

  async function done(line: string, ...more: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(line, ...more)
    assert.equal(status, 0, `${line}\n${stderr}${stdout}`)
    return stdout
  }

  const secret = ['--passphrase-file', 'passphrase']

  it('makes a channel of two out of three people and shows its fingerprint', async () => {
    const made = await done('channel init vendor-a --for content --dir keys/ --threshold 2 --people 3', ...secret)
    const sum = createHash('sha256')
      .update(readFileSync(join(dir, 'keys/root.json')))
      .digest('hex')
    assert.match(made, new RegExp(`^fingerprint sha256:${sum}$`, 'm'))
    assert.match(await done('channel show --dir keys'), new RegExp(sum))
  })

  it('exports by a plan, through a login and an own authority', async () => {
    const dry = await done('export -f plan.yaml --keys keys -o june.tar --dry-run', ...secret, ...registryFlags(source))
    assert.match(dry, /^would write june\.tar/)
    const made = await done('export -f plan.yaml --keys keys -o june.tar', ...secret, ...registryFlags(source))
    assert.match(made, /1 approval still missing/)
    assert.match(await done('inspect june.tar'), /^NOT VERIFIED[^]*approvals {2}1 of 2/)
  })

  it('takes the same plan from standard input', async () => {
    const args = ['export', '-f', '-', '--keys', 'keys', '-o', 'again.tar', '--dry-run', '--json']
    const input = readFileSync(join(dir, 'plan.yaml'))
    const { status, stdout } = await sallyport([...args, ...secret, ...registryFlags(source)], { cwd: dir, input })
    assert.equal(status, 0, stdout)
    assert.equal(documentIn(stdout).report['sequence'], 2)
  })

  it('pins the root by hand, and never without its fingerprint', async () => {
    await done('state init --site site-a --state state --reason', 'first install')
    const pin = 'channel pin vendor-a keys/root.json --for content --state state'
    assert.equal((await run(pin)).status, 2)
    assert.equal((await run(pin, '--fingerprint', `sha256:${'0'.repeat(64)}`)).status, 13)
    const sum = createHash('sha256')
      .update(readFileSync(join(dir, 'keys/root.json')))
      .digest('hex')
    await done(pin, '--fingerprint', `sha256:${sum}`)
  })

  it('verifies and imports once two people approved, not before', async () => {
    const to = `${target.host}/mirror`
    const bringing = `import june.tar --to ${to} --state state`
    assert.equal((await run('verify june.tar --state state')).status, 18)
    assert.equal((await run(bringing, ...registryFlags(target))).status, 18)
    await target.settled()
    assert.deepEqual(
      target.requests().filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
      [],
    )
    assert.match(await done('approve june.tar --key keys/bob.pem', ...secret), /2 of 2 approvals, enough/)
    assert.match(await done('verify june.tar --state state'), /^TRUSTED$/m)
    assert.match(await done(`${bringing} --dry-run`, ...registryFlags(target)), /^nothing was written$/m)
    assert.match(await done(bringing, ...registryFlags(target)), /^DONE$/m)
    assert.deepEqual(await contentsOf(target, 'mirror/vendor/porter'), porter)
    assert.match(await done(bringing, ...registryFlags(target)), /^DONE \(this bundle was accepted before/m)
    assert.match(await done(`${bringing} --read-back full`, ...registryFlags(target)), /^DONE/m)
  })

  it('remembers what it did, and keeps it through backup and restore', async () => {
    assert.match(await done('status --state state'), /vendor-a 1 {2}done at/)
    assert.match(await done(`log ${target.host}/mirror/vendor/porter:latest --state state`), /tag-done/)
    await done('state check --state state')
    await done('state backup site.backup --state state')
    await done('state restore site.backup --state restored --reason', 'disk failed')
    await done('state rebuild --state restored')
    assert.match(await done('verify june.tar --state restored'), /accepted here before/)
  })

  it('said no secret in all of this', () => {
    const secrets = [PASSPHRASE, source.password, target.password].flatMap((text = '') => [
      text,
      Buffer.from(`porter:${text}`).toString('base64'),
    ])
    assert.ok(outputs.length > 20)
    for (const text of outputs) {
      for (const one of secrets) assert.ok(!text.includes(one), text)
      assert.doesNotMatch(text, /eyJ[\w-]+\.eyJ/)
    }
  })
})
