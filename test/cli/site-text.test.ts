import assert from 'node:assert/strict'
import { statusText } from '../../src/cli/site-text.ts'
import type { StatusReport } from '../../src/index.ts'

type Bundle = StatusReport['bundles'][number]

function bundle(sequence: number, phase: string, target: string | undefined, channel = 'vendor-a'): Bundle {
  const id = `sha256:${String(sequence).padStart(64, '0')}`
  const at = target === undefined ? {} : { target }
  return { channel, sequence, id, time: '2026-06-01T12:00:00Z', phase, signers: null, ...at }
}

/** The sequences of the bundles that a line is given to, and how many lines there are beside those of no bundle. */
function shown(bundles: Bundle[]): { sequences: number[]; lines: number } {
  const report = { site: 'site-a', rows: 9, floor: null, channels: [], bundles, openTags: [], deprecated: null }
  const attention = { pending: { lists: 0, denials: 0 }, missing: 0, unplaced: 0, quarantined: 0, restored: null }
  const text = (of: Bundle[]): string[] =>
    statusText({ ...report, bundles: of, attention, health: { alarms: [] } } as unknown as StatusReport)
  const lines = text(bundles)
  const sequences = bundles.filter(({ id }) => lines.some((line) => line.includes(id)))
  return { sequences: sequences.map(({ sequence }) => sequence), lines: lines.length - text([]).length }
}

describe('cli/site-text', () => {
  it('names the last bundle of each channel at each target, and what is not finished, and counts the others', () => {
    const year = Array.from({ length: 52 }, (_, week) => bundle(week + 1, 'done', 'mirror'))
    assert.deepEqual(shown(year), { sequences: [52], lines: 2 })
    const mixed = [
      bundle(1, 'start', 'mirror'),
      bundle(2, 'done', 'mirror'),
      bundle(3, 'accepted', undefined),
      bundle(4, 'done', 'other'),
      bundle(5, 'done', 'mirror'),
      bundle(6, 'done', 'mirror', 'vendor-b'),
    ]
    assert.deepEqual(shown(mixed), { sequences: [1, 3, 4, 5, 6], lines: 6 })
  })

  it('counts nothing where all are named', () => {
    assert.deepEqual(shown([bundle(1, 'done', 'mirror')]), { sequences: [1], lines: 1 })
  })
})
