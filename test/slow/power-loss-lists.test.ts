/** The power goes while lists are carried: the ordinary run kills these jobs, and other jobs lose power by the same code. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { carryingJob } from '../kill/carrying-job.ts'
import { powerCuts } from '../kill/power-cut.ts'
import { RevocationGround } from '../kill/revocation-ground.ts'
import { trustedJob, undoingJob } from '../kill/revocation-job.ts'
import { journal } from '../kill/site.ts'
import { needStrace } from '../need.ts'
import { RevocationWorld } from '../transfer/revocation-world.ts'

describe('slow/power loss, with lists', function () {
  this.timeout(3_600_000)
  let ground: RevocationGround

  before(async function () {
    needStrace(this)
    ground = await RevocationGround.make()
  })
  after(() => ground?.remove())

  for (const what of ['trusted', 'retag', 'remove'] as const)
    it(`leaves an import into a layout good: ${what}`, async () => {
      const job = what === 'trusted' ? trustedJob(ground, 'layout') : undoingJob(ground, 'layout', what)
      await powerCuts(ground.program, job, job.after)
    })

  for (const purpose of ['content', 'revocation'] as const)
    it(`leaves a bundle of ${purpose} good`, async () => {
      const world = await RevocationWorld.open()
      try {
        const crls = world.path('crls')
        mkdirSync(crls)
        writeFileSync(join(crls, 'root.crl'), world.list(world.root))
        writeFileSync(join(crls, 'ca.crl'), world.list(world.issuing))
        const job = carryingJob(ground.root, world, {
          name: `folder-${purpose}`,
          keys: await world.channel(purpose),
          verb: purpose === 'content' ? ['export'] : ['revocation', 'collect'],
          plan: { artifacts: [{ ref: await world.signed() }], revocation: { from: crls } },
          stable: true,
          anew: false,
        })
        await powerCuts(ground.program, job, ({ keys, output }) => {
          assert.ok(existsSync(output))
          assert.match(journal(keys).toString(), /"kind":"exported"/)
        })
      } finally {
        await world.close()
      }
    })
})
