/** What a run reads of a state before it judges: a new run for each question, so that nothing is known by chance. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAnswer, parseList } from '../../../src/revocation/index.ts'
import type { Certificate } from '../../../src/signature/index.ts'
import { State } from '../../../src/state/index.ts'
import { KnownRevocations } from '../../../src/transfer/revocation/known-revocations.ts'
import type { OfferedAnswer, OfferedList } from '../../../src/transfer/revocation/list-report.ts'
import { Authority, freshest, lists, RESPONDER, responders, type ListTerms } from '../../revocation/authority.ts'

const URL = 'http://lists.example/a.crl'
const DELTA = 'http://lists.example/a-delta.crl'
const OCSP = 'http://ocsp.example/'
/** Answers of openssl are of now. */
const NOW = new Date(Date.now() + 60_000)

function stamp(hours: number): string {
  const at = new Date(NOW.getTime() + hours * 3_600_000)
  return `${at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`
}

describe('transfer/revocation/known-revocations', function () {
  this.timeout(120_000)
  let scratch: string
  let root: Authority
  let count = 0

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'sallyport-known-'))
    root = new Authority('root', undefined, [])
  })

  after(() => {
    root?.remove()
    rmSync(scratch, { recursive: true, force: true })
  })

  const list = (url: string, terms: ListTerms): OfferedList => ({
    url,
    issuer: root.certificate,
    list: parseList(root.list({ from: stamp(-1), until: stamp(24), ...terms })),
  })

  async function site(): Promise<string> {
    const dir = join(scratch, `state${(count += 1)}`)
    await (await State.init(dir, { site: 'site-a', reason: 'test', now: NOW })).close()
    return dir
  }

  async function take(dir: string, carried: readonly OfferedList[], answers: readonly OfferedAnswer[]): Promise<void> {
    const state = await State.open(dir, { now: NOW, write: true })
    try {
      await state.takeLists((await new KnownRevocations(state).offer(carried, answers, NOW)).changed, null)
    } finally {
      await state.close()
    }
  }

  async function statusOf(dir: string, certificate: Certificate): Promise<string | undefined> {
    const state = await State.open(dir, { now: NOW, write: false })
    const terms = { revocation: { measure: 'report', mustHave: new Set<string>(), timestampCounts: false } } as never
    const { revocation } = new KnownRevocations(state).means(terms, NOW)
    return (await revocation?.({ chain: [certificate, root.certificate], purpose: 'codeSigning' }))?.status
  }

  it('goes by no responder that any held list names, a delta too, when the responder names no list', async () => {
    const asked = root.issue('asked', [responders(OCSP)])
    const responder = root.issue('responder', [], RESPONDER)
    const answer = parseAnswer(root.answer({ about: [asked], by: 'responder' }))
    const answers = [{ url: OCSP, issuer: root.certificate, serial: asked.serial, answer }]
    const revoked = [{ serial: responder.serial, why: 'keyCompromise' }]
    const base = list(URL, { number: 1, extensions: [freshest(DELTA)] })
    for (const [delta, status] of [
      [list(DELTA, { number: 2, deltaBase: 1 }), 'good'],
      [list(DELTA, { number: 2, deltaBase: 1, revoked }), 'unknown'],
    ] as const) {
      const dir = await site()
      await take(dir, [base, delta], answers)
      assert.equal(await statusOf(dir, asked), status)
    }
  })

  it('goes by an answer that revokes a certificate which names no responder, in every later run', async () => {
    const mute = root.issue('mute', [lists(URL)])
    const answer = parseAnswer(root.answer({ about: [mute], revoked: [{ serial: mute.serial, why: 'keyCompromise' }] }))
    const dir = await site()
    await take(dir, [list(URL, { number: 1 })], [])
    assert.equal(await statusOf(dir, mute), 'good')
    await take(dir, [], [{ url: OCSP, issuer: root.certificate, serial: mute.serial, answer }])
    assert.equal(await statusOf(dir, mute), 'revoked')
  })

  it('goes by every list of the issuer for what is revoked for good, in every later run', async () => {
    const moved = root.issue('moved', [lists(URL)])
    const dir = await site()
    await take(dir, [list(URL, { number: 1 })], [])
    assert.equal(await statusOf(dir, moved), 'good')
    const revoked = [{ serial: moved.serial, why: 'keyCompromise' }]
    await take(dir, [list('http://lists.example/b.crl', { number: 2, revoked })], [])
    assert.equal(await statusOf(dir, moved), 'revoked')
  })
})
