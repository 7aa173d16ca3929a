import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { revocationCheck } from '../../src/revocation/index.ts'
import { parseCertificates } from '../../src/signature/index.ts'
import { State, type ProvenList } from '../../src/state/index.ts'
import { HeldLists } from '../../src/transfer/revocation/held-lists.ts'
import { openSigner, revocationSeed, sign, trustPolicyAdd, trustStoreAdd } from '../../src/transfer/index.ts'
import { needNamespace } from '../scenarios/far-hands.ts'
import { CA_PASSPHRASE, Certificates, says } from '../transfer/ca/certificates.ts'
import { certificateAt, provenList, siteWith } from '../transfer/revocation/seed-stage.ts'
import { stockNotation } from './notation.ts'
import { SignedLayout } from './setup/signed-layout.ts'

const BASE = 'http://crl.acme.example'
const DAY = 86_400_000

/**
 * Notation's own command line, unchanged, in a network namespace with nothing in it: all it knows of revocation is what
 * `revocation seed` gave it. It reads the clock, so these lists are of today.
 */
describe('peers: notation with what it was given', function () {
  this.timeout(120_000)
  const now = new Date()
  const ago = (days: number): Date => new Date(now.getTime() - days * DAY)
  let notation: string
  let ca: Certificates
  let authorities: string
  let layout: string
  let reference: string
  let policy: string

  before(async function () {
    needNamespace(this)
    notation = stockNotation(this)
    ca = new Certificates()
    authorities = ca.path('ca')
    await ca.init({ dir: authorities, crlUrl: BASE, now: ago(40) })
    layout = ca.path('layout')
    const made = new SignedLayout(layout)
    const { digest } = made.artifact('cargo')
    reference = `${layout}@${digest}`
    const folder = join(authorities, 'signer')
    const files = { key: join(folder, 'key.pem'), chain: join(folder, 'chain.crt'), passphrase: says(CA_PASSPHRASE) }
    const signer = await openSigner(files)
    await sign({ ref: `oci:${reference}`, registry: {}, signer, format: 'cose', form: 'legacy', metadata: {} })

    policy = ca.path('policy')
    const from = join(authorities, 'root/certificate.crt')
    const fingerprints = [`sha256:${certificateAt(authorities, 'root').sha256}`]
    await trustStoreAdd({ policy, kind: 'ca', name: 'acme', bytes: readFileSync(from), from, fingerprints, now })
    const statement = { name: 'all', scopes: ['*'], stores: ['ca:acme'], identities: ['*'] }
    await trustPolicyAdd({ policy, ...statement, level: 'strict', revocation: 'enforce' })
  })
  after(() => ca?.close())

  /** The authorities as they were when the artifact was signed. */
  function fork(): string {
    const dir = ca.path('fork')
    cpSync(authorities, dir, { recursive: true })
    return dir
  }

  const list = (dir: string, authority: string, file: string): ProvenList =>
    provenList(dir, authority, file, `${BASE}/${file.includes('delta') ? 'delta' : authority}.crl`)

  /** A user's home, filled by `revocation seed`. */
  async function homeOf(
    lists: readonly ProvenList[],
    more: { home?: string } = {},
  ): Promise<{ home: string; state: string }> {
    const [state, home = ca.path('home')] = [ca.path('state'), more.home]
    await siteWith(state, lists, now)
    const [cache, config] = [join(home, '.cache/notation'), join(home, '.config/notation')]
    await revocationSeed({ state, cache, config, policy, now })
    return { home, state }
  }

  function verify(home: string): { ok: boolean; said: string } {
    // HOME alone: it finds both of its folders where a user has them.
    const env = { PATH: process.env['PATH'], HOME: home, NOTATION_EXPERIMENTAL: '1' }
    const args = ['verify', '--oci-layout', reference, '--scope', 'local/cargo', '--debug']
    const { status, stdout, stderr } = spawnSync('unshare', ['-rn', notation, ...args], { env, encoding: 'utf8' })
    return { ok: status === 0, said: stdout + stderr }
  }

  /** What we say of the chain by the same state. */
  async function ours(state: string): Promise<string> {
    const lists = new HeldLists(await State.open(state, { now, write: false }))
    const chain = parseCertificates(readFileSync(join(authorities, 'signer/chain.crt')))
    for (const [i, { crlUrls }] of chain.entries()) {
      const issuer = chain[i + 1]?.spkiSha256 ?? ''
      for (const url of crlUrls) {
        const held = await lists.load({ issuer, url, form: 'base' })
        for (const at of held?.list?.freshest ?? []) await lists.load({ issuer, url: at, form: 'delta' })
      }
    }
    const knowledge = {
      base: (issuer: string, url: string) => lists.at({ issuer, url, form: 'base' })?.list,
      delta: (issuer: string, url: string) => lists.at({ issuer, url, form: 'delta' })?.list,
      deltaUrls: (issuer: string) => lists.urls(issuer, 'delta'),
      kept: () => undefined,
      answer: () => undefined,
    }
    return revocationCheck(knowledge, { now, mustHave: new Set() })({ chain, purpose: 'codeSigning' }).status
  }

  async function both(lists: readonly ProvenList[]): Promise<[theirs: string, ours: string]> {
    const { home, state } = await homeOf(lists)
    const { ok, said } = verify(home)
    if (ok) assert.match(said, /Successfully verified/)
    const theirs = ok ? 'good' : /is revoked|revoked certificate/i.test(said) ? 'revoked' : 'unknown'
    if (theirs === 'unknown') assert.match(said, /revocation|CRL/i, said)
    return [theirs, await ours(state)]
  }

  it('verifies by two lists', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(1) })
    await ca.crl({ dir, now: ago(1) })
    assert.deepEqual(await both([list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl')]), ['good', 'good'])
  })

  it('finds the signer revoked, and the authority above it', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(1) })
    await ca.revoke({ dir, now: ago(1) })
    await ca.crl({ dir, now: ago(1) })
    assert.deepEqual(await both([list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl')]), ['revoked', 'revoked'])
    const above = fork()
    await ca.revoke({ dir: above, certificate: 'issuing', now: ago(1) })
    await ca.crl({ dir: above, from: 'root', now: ago(1) })
    await ca.crl({ dir: above, now: ago(1) })
    assert.deepEqual(await both([list(above, 'root', '1.crl'), list(above, 'issuing', '1.crl')]), [
      'revoked',
      'revoked',
    ])
  })

  it('verifies nothing when a list is missing, or none was given', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(1) })
    await ca.crl({ dir, now: ago(1) })
    assert.deepEqual(await both([list(dir, 'root', '1.crl')]), ['unknown', 'unknown'])
    assert.deepEqual(await both([list(dir, 'issuing', '1.crl')]), ['unknown', 'unknown'])
    assert.deepEqual(await both([]), ['unknown', 'unknown'])
  })

  it('verifies nothing by a stale list', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(1) })
    await ca.crl({ dir, days: 5, now: ago(10) })
    assert.deepEqual(await both([list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl')]), ['unknown', 'unknown'])
  })

  it('does not go on by a list that was taken out of force', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(1) })
    await ca.crl({ dir, now: ago(1) })
    const { home, state } = await homeOf([list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl')])
    assert.ok(verify(home).ok)
    rmSync(join(state, 'lists'), { recursive: true })
    mkdirSync(join(state, 'lists'))
    await revocationSeed({ state, cache: join(home, '.cache/notation'), config: join(home, '.config/notation'), now })
    assert.ok(!verify(home).ok)
  })

  it('follows a hold and its end by delta lists', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(3) })
    await ca.crl({ dir, deltaUrl: `${BASE}/delta.crl`, now: ago(3) })
    await ca.crl({ dir, delta: true, now: ago(3) })
    const [root, base] = [list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl')]
    assert.deepEqual(await both([root, base, list(dir, 'issuing', '2-delta.crl')]), ['good', 'good'])
    assert.deepEqual(await both([root, base]), ['unknown', 'unknown'])
    await ca.revoke({ dir, reason: 'certificateHold', now: ago(2) })
    await ca.crl({ dir, delta: true, now: ago(2) })
    assert.deepEqual(await both([root, base, list(dir, 'issuing', '3-delta.crl')]), ['revoked', 'revoked'])
    await ca.revoke({ dir, reason: 'unhold', now: ago(2) })
    await ca.crl({ dir, delta: true, now: ago(2) })
    assert.deepEqual(await both([root, base, list(dir, 'issuing', '4-delta.crl')]), ['good', 'good'])
    await ca.revoke({ dir, reason: 'certificateHold', now: ago(1) })
    await ca.crl({ dir, now: ago(1) })
    await ca.revoke({ dir, reason: 'unhold', now: ago(1) })
    await ca.crl({ dir, delta: true, now: ago(1) })
    const [held, ended] = [list(dir, 'issuing', '5.crl'), list(dir, 'issuing', '6-delta.crl')]
    assert.deepEqual(await both([root, held, ended]), ['good', 'good'])
    // A hold made final is told by the next delta.
    await ca.revoke({ dir, now: ago(1) })
    await ca.crl({ dir, delta: true, now: ago(1) })
    assert.deepEqual(await both([root, held, list(dir, 'issuing', '7-delta.crl')]), ['revoked', 'revoked'])
  })

  it('verifies nothing with a delta that is stale, though its base is not', async () => {
    const dir = fork()
    await ca.crl({ dir, from: 'root', now: ago(3) })
    await ca.crl({ dir, deltaUrl: `${BASE}/delta.crl`, now: ago(3) })
    await ca.crl({ dir, delta: true, days: 1, now: ago(3) })
    const all = [list(dir, 'root', '1.crl'), list(dir, 'issuing', '1.crl'), list(dir, 'issuing', '2-delta.crl')]
    assert.deepEqual(await both(all), ['unknown', 'unknown'])
  })
})
