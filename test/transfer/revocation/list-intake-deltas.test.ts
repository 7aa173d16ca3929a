/** Deltas of one issuer under several addresses: what any of them revoked for good stays revoked, in any order. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import { parseList, readKept } from '../../../src/revocation/index.ts'
import type { Certificate } from '../../../src/signature/index.ts'
import { State } from '../../../src/state/index.ts'
import { KnownRevocations } from '../../../src/transfer/revocation/known-revocations.ts'
import type { OfferedList } from '../../../src/transfer/revocation/list-report.ts'
import { Authority, freshest, lists } from '../../revocation/authority.ts'
import {
  authorityKeyId,
  deltaIndicator,
  entry,
  freshest as freshestPoints,
  fullName,
  issuingPoint,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  uri,
  utc,
} from '../../revocation/list-maker.ts'
import { orders } from '../../orders.ts'

const URL = 'http://lists.example/a.crl'
const FIRST = 'http://lists.example/a-delta.crl'
const SECOND = 'http://mirror.example/a-delta.crl'
const NONE = `sha256:${'0'.repeat(64)}` as const
const NOW = new Date('2026-04-20T00:00:00Z')

describe('transfer/revocation/list-intake: deltas under several addresses', function () {
  this.timeout(120_000)
  let scratch: string
  let root: Authority
  let leaf: Certificate
  let count = 0

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'sallyport-intake-'))
    root = new Authority('root', undefined, [])
    leaf = root.issue('signer', [lists(URL)])
  })

  after(() => {
    root?.remove()
    rmSync(scratch, { recursive: true, force: true })
  })

  const offered = (url: string, number: number, over: Partial<Parameters<Authority['list']>[0]> = {}): OfferedList => ({
    url,
    issuer: root.certificate,
    list: parseList(root.list({ number, from: `2604${String(number).padStart(2, '0')}000000Z`, ...over })),
  })
  const base = (number: number, ...places: string[]): OfferedList =>
    offered(URL, number, places.length === 0 ? {} : { extensions: [freshest(...places)] })
  const naming = (url: string, number: number): OfferedList =>
    offered(url, number, { deltaBase: 1, revoked: [{ serial: leaf.serial, why: 'keyCompromise' }] })
  const silent = (url: string, number: number): OfferedList => offered(url, number, { deltaBase: 1 })

  async function site(): Promise<string> {
    const dir = join(scratch, `state${(count += 1)}`)
    await (await State.init(dir, { site: 'site-a', reason: 'test', now: NOW })).close()
    return dir
  }

  /** A run for each list. */
  async function take(dir: string, ...carried: OfferedList[]): Promise<void> {
    for (const one of carried) {
      const state = await State.open(dir, { now: NOW, write: true })
      try {
        const { changed } = await new KnownRevocations(state).offer([one], [], NOW)
        await state.takeLists(changed, { channel: 'rev', id: NONE })
      } finally {
        await state.close()
      }
    }
  }

  async function statusOf(dir: string, chain: readonly Certificate[] = [leaf, root.certificate]): Promise<string> {
    const state = await State.open(dir, { now: NOW, write: false })
    const terms = { revocation: { measure: 'report', mustHave: new Set<string>(), timestampCounts: false } } as never
    const { revocation } = new KnownRevocations(state).means(terms, NOW)
    return (await revocation?.({ chain, purpose: 'codeSigning' }))?.status ?? ''
  }

  it('R2 goes by the delta that revokes for good, whatever a newer one at another address leaves out', async () => {
    const dir = await site()
    await take(dir, base(1, FIRST, SECOND), naming(SECOND, 3), silent(FIRST, 4))
    assert.equal(await statusOf(dir), 'revoked')
    // A base that is silent and overtakes it, then a delta in its place.
    await take(dir, base(5, FIRST, SECOND), silent(FIRST, 6))
    assert.equal(await statusOf(dir), 'revoked')
    await take(dir, offered(SECOND, 7, { deltaBase: 5 }))
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('R2 keeps what a delta revoked whose address no list names any more', async () => {
    const dir = await site()
    await take(dir, base(1, FIRST), naming(FIRST, 3), base(2, SECOND), silent(SECOND, 4))
    assert.equal(await statusOf(dir), 'revoked')
    await take(dir, base(5), silent(FIRST, 6))
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('R2 keeps what a delta revoked that the certificate alone names', async () => {
    const named = root.issue('named', [lists(URL), freshest(FIRST)])
    const dir = await site()
    const told = offered(FIRST, 3, { deltaBase: 1, revoked: [{ serial: named.serial }] })
    for (const one of [base(1), told, base(5), offered(FIRST, 6, { deltaBase: 5 })]) {
      await take(dir, one)
      assert.equal(await statusOf(dir, [named, root.certificate]), one.list.number === '1' ? 'unknown' : 'revoked')
    }
  })

  it('R2 ends in one state in all 24 orders of two bases and two deltas at two addresses', async () => {
    const four = [base(1, FIRST, SECOND), naming(SECOND, 3), silent(FIRST, 4), base(5, FIRST, SECOND)]
    const ends = new Set<string>()
    for (const order of orders(four)) {
      const dir = await site()
      const waiting: OfferedList[] = []
      for (const list of order)
        await take(dir, list).catch((error: unknown) => {
          if (!(error instanceof SallyportError) || error.code !== 'LIST_BASE_MISSING') throw error
          waiting.push(list)
        })
      await take(dir, ...waiting)
      const state = await State.open(dir, { now: NOW, write: false })
      const [held] = state.heldLists().filter(({ form }) => form === 'base')
      ends.add(`${held?.number} ${held?.kept} ${await statusOf(dir)}`)
    }
    assert.equal(ends.size, 1, [...ends].join('\n'))
    assert.match([...ends][0] ?? '', /^5 sha256:.* revoked$/)
  })

  it('keeps what is kept when a delta of another part of the certificates names it too, which is not let in', async () => {
    const authority = listAuthority()
    const made = (url: string, number: number, part: string, names: string[], of?: number): OfferedList => {
      const change = of === undefined ? freshestPoints([fullName(uri(FIRST))]) : deltaIndicator(of.toString(16))
      const scope = issuingPoint(fullName(uri(part)))
      const extensions = [authorityKeyId(KEY_ID), listNumber(number.toString(16)), scope, change]
      const entries = names.map((serial) => entry(serial))
      const list = parseList(listDer({ authority, thisUpdate: utc('260401000000Z'), entries, extensions }))
      return { url, issuer: authority.certificate, list }
    }
    const dir = await site()
    const keptOf = async (): Promise<string[]> => {
      const state = await State.open(dir, { now: NOW, write: false })
      const bytes = await state.listBytes(state.heldLists()[0]?.kept ?? NONE)
      return [...readKept(bytes ?? Buffer.alloc(0)).entries()].map(({ serial }) => serial)
    }
    await take(dir, made(URL, 1, URL, ['ab', 'cd']), made(URL, 2, URL, []))
    assert.deepEqual(await keptOf(), ['ab', 'cd'])
    await take(dir, made(FIRST, 9, 'http://lists.example/b.crl', ['ab'], 1))
    assert.deepEqual(await keptOf(), ['ab', 'cd'])
  })
})
