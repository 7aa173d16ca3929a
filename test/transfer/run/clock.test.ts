import assert from 'node:assert/strict'
import { clockDoubt, judgingTime, standsOver, type ClockOptions } from '../../../src/transfer/run/clock.ts'
import type { RunEvent } from '../../../src/transfer/run/run.ts'
import { State } from '../../../src/state/index.ts'
import { hoursLater } from '../stage.ts'
import { Watching } from '../watch/watching.ts'
import { advised, fault } from '../../fault.ts'

const at = (text: string): Date => new Date(`${text}T00:00:00Z`)
const FLOOR = '2026-06-01T00:00:00Z'
const BUILT = at('2026-01-01')
describe('transfer/run/clock', () => {
  for (const [now, floor, built, expected] of [
    ['2026-06-01', FLOOR, BUILT, undefined],
    ['2027-06-01', FLOOR, BUILT, undefined],
    ['2026-05-31', FLOOR, BUILT, ['CLOCK_BEHIND', true]],
    ['2025-12-31', undefined, BUILT, ['CLOCK_BEHIND', true]],
    ['2026-01-01', undefined, BUILT, undefined],
    ['2027-06-02', FLOOR, BUILT, ['CLOCK_AHEAD', false]],
    ['2031-05-31', FLOOR, BUILT, ['CLOCK_AHEAD', false]],
    ['2031-06-01', FLOOR, BUILT, ['CLOCK_AHEAD', true]],
    // The younger of the two counts.
    ['2031-06-01', FLOOR, at('2030-01-01'), ['CLOCK_AHEAD', false]],
    // An old program at a site that has seen nothing is used for as long as it works.
    ['2066-06-01', undefined, BUILT, ['CLOCK_AHEAD', false]],
    ['2066-06-01', undefined, undefined, undefined],
    ['1970-01-01', undefined, undefined, undefined],
  ] as const)
    it(`says ${expected?.join(' ') ?? 'nothing'} of ${now} after ${floor ?? 'nothing'} and ${built?.getUTCFullYear() ?? 'no date'} of a program`, () => {
      const doubt = clockDoubt(floor, at(now), built)
      assert.deepEqual(doubt === undefined ? undefined : [doubt.code, doubt.certain], expected)
    })

  function judging(options: ClockOptions): { time: Date; notes: string[] } {
    const notes: string[] = []
    const onEvent = (event: RunEvent): void => void (event.type === 'note' && notes.push(event.text))
    return { time: judgingTime({ floor: FLOOR }, { ...options, onEvent }), notes }
  }

  it('gives the clock, with a note where it is in doubt', () => {
    assert.deepEqual(judging({ now: at('2026-07-01') }), { time: at('2026-07-01'), notes: [] })
    const { time, notes } = judging({ now: at('2028-07-01') })
    assert.deepEqual([time, notes.length], [at('2028-07-01'), 1])
    assert.throws(() => judging({ now: at('2036-07-01') }), fault('CLOCK_AHEAD'))
    assert.throws(() => judging({ now: at('2025-07-01') }), fault('CLOCK_BEHIND'))
  })

  it('gives the time that is named whatever the clock says, and never below what was seen signed', () => {
    const asOf = { time: at('2026-07-01'), reason: 'x' }
    for (const now of ['1970-01-01', '2026-07-02', '2066-01-01'])
      assert.deepEqual(judging({ now: at(now), asOf, built: BUILT }), { time: asOf.time, notes: [] })
    assert.deepEqual(judging({ asOf: { ...asOf, time: at('2040-01-01') } }).time, at('2040-01-01'))
    assert.throws(() => judging({ asOf: { ...asOf, time: at('2026-05-31') } }), fault('CLOCK_BEHIND'))
    // The clock was not asked: to set it would change nothing.
    assert.throws(() => judging({ asOf: { ...asOf, time: at('2026-05-31') } }), advised('CLOCK_BEHIND'))
    // The date of a program is no witness against an operator who looks at an old bundle.
    const old = { time: at('2020-01-01'), reason: 'x' }
    assert.deepEqual(judgingTime(undefined, { asOf: old, built: BUILT }), old.time)
  })

  it('lets nothing be taken away by a time that is an operator’s or a clock’s in doubt', () => {
    assert.equal(standsOver({ floor: FLOOR }, at('2026-07-01'), {}), false)
    assert.equal(standsOver({ floor: FLOOR }, at('2027-07-01'), {}), true)
    assert.equal(
      standsOver({ floor: FLOOR }, at('2026-07-01'), { asOf: { time: at('2026-07-01'), reason: 'x' } }),
      true,
    )
  })

  describe('of an import', () => {
    let watching: Watching
    before(async () => {
      watching = await Watching.make()
    })
    after(() => watching?.close())

    it('judges nothing again that stands already when the time is an operator’s, and does so the next time', async () => {
      const { stage } = watching
      const state = await stage.site()
      const to = `oci:${stage.path('out')}`
      const first = await stage.import(watching.bundle(1), to, { state, now: hoursLater(3) })
      const artifact = Object.values(first.repositories[0]?.tags ?? {})[0] ?? assert.fail()
      const opened = await State.open(state, { now: hoursLater(3), write: true })
      await opened.addDenials([{ artifact, reason: 'test', since: '2026-06-01T00:00:00Z' }], null)
      await opened.close()
      const notes: string[] = []
      const onEvent = (event: RunEvent): void => void (event.type === 'note' && notes.push(event.text))
      const asOf = { time: hoursLater(2), reason: 'the courier was late' }
      const options = { state, now: hoursLater(3), asOf, onEvent }
      const second = await stage.import(watching.bundle(2), to, options)
      assert.deepEqual([second.rejudged, notes.length], [null, 1])
      assert.deepEqual(second.asOf, { time: '2026-06-01T14:00:00Z', reason: 'the courier was late' })
      // The bundle is the last one, and comes again: what waited is looked at now.
      const third = await stage.import(watching.bundle(2), to, { state, now: hoursLater(3) })
      assert.deepEqual(
        third.rejudged?.artifacts.map(({ digest, verdict }) => [digest, verdict]),
        [[artifact, 'rejected']],
      )
    })
  })
})
