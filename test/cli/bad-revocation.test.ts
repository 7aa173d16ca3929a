/** Bad lists and denials at the site's door, by the program itself: one exit status, one code, and nothing written. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { denying } from '../../bundles/vectors/accept-passenger.ts'
import { newestRoot, office, solo, type Channel } from '../../bundles/vectors/channels.ts'
import { listPiece, pieces, place } from '../../bundles/vectors/lists.ts'
import type { Goods, Shelf } from '../../bundles/vectors/goods.ts'
import { pack, SITE, type Forgery } from '../../bundles/vectors/pack.ts'
import { der } from '../../src/codec/index.ts'
import type { Code } from '../../src/errors/index.ts'
import { CERTIFICATE, REVOCATION_LIST } from '../../src/oci/index.ts'
import { parseList } from '../../src/revocation/index.ts'
import { listLabel } from '../../src/transfer/revocation/information.ts'
import {
  authorityKeyId,
  deltaIndicator,
  entry,
  generalized,
  issuingPoint,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  TRUE,
  utc,
  type ListTerms,
} from '../revocation/list-maker.ts'
import { certificate, constraints, extension, usage } from '../signature/hand-made.ts'
import { documentIn, sallyport, type JsonResult } from './program.ts'

const URL = 'http://lists.acme.example/ca.crl'
const authority = listAuthority('acme lists')
const numbered = (...more: Buffer[]): Buffer[] => [authorityKeyId(KEY_ID), listNumber('10'), ...more]

function made(terms: Partial<ListTerms> = {}): Buffer {
  return listDer({ authority, nextUpdate: utc('490101000000Z'), extensions: numbered(), ...terms })
}

interface BadList {
  list: Buffer
  issuer?: typeof authority
}

/** Puts a list on the shelf; what can't be read is said to be what the good one is. */
function hang(shelf: Shelf, { list, issuer = authority }: BadList): void {
  const told = ((): ReturnType<typeof parseList> => {
    try {
      return parseList(list)
    } catch {
      return parseList(made())
    }
  })()
  const layers = [shelf.blob(REVOCATION_LIST, list), shelf.blob(CERTIFICATE, issuer.certificate.der)] as const
  place(shelf, { label: listLabel(told, issuer.certificate, URL), layers })
}

/** Beside a good list: all or nothing. */
function beside(bad: BadList): Goods {
  return pieces('solo', (shelf) => {
    place(shelf, listPiece(shelf))
    hang(shelf, bad)
  })
}

const without = {
  ...authority,
  certificate: certificate({
    key: authority.key,
    subject: authority.name,
    extensions: [constraints(true), usage([5])],
  }),
}

const LISTS: Record<string, [exit: number, code: Code, bad: BadList]> = {
  'a list that is cut': [12, 'LIST_MALFORMED', { list: made().subarray(0, -1) }],
  'a list with a byte behind it': [12, 'LIST_MALFORMED', { list: Buffer.concat([made(), Buffer.of(0)]) }],
  'a list without a number': [12, 'LIST_MALFORMED', { list: made({ extensions: [authorityKeyId(KEY_ID)] }) }],
  'a list without a next update': [12, 'LIST_MALFORMED', { list: made({ nextUpdate: Buffer.alloc(0) }) }],
  'a list of another issuer with the same name': [
    12,
    'LIST_INVALID',
    { list: made({ authority: listAuthority('acme lists') }) },
  ],
  'a list by a certificate without cRLSign': [12, 'LIST_INVALID', { list: made(), issuer: without }],
  'an indirect list': [12, 'LIST_INVALID', { list: made({ extensions: numbered(issuingPoint(der(0x84, TRUE))) }) }],
  'a list with an unknown critical extension': [
    12,
    'LIST_INVALID',
    { list: made({ extensions: numbered(extension('1.2.3', Buffer.of(), true)) }) },
  ],
}

/** Sound by themselves, and not to be let in: of content they are left out alone. */
const APART: Record<string, [exit: number, code: Code, list: Buffer]> = {
  'a list of a day to come': [15, 'LIST_FUTURE', made({ thisUpdate: utc('480101000000Z') })],
  'a delta without its base': [18, 'LIST_BASE_MISSING', made({ extensions: numbered(deltaIndicator('f')) })],
}

describe('cli: bad lists and denials', function () {
  this.timeout(60_000)
  let dir: string
  let count = 0
  let state: string

  const path = (name: string): string => join(dir, `${(count += 1)}-${name}`)
  const journal = (): string => readFileSync(join(state, 'journal.jsonl'), 'utf8')
  const lists = (): string[] => (existsSync(join(state, 'lists')) ? readdirSync(join(state, 'lists')).sort() : [])

  async function done(...args: string[]): Promise<void> {
    const { status, stderr } = await sallyport(args)
    assert.equal(status, 0, stderr)
  }

  async function bring(channel: Channel, sequence: number, goods: Goods, forgery?: Forgery): Promise<JsonResult> {
    const bundle = path('bundle.tar')
    writeFileSync(bundle, pack(channel, sequence, goods, forgery).tar)
    const run = await sallyport(['import', bundle, '--to', `oci:${join(dir, 'out')}`, '--state', state, '--json'])
    assert.notEqual(run.stdout, '', run.stderr)
    return documentIn(run.stdout)
  }

  const outcomes = (report: JsonResult['report']): unknown[] =>
    (report['revocation'] as { lists: { outcome: string; code?: string }[] }).lists
      .map(({ outcome, code }) => [outcome, code])
      .sort()

  async function refused(exit: number, code: Code, ...what: Parameters<typeof bring>): Promise<void> {
    const [rows, files] = [journal(), lists()]
    const { error, exit: status } = await bring(...what)
    assert.deepEqual([status, error.code], [exit, code], JSON.stringify(error))
    assert.deepEqual([journal(), lists()], [rows, files])
    assert.equal(existsSync(join(dir, 'out')), false)
  }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-bad-'))
    state = join(dir, 'state')
    await done('state', 'init', '--site', SITE, '--state', state, '--reason', 'test')
    for (const channel of [solo, office]) {
      const root = path('root.json')
      writeFileSync(root, newestRoot(channel))
      const fingerprint = `sha256:${createHash('sha256').update(newestRoot(channel)).digest('hex')}`
      const told = ['--fingerprint', fingerprint, '--for', channel.purpose, '--state', state]
      await done('channel', 'pin', channel.name, root, ...told)
    }
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  for (const [what, [exit, code, bad]] of Object.entries(LISTS))
    it(`refuses ${what}, and the good one beside it: ${code}`, () => refused(exit, code, solo, 3, beside(bad)))

  for (const [what, [exit, code, list]] of Object.entries(APART)) {
    it(`leaves ${what} out of content, with an alarm: ${code}`, async () => {
      const { exit: status, report } = await bring(solo, 3, beside({ list }))
      assert.deepEqual(
        [status, outcomes(report)],
        [
          exit,
          [
            ['refused', code],
            ['taken', undefined],
          ],
        ],
      )
    })
    it(`refuses ${what} and all that came with it for revocation alone: ${code}`, () =>
      refused(
        exit,
        code,
        office,
        3,
        pieces('office', (shelf) => hang(shelf, { list })),
      ))
  }

  it('refuses denials on a channel without the right to them: DENIAL_UNENTITLED', () =>
    refused(13, 'DENIAL_UNENTITLED', solo, 3, denying(solo, 'a rival')))

  it('refuses lists and denials for another site: AUDIENCE_MISMATCH', () => {
    const terms = { audience: ['site-b'], previous: { 'site-b': null } }
    return refused(13, 'AUDIENCE_MISMATCH', office, 3, denying(office, 'there'), { terms })
  })

  describe('beside a list that is in force', () => {
    const inForce = made({ entries: [entry('7')] })
    const carrying = (list: Buffer): Goods => pieces('solo', (shelf) => hang(shelf, { list }))

    it('leaves an older one out, and one that is left out stays in force', async () => {
      const first = await bring(solo, 3, carrying(inForce))
      assert.equal(first.exit, 0, JSON.stringify(first))
      const files = lists()
      const older = made({ thisUpdate: utc('260531000000Z'), extensions: [authorityKeyId(KEY_ID), listNumber('f')] })
      const { exit, report } = await bring(solo, 4, carrying(older))
      const { lists: told } = report['revocation'] as { lists: { outcome: string; code?: string }[] }
      assert.deepEqual([exit, told.map((one) => [one.outcome, one.code])], [0, [['older', 'LIST_ROLLBACK']]])
      assert.deepEqual(lists(), files)
      const silent = await bring(
        solo,
        5,
        pieces('solo', (shelf) => void place(shelf, listPiece(shelf))),
      )
      assert.equal(silent.exit, 0)
      assert.ok(files.every((file) => lists().includes(file)))
    })

    it('takes other bytes under its number for an alarm, and not for its list: LIST_EQUIVOCATION', async () => {
      await bring(solo, 3, carrying(inForce))
      const before = lists()
      const { exit, report } = await bring(solo, 4, beside({ list: made() }))
      const code = 'LIST_EQUIVOCATION'
      assert.deepEqual(
        [exit, outcomes(report)],
        [
          15,
          [
            ['refused', code],
            ['taken', undefined],
          ],
        ],
      )
      assert.ok(before.every((file) => lists().includes(file)))
      rmSync(join(dir, 'out'), { recursive: true })
      await refused(
        15,
        code,
        office,
        4,
        pieces('office', (shelf) => hang(shelf, { list: made() })),
      )
    })

    it('takes one that is good until 2050 and longer', async () => {
      const list = made({ nextUpdate: generalized('20510101000000Z') })
      const { exit, report } = await bring(solo, 3, carrying(list))
      const { lists: told } = report['revocation'] as { lists: { outcome: string; nextUpdate: string }[] }
      assert.deepEqual(
        [exit, told.map((one) => [one.outcome, one.nextUpdate])],
        [0, [['taken', '2051-01-01T00:00:00Z']]],
      )
    })
  })
})
