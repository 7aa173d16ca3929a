import assert from 'node:assert/strict'
import { rejudgedLines } from '../../src/cli/rejudged-text.ts'
import type { RejudgedArtifact, RejudgeReport } from '../../src/index.ts'

const WHY = 'certificate 07 of CN=signer is revoked since 2026-05-01T00:00:00Z by a long list of words'

function artifact(n: number, over: Partial<RejudgedArtifact> = {}): RejudgedArtifact {
  const told = { because: ['certificate 07 of CN=signer'], code: 'CERTIFICATE_REVOKED', why: WHY } as const
  return {
    path: 'app',
    digest: `sha256:${String(n).repeat(64)}`,
    tags: [`v${n}`],
    before: 'trusted',
    verdict: 'rejected',
    ...told,
    because: [...told.because],
    measure: { measure: 'report', outcome: 'done', detail: `CERTIFICATE_REVOKED: ${WHY}`, reachable: true },
    ...over,
  }
}

function report(...artifacts: RejudgedArtifact[]): RejudgeReport {
  return { target: 'host:5000', known: 9, artifacts, signatures: 1, elsewhere: 0, complete: true }
}

describe('cli/rejudged-text', () => {
  const times = (lines: readonly string[], text: string): number => lines.join('\n').split(text).length - 1

  it('tells a reason once for all artifacts alike, and each artifact once', () => {
    const lines = rejudgedLines(
      report(artifact(1), artifact(2), artifact(3, { why: 'another', measure: null }), artifact(4)),
    )
    assert.equal(times(lines, WHY), 1)
    for (const n of [1, 2, 3, 4]) assert.equal(times(lines, `sha256:${String(n).repeat(64)}`), 1)
  })

  it('tells what kept a measure from being done, beside the reason', () => {
    const measure = { measure: 'remove', outcome: 'impossible', detail: 'DELETE_DENIED: off', reachable: true } as const
    const lines = rejudgedLines(report(artifact(1, { measure })))
    assert.deepEqual([times(lines, WHY), times(lines, 'DELETE_DENIED: off')], [1, 1])
  })

  it('tells no measure of a dry run as done', () => {
    const lines = rejudgedLines(report(artifact(1)), true).join('\n')
    assert.ok(lines.includes('would report') && !lines.includes('done') && !lines.includes('STILL THERE'))
  })
})
