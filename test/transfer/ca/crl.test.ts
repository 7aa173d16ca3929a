import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePem } from '../../../src/codec/index.ts'
import { parseList, type RevocationList } from '../../../src/revocation/index.ts'
import { parseCertificates } from '../../../src/signature/index.ts'
import type { CaCrlOptions, CaRevokeOptions, CaShown } from '../../../src/transfer/index.ts'
import { Certificates, fault, says } from './certificates.ts'
import { hoursLater, NOW, tree } from '../stage.ts'

const DELTA_URL = 'http://crl.acme.example/issuing-delta.crl'

describe('transfer/ca/crl', function () {
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

  function listAt(dir: string, name: string, from = 'issuing'): RevocationList {
    return parseList(readFileSync(join(dir, from, 'lists', name)))
  }

  function serialOf(dir: string, name = 'signer'): string {
    return parseCertificates(readFileSync(join(dir, name, 'chain.crt')))[0]?.serial ?? ''
  }

  /** What `openssl verify` says of the signer's chain by these lists. */
  function verified(dir: string, lists: readonly string[], options: readonly string[] = [], at = NOW): string {
    const pem = lists.map((list) => encodePem('X509 CRL', readFileSync(join(dir, list))))
    writeFileSync(join(dir, 'all.crl'), pem.join(''))
    const trust = ['-CAfile', 'root/certificate.crt', '-untrusted', 'issuing/certificate.crt', '-CRLfile', 'all.crl']
    const time = ['-attime', String(at.getTime() / 1000 + 60)]
    const strict = ['-x509_strict', '-no-CApath', '-no-CAstore', '-crl_check_all', ...options]
    const args = ['verify', ...strict, ...time, ...trust, 'signer/certificate.crt']
    const { stdout, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' })
    return /OK$/m.test(stdout) ? 'good' : (/error \d+ at \d+ depth lookup: (.+)/.exec(stderr)?.[1] ?? stderr)
  }

  const [ROOT, FIRST] = ['root/lists/1.crl', 'issuing/lists/1.crl']

  it('makes lists by which openssl finds the revoked, and nobody else', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root' })
    await ca.crl({ dir })
    assert.equal(verified(dir, [ROOT, FIRST]), 'good')
    assert.match(verified(dir, [FIRST]), /unable to get certificate CRL/)
    assert.match(verified(dir, [ROOT, FIRST], [], hoursLater(31 * 24)), /CRL has expired/)
    await ca.revoke({ dir })
    const report = await ca.crl({ dir, now: hoursLater(1) })
    assert.deepEqual([report.number, report.entries, report.form], [2, 1, 'base'])
    assert.match(verified(dir, [ROOT, 'issuing/lists/2.crl'], [], hoursLater(1)), /certificate revoked/)
    await ca.issue({ dir, commonName: 'Other', from: 'issuing' })
    cpSync(join(dir, 'other/certificate.crt'), join(dir, 'signer/certificate.crt'))
    assert.equal(verified(dir, [ROOT, 'issuing/lists/2.crl'], [], hoursLater(1)), 'good')
  })

  it('revokes an authority by the list of the one above it', async () => {
    const dir = fork()
    const { issuer, crlUrl } = await ca.revoke({ dir, certificate: 'issuing', reason: 'cACompromise' })
    assert.deepEqual([issuer, crlUrl], ['root', 'http://crl.acme.example/root.crl'])
    await ca.crl({ dir, from: 'root' })
    await ca.crl({ dir })
    assert.match(verified(dir, [ROOT, FIRST]), /certificate revoked/)
  })

  it('holds and lets go again by delta lists, as openssl reads them', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root' })
    const base = await ca.crl({ dir, deltaUrl: DELTA_URL })
    assert.equal(base.deltaUrl, DELTA_URL)
    await ca.revoke({ dir, reason: 'certificateHold' })
    const held = await ca.crl({ dir, delta: true })
    assert.deepEqual([held.number, held.deltaBase, held.entries, held.url], [2, 1, 1, DELTA_URL])
    const deltas = ['-use_deltas', '-extended_crl']
    assert.equal(verified(dir, [ROOT, FIRST], deltas), 'good')
    assert.match(verified(dir, [ROOT, FIRST, 'issuing/lists/2-delta.crl'], deltas), /certificate revoked/)

    const hours = { now: hoursLater(1) }
    await ca.crl({ dir, ...hours })
    await ca.revoke({ dir, reason: 'unhold', now: hoursLater(2) })
    await ca.crl({ dir, delta: true, now: hoursLater(2) })
    assert.equal(listAt(dir, '4-delta.crl').find(serialOf(dir))?.reason, 8)
    // Without its own option openssl takes a delta that is newer for the whole list, so the twin has none.
    const third = [ROOT, 'issuing/lists/3.crl']
    assert.match(verified(dir, third, deltas, hoursLater(2)), /certificate revoked/)
    assert.equal(verified(dir, [...third, 'issuing/lists/4-delta.crl'], deltas, hoursLater(2)), 'good')
    // A delta to a later base than the one at hand tells nothing about that one.
    assert.equal(verified(dir, [ROOT, FIRST, 'issuing/lists/4-delta.crl'], deltas, hoursLater(2)), 'good')
    assert.match(verified(dir, [ROOT, FIRST, 'issuing/lists/2-delta.crl'], deltas), /certificate revoked/)
  })

  it('gives base and delta lists one count, and both the number they build on', async () => {
    const dir = fork()
    await ca.crl({ dir, deltaUrl: DELTA_URL })
    await ca.crl({ dir, delta: true })
    await ca.crl({ dir })
    await ca.crl({ dir, delta: true, days: 2 })
    assert.deepEqual(readdirSync(join(dir, 'issuing/lists')).sort(), ['1.crl', '2-delta.crl', '3.crl', '4-delta.crl'])
    const [third, fourth] = [listAt(dir, '3.crl'), listAt(dir, '4-delta.crl')]
    assert.deepEqual([third.number, third.freshest, third.deltaBase], ['3', [DELTA_URL], undefined])
    assert.deepEqual([fourth.number, fourth.freshest, fourth.deltaBase], ['4', [], '3'])
    assert.equal(fourth.nextUpdate.getTime(), hoursLater(48).getTime())
  })

  it('names a place of deltas until it is told not to', async () => {
    const dir = fork()
    const freshest = async (options: Partial<CaCrlOptions> = {}): Promise<readonly string[]> =>
      listAt(dir, `${(await ca.crl({ dir, ...options })).number}.crl`).freshest
    assert.deepEqual(await freshest(), [])
    assert.deepEqual(await freshest({ deltaUrl: DELTA_URL }), [DELTA_URL])
    assert.deepEqual(await freshest(), [DELTA_URL])
    assert.deepEqual(await freshest({ deltaUrl: null }), [])
  })

  it('carries since when the key is bad', async () => {
    const dir = fork()
    const invalidity = hoursLater(-48)
    const report = await ca.revoke({ dir, invalidity })
    assert.equal(report.invalidity, '2026-05-30T12:00:00Z')
    await ca.crl({ dir })
    const entry = listAt(dir, '1.crl').find(serialOf(dir))
    assert.deepEqual([entry?.revoked, entry?.invalidity, entry?.reason], [NOW, invalidity, 1])
  })

  it('goes on naming what expired: timestamped signatures outlive it', async () => {
    const dir = fork()
    await ca.issue({ dir, commonName: 'Short', from: 'issuing', days: 1 })
    await ca.revoke({ dir, certificate: 'short' })
    const sizes = []
    for (const hours of [1, 25, 26]) sizes.push((await ca.crl({ dir, now: hoursLater(hours) })).entries)
    assert.deepEqual(sizes, [1, 1, 1])
  })

  it('takes a file with the certificate, in PEM or DER, of a holder who has the folder now', async () => {
    const dir = fork()
    const [own] = parseCertificates(readFileSync(join(dir, 'signer/chain.crt')))
    const file = join(dir, 'x.der')
    writeFileSync(file, own?.der ?? '')
    renameSync(join(dir, 'signer'), join(dir, '..', 'moved'))
    assert.equal((await ca.revoke({ dir, certificate: file, dryRun: true })).certificate.serial, own?.serial)
    assert.equal((await ca.revoke({ dir, certificate: join(dir, '..', 'moved', 'chain.crt') })).issuer, 'issuing')
    rmSync(join(dir, '..', 'moved'), { recursive: true })
  })

  it('refuses a certificate it does not know, of another issuer, or that is revoked already', async () => {
    const dir = fork()
    const stranger = ca.path('stranger')
    await ca.init({ dir: stranger })
    const before = tree(dir)
    const cases: [string, Parameters<typeof fault>[0]][] = [
      ['nobody', 'CA_CERTIFICATE_UNKNOWN'],
      ['../issuing', 'CA_CERTIFICATE_UNKNOWN'],
      [join(stranger, 'signer/certificate.crt'), 'CA_ISSUER_OTHER'],
      ['root', 'CA_ISSUER_OTHER'],
      [join(dir, 'signer/key.pem'), 'CERTIFICATE_FILE'],
    ]
    for (const [certificate, code] of cases) await assert.rejects(ca.revoke({ dir, certificate }), fault(code), code)
    await assert.rejects(ca.revoke({ dir, reason: 'unhold' }), fault('CA_NOT_ON_HOLD'))
    for (const bad of [
      { invalidity: hoursLater(1) },
      { invalidity: NOW, reason: 'unhold' },
    ] satisfies Partial<CaRevokeOptions>[])
      await assert.rejects(ca.revoke({ dir, ...bad }), fault('USAGE'))
    assert.deepEqual(tree(dir), before)
    await ca.revoke({ dir })
    const once = tree(dir)
    await assert.rejects(ca.revoke({ dir }), fault('CA_REVOKED_ALREADY'))
    await assert.rejects(ca.revoke({ dir, certificate: join(dir, 'signer/chain.crt') }), fault('CA_REVOKED_ALREADY'))
    assert.deepEqual(tree(dir), once)
  })

  it('refuses who may not sign lists, and asks for no passphrase', async () => {
    const dir = fork()
    const passphrase = (): never => assert.fail('asked for a passphrase')
    const cases: [Partial<CaCrlOptions>, Parameters<typeof fault>[0]][] = [
      [{ from: 'signer' }, 'CA_SCOPE'],
      [{ from: 'tsa' }, 'CA_SCOPE'],
      [{ now: hoursLater(-1) }, 'CA_SCOPE'],
      [{ now: hoursLater(24 * 365 * 6) }, 'CA_SCOPE'],
      [{ from: 'nobody' }, 'USAGE'],
      [{ from: undefined }, 'USAGE'],
      [{ deltaUrl: 'https://crl.x/' }, 'USAGE'],
      [{ deltaUrl: 'http://crl.x/ä' }, 'USAGE'],
      [{ delta: true, deltaUrl: DELTA_URL }, 'USAGE'],
      [{ delta: true }, 'LIST_BASE_MISSING'],
      [{ output: join(dir, 'root/certificate.crt') }, 'OUTPUT_EXISTS'],
    ]
    const before = tree(dir)
    for (const [options, code] of cases)
      for (const dryRun of [true, false])
        await assert.rejects(ca.crl({ dir, passphrase, dryRun, ...options }), fault(code), JSON.stringify(options))
    assert.deepEqual(tree(dir), before)
    await assert.rejects(ca.crl({ dir, passphrase: says('another') }), fault('KEY_PASSPHRASE'))
    cpSync(join(dir, 'root/key.pem'), join(dir, 'issuing/key.pem'))
    await assert.rejects(ca.crl({ dir }), fault('CA_MALFORMED'))
    rmSync(join(dir, 'issuing/key.pem'))
    await assert.rejects(ca.crl({ dir }), fault('KEY_MISSING'))
  })

  it('refuses a delta to a base that ended, or that names no place for it', async () => {
    const dir = fork()
    await ca.crl({ dir, days: 1 })
    await assert.rejects(ca.crl({ dir, delta: true }), fault('USAGE'))
    await ca.crl({ dir, days: 1, deltaUrl: DELTA_URL })
    await ca.crl({ dir, delta: true, now: hoursLater(23) })
    await assert.rejects(ca.crl({ dir, delta: true, now: hoursLater(24) }), fault('LIST_STALE'))
  })

  it('refuses a clock that went back behind its last list', async () => {
    const dir = fork()
    await ca.crl({ dir, now: hoursLater(2) })
    await assert.rejects(ca.crl({ dir, now: hoursLater(1) }), fault('LIST_FUTURE'))
    await ca.crl({ dir, now: hoursLater(2) })
  })

  it('refuses a register that is older than its lists, gone, or of another authority', async () => {
    const dir = fork()
    const file = join(dir, 'issuing/revocations.json')
    await ca.revoke({ dir })
    const old = readFileSync(file)
    await ca.crl({ dir })
    writeFileSync(file, old)
    await assert.rejects(ca.crl({ dir }), fault('CA_MALFORMED'))
    rmSync(file)
    for (const verb of [ca.crl({ dir }), ca.revoke({ dir, reason: 'superseded' }), ca.show(dir)])
      await assert.rejects(verb, fault('CA_MALFORMED'))
    await ca.crl({ dir, from: 'root' })
    cpSync(join(dir, 'root/revocations.json'), file)
    await assert.rejects(ca.crl({ dir }), fault('CA_MALFORMED'))
  })

  it('gives no number a second time that a stopped run was given', async () => {
    const dir = fork()
    await ca.crl({ dir })
    const file = join(dir, 'issuing/revocations.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"number":1,"revocations"', '"number":2,"revocations"'))
    assert.equal((await ca.crl({ dir })).number, 3)
    writeFileSync(join(dir, 'issuing/lists/4.crl.new'), 'half a list')
    assert.equal((await ca.crl({ dir })).number, 4)
  })

  it('gives no number away for an output that has no folder', async () => {
    const dir = fork()
    const missing = join(dir, 'not', 'mounted', 'issuing.crl')
    await assert.rejects(ca.crl({ dir, output: missing }), fault('OUTPUT_FAILED'))
    const program = join(dir, 'program')
    writeFileSync(program, '', { mode: 0o755 })
    for (const dryRun of [true, false])
      await assert.rejects(ca.crl({ dir, output: join(program, 'issuing.crl'), dryRun }), fault('OUTPUT_FAILED'))
    assert.equal((await ca.crl({ dir })).number, 1)
  })

  it('refuses all but one of the runs that come at once, and gives each a number of its own', async () => {
    const dir = fork()
    await ca.crl({ dir })
    const ended = await Promise.allSettled(Array.from({ length: 4 }, () => ca.crl({ dir })))
    const done = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value.number] : []))
    for (const end of ended) assert.ok(end.status === 'fulfilled' || fault('CA_LOCKED')(end.reason))
    assert.ok(done.length > 0 && new Set(done).size === done.length)
    assert.equal(readdirSync(join(dir, 'issuing/lists')).length, 1 + done.length)
    assert.ok(!readdirSync(join(dir, 'issuing')).some((name) => name.startsWith('.sallyport-lock')))
  })

  it('replaces an earlier list of the same form at the output, and nothing else', async () => {
    const dir = fork()
    const output = join(dir, 'issuing.crl')
    await ca.crl({ dir, output, deltaUrl: DELTA_URL })
    await ca.crl({ dir, output })
    assert.equal(parseList(readFileSync(output)).number, '2')
    await assert.rejects(ca.crl({ dir, output, delta: true }), fault('OUTPUT_EXISTS'))
    await assert.rejects(ca.crl({ dir, output, from: 'root' }), fault('OUTPUT_EXISTS'))
    const bytes = readFileSync(output)
    writeFileSync(output, Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])]))
    await assert.rejects(ca.crl({ dir, output }), fault('OUTPUT_EXISTS'))
    mkdirSync(join(dir, 'folder'))
    await assert.rejects(ca.crl({ dir, output: join(dir, 'folder') }), fault('OUTPUT_EXISTS'))
    assert.equal(readdirSync(join(dir, 'issuing/lists')).length, 2)
  })

  it('says in a dry run what it would do, and does nothing', async () => {
    const dir = fork()
    const before = tree(dir)
    const dry = await ca.revoke({ dir, dryRun: true })
    assert.deepEqual(tree(dir), before)
    assert.deepEqual({ ...dry, dryRun: false }, await ca.revoke({ dir }))
    const after = tree(dir)
    const passphrase = (): never => assert.fail('asked for a passphrase')
    const would = await ca.crl({ dir, dryRun: true, passphrase })
    assert.deepEqual(tree(dir), after)
    const made = await ca.crl({ dir })
    assert.deepEqual({ ...would, dryRun: false, files: made.files }, made)
  })

  async function shown(dir: string, name: string, now = NOW): Promise<CaShown | undefined> {
    return (await ca.show(dir, now)).certificates.find((certificate) => certificate.name === name)
  }

  it('shows what is revoked, what no list tells of yet, and when the next is due', async () => {
    const dir = fork()
    assert.equal((await shown(dir, 'issuing'))?.revocation?.due, null)
    assert.equal((await shown(dir, 'signer'))?.revocation, null)
    await ca.revoke({ dir, reason: 'certificateHold' })
    assert.deepEqual((await shown(dir, 'signer'))?.revoked, {
      reason: 'certificateHold',
      since: '2026-06-01T12:00:00Z',
    })
    const before = (await shown(dir, 'issuing'))?.revocation
    assert.deepEqual([before?.unlisted, before?.revoked.map(({ listed }) => listed)], [1, [false]])
    await ca.crl({ dir, days: 3 })
    const after = (await shown(dir, 'issuing', hoursLater(71)))?.revocation
    assert.deepEqual([after?.unlisted, after?.due, after?.overdue], [0, '2026-06-04T12:00:00Z', false])
    assert.equal((await shown(dir, 'issuing', hoursLater(72)))?.revocation?.overdue, true)
    await ca.revoke({ dir, reason: 'unhold', now: hoursLater(1) })
    assert.equal((await shown(dir, 'signer'))?.revoked, null)
    const ended = (await shown(dir, 'issuing'))?.revocation
    assert.deepEqual([ended?.unlisted, ended?.revoked[0]?.released], [1, '2026-06-01T13:00:00Z'])
    await ca.crl({ dir, now: hoursLater(2) })
    assert.deepEqual((await shown(dir, 'issuing'))?.revocation?.revoked, [])
  })

  it('shows that a base list waits for its delta', async () => {
    const dir = fork()
    await ca.crl({ dir, deltaUrl: DELTA_URL })
    assert.equal((await shown(dir, 'issuing'))?.revocation?.overdue, true)
    await ca.crl({ dir, delta: true })
    const both = (await shown(dir, 'issuing'))?.revocation
    assert.deepEqual([both?.overdue, both?.due], [false, '2026-06-08T12:00:00Z'])
  })

  it('leaves no scratch files', async () => {
    const dir = fork()
    await ca.revoke({ dir })
    await ca.crl({ dir, output: join(dir, 'x.crl') })
    assert.ok(Object.keys(tree(dir)).every((name) => !name.endsWith('.new') && !name.includes('.sallyport-')))
    assert.ok(existsSync(join(dir, 'x.crl')))
  })
})
