/** What people say for the journal: enough to read, and no more than it can hold for ever. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  channelUnpin,
  quarantineRelease,
  restoreTag,
  stateForget,
  stateInit,
  stateRebuild,
  stateRestore,
} from '../../../src/transfer/index.ts'
import { demandNames, demandReason } from '../../../src/transfer/run/reason.ts'
import { fault } from '../../fault.ts'

const LONGEST = 'r'.repeat(1000)
const LONG = `${LONGEST}r`

describe('transfer/run/reason', () => {
  let dir: string
  before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-reason-'))))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('takes a reason of up to 1,000 characters that says something', () => {
    demandReason('x')
    demandReason(LONGEST)
    for (const reason of ['', ' \t', LONG]) assert.throws(() => demandReason(reason), fault('USAGE'))
  })

  it('takes names of up to 1,000 characters together, without those that are empty', () => {
    assert.deepEqual(demandNames([' alice ', '', 'bob']), ['alice', 'bob'])
    assert.deepEqual(demandNames([LONGEST]), [LONGEST])
    for (const names of [[], [' '], [LONG], Array.from({ length: 300 }, () => 'carol')])
      assert.throws(() => demandNames(names), fault('USAGE'))
  })

  it('refuses a longer one of every verb that journals it, before anything is looked at', async () => {
    const state = join(dir, 'state')
    const base = { state, reason: LONG }
    const terms = { ...base, ref: 'x', registry: {}, policy: 'nowhere', plugins: undefined }
    for (const [name, verb] of Object.entries<() => Promise<unknown>>({
      init: () => stateInit({ ...base, site: 'site-a' }),
      rebuild: () => stateRebuild({ state, acceptLoss: LONG }),
      restore: () => stateRestore({ ...base, file: join(dir, 'none') }),
      forget: () => stateForget({ ...base, target: 'oci:/x' }),
      unpin: () => channelUnpin({ ...base, channel: 'vendor-a' }),
      release: () => quarantineRelease({ ...terms, by: ['alice'], approvals: [] }),
      releaser: () => quarantineRelease({ ...terms, reason: 'r', by: [LONG], approvals: [] }),
      restored: () => restoreTag({ ...terms, to: `sha256:${'a'.repeat(64)}` }),
    }))
      await assert.rejects(verb, fault('USAGE'), name)
    assert.equal(existsSync(state), false)
  })
})
