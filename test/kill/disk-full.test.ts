import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sight, walk } from './layout-eye.ts'
import type { Ended } from './program.ts'
import { journal, Site } from './site.ts'
import { needDisk } from '../need.ts'

const KIB = 1024
/** More than a bundle, a layout and a state take together. */
const DISK = 8 * KIB * KIB

describe('disk full', function () {
  this.timeout(300_000)
  let site: Site
  let disk = ''
  let unmount: (() => void) | undefined

  before(async function () {
    site = await Site.make()
    const folder = site.work('disk')
    unmount = needDisk(this, folder, DISK)
    disk = folder
  })
  after(() => {
    unmount?.()
    site?.remove()
  })

  function free(): number {
    const { bavail, bsize } = statfsSync(disk)
    return bavail * bsize
  }

  /** Leaves about so many bytes; what takes the others. */
  function leave(bytes: number): string {
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(Math.max(0, free() - bytes)))
    return ballast
  }

  function refused({ status, out, text }: Ended, subject: string): void {
    assert.deepEqual([status, out.error?.code], [22, 'DISK_FULL'], text)
    assert.ok(out.error?.subject?.startsWith(subject), `${out.error?.subject} is not below ${subject}`)
  }

  /** The command at many fill levels: each time DISK_FULL, and the same command completes when there is room. */
  async function atEveryLevel(
    levels: readonly number[],
    prepare: (dir: string) => { args: string[]; at: string; meanwhile?: () => void; check: () => Promise<void> },
  ): Promise<void> {
    for (const room of levels) {
      const dir = join(disk, 'work')
      mkdirSync(dir)
      const { args, at, meanwhile, check } = prepare(dir)
      const ballast = leave(room)
      refused(await site.program.run(args), at)
      meanwhile?.()
      rmSync(ballast)
      await site.program.must(args)
      await check()
      rmSync(dir, { recursive: true })
    }
  }

  it('refuses an export before it fetches anything, and makes it when there is room', async () => {
    const bundle = await site.bundle()
    const size = statSync(bundle).size
    let n = 0
    await atEveryLevel([0, 4 * KIB, 64 * KIB, size - 64 * KIB], (dir) => {
      const keys = site.copy('keys', site.work(`keys-${n++}`))
      const output = join(dir, 'out', 'june.tar')
      mkdirSync(dirname(output), { recursive: true })
      return {
        args: site.exportArgs(site.layoutPlan(), keys, output),
        at: dirname(output),
        meanwhile: () => assert.ok(!existsSync(output)),
        check: async () => {
          assert.deepEqual(readdirSync(dirname(output)), ['june.tar'])
          await site.approve(output)
          assert.ok(readFileSync(output).equals(readFileSync(bundle)))
        },
      }
    })
  })

  it('goes on with an export whose disk filled up under it', async () => {
    const keys = site.copy('keys', site.work('keys-under'))
    const output = join(disk, 'june.tar')
    const args = site.exportArgs(site.layoutPlan(), keys, output)
    // The file is sparse, so the room is checked once and can be taken by others afterwards.
    const { size } = statSync(await site.bundle())
    const limit = Math.floor(size / 2 / KIB)
    refused(await site.program.run(args, { under: ['bash', '-c', `ulimit -f ${limit}; exec "$@"`, 'limited'] }), output)
    assert.ok(!existsSync(output))
    await site.program.must(args)
    await site.approve(output)
    assert.ok(readFileSync(output).equals(readFileSync(await site.bundle())))
    rmSync(output)
  })

  it("loses nothing of the channel's log", async () => {
    await atEveryLevel([0, 4 * KIB], (dir) => {
      const keys = site.copy('keys', dir)
      const output = join(site.work('log'), 'june.tar')
      return {
        args: site.exportArgs(site.layoutPlan(), keys, output),
        at: keys,
        check: async () => assert.match(journal(keys).toString(), /"kind":"exported"/),
      }
    })
  })

  it("loses nothing of the site's state", async () => {
    const bundle = await site.bundle()
    await atEveryLevel([0, 4 * KIB, 8 * KIB, 12 * KIB, 16 * KIB], (dir) => {
      const state = site.copy('state', dir)
      const out = join(site.work('state-target'), 'out')
      const before = journal(state)
      return {
        args: ['import', bundle, '--to', `oci:${out}`, '--state', state],
        at: state,
        check: async () => {
          assert.equal(walk(out).size, 11)
          await site.checkState(state, before)
        },
      }
    })
  })

  it('leaves a layout whole, and completes it', async () => {
    const bundle = await site.bundle()
    let n = 0
    await atEveryLevel([0, 4 * KIB, 40 * KIB, 400 * KIB, 1000 * KIB, 1440 * KIB, 1480 * KIB], (dir) => {
      const state = site.copy('state', site.work(`state-${n++}`))
      const before = journal(state)
      const out = join(dir, 'out')
      return {
        args: ['import', bundle, '--to', `oci:${out}`, '--state', state],
        at: out,
        meanwhile: () => {
          walk(out)
          assert.deepEqual(sight(out).strays, [])
        },
        check: async () => {
          assert.equal(walk(out).size, 11)
          assert.deepEqual(sight(out).strays, [])
          await site.checkState(state, before)
        },
      }
    })
  })
})
