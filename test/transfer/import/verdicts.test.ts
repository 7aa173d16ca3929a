import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { State } from '../../../src/state/index.ts'
import { demandPolicy } from '../../../src/transfer/import/verdicts.ts'
import type { ImportOptions } from '../../../src/transfer/import/terms.ts'

describe('transfer/import/verdicts', () => {
  let dir: string
  before(() => (dir = mkdtempSync(join(tmpdir(), 'sallyport-'))))
  after(() => rmSync(dir, { recursive: true, force: true }))

  const asked = (policy?: string, channelOnly?: boolean): ImportOptions => {
    const input = { file: 'june.tar' }
    return { input, state: dir, to: 'oci:out', map: [], registry: {}, concurrency: 1, policy, channelOnly }
  }

  it('demands a policy of a site that has judged artifacts once, also after a restart', async () => {
    const now = new Date('2026-06-02T00:00:00Z')
    const state = await State.init(dir, { site: 'site-a', reason: 'test', now })
    const digest = `sha256:${'0'.repeat(64)}` as const
    const row = { id: digest, repository: 'registry.example/app', digest, verdict: 'trusted', why: 'CHANNEL' } as const
    await state.recordVerdicts([row])
    demandPolicy(state, asked())
    await state.recordVerdicts([{ ...row, why: 'POLICY', policy: digest, scope: 'local/app', signatures: [] }])
    assert.throws(() => demandPolicy(state, asked()), { code: 'POLICY_MISSING' })
    await state.close()

    const again = await State.open(dir, { now, write: false })
    assert.throws(() => demandPolicy(again, asked()), { code: 'POLICY_MISSING' })
    demandPolicy(again, asked('policy'))
    demandPolicy(again, asked(undefined, true))
    await again.close()
  })
})
