import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError, type Code } from '../../../src/errors/index.ts'
import { der, derSequence } from '../../../src/codec/index.ts'
import { parseAnswer, parseList, type OcspAnswer } from '../../../src/revocation/index.ts'
import type { Certificate } from '../../../src/signature/index.ts'
import { State } from '../../../src/state/index.ts'
import { KnownRevocations } from '../../../src/transfer/revocation/known-revocations.ts'
import type { ListReport, OfferedList } from '../../../src/transfer/revocation/list-report.ts'
import { answerDer, single, time } from '../../revocation/answer-maker.ts'
import { Authority, freshest, lists, RESPONDER, responders } from '../../revocation/authority.ts'
import {
  authorityKeyId,
  deltaIndicator,
  freshest as freshestPoints,
  fullName,
  invalidity,
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
const DELTA = 'http://lists.example/a-delta.crl'
const NOW = new Date('2026-04-20T00:00:00Z')
const FRESHEST = `freshestCRL=URI:${DELTA}`

describe('transfer/revocation/list-intake', function () {
  this.timeout(120_000)
  let scratch: string
  let root: Authority
  let leaf: Certificate
  let offered: (number: number, over?: Partial<Parameters<Authority['list']>[0]>, url?: string) => OfferedList
  let count = 0

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'sallyport-intake-'))
    root = new Authority('root', undefined, [])
    leaf = root.issue('signer', [lists(URL), responders('http://ocsp.example/')])
    offered = (number, over = {}, url = over.deltaBase === undefined ? URL : DELTA) => ({
      url,
      issuer: root.certificate,
      list: parseList(root.list({ number, from: `2604${String(number).padStart(2, '0')}000000Z`, ...over })),
    })
  })

  after(() => {
    root?.remove()
    rmSync(scratch, { recursive: true, force: true })
  })

  async function site(): Promise<string> {
    const dir = join(scratch, `state${(count += 1)}`)
    await (await State.init(dir, { site: 'site-a', reason: 'test', now: NOW })).close()
    return dir
  }

  /** One run that takes in and writes. */
  async function take(dir: string, ...carried: OfferedList[]): Promise<ListReport[]> {
    const state = await State.open(dir, { now: NOW, write: true })
    try {
      const { reports, changed } = await new KnownRevocations(state).offer(carried, [], NOW)
      await state.takeLists(changed, { channel: 'rev', id: `sha256:${'0'.repeat(64)}` })
      return reports
    } finally {
      await state.close()
    }
  }

  async function refused(code: Code, run: () => Promise<unknown>): Promise<void> {
    await assert.rejects(run, (error) => error instanceof SallyportError && error.code === code)
  }

  async function statusOf(dir: string): Promise<string> {
    const state = await State.open(dir, { now: NOW, write: false })
    const terms = { revocation: { measure: 'report', mustHave: new Set<string>(), timestampCounts: false } } as never
    const { revocation } = new KnownRevocations(state).means(terms, NOW)
    const answer = await revocation?.({ chain: [leaf, root.certificate], purpose: 'codeSigning' })
    return answer?.status ?? ''
  }

  it('takes a list, knows it in the next run, and lets the same bytes pass', async () => {
    const dir = await site()
    assert.equal(await statusOf(dir), 'unknown')
    assert.deepEqual((await take(dir, offered(1)))[0]?.outcome, 'taken')
    assert.equal(await statusOf(dir), 'good')
    assert.equal((await take(dir, offered(2, { revoked: [{ serial: leaf.serial }] })))[0]?.outcome, 'taken')
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('R2 leaves an older list out, by number or by date, and says so', async () => {
    const dir = await site()
    await take(dir, offered(5, { revoked: [{ serial: leaf.serial }] }))
    for (const older of [offered(4), offered(6, { from: '260404000000Z' })]) {
      const [report] = await take(dir, older)
      assert.deepEqual([report?.outcome, report?.code], ['older', 'LIST_ROLLBACK'])
    }
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('R2 refuses other bytes under the same number, and dates to come, all or nothing', async () => {
    const dir = await site()
    await take(dir, offered(5))
    const other = offered(5, { revoked: [{ serial: 'abcd' }] })
    await refused('LIST_EQUIVOCATION', () => take(dir, offered(7, {}, 'http://lists.example/b.crl'), other))
    await refused('LIST_FUTURE', () => take(dir, offered(9, { from: '260422000000Z' })))
    const state = await State.open(dir, { now: NOW, write: false })
    assert.deepEqual(
      state.heldLists().map(({ url, number }) => [url, number]),
      [[URL, '5']],
    )
  })

  it('keeps what was revoked for good when a later list drops it, and says revoked still', async () => {
    const dir = await site()
    await take(dir, offered(1, { revoked: [{ serial: leaf.serial }] }))
    await take(dir, offered(2))
    assert.equal(await statusOf(dir), 'revoked')
    await take(dir, offered(3))
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('lets a hold end with the list that drops it', async () => {
    const dir = await site()
    await take(dir, offered(1, { revoked: [{ serial: leaf.serial, why: 'holdInstruction,holdInstructionReject' }] }))
    assert.equal(await statusOf(dir), 'revoked')
    await take(dir, offered(2))
    assert.equal(await statusOf(dir), 'good')
  })

  it('chains a delta to the base that is held, and refuses one without', async () => {
    const dir = await site()
    const delta = offered(3, { deltaBase: 2, revoked: [{ serial: leaf.serial }] })
    await refused('LIST_BASE_MISSING', () => take(dir, delta))
    await take(dir, offered(1, { extensions: [FRESHEST] }))
    await refused('LIST_BASE_MISSING', () => take(dir, delta))
    // In one bundle the order does not matter.
    const reports = await take(dir, delta, offered(2, { extensions: [FRESHEST] }))
    assert.deepEqual(
      reports.map(({ form, outcome }) => [form, outcome]),
      [
        ['base', 'taken'],
        ['delta', 'taken'],
      ],
    )
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('keeps what only a delta revoked when the next base drops it', async () => {
    const dir = await site()
    await take(dir, offered(2, { extensions: [FRESHEST] }))
    await take(dir, offered(3, { deltaBase: 2, revoked: [{ serial: leaf.serial }] }))
    await take(dir, offered(4))
    assert.equal(await statusOf(dir), 'revoked')
  })

  it('knows by its journal what must not come back when the bytes of a list are lost', async () => {
    const dir = await site()
    await take(dir, offered(5))
    const file = readdirSync(join(dir, 'lists')).find((name) => !name.includes(root.certificate.sha256)) ?? ''
    rmSync(join(dir, 'lists', file))
    assert.equal(await statusOf(dir), 'unknown')
    assert.equal((await take(dir, offered(4)))[0]?.outcome, 'older')
    await refused('LIST_EQUIVOCATION', () => take(dir, offered(5, { revoked: [{ serial: 'ab' }] })))
    assert.equal(await statusOf(dir), 'unknown')
    assert.equal((await take(dir, offered(6)))[0]?.outcome, 'taken')
    assert.equal(await statusOf(dir), 'good')
  })

  it('refuses to go on with a list whose kept entries are lost: they would be forgotten', async () => {
    const dir = await site()
    await take(dir, offered(1, { revoked: [{ serial: leaf.serial }] }))
    await take(dir, offered(2))
    const state = await State.open(dir, { now: NOW, write: false })
    const kept = state.heldLists()[0]?.kept ?? ''
    const file = readdirSync(join(dir, 'lists')).find((name) => kept.endsWith(name)) ?? ''
    writeFileSync(join(dir, 'lists', file), 'other')
    assert.equal(await statusOf(dir), 'unknown')
    await refused('JOURNAL_BROKEN', () => take(dir, offered(3)))
  })

  it('lets an answer in for its certificate, and never an older one', async () => {
    const dir = await site()
    const at = new Date()
    const answer = (revoked: boolean) =>
      parseAnswer(root.answer({ about: [leaf], revoked: revoked ? [{ serial: leaf.serial }] : [] }))
    const give = async (one: ReturnType<typeof answer>): Promise<string | undefined> => {
      const state = await State.open(dir, { now: at, write: true })
      try {
        const known = new KnownRevocations(state)
        const terms = { url: 'http://ocsp.example/', issuer: root.certificate, serial: leaf.serial, answer: one }
        const { reports, changed } = await known.offer([], [terms], new Date(at.getTime() + 60_000))
        await state.takeLists(changed, null)
        return reports[0]?.outcome
      } finally {
        await state.close()
      }
    }
    const before = answer(true)
    assert.equal(await give(before), 'taken')
    assert.equal(await give(answer(false)), 'older')
    assert.equal(await give(before), 'held')
  })

  it('R2 lets in that a certificate is revoked for good, though a later answer had called it good', async () => {
    const authority = listAuthority()
    const answer = (status: 'good' | number, day: number, lost?: string): OcspAnswer => {
      const thisUpdate = time(`202604${day}000000Z`)
      const until = der(0xa0, time('20260501000000Z'))
      const extensions = lost === undefined ? {} : { extensions: der(0xa1, derSequence(invalidity(lost))) }
      const singles = [single({ issuer: authority, status, thisUpdate, nextUpdate: until, ...extensions })]
      return parseAnswer(answerDer({ authority, singles, producedAt: thisUpdate }))
    }
    const dir = await site()
    const give = async (one: OcspAnswer): Promise<string | undefined> => {
      const state = await State.open(dir, { now: NOW, write: true })
      try {
        const terms = { url: 'http://ocsp.example/', issuer: authority.certificate, serial: '4711', answer: one }
        const { reports, changed } = await new KnownRevocations(state).offer([], [terms], NOW)
        await state.takeLists(changed, null)
        return reports[0]?.outcome
      } finally {
        await state.close()
      }
    }
    const good = answer('good', 15)
    assert.equal(await give(good), 'taken')
    assert.equal(await give(answer(1, 14)), 'taken')
    assert.equal(await give(good), 'older')
    // Its bytes are lost: the row says that it must not be taken back.
    for (const name of readdirSync(join(dir, 'lists'))) rmSync(join(dir, 'lists', name))
    assert.equal(await give(answer('good', 16)), 'older')
    assert.equal(await give(answer(1, 16, '20260401000000Z')), 'taken')
    // Of two that revoke for good the one that reaches further back, whatever its date.
    assert.equal(await give(answer(1, 15)), 'taken')
    assert.equal(await give(answer(1, 17, '20260401000000Z')), 'older')
  })

  it('R2 takes the changes of another part of the issuer for older, whatever their number', async () => {
    const authority = listAuthority()
    const part = (url: string): Buffer => issuingPoint(fullName(uri(url)))
    const made = (number: number, at: string, of: string, base?: number): OfferedList => ({
      url: at,
      issuer: authority.certificate,
      list: parseList(
        listDer({
          authority,
          thisUpdate: utc('260401000000Z'),
          extensions: [
            authorityKeyId(KEY_ID),
            listNumber(number.toString(16)),
            part(of),
            base === undefined ? freshestPoints([fullName(uri(DELTA))]) : deltaIndicator(base.toString(16)),
          ],
        }),
      ),
    })
    const dir = await site()
    await take(dir, made(3, URL, URL))
    const [astray] = await take(dir, made(900, DELTA, 'http://lists.example/b.crl', 2))
    assert.equal(astray?.outcome, 'older')
    assert.equal((await take(dir, made(4, DELTA, URL, 3)))[0]?.outcome, 'taken')
  })

  it('does not go by a responder that a delta alone says was revoked', async () => {
    const dir = await site()
    const at = new Date()
    const stamp = (hours: number): string =>
      `${new Date(at.getTime() + hours * 3_600_000).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`
    const asked = root.issue('asked', [responders('http://ocsp.example/')])
    const responder = root.issue('responder', [lists(URL)], RESPONDER)
    const answer = parseAnswer(root.answer({ about: [asked], by: 'responder' }))
    const listed = (over: Partial<Parameters<Authority['list']>[0]>): OfferedList =>
      offered(2, { from: stamp(-1), until: stamp(24), extensions: [FRESHEST], ...over })
    const state = await State.open(dir, { now: at, write: true })
    const give = async (one: OfferedList): Promise<string | undefined> => {
      const known = new KnownRevocations(state)
      const issued = { url: 'http://ocsp.example/', issuer: root.certificate, serial: asked.serial, answer }
      await state.takeLists((await known.offer([one], [issued], new Date(at.getTime() + 60_000))).changed, null)
      const terms = { revocation: { measure: 'report', mustHave: new Set<string>(), timestampCounts: false } } as never
      const { revocation } = new KnownRevocations(state).means(terms, new Date(at.getTime() + 60_000))
      return (await revocation?.({ chain: [asked, root.certificate], purpose: 'codeSigning' }))?.status
    }
    assert.equal(await give(listed({})), 'good')
    const revoked = [{ serial: responder.serial }]
    assert.equal(await give(listed({ number: 3, deltaBase: 2, revoked, extensions: [] })), 'unknown')
    await state.close()
  })

  it('R2 ends in one state in all 24 orders of four lists, with a new run after each', async () => {
    const four = [
      offered(1, { revoked: [{ serial: 'a1' }], extensions: [FRESHEST] }),
      offered(2, { revoked: [{ serial: 'a1' }, { serial: 'b2' }], extensions: [FRESHEST] }),
      offered(3, { deltaBase: 2, revoked: [{ serial: leaf.serial }] }),
      offered(4, { revoked: [{ serial: 'b2' }, { serial: leaf.serial }], extensions: [FRESHEST] }),
    ]
    const ends = new Set<string>()
    for (const order of orders(four)) {
      const dir = await site()
      const waiting: OfferedList[] = []
      for (const list of order) {
        try {
          await take(dir, list)
        } catch (error) {
          if (!(error instanceof SallyportError) || error.code !== 'LIST_BASE_MISSING') throw error
          waiting.push(list)
        }
      }
      for (const list of waiting) await take(dir, list)
      const state = await State.open(dir, { now: NOW, write: false })
      const [base] = state.heldLists().filter(({ form }) => form === 'base')
      ends.add(`${base?.number} ${base?.digest} ${base?.kept} ${await statusOf(dir)}`)
    }
    assert.equal(ends.size, 1, [...ends].join('\n'))
    assert.match([...ends][0] ?? '', /^4 .* revoked$/)
  })

  it('asks nothing of the network: freshest lists count only when they are held', async () => {
    const dir = await site()
    await take(dir, offered(1, { extensions: [freshest(DELTA)] }))
    assert.equal(await statusOf(dir), 'unknown')
  })
})
