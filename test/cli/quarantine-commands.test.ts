import assert from 'node:assert/strict'
import { join } from 'node:path'
import { applyMeasure } from '../../src/transfer/measure/measure.ts'
import type { Piece } from '../contract/content.ts'
import { policyFolder, policyText, statement } from '../transfer/policies.ts'
import { NOW } from '../transfer/stage.ts'
import { PATH, Ward } from '../transfer/ward.ts'
import { documentIn, sallyport } from './program.ts'

const WHY = { code: 'CERTIFICATE_REVOKED', detail: 'CN=\u001b[2Jx' } as const

describe('cli/quarantine-commands', () => {
  let ward: Ward
  let policy: string
  let bad: Piece
  let good: Piece

  before(async () => {
    ward = await Ward.make()
    policy = policyFolder(join(ward.dir, 'policy'))
    good = await ward.image()
    bad = await ward.image()
    for (const made of [good, bad]) {
      await ward.sign(made)
      await ward.tag(made, '1.0')
    }
    await applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), 'remove', WHY, { now: NOW })
    await ward.pause()
  })
  after(async () => {
    await ward?.resume()
    await ward?.close()
  })

  const state = (): string[] => ['--state', ward.stateDir]
  const named = (): string => `${ward.to}:${PATH}:1.0`

  it('lists what is held, with no character that a terminal acts on', async () => {
    const { status, stdout } = await sallyport(['quarantine', 'list', ...state()])
    assert.equal(status, 0)
    assert.match(stdout, new RegExp(`${PATH}@${bad.descriptor.digest}  remove done`))
    assert.ok(!stdout.includes('\u001b'))
    assert.doesNotMatch(stdout, /can still pull/)
  })

  it('ends with the status of what is not trusted, and lets nothing out', async () => {
    const nobody = policyFolder(join(ward.dir, 'nobody'), {
      'trustpolicy.json': policyText(statement({ trustStores: ['ca:none'] })),
    })
    const why = ['--reason', 'x', ...state()]
    const release = ['quarantine', 'release', bad.descriptor.digest, '--by', 'ann', ...why, '--policy']
    const restore = ['restore', named(), '--to', good.descriptor.digest, ...why, '--policy']
    for (const args of [release, restore]) {
      const refused = await sallyport([...args, nobody, '--json'])
      assert.deepEqual([refused.status, documentIn(refused.stdout).ok], [13, false])
      const dry = await sallyport([...args, policy, '--dry-run'])
      assert.deepEqual([dry.status, dry.stdout.includes('nothing was written')], [0, true])
    }
  })

  it('refuses what is asked wrongly with 2, and what is held with 14', async () => {
    const why = ['--reason', 'x', '--policy', policy, ...state()]
    for (const [args, exit, code] of [
      [['restore', named(), '--to', 'sha256:12'], 2, 'USAGE'],
      [['restore', named(), '--to', `sha256:${'4'.repeat(64)}`], 2, 'TAG_UNSEEN'],
      [['restore', named(), '--to', bad.descriptor.digest], 14, 'ARTIFACT_QUARANTINED'],
      [['quarantine', 'release', named(), '--by', 'ann', '--approval', 'nowhere'], 13, 'CHANNEL_NOT_PINNED'],
      [['quarantine', 'release', good.descriptor.digest, '--by', 'ann'], 2, 'QUARANTINE_UNKNOWN'],
    ] as const) {
      const { status, stdout } = await sallyport([...args, ...why, '--json'])
      assert.deepEqual([status, documentIn(stdout).error.code], [exit, code])
    }
  })

  it('releases, restores, and tells in the log who did and why', async () => {
    const release = ['quarantine', 'release', named(), '--by', 'ann', '--by', 'bob', '--reason', 'lifted']
    const released = await sallyport([...release, '--policy', policy, ...state()])
    assert.equal(released.status, 0, released.stderr)
    assert.match(released.stdout, /^RELEASED /)
    const restore = ['restore', named(), '--to', good.descriptor.digest, '--reason', 'broken']
    const restored = await sallyport([...restore, '--policy', policy, ...state()])
    assert.equal(restored.status, 0, restored.stderr)
    const { stdout } = await sallyport(['log', named(), ...state()])
    assert.match(stdout, /release: lifted, signed by .*CN=/)
    assert.match(stdout, /restore: broken, signed by .*CN=/)
    assert.match(stdout, /moved to nothing, before sha256:/)
    assert.match(stdout, /: lifted, by ann, bob$/m)
    const unknown = await sallyport(['log', `${named()}-none`, ...state()])
    assert.deepEqual([unknown.status, unknown.stdout.includes('-none')], [0, true])
    assert.equal((await sallyport(['quarantine', 'list', ...state()])).stdout, 'nothing is held\n')
  })
})
