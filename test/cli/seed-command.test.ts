import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { trustPolicyAdd } from '../../src/transfer/index.ts'
import { Certificates } from '../transfer/ca/certificates.ts'
import { provenList, siteWith } from '../transfer/revocation/seed-stage.ts'
import { documentIn, sallyport, type Ended } from './program.ts'

const URL = 'http://crl.acme.example/issuing.crl'

describe('cli/seed-command', function () {
  this.timeout(120_000)
  const now = new Date()
  let ca: Certificates
  let state: string
  before(async () => {
    ca = new Certificates()
    const dir = ca.path('ca')
    await ca.init({ dir, now })
    await ca.crl({ dir, now, days: 3 })
    state = ca.path('state')
    await siteWith(state, [provenList(dir, 'issuing', '1.crl', URL)], now)
  })
  after(() => ca.close())

  function seed(env: Record<string, string>, ...args: string[]): Promise<Ended> {
    return sallyport(['revocation', 'seed', '--state', state, ...args], { env })
  }

  function isSeeded(cache: string): boolean {
    return existsSync(join(cache, 'crl', hash('sha256', URL)))
  }

  it("finds notation's own folder where none is named", async () => {
    const [cache, home] = [ca.path('cache'), ca.path('home')]
    const { status, stderr, stdout } = await seed({ XDG_CACHE_HOME: cache }, '--notation')
    assert.deepEqual([status, stderr], [0, ''])
    assert.ok(isSeeded(join(cache, 'notation')))
    assert.match(stdout, /^notation has 1 list in /)
    assert.match(stdout, /Seed again before /)
    assert.equal((await seed({ HOME: home }, '--notation', '--quiet')).stdout, '')
    assert.ok(isSeeded(join(home, '.cache/notation')))
  })

  it('writes into the folder that is named, and says in JSON what', async () => {
    const cache = ca.path('named')
    const dry = documentIn((await seed({}, '--notation', `${cache}/`, '--dry-run', '--json')).stdout)
    assert.equal(dry.report['dryRun'], true)
    assert.match((await seed({}, '--notation', `${cache}/`, '--dry-run')).stdout, /^ {2}would write list/m)
    assert.ok(!existsSync(cache))
    const { verb, report } = documentIn((await seed({}, '--notation', cache, '--json')).stdout)
    assert.deepEqual([verb, report['cache']], ['revocation seed', cache])
    assert.ok(isSeeded(cache))
  })

  it('puts a policy where notation looks for it', async () => {
    const policy = ca.path('policy')
    mkdirSync(join(policy, 'truststore/x509/ca/acme'), { recursive: true })
    const statement = { name: 'all', scopes: ['*'], stores: ['ca:acme'], identities: ['*'] }
    await trustPolicyAdd({ policy, ...statement, level: 'strict', revocation: 'enforce' })
    const [one, two, named] = [ca.path('one'), ca.path('two'), ca.path('named')]
    const env = { XDG_CACHE_HOME: one, XDG_CONFIG_HOME: two }
    assert.equal((await seed(env, '--notation', '--policy', policy)).status, 0)
    assert.ok(existsSync(join(two, 'notation/trustpolicy.json')) && !existsSync(join(one, 'notation/trustpolicy.json')))
    assert.equal((await seed(env, '--notation', named, '--policy', policy)).status, 0)
    assert.ok(existsSync(join(named, 'trustpolicy.json')) && isSeeded(named))
    const apart = ['--notation', named, '--notation-config', join(named, 'apart')]
    assert.equal((await seed(env, ...apart, '--policy', policy)).status, 0)
    assert.ok(existsSync(join(named, 'apart/trustpolicy.json')))
  })

  for (const [code, exit, ...args] of [
    ['USAGE', 2],
    ['USAGE', 2, '--notation', 'x', '--replace'],
    ['USAGE', 2, '--notation', 'x', '--notation-config', 'y'],
    ['FILE_UNREADABLE', 2, '--notation', '/dev/null/x', '--policy', '/nonexistent'],
    ['OUTPUT_FAILED', 22, '--notation', '/dev/null/x'],
  ] satisfies [string, number, ...string[]][])
    it(`ends with ${code} for ${args.join(' ') || 'nothing'}`, async () => {
      const { status, stdout } = await seed({}, ...args, '--json')
      assert.deepEqual([status, documentIn(stdout).error.code], [exit, code], stdout)
    })
})
