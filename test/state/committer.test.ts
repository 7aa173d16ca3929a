import assert from 'node:assert/strict'
import { digest, initState, removeFolders, REPOSITORY } from './folder.ts'

describe('state/committer', () => {
  after(removeFolders)

  it('writes more rows at once than a call may have arguments', async () => {
    const state = await initState()
    const verdict = { id: digest('vendor-a 3'), repository: REPOSITORY, verdict: 'trusted', why: 'CHANNEL' } as const
    const { n } = state.head
    await state.recordVerdicts(Array.from({ length: 140_000 }, (_, at) => ({ ...verdict, digest: digest(at) })))
    assert.equal(state.head.n, n + 140_000)
    await state.close()
  })
})
