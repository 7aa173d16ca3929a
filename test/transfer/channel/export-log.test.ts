import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
    await log.exported({ sequence: 4, id: ID }, ['site-a'], { deny: OTHER })
    await log.close()
    const again = await ExportLog.read(dir)
    assert.equal(again.next(), 5)
    assert.deepEqual(again.previous('site-a', 5), { sequence: 4, id: ID })
    assert.equal(again.previous('site-a', 4), null)
    assert.deepEqual(again.lastPieces(), { deny: OTHER })
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
    ['pieces that are none', 'exported', { sequence: 1, id: ID, audience: [], pieces: { deny: 1 } }],
  ] as const)
    it(`refuses a row of a good chain with ${what}`, async () => {
      await withRow(kind, fields)
      await refusedBothWays()
    })

  it('leaves no lock behind when it refuses', async () => {
    writeFileSync(join(dir, 'journal.jsonl'), 'garbage\n')
    await refusedBothWays()
    rmSync(join(dir, 'journal.jsonl'))
    await (await ExportLog.open(dir, NOW)).close()
  })
})
