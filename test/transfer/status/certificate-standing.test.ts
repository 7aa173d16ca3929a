import assert from 'node:assert/strict'
import { parseAnswer, parseList } from '../../../src/revocation/index.ts'
import { KeptWriter } from '../../../src/revocation/kept.ts'
import type { HeldList, KnownCertificate } from '../../../src/state/index.ts'
import { HeldLists, type InForce } from '../../../src/transfer/revocation/held-lists.ts'
import { standingOf } from '../../../src/transfer/status/certificate-standing.ts'
import { answerDer, single } from '../../revocation/answer-maker.ts'
import {
  authorityKeyId,
  entry,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  reason,
  utc,
} from '../../revocation/list-maker.ts'
import { digest } from '../../state/folder.ts'

const URL = 'http://lists.example/ca.crl'
const NOW = new Date('2026-06-15T00:00:00Z')
const [HOLD, REMOVED, LOST] = [6, 8, 1]

describe('transfer/status/certificate-standing', () => {
  const authority = listAuthority('root')
  const { spkiSha256: issuer, der: issuerCertificate } = authority.certificate
  const known: KnownCertificate = {
    sha256: '1'.repeat(64),
    spki: '2'.repeat(64),
    issuer,
    serial: '4711',
    notAfter: '2027-01-01T00:00:00Z',
    subject: 'CN=signer',
    crlUrls: [URL],
    ocspUrls: ['http://ocsp.example'],
  }

  function listed(why: number): InForce {
    const extensions = [authorityKeyId(KEY_ID), listNumber('1')]
    const entries = [entry('4711', [reason(why)], utc('260301000000Z'))]
    return { row: undefined, list: parseList(listDer({ authority, extensions, entries })), issuerCertificate }
  }

  interface Said {
    base?: number
    /** Of a list before the base. */
    kept?: number
    delta?: number
    answer?: 'good' | 'unknown' | number
  }

  /** Since when it is revoked, by lists and answers that give these reasons. */
  async function revokedBy({ base, kept, delta, answer }: Said, change: Partial<KnownCertificate> = {}, now = NOW) {
    const said: [HeldList['form'], InForce][] = []
    const writer = new KeptWriter()
    if (kept !== undefined) writer.add({ serial: '4711', number: '0', revoked: NOW, reason: kept })
    if (base !== undefined) said.push(['base', { ...listed(base), kept: writer.finish() }])
    if (delta !== undefined) said.push(['delta', listed(delta)])
    if (answer !== undefined) {
      const bytes = answerDer({ authority, singles: [single({ issuer: authority, status: answer })] })
      said.push(['answer', { row: undefined, answer: parseAnswer(bytes), issuerCertificate }])
    }
    const lists = new HeldLists(undefined)
    const rows = said.map(([form, found]): HeldList => {
      const serial = form === 'answer' ? { serial: known.serial } : {}
      const place = { issuer, form, url: form === 'answer' ? '' : URL, ...serial }
      lists.put(place, found)
      const dated = { thisUpdate: '2026-06-01T00:00:00Z', nextUpdate: '2026-07-01T00:00:00Z' }
      return {
        ...place,
        ...dated,
        digest: digest(form),
        issuerCertificate: digest('issuer'),
        from: null,
        n: 1,
        time: dated.thisUpdate,
      }
    })
    return (await standingOf({ ...known, ...change }, rows, lists, now)).revoked
  }

  it('takes what is kept for revoked for good, though the list makes a hold of it and a delta lifts that', async () => {
    assert.equal(await revokedBy({ base: HOLD, delta: REMOVED }), null)
    assert.equal(await revokedBy({ base: HOLD, kept: LOST, delta: REMOVED }), '2026-06-15T00:00:00Z')
  })

  it('goes by a good answer before a hold in a list, as a verdict does', async () => {
    assert.equal(await revokedBy({ base: HOLD }), '2026-03-01T00:00:00Z')
    assert.equal(await revokedBy({ base: HOLD, answer: 'good' }), null)
    assert.notEqual(await revokedBy({ base: HOLD, answer: 'unknown' }), null)
    assert.notEqual(await revokedBy({ base: HOLD, answer: 'good' }, {}, new Date('2026-07-02T00:00:00Z')), null)
    assert.notEqual(await revokedBy({ base: HOLD, answer: 'good' }, { ocspUrls: [] }), null)
  })

  it('leaves revoked what a list revokes for good, whatever else is said', async () => {
    assert.notEqual(await revokedBy({ base: LOST, answer: 'good' }), null)
    assert.notEqual(await revokedBy({ base: LOST, delta: REMOVED }), null)
    assert.notEqual(await revokedBy({ delta: LOST, answer: HOLD }), null)
  })

  it('goes by a list that it does not name for what is revoked for good alone', async () => {
    for (const crlUrls of [[], [`${URL}?new`]]) {
      assert.notEqual(await revokedBy({ base: LOST }, { crlUrls }), null)
      assert.notEqual(await revokedBy({ base: HOLD, kept: LOST }, { crlUrls }), null)
      assert.equal(await revokedBy({ base: HOLD }, { crlUrls }), null)
    }
  })

  it('takes the word of a delta before that of its list, and of an answer that revokes before both', async () => {
    assert.equal(await revokedBy({ base: HOLD, delta: REMOVED }), null)
    assert.notEqual(await revokedBy({ base: HOLD, delta: REMOVED, answer: LOST }), null)
    assert.notEqual(await revokedBy({ answer: HOLD }), null)
    assert.equal(await revokedBy({}), null)
  })
})
