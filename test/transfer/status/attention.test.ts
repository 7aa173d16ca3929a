import assert from 'node:assert/strict'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import { log, stateBackup, stateRestore, status } from '../../../src/transfer/index.ts'
import { State } from '../../../src/state/index.ts'
import { revocationStatus, revocationStatusExit } from '../../../src/transfer/status/revocation.ts'
import { revocationStatusText } from '../../../src/cli/revocation-site-text.ts'
import type { Attention } from '../../../src/transfer/status/attention.ts'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { artifactIn } from '../policies.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW, planFor, Stage } from '../stage.ts'
import { pinOf, READABLE_ROOT } from '../../state/folder.ts'
import { BUNDLE } from '../ward.ts'

describe('transfer/status/attention', () => {
  const told = async (state: string): Promise<Attention> => (await status({ state, now: NOW })).attention

  /** A channel whose people only approve releases: it brings no bundle. */
  const pinApprovers = async (dir: string): Promise<void> => {
    const state = await State.open(dir, { write: true, now: NOW })
    await state.pin(pinOf('quarantine', READABLE_ROOT))
    await state.close()
  }

  it('counts what nobody judged by, the lists that were never had, and what a measure stands against', async () => {
    const site = await RevocableSite.make()
    try {
      const { ward, vendor } = site
      const none = { lists: 0, denials: 0 }
      assert.deepEqual(await told(ward.stateDir), {
        pending: none,
        missing: 0,
        unplaced: 0,
        quarantined: 0,
        restored: null,
      })
      const bad = await site.admit([1])
      await site.take(vendor.list(2, { 1: 1 }))
      await ward.state.addDenials(
        [{ artifact: bad.descriptor.digest, reason: 'x', since: '2026-05-01T00:00:00Z' }],
        null,
      )
      const why = { code: 'ARTIFACT_DENIED', detail: 'x' } as const
      await applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), 'report', why, { now: NOW })
      const certificate = { spki: '1'.repeat(64), issuer: '1'.repeat(64), serial: '1', subject: 'CN=other' }
      const lists = { crlUrls: ['http://other.example/x.crl'], ocspUrls: [] }
      await ward.state.knowCertificates([
        { sha256: '2'.repeat(64), notAfter: '2030-01-01T00:00:00Z', ...certificate, ...lists },
      ])
      assert.deepEqual(await told(ward.stateDir), {
        pending: { lists: 1, denials: 1 },
        missing: 1,
        unplaced: 0,
        quarantined: 1,
        restored: null,
      })
    } finally {
      await site.close()
    }
  })

  it('names what was let in before places were written down, until its bundle is imported again', async () => {
    const stage = await Stage.make()
    try {
      const state = await stage.site()
      const layout = stage.path('layout')
      const builder = new LayoutBuilder(layout)
      const app = artifactIn(builder, 'registry.example/app', '1.0', 'x')
      builder.finish()
      const [bundle, to] = [stage.path('one.tar'), `oci:${stage.path('out')}`]
      await stage.export({ output: bundle, plan: planFor(`oci:${layout}:registry.example/app:1.0`) })
      await stage.import(bundle, to, { state })
      const old = await State.open(state, { write: true, now: NOW })
      const row = { id: BUNDLE, repository: 'registry.example/app', verdict: 'trusted', why: 'CHANNEL' } as const
      const other = { ...row, repository: 'registry.example/other' }
      await old.recordVerdicts([row, other].map((one) => ({ ...one, digest: app.digest })))
      await old.close()
      const named = async (): Promise<string[]> => {
        const report = await revocationStatus({ state, now: NOW })
        assert.equal((await told(state)).unplaced, report.unplaced.length)
        assert.equal(revocationStatusExit(report), report.unplaced.length === 0 ? 0 : 15)
        assert.ok(report.unplaced.every(({ digest }) => digest === app.digest))
        const lines = revocationStatusText(report).join('\n')
        assert.equal(lines.includes('NEVER JUDGED AGAIN'), report.unplaced.length > 0)
        return report.unplaced.map(({ repository }) => repository)
      }
      assert.deepEqual(await named(), [row.repository, other.repository])
      await stage.import(bundle, to, { state })
      assert.deepEqual(await named(), [other.repository])
    } finally {
      stage.close()
    }
  })

  it('says that a restored state may be blind, until each channel was heard since', async () => {
    const stage = await Stage.make()
    try {
      const state = await stage.site()
      const layout = stage.path('layout')
      const builder = new LayoutBuilder(layout)
      artifactIn(builder, 'registry.example/app', '1.0', 'x')
      builder.finish()
      const [bundle, next] = [stage.path('one.tar'), stage.path('two.tar')]
      const plan = planFor(`oci:${layout}:registry.example/app:1.0`)
      for (const output of [bundle, next]) await stage.export({ output, plan })
      const to = `oci:${stage.path('out')}`
      await stage.import(bundle, to, { state })
      const [file, restored] = [stage.path('backup'), stage.path('restored')]
      await stateBackup({ state, file, now: NOW })
      await stateRestore({ state: restored, file, reason: 'disk lost', now: NOW })
      assert.deepEqual((await told(restored)).restored, {
        time: '2026-06-01T12:00:00Z',
        reason: 'disk lost',
        unheard: ['vendor-a'],
        policy: false,
      })
      const again = stage.path('again')
      await stateRestore({ state: again, file, reason: 'disk lost', now: NOW })
      await pinApprovers(again)
      assert.deepEqual((await told(again)).restored?.unheard, ['vendor-a'])
      const later = new Date(NOW.getTime() + 60_000)
      await stage.import(bundle, to, { state: again, now: later })
      assert.equal((await told(again)).restored, null)
      const { health } = await status({ state: again, now: later })
      assert.equal(health.channels.find(({ channel }) => channel === 'vendor-a')?.accepted, '2026-06-01T12:00:00Z')
      const { rows } = await log({ state: again, now: later })
      await stage.import(bundle, to, { state: again, now: later })
      const heads = (await log({ state: again, now: later })).rows.slice(rows.length).map(({ kind }) => kind)
      assert.ok(!heads.includes('head'), 'once is enough')
      await stage.import(next, to, { state: restored })
      assert.equal((await told(restored)).restored, null)
    } finally {
      stage.close()
    }
  })
})
