import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PASSPHRASE, Stage, tree } from '../transfer/stage.ts'
import { documentIn, sallyport, type Ended } from './program.ts'
import { slowRegistry, type SlowRegistry } from './slow-registry.ts'
import { needDisk } from '../need.ts'

const MIB = 1024 * 1024

describe('cli/disk full', function () {
  this.timeout(120_000)
  let stage: Stage
  let registry: SlowRegistry
  let disk: string
  let bundle: string
  let unmount: (() => void) | undefined

  before(async function () {
    stage = await Stage.make()
    disk = stage.path('disk')
    mkdirSync(disk)
    unmount = needDisk(this, disk, 8 * MIB)
    registry = await slowRegistry([3 * MIB, 2 * MIB])
    registry.hurry()
    writeFileSync(join(stage.dir, 'pw'), PASSPHRASE)
    bundle = stage.path('june.tar')
    assert.equal((await sallyport(exporting(bundle, stage.forkKeys()))).status, 0)
  })

  afterEach(() => {
    for (const name of ['ballast', 'out', 'state', 'june.tar', 'keys'])
      rmSync(join(disk, name), { recursive: true, force: true })
  })

  after(async () => {
    unmount?.()
    await registry?.stop()
    stage?.close()
  })

  const exporting = (output: string, keys: string): string[] => {
    const given = ['--passphrase-file', join(stage.dir, 'pw'), '--for-site', 'site-a', '--json']
    return ['export', registry.reference, '--keys', keys, '-o', output, ...given]
  }

  function fill(bytes: number): void {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(bytes))
  }

  function assertFull({ status, stdout, stderr }: Ended): void {
    assert.deepEqual([status, documentIn(stdout).error?.code], [22, 'DISK_FULL'], stdout + stderr)
  }

  it('refuses an export before anything is fetched, and completes it when there is room', async () => {
    fill(4 * MIB)
    const keys = stage.forkKeys()
    const output = join(disk, 'june.tar')
    const before = registry.given()
    assertFull(await sallyport(exporting(output, keys)))
    assert.ok(!existsSync(output))
    assert.equal(registry.given(), before)
    rmSync(join(disk, 'ballast'))
    const { status, stdout } = await sallyport(exporting(output, keys))
    assert.equal(status, 0, stdout)
    assert.equal(documentIn(stdout).report['sequence'], 1)
  })

  it('stops an import into a full layout, and completes it when there is room', async () => {
    fill(5 * MIB)
    const state = await stage.site('site-a', new Date())
    const args = ['import', bundle, '--to', `oci:${disk}/out`, '--state', state, '--json']
    assertFull(await sallyport(args))
    assert.doesNotMatch(readFileSync(join(state, 'journal.jsonl'), 'utf8'), /"phase":"done"/)
    rmSync(join(disk, 'ballast'))
    const { status, stdout } = await sallyport(args)
    assert.equal(status, 0, stdout)
    const whole = stage.path('whole')
    const other = await stage.site('site-a', new Date())
    assert.equal((await sallyport(['import', bundle, '--to', `oci:${whole}`, '--state', other])).status, 0)
    assert.deepEqual(tree(join(disk, 'out')), tree(whole))
  })

  it('stops an import whose state cannot grow, and completes it when there is room', async () => {
    const state = join(disk, 'state')
    const run = async (...args: string[]) => sallyport([...args, '--state', state, '--json'])
    const { fingerprint } = stage
    assert.equal((await run('state', 'init', '--site', 'site-a', '--reason', 'test')).status, 0)
    const root = join(stage.keys, 'root.json')
    const pinned = await run('channel', 'pin', 'vendor-a', root, '--fingerprint', fingerprint, '--for', 'content')
    assert.equal(pinned.status, 0, pinned.stdout)
    const { bavail, bsize } = statfsSync(disk)
    fill(bavail * bsize)
    const out = stage.path('out')
    assertFull(await run('import', bundle, '--to', `oci:${out}`))
    assert.ok(
      !existsSync(join(out, 'index.json')) || !readFileSync(join(out, 'index.json'), 'utf8').includes('image:1'),
    )
    rmSync(join(disk, 'ballast'))
    const again = await run('import', bundle, '--to', `oci:${out}`)
    assert.equal(again.status, 0, again.stdout)
    assert.equal((await run('state', 'check')).status, 0)
  })

  it('makes no channel on a full disk, and a whole one when there is room', async () => {
    const { bavail, bsize } = statfsSync(disk)
    fill(bavail * bsize)
    const args = ['channel', 'init', 'x', '--for', 'content', '--dir', join(disk, 'keys'), '--solo']
    const init = () => sallyport([...args, '--passphrase-file', join(stage.dir, 'pw'), '--json'])
    assertFull(await init())
    assert.ok(!existsSync(join(disk, 'keys')))
    rmSync(join(disk, 'ballast'))
    const { status, stdout } = await init()
    assert.equal(status, 0, stdout)
  })
})
