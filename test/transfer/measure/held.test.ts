/** What a measure costs where many measures stand already. */
import assert from 'node:assert/strict'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import { NOW } from '../stage.ts'
import { Ward } from '../ward.ts'

const HELD = 2_000

describe('transfer/measure/held', () => {
  let ward: Ward
  beforeEach(async () => (ward = await Ward.make()))
  afterEach(() => ward?.close())

  it(`looks at none of ${HELD} others that are held`, async () => {
    const made = await ward.image()
    await ward.tag(made, '1.0')
    const held = Array.from({ length: HELD }, (_, i) => `sha256:${i.toString(16).padStart(64, '0')}` as const)
    const row = { measure: 'report', outcome: 'done', detail: 'x', tags: [] } as const
    await Promise.all(held.map((digest) => ward.state.recordQuarantine({ ...ward.placeOf({ digest }), ...row })))
    // For each artifact a list of all that is held would be sorted, and gone through.
    Object.assign(ward.state, { quarantined: () => assert.fail('all are listed') })
    const why = { code: 'CERTIFICATE_REVOKED', detail: 'serial 07' } as const
    const artifact = ward.placeOf(made.descriptor)
    assert.equal((await applyMeasure(ward.state, ward.place, artifact, 'retag', why, { now: NOW })).outcome, 'done')
    assert.deepEqual(ward.state.quarantinedAt(artifact)?.tags, ['1.0'])
    assert.equal(ward.state.quarantinedAt(ward.placeOf({ digest: held[7] ?? assert.fail() }))?.detail, 'x')
  })
})
