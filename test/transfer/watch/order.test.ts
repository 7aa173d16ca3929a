import assert from 'node:assert/strict'
import fc from 'fast-check'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { channelPin, log, stateInit, type RevocationBundleReport } from '../../../src/transfer/index.ts'
import { revocationBundle } from '../../../src/transfer/export/revocation-bundle.ts'
import { inOrder, type Queued } from '../../../src/transfer/watch/order.ts'
import { fingerprint } from '../../../src/tuf/index.ts'

import { RevocationWorld, SITE } from '../revocation-world.ts'
import { look, outcomes, type Work } from './watching.ts'

const PURPOSES = { rev: 'revocation', info: 'trust', a: 'content', b: 'content' } as const

function queued(name: string, channel?: string, sequence = 1): Queued {
  const id = `sha256:${'0'.repeat(64)}` as const
  const claim = channel === undefined ? undefined : { channel, sequence, id }
  return { name, size: 1, mark: name, inode: name, arrived: 0, claim }
}

const purposeOf = (channel: string): 'revocation' | 'trust' | 'content' | undefined =>
  Object.hasOwn(PURPOSES, channel) ? PURPOSES[channel as keyof typeof PURPOSES] : undefined

describe('transfer/watch/order', () => {
  it('takes lists first, then information, then content, each channel by its numbers, and last what has no place', () => {
    const expected = [
      queued('z', 'rev', 2),
      queued('y', 'rev', 10),
      queued('x', 'info', 1),
      queued('w', 'a', 3),
      queued('v', 'a', 20),
      queued('u', 'b', 1),
      queued('a', 'stranger', 1),
      queued('0'),
      queued('1'),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(expected, { minLength: 0 }), (given) => {
        const kept = expected.filter((one) => given.includes(one)).map(({ name }) => name)
        assert.deepEqual(
          inOrder(given, purposeOf).map(({ name }) => name),
          kept,
        )
      }),
    )
  })

  describe('with a channel for lists', () => {
    let world: RevocationWorld
    before(async () => {
      world = await RevocationWorld.open()
    })
    after(() => world?.close())

    it('judges content by the list that came along under a later name', async () => {
      const ref = await world.signed()
      const keys = await world.channel()
      const content = await world.export(keys, [ref], { collect: 'none', accept: [] })
      const rkeys = await world.channel('revocation')
      const lists: RevocationBundleReport = await revocationBundle({
        ...world.options(rkeys, {
          revocation: { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] },
        }),
        output: world.path('rev.tar'),
      })
      const state = world.path('state')
      await stateInit({ state, site: SITE, reason: 'test', now: world.now })
      for (const [folder, channel, purpose] of [
        [keys, 'content-x', 'content'],
        [rkeys, 'revocation-x', 'revocation'],
      ] as const) {
        const root = join(folder, 'root.json')
        const pin = { channel, purpose, root, fingerprint: fingerprint(readFileSync(root)) }
        await channelPin({ state, ...pin, now: world.now })
      }
      const inbox = world.path('inbox')
      mkdirSync(inbox)
      renameSync(content.output, join(inbox, 'a-content.tar'))
      renameSync(lists.output, join(inbox, 'z-lists.tar'))
      const out = world.path('out')
      const site: Work = { inbox, state, out, to: `oci:${out}`, clock: () => world.now, notes: [], onEvent: undefined }
      const report = await look(site)
      assert.deepEqual(outcomes(report), [
        ['z-lists.tar', 'imported'],
        ['a-content.tar', 'imported'],
      ])
      const { rows } = await log({ state })
      const kinds = rows.map(({ kind }) => kind)
      assert.ok(kinds.indexOf('list') < kinds.indexOf('verdict'))
      assert.deepEqual([report.status?.lists.length], [3])
    })
  })
})
