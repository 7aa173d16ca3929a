/**
 * Beside the scenarios of the Notary Project: the host that exports is stolen, and the channel lives on. Its people, each with
 * a root key kept elsewhere, make a next root; sites follow it by the next bundle that they import, with no hand there. The
 * thief had driven the site's counter far ahead, by a bundle that a person was talked into approving. The twins: the root signed by one
 * holder alone is not in force; the thief's further bundles, before and after.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, renameSync } from 'node:fs'
import { FAR, Stage } from './stage.ts'

const APP = `${FAR}/acme/app`
const IMPORT = `--to ${FAR} --state state`
const PASSPHRASE = ['--passphrase-file', 'passphrase']

describe('scenarios/stolen host, keys rotated', function () {
  this.timeout(120_000)
  let stage: Stage
  let old: string
  let good: string
  let fingerprint: string

  before(async function () {
    stage = Stage.raise(this)
    const { near } = stage
    const registry = await near.hands.registry()
    const app = `${registry}/acme/app:1.0`
    const line = 'channel init acme --for content --dir keys --threshold 2 --people ann,ben,cy'
    const pinned = (await near.done(line, ...PASSPHRASE))['fingerprint'] as string
    // As the text of `channel init` says: root keys go offline.
    mkdirSync(near.path('safe'))
    for (const person of ['ann', 'ben', 'cy'])
      renameSync(near.path(`keys/root-${person}.pem`), near.path(`safe/root-${person}.pem`))
    const pack = async (bundle: string, keys: string, approver: string, ...more: string[]): Promise<void> => {
      await near.done(`export ${app} --keys ${keys} --as ann -o ${bundle} --for-site acme`, ...more, ...PASSPHRASE)
      await near.done(`approve ${bundle} --key ${approver}`, ...PASSPHRASE)
    }
    old = await near.image(app, 'busybox-amd64')
    await pack('june.tar', 'keys', 'keys/ben.pem')
    cpSync(near.path('keys'), near.path('stolen'), { recursive: true })
    await pack('tricked.tar', 'stolen', 'keys/cy.pem', '--sequence', '900000')
    await pack('later.tar', 'stolen', 'keys/cy.pem', '--sequence', '900001')

    const rotate = 'channel rotate --dir keys'
    const change = `${rotate} --replace host,ann --new-passphrase-file passphrase`
    const first = await near.done(`${change} --key safe/root-ann.pem`, ...PASSPHRASE)
    assert.deepEqual([first['phase'], first['missing']], ['waiting', ['ben', 'cy']])
    good = await near.image(app)
    // One holder is not enough: bundles are made by the old root still.
    await pack('between.tar', 'keys', 'keys/ben.pem')
    const second = await near.done(`${rotate} --key safe/root-cy.pem --id ${first['id'] as string}`, ...PASSPHRASE)
    assert.deepEqual([second['phase'], second['countersBeginAgain']], ['in force', true])
    fingerprint = second['fingerprint'] as string
    await pack('july.tar', 'keys', 'keys/ben.pem')
    await stage.cross(
      registry,
      'june.tar',
      'tricked.tar',
      'later.tar',
      'between.tar',
      'july.tar',
      'keys/1.root.json',
      'keys/root.json',
    )
    await stage.far.done('state init --site acme --state state --reason', 'first day')
    await stage.far.done(`channel pin acme keys/1.root.json --for content --state state --fingerprint ${pinned}`)
    await stage.far.done(`import june.tar ${IMPORT}`)
  })
  after(() => stage?.lower())

  const rootAt = async (): Promise<unknown[]> => {
    const { channels } = await stage.far.done('channel show --state state')
    return (channels as { rootVersion: number; lastSequence: number }[]).map((one) => [
      one.rootVersion,
      one.lastSequence,
    ])
  }

  it('lets the thief drive the counter where no honest bundle follows: ROLLBACK', async () => {
    const { far } = stage
    await far.done(`import tricked.tar ${IMPORT}`)
    assert.deepEqual(await rootAt(), [[1, 900_000]])
    await far.refused(15, 'ROLLBACK', `verify between.tar --state state`)
  })

  it('follows the new root by the next bundle, and counts anew', async () => {
    const { far } = stage
    assert.equal(await far.digest(`${APP}:1.0`), old)
    await far.done(`import july.tar ${IMPORT}`)
    assert.deepEqual(await rootAt(), [[2, 3]])
    assert.equal(await far.digest(`${APP}:1.0`), good)
  })

  it('takes nothing more by the stolen keys: SIGNATURE_INVALID', async () => {
    const { far } = stage
    for (const bundle of ['tricked.tar', 'later.tar', 'june.tar'])
      await far.refused(12, 'SIGNATURE_INVALID', `import ${bundle} ${IMPORT}`)
    assert.equal(await far.digest(`${APP}:1.0`), good)
  })

  it('pins the new root by its own fingerprint at a site that begins now', async () => {
    const { far } = stage
    await far.done('state init --site acme --state state2 --reason', 'another site')
    await far.done(`channel pin acme keys/root.json --for content --state state2 --fingerprint ${fingerprint}`)
    await far.done('verify july.tar --state state2')
    await far.refused(12, 'SIGNATURE_INVALID', 'verify later.tar --state state2')
  })
})
