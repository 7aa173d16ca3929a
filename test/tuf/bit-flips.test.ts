import assert from 'node:assert/strict'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import { judgeHead, type HeadFiles } from '../../src/tuf/head.ts'
import type { KeyKind } from '../../src/tuf/public-key.ts'
import type { SlotRole } from '../../src/tuf/slot.ts'
import { forge, judging, makeChannel, makeKeys, roots, seeded } from './channel-fixture.ts'

// Few and fast keys: each flip is a whole judgement. The extra third approval is the one place where a flip may pass.
const ED: KeyKind[] = ['ed25519']
const keys = makeKeys('flip', { root: ED, targets: [...ED, ...ED, ...ED], snapshot: ED, timestamp: ED })
const thresholds = { root: 1, targets: 2, snapshot: 1, timestamp: 1 }
const channel = makeChannel('flip', { keys, thresholds })
const two: HeadFiles = { roots: roots(channel), ...forge(channel) }
const three: HeadFiles = { roots: roots(channel), ...forge(channel, { signers: { targets: keys.targets } }) }

function flipped(files: HeadFiles, role: SlotRole, at: number, bit: number): HeadFiles {
  const slot = Buffer.from(files[role])
  slot[at] = (slot[at] ?? 0) ^ (1 << bit)
  return { ...files, [role]: slot }
}

function outcome(files: HeadFiles): Code | 'accepted' {
  try {
    judgeHead(judging(channel, files))
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof SallyportError, String(error))
    return error.code
  }
}

const EXPECTED: Record<SlotRole, Code[]> = {
  timestamp: ['METADATA_MALFORMED', 'SIGNATURE_INVALID'],
  snapshot: ['METADATA_MALFORMED', 'METADATA_MIXED'],
  targets: ['METADATA_MALFORMED', 'METADATA_MIXED', 'APPROVAL_MISSING'],
}

describe('tuf: one bit flipped', function () {
  this.timeout(120_000)
  const random = seeded('bits')

  for (const role of ['timestamp', 'snapshot', 'targets'] as const)
    it(`is never accepted in the text of ${role}`, () => {
      const length = two[role].toString().trimEnd().length
      const seen = new Set<string>()
      for (let at = 0; at < length; at++) {
        const code = outcome(flipped(two, role, at, (random(1)[0] ?? 0) % 8))
        assert.notEqual(code, 'accepted', `byte ${at}`)
        seen.add(code)
      }
      assert.deepEqual([...seen].toSorted(), EXPECTED[role].toSorted())
    })

  it('is METADATA_MALFORMED anywhere in the padding', () => {
    for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
      const { length } = two[role]
      const start = two[role].toString().trimEnd().length
      const places = Array.from({ length: 100 }, () => start + (random(4).readUInt32BE() % (length - start)))
      for (const at of [start, ...places, length - 1])
        for (const bit of [0, 3, 7]) assert.equal(outcome(flipped(two, role, at, bit)), 'METADATA_MALFORMED')
    }
  })

  it('passes only inside an approval that was not needed', () => {
    const text = three.targets.toString()
    const last = text.indexOf(keys.targets[2]?.keyid ?? '?')
    const first = text.indexOf(keys.targets[0]?.keyid ?? '?')
    assert.equal(outcome(flipped(three, 'targets', last + 80, 0)), 'accepted')
    assert.equal(outcome(flipped(three, 'targets', first + 80, 0)), 'accepted')
    const both = flipped(flipped(three, 'targets', last + 80, 0), 'targets', first + 80, 0)
    assert.equal(outcome(both), 'APPROVAL_MISSING')
    const verdict = judgeHead(judging(channel, flipped(three, 'targets', last + 80, 0)))
    assert.deepEqual(verdict.badSignatures, [{ role: 'targets', keyid: keys.targets[2]?.keyid, reason: 'invalid' }])
  })
})
