import assert from 'node:assert/strict'
import { Progress, type ProgressStyle } from '../../src/cli/progress.ts'
import type { RunEvent } from '../../src/index.ts'

const MIB = 1024 * 1024
const CLEAR = '\r\u001b[2K'

/** A progress that writes into a list, by a clock that the test moves. */
function watched(style: ProgressStyle, columns?: number) {
  const written: string[] = []
  const clock = { now: 0 }
  const out = { columns, write: (text: string) => written.push(text) }
  const progress = new Progress(out, style, () => clock.now)
  return {
    written,
    progress,
    /** Tells of the events, each so many milliseconds behind the one before. */
    tell(...events: [number, RunEvent][]) {
      for (const [wait, event] of events) {
        clock.now += wait
        progress.listen(event)
      }
    },
  }
}

const begin: [number, RunEvent][] = [
  [0, { type: 'phase', phase: 'importing' }],
  [0, { type: 'total', bytes: 100 * MIB, blobs: 4 }],
]
const bytes = (count: number, kept = false): RunEvent => ({ type: 'bytes', count, ...(kept ? { kept } : {}) })

describe('cli/progress', () => {
  it('rewrites one line of a terminal with bytes, blobs, rate and time left', () => {
    const { written, tell, progress } = watched('terminal', 100)
    tell(...begin, [1000, bytes(10 * MIB)], [1000, bytes(15 * MIB)], [0, { type: 'blob' }], [500, { type: 'blob' }])
    assert.ok(written.every((text) => text.startsWith(CLEAR) && !text.includes('\n')))
    assert.match(written[1] ?? '', /importing 10\.0 MiB of 100 MiB, blob 0 of 4, 10.0 MiB\/s, 9 s left/)
    assert.match(written[2] ?? '', /importing 25\.0 MiB of 100 MiB, blob 0 of 4, 12\.5 MiB\/s, 6 s left/)
    assert.match(written[3] ?? '', /importing 25\.0 MiB of 100 MiB, blob 2 of 4, 10.0 MiB\/s/)
    assert.equal(written.length, 4)
    progress.finish()
    progress.finish()
    assert.deepEqual(written.slice(4), [CLEAR])
  })

  it('does not write more often than it can be read', () => {
    const { written, tell } = watched('terminal')
    tell(...begin, ...Array.from({ length: 1000 }, (): [number, RunEvent] => [1, bytes(1000)]))
    assert.equal(written.length, 1 + 10)
  })

  it('keeps within the columns of the terminal', () => {
    const { written, tell } = watched('terminal', 20)
    tell(...begin, [1000, bytes(10 * MIB)])
    assert.equal(written.at(-1)?.slice(CLEAR.length).length, 19)
  })

  it('writes a plain line for each step and every five seconds where there is no terminal', () => {
    const { written, tell } = watched('plain')
    tell(...begin, ...Array.from({ length: 11 }, (): [number, RunEvent] => [1000, bytes(5 * MIB)]))
    tell([0, { type: 'note', text: 'one thing' }], [0, { type: 'phase', phase: 'moving tags' }])
    assert.deepEqual(written, [
      'importing\n',
      'importing 25.0 MiB of 100 MiB, blob 0 of 4, 5.00 MiB/s, 15 s left\n',
      'importing 50.0 MiB of 100 MiB, blob 0 of 4, 5.00 MiB/s, 10 s left\n',
      'note: one thing\n',
      'moving tags\n',
    ])
  })

  it('counts what need not be moved as done, and not in the rate', () => {
    const { written, tell } = watched('plain')
    tell(...begin, [0, bytes(60 * MIB, true)], [5000, bytes(10 * MIB)])
    assert.equal(written.at(-1), 'importing 70.0 MiB of 100 MiB, blob 0 of 4, 2.00 MiB/s, 15 s left\n')
    tell([5000, bytes(-10 * MIB)])
    assert.equal(written.at(-1), 'importing 60.0 MiB of 100 MiB, blob 0 of 4\n')
  })

  it('tells machines of it in JSON lines', () => {
    const { written, tell } = watched('json')
    tell(...begin, [0, bytes(MIB, true)], [5000, bytes(10 * MIB)], [0, { type: 'note', text: 'so' }])
    assert.deepEqual(
      written.map((line) => JSON.parse(line) as unknown),
      [
        { event: 'phase', phase: 'importing' },
        {
          event: 'progress',
          phase: 'importing',
          bytes: 11 * MIB,
          of: 100 * MIB,
          blobs: 0,
          ofBlobs: 4,
          bytesPerSecond: 2 * MIB,
        },
        { event: 'note', text: 'so' },
      ],
    )
    assert.ok(written.every((line) => line.endsWith('\n')))
  })

  it('writes nothing when nobody wants to know, and nothing that a terminal obeys', () => {
    const silent = watched('none')
    silent.tell(...begin, [9000, bytes(MIB)])
    assert.deepEqual(silent.written, [])
    const hostile = watched('plain')
    hostile.tell([0, { type: 'phase', phase: 'reading \u001b[2Jx' }], [0, { type: 'note', text: 'a\u009bb\nc' }])
    assert.doesNotMatch(hostile.written.join('').replaceAll('\n', ''), /\p{Cc}/u)
    assert.equal(hostile.written.join('').split('\n').length, 3)
  })
})
