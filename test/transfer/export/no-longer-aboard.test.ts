/** What an approver is told is left out: the cases that two bundles of a channel show only together. */
import assert from 'node:assert/strict'
import { parseAnswer, parseList, type Denial } from '../../../src/revocation/index.ts'
import { noLongerAboard, type Carried } from '../../../src/transfer/export/no-longer-aboard.ts'
import { Authority, type AnswerTerms, type ListTerms } from '../../revocation/authority.ts'

const [URL, MIRROR, DELTA] = ['http://a.example/a.crl', 'http://b.example/a.crl', 'http://a.example/delta.crl']
const RESPONDER = 'http://ocsp.example/'
const EMPTY: Carried = { lists: [], answers: [], denials: undefined }
const ARTIFACT = `sha256:${'4b'.repeat(32)}` as const

describe('transfer/export/no-longer-aboard', function () {
  this.timeout(60_000)
  const root = new Authority('root')
  const leaf = root.issue('signer')
  after(() => root.remove())

  const at = { digest: ARTIFACT, tag: 't', issuer: root.certificate }
  const list = (number: number, serials: readonly string[], url = URL, terms: Partial<ListTerms> = {}): Carried => {
    const der = root.list({ number, revoked: serials.map((serial) => ({ serial })), ...terms })
    return { ...EMPTY, lists: [{ ...at, url, list: parseList(der) }] }
  }
  const answer = (revoked: AnswerTerms['revoked'] = []): Carried => {
    const parsed = parseAnswer(root.answer({ about: [leaf], revoked }))
    return { ...EMPTY, answers: [{ ...at, url: RESPONDER, serial: leaf.serial, answer: parsed }] }
  }
  const denials = (...said: Partial<Denial>[]): Carried => {
    const common = { artifact: ARTIFACT, reason: 'bad', since: '2026-06-01T00:00:00Z' }
    return { ...EMPTY, denials: said.map((one) => ({ ...common, ...one })) }
  }
  const both = (...parts: readonly Carried[]): Carried => ({
    ...EMPTY,
    lists: parts.flatMap((part) => part.lists),
    answers: parts.flatMap((part) => part.answers),
  })
  const told = (now: Carried, before: Carried): { dropped: string[]; absent: string[] } => {
    const { dropped, droppedCount, absent, absentCount } = noLongerAboard(now, before)
    assert.deepEqual([droppedCount, absentCount], [dropped.length, absent.length])
    const pieces = absent.map(({ kind, url, serial }) => [kind, url, serial ?? []].flat().join(' '))
    return { dropped: dropped.map(({ serial, url }) => `${serial} ${url}`), absent: pieces }
  }

  it('says nothing where all that was said is said again', () => {
    const before = both(list(1, ['a1']), answer())
    assert.deepEqual(told(both(list(2, ['a1', 'a2']), answer()), before), { dropped: [], absent: [] })
    assert.deepEqual(told(before, before), { dropped: [], absent: [] })
  })

  it('names a list whose place no list of its address took, and whom none of its issuer revokes now', () => {
    const before = list(1, ['a1', 'a2'])
    assert.deepEqual(told(list(2, ['a1'], MIRROR), before), { dropped: [`a2 ${URL}`], absent: [`list ${URL}`] })
    assert.deepEqual(told(EMPTY, before), { dropped: [`a1 ${URL}`, `a2 ${URL}`], absent: [`list ${URL}`] })
  })

  it('takes no list of another address for the one that left a serial number out', () => {
    const now = both(list(2, []), list(3, ['a1'], MIRROR))
    assert.deepEqual(told(now, list(1, ['a1'])), { dropped: [`a1 ${URL}`], absent: [] })
  })

  it('names an absent delta, and whom it alone revoked', () => {
    const delta = list(2, ['a1', 'a2'], DELTA, { deltaBase: 1 })
    const now = list(2, ['a1'])
    assert.deepEqual(told(now, both(list(1, []), delta)), { dropped: [`a2 ${DELTA}`], absent: [`delta ${DELTA}`] })
    // A delta in the place of the whole list is not its successor.
    const instead = list(2, ['a1'], URL, { deltaBase: 1 })
    assert.deepEqual(told(instead, list(1, ['a1'])), { dropped: [], absent: [`list ${URL}`] })
  })

  it('names an answer that is absent, and one that says good of what was revoked', () => {
    const before = answer([{ serial: leaf.serial }])
    const dropped = [`${leaf.serial} ${RESPONDER}`]
    assert.deepEqual(told(EMPTY, before), { dropped, absent: [`answer ${RESPONDER} ${leaf.serial}`] })
    assert.deepEqual(told(answer(), before), { dropped, absent: [] })
    assert.deepEqual(told(both(answer(), list(1, [leaf.serial])), before), { dropped: [], absent: [] })
  })

  it('names denials that are gone, and those that were narrowed to one signer', () => {
    const before = denials({}, { signer: 'a'.repeat(64) })
    const gone = (now: Carried): (string | null)[] =>
      noLongerAboard(now, before).droppedDenials.map(({ signer }) => signer ?? null)
    assert.deepEqual(gone(EMPTY), [null, 'a'.repeat(64)])
    assert.deepEqual(gone(denials({ signer: 'a'.repeat(64) })), [null])
    assert.deepEqual(gone(before), [])
  })

  it('shows the first hundred of many, and counts them all', () => {
    const many = Array.from({ length: 150 }, (_, i) => (0xb000 + i).toString(16))
    const { dropped, droppedCount } = noLongerAboard(EMPTY, list(1, many))
    assert.deepEqual([dropped.length, droppedCount], [100, 150])
  })
})
