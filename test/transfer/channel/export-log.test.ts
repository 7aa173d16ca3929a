import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import type { Digest } from '../../../src/oci/index.ts'
import { Journal } from '../../../src/state/index.ts'
import { ExportLog } from '../../../src/transfer/channel/export-log.ts'
import { refusal } from './rotation-stage.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const ID: Digest = `sha256:${'a'.repeat(64)}`
const OTHER: Digest = `sha256:${'b'.repeat(64)}`

describe('transfer/channel/export-log', () => {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-export-log-'))
  let dir = ''
  let count = 0

  beforeEach(() => {
    dir = join(root, `${++count}`)
    mkdirSync(dir)
  })
  after(() => rmSync(root, { recursive: true }))

  async function withRow(kind: string, fields: Record<string, unknown>): Promise<void> {
    const journal = await Journal.open(dir, { now: NOW })
    await journal.append(kind, fields as Parameters<typeof journal.append>[1])
    await journal.close()
  }

  async function refusedBothWays(): Promise<void> {
    for (const open of [() => ExportLog.open(dir, NOW), () => ExportLog.read(dir)]) {
      await assert.rejects(open(), (error: unknown) => {
        assert.ok(error instanceof SallyportError)
        assert.equal(error.code, 'JOURNAL_BROKEN')
        assert.ok(error.subject?.startsWith(dir) === true)
        assert.doesNotMatch(error.remedy, /state restore/)
        return true
      })
    }
  }

  it('gives what was given before to the same bundle alone', async () => {
    const log = await ExportLog.open(dir, NOW)
    await log.take({ sequence: 4, id: ID })
    await log.exported({ sequence: 4, id: ID }, ['site-a'], { 'r.io/app': ['1.0'] }, { deny: OTHER })
    await log.close()
    const again = await ExportLog.read(dir)
    assert.equal(again.next(), 5)
    assert.deepEqual(again.previous('site-a', 5), { sequence: 4, id: ID })
    assert.equal(again.previous('site-a', 4), null)
    assert.deepEqual(again.lastPieces(), { deny: OTHER })
    assert.deepEqual([...again.tagsBrought(['site-a'], 'r.io/app', 5)], ['1.0'])
    assert.ok(again.mayTake({ sequence: 4, id: ID }))
    assert.throws(() => again.demand({ sequence: 4, id: OTHER }), refusal('USAGE'))
  })

  it('refuses text that is no row, with a remedy for a channel', async () => {
    await (await ExportLog.open(dir, NOW)).close()
    appendFileSync(join(dir, 'journal.jsonl'), 'garbage\n')
    await refusedBothWays()
  })

  for (const [what, kind, fields] of [
    ['a sequence that is none', 'sequence', { sequence: 'x', id: ID }],
    ['a sequence below 1', 'sequence', { sequence: 0, id: ID }],
    ['a bundle without a digest', 'exported', { sequence: 1, id: 'x', audience: [] }],
    ['a bundle without an audience', 'exported', { sequence: 1, id: ID }],
    ['tags that are none', 'tags', { sequence: 1, tags: { 'r.io/app': '1.0' } }],
    ['pieces that are none', 'exported', { sequence: 1, id: ID, audience: [], pieces: { deny: 1 } }],
  ] as const)
    it(`refuses a row of a good chain with ${what}`, async () => {
      await withRow(kind, fields)
      await refusedBothWays()
    })

  /** What a log is after two bundles: its lines, with their ends. */
  async function twoGiven(): Promise<string[]> {
    const log = await ExportLog.open(dir, NOW)
    await log.take({ sequence: 1, id: ID })
    await log.take({ sequence: 2, id: OTHER })
    await log.close()
    return readFileSync(join(dir, 'journal.jsonl'), 'utf8').split(/(?<=\n)/)
  }

  it('refuses to give numbers again whose rows are lost, and changes nothing', async () => {
    const lines = await twoGiven()
    const file = join(dir, 'journal.jsonl')
    for (const left of [lines.slice(0, -1), [...lines.slice(0, -1), lines.at(-1)?.slice(0, 30)], lines.slice(0, 1)]) {
      writeFileSync(file, left.join(''))
      await refusedBothWays()
      assert.equal(readFileSync(file, 'utf8'), left.join(''))
    }
    rmSync(file)
    await refusedBothWays()
    assert.ok(!existsSync(file))
    writeFileSync(file, lines.join(''))
    assert.equal((await ExportLog.read(dir)).next(), 3)
  })

  it('refuses a log that was cut and written on', async () => {
    const lines = await twoGiven()
    const head = readFileSync(join(dir, 'journal.head'))
    rmSync(join(dir, 'journal.head'))
    writeFileSync(join(dir, 'journal.jsonl'), lines.slice(0, -1).join(''))
    for (const sequence of [2, 3]) await withRow('sequence', { sequence, id: ID })
    writeFileSync(join(dir, 'journal.head'), head)
    await refusedBothWays()
  })

  it('takes a log whose head is behind, torn or absent, as after a kill or from before there was one', async () => {
    const lines = await twoGiven()
    const file = join(dir, 'journal.head')
    const head = readFileSync(file)
    await withRow('sequence', { sequence: 7, id: ID })
    assert.equal((await ExportLog.read(dir)).next(), 8)
    for (const torn of [head, head.subarray(0, 20), Buffer.alloc(0)]) {
      writeFileSync(file, torn)
      const log = await ExportLog.open(dir, NOW)
      assert.equal(log.next(), 8)
      await log.close()
      writeFileSync(join(dir, 'whole'), readFileSync(join(dir, 'journal.jsonl')))
      writeFileSync(join(dir, 'journal.jsonl'), lines.join(''))
      await refusedBothWays()
      writeFileSync(join(dir, 'journal.jsonl'), readFileSync(join(dir, 'whole')))
    }
    rmSync(file)
    assert.equal((await ExportLog.read(dir)).next(), 8)
  })

  it('leaves no lock behind when it refuses', async () => {
    writeFileSync(join(dir, 'journal.jsonl'), 'garbage\n')
    await refusedBothWays()
    rmSync(join(dir, 'journal.jsonl'))
    await (await ExportLog.open(dir, NOW)).close()
  })
})
