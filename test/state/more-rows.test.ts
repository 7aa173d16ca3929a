import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRow, ROW_CAP, type JournalRow } from '../../src/state/journal-row.ts'
import { checkState, State, type Quarantine } from '../../src/state/index.ts'
import { all, digest, fault, initState, NOW, removeFolders } from './folder.ts'
import { artifact, certificateOf, verdictOf } from './lists.ts'

const write = { write: true, now: NOW }
const read = { write: false, now: NOW }
const CHAIN = ['leaf', 'ca', 'root']
const WITHIN = Array.from({ length: 60_000 }, (_, at) => digest(`child ${at}`))
const TAGS = Array.from({ length: 40_000 }, (_, at) => `${'t'.repeat(122)}${String(at).padStart(6, '0')}`)
const LARGE = verdictOf(artifact('large'), CHAIN, { tags: TAGS, within: WITHIN })

async function knowing(): Promise<State> {
  const state = await initState()
  await state.knowCertificates(CHAIN.map((name) => certificateOf(name)))
  return state
}

/** A row behind a journal that nobody has open. */
function append(dir: string, kind: string, body: object): void {
  const file = join(dir, 'journal.jsonl')
  const last = `${readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)}\n`
  const head = { n: (JSON.parse(last) as JournalRow).n, hash: hash('sha256', last) }
  const plain = JSON.parse(JSON.stringify(body)) as JournalRow
  writeFileSync(file, encodeRow({ kind, body: plain }, head, '2026-11-24T12:00:00Z').line, { flag: 'a' })
}

describe('state/more rows', () => {
  after(removeFolders)

  it('keeps a verdict on an artifact with more tags and manifests than a row takes', async () => {
    const state = await knowing()
    await state.recordVerdicts([verdictOf(artifact('before'), CHAIN), LARGE, verdictOf(artifact('behind'), CHAIN)])
    const told = async (known: State): Promise<void> => {
      const recorded = await known.verdictOf(artifact('large'))
      assert.deepEqual(recorded, { ...LARGE, n: recorded?.n, time: '2026-11-24T12:00:00Z' })
      assert.deepEqual(await known.trustedVerdictOf(artifact('large')), recorded)
      for (const child of [WITHIN[0], WITHIN[30_000], WITHIN.at(-1)])
        assert.deepEqual(known.artifactsHolding(child ?? digest('')), known.artifactsWith(digest('large')))
      assert.deepEqual((await known.verdictOf(artifact('behind')))?.tags, verdictOf(artifact('behind'), CHAIN).tags)
    }
    await told(state)
    await state.close()
    await told(await State.open(state.dir, read))
    const again = await State.open(state.dir, write)
    await told(again)
    await again.close()
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
  })

  it('keeps it in a rehearsal, too', async () => {
    const state = await knowing()
    await state.close()
    const rehearsal = await State.open(state.dir, { ...read, rehearse: true })
    await rehearsal.recordVerdicts([LARGE])
    assert.deepEqual((await rehearsal.verdictOf(artifact('large')))?.within, WITHIN)
  })

  it('keeps the tags of a measure, however many pointed at the artifact', async () => {
    const state = await initState()
    const taken: Quarantine = { ...artifact('large'), measure: 'retag', outcome: 'done', detail: 'revoked', tags: TAGS }
    await state.recordQuarantine(taken)
    assert.deepEqual(state.quarantinedAt(artifact('large'))?.tags, TAGS)
    await state.close()
    const reader = await State.open(state.dir, read)
    assert.deepEqual(reader.quarantined()[0]?.tags, TAGS)
  })

  it('writes no other row than before for what fits one', async () => {
    const state = await knowing()
    const fitting = verdictOf(artifact('fitting'), CHAIN, { within: WITHIN.slice(0, 40_000) })
    await state.recordVerdicts([fitting])
    const rows = await all(state.rows())
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['journal', 'init', 'certificates', 'verdict'],
    )
    await state.close()
  })

  it('says in each row whose lists it has, and stays below the cap', async () => {
    const state = await knowing()
    await state.recordVerdicts([LARGE])
    const rows = (await all(state.rows())).slice(3)
    assert.equal(rows.at(-1)?.['more'], rows.length - 1)
    for (const { kind, of, digest: whose, path } of rows.slice(0, -1))
      assert.deepEqual([kind, of, whose, path], ['more', 'verdict', LARGE.digest, LARGE.path])
    for (const line of readFileSync(join(state.dir, 'journal.jsonl'), 'utf8').split('\n'))
      assert.ok(line.length < ROW_CAP / 2)
    await state.close()
  })

  it('passes over lists whose row a kill kept from being written', async () => {
    const state = await knowing()
    const lists = { of: 'verdict', ...artifact('large'), within: [digest('orphan')] }
    await state.close()
    append(state.dir, 'more', lists)
    const again = await State.open(state.dir, write)
    await again.recordVerdicts([LARGE])
    assert.deepEqual((await again.verdictOf(artifact('large')))?.within, WITHIN)
    assert.deepEqual(again.artifactsHolding(digest('orphan')), [])
    await again.close()
  })

  it('refuses a row whose lists do not stand right before it', async () => {
    const { signatures: _signatures, refused: _refused, ...verdict } = verdictOf(artifact('large'), [])
    const more = { of: 'verdict', ...artifact('large'), within: [digest('child')] }
    const hostile: [string, object][][] = [
      [['verdict', { ...verdict, more: 1 }]],
      [
        ['more', more],
        ['verdict', { ...verdict, more: 2 }],
      ],
      [
        ['more', more],
        ['note', { text: 'between' }],
        ['verdict', { ...verdict, more: 1 }],
      ],
      [
        ['more', { ...more, digest: digest('other') }],
        ['verdict', { ...verdict, more: 1 }],
      ],
      [
        ['more', { ...more, of: 'quarantine' }],
        ['verdict', { ...verdict, more: 1 }],
      ],
      [
        ['more', more],
        ['verdict', { ...verdict, within: [digest('own')], more: 1 }],
      ],
      [['more', { ...more, within: [1] }]],
      [['more', { within: [digest('child')] }]],
    ]
    for (const rows of hostile) {
      const state = await knowing()
      await state.close()
      for (const [kind, body] of rows) append(state.dir, kind, body)
      await assert.rejects(State.open(state.dir, read), fault('JOURNAL_BROKEN'))
    }
  })
})
