/** Attacks by somebody who writes the channel's folder, on people who sign its next root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { channelShow, type ChannelRotateReport } from '../../../src/index.ts'
import { openChannelFolder } from '../../../src/transfer/channel/folder.ts'
import {
  buildRoot,
  generateKey,
  readRoot,
  signRoot,
  type ChannelKey,
  type Role,
  type RootPlan,
} from '../../../src/tuf/index.ts'
import { advised } from '../../fault.ts'
import { ask, refusal, RotationStage } from './rotation-stage.ts'

describe('transfer/channel/rotation-check', function () {
  this.timeout(30_000)
  const stage = new RotationStage()
  let keys: string
  let next: string

  before(() => stage.raise())
  after(() => stage.lower())
  beforeEach(() => {
    keys = stage.anew()
    next = join(keys, 'next')
    stage.lockAway()
  })

  const sign = (person: string, more: object = {}): Promise<ChannelRotateReport> =>
    stage.rotate({}, { keys: [join(stage.safe, `root-${person}.pem`)], ...more })
  const refuseToSign = async (code: 'ROTATION_DAMAGED' | 'CHANNEL_FOLDER_DAMAGED' | 'USAGE'): Promise<void> => {
    const passphrase = (): Promise<Buffer> => assert.fail('a key was to be opened')
    await assert.rejects(sign('ann', { passphrase }), refusal(code))
  }
  const abandon = async (): Promise<void> => {
    assert.equal((await stage.rotate({}, { abandon: true })).phase, 'abandoned')
    assert.ok(!existsSync(next))
    assert.equal((await stage.rotate({ replace: ['ann'] })).version, openChannelFolder(keys).root.version + 1)
  }

  it('shows all that the root says before a key is opened, in the run that begins and in those that go on', async () => {
    const shown: ChannelRotateReport[] = []
    const onRoot = (report: ChannelRotateReport): void => void shown.push(report)
    const passphrase = (): Promise<Buffer> => {
      assert.equal(shown.length, 1)
      return ask()
    }
    const key = [join(stage.safe, 'root-ann.pem')]
    await stage.rotate({ replace: ['host'], add: ['dee'] }, { keys: key, passphrase, onRoot })
    const [planned] = shown.splice(0)
    assert.deepEqual([planned?.phase, planned?.people, planned?.id], ['planned', ['ann', 'ben', 'cy', 'dee'], null])
    await sign('ann', { passphrase, onRoot })
    const [waiting] = shown
    assert.deepEqual(waiting?.people, ['ann', 'ben', 'cy', 'dee'])
    assert.deepEqual(waiting?.signed?.before, { signed: 1, threshold: 2 })
    const first = `sha256:${createHash('sha256').update(stage.rootFile(1)).digest('hex')}`
    assert.deepEqual([waiting?.first, waiting?.follows], [first, first])
    const { signed } = JSON.parse(readFileSync(join(next, 'root.json'), 'utf8')) as { signed: { keys: object } }
    const kept = waiting?.keys.filter(({ is }) => is !== 'retired').map(({ keyid }) => keyid ?? '')
    assert.deepEqual(kept?.toSorted(), Object.keys(signed.keys).toSorted())
  })

  it('signs only the root that a person names by its id', async () => {
    const { id } = await stage.rotate({ replace: ['host'] })
    await assert.rejects(sign('ann', { id: `sha256:${'0'.repeat(64)}` }), advised('USAGE', join(next, 'root.json')))
    assert.equal((await sign('ann', { id })).id, id)
    assert.equal((await sign('ben', { id })).phase, 'in force')
  })

  it('begins nothing by the words that go on with what is gone', async () => {
    await stage.rotate({ replace: ['host', 'ann'] })
    rmSync(next, { recursive: true })
    await refuseToSign('USAGE')
    assert.ok(!existsSync(next))
  })

  it('tells one new key from another by the id and the keyid', async () => {
    const { id } = await stage.rotate({ replace: ['ann'] })
    const mallory = generateKey('ed25519')
    const record = readFileSync(join(next, 'rotation.json'), 'utf8')
    const [, old = ''] = /"keyid":"([0-9a-f]{64})"/.exec(record) ?? []
    writeFileSync(join(next, 'rotation.json'), record.replaceAll(old, mallory.keyid))
    const root = JSON.parse(readFileSync(join(next, 'root.json'), 'utf8')) as {
      signed: { keys: Record<string, object>; roles: { targets: { keyids: string[] } } }
    }
    delete root.signed.keys[old]
    root.signed.keys[mallory.keyid] = mallory.tufKey
    const { targets } = root.signed.roles
    targets.keyids = [...targets.keyids.filter((one) => one !== old), mallory.keyid].toSorted()
    writeFileSync(join(next, 'root.json'), JSON.stringify({ ...root, signatures: [] }))
    await assert.rejects(sign('ben', { id }), refusal('USAGE'))
    const report = await stage.rotate({}, { dryRun: true })
    assert.notEqual(report.id, id)
    assert.ok(report.keys.some(({ keyid, is }) => is === 'new' && keyid === mallory.keyid))
  })

  const tampered: [string, (root: string, mallory: ChannelKey) => string][] = [
    ['another version', (root) => root.replace(/"version": ?2/, '"version":7')],
    ['another threshold', (root) => root.replace(/("threshold": ?)2/, '$11')],
    ['another spec_version', (root) => root.replace(/"spec_version": ?"[^"]*"/, '"spec_version":"1.0.0"')],
    ['a member more', (root) => root.replace(/"signed": ?\{/, '"signed":{"x-more":1,')],
    [
      'a key more that no role names',
      (root, { keyid, tufKey }) => root.replace(/"keys": ?\{/, `"keys":{"${keyid}":${JSON.stringify(tufKey)},`),
    ],
    [
      'a key more in a role',
      (root, { keyid, tufKey }) =>
        root
          .replace(/"keys": ?\{/, `"keys":{"${keyid}":${JSON.stringify(tufKey)},`)
          .replace(/("root": ?\{\s*"keyids": ?\[)/, `$1"${keyid}",`),
    ],
    [
      'another key under the name of one that stays',
      (root, { tufKey }) => root.replace(/("keyval": ?\{\s*"public": ?")[0-9a-f]{64}/, `$1${tufKey.keyval.public}`),
    ],
    [
      'a key under another name than its own',
      (root) => {
        const [, keyid = ''] = /"targets": ?\{\s*"keyids": ?\[\s*"([0-9a-f]{64})"/.exec(root) ?? []
        return root.replaceAll(keyid, keyid.slice(1) + keyid.slice(0, 1))
      },
    ],
    ['no end', (root) => root.slice(0, -9)],
    ['more bytes than a root has', (root) => root + ' '.repeat(600_000)],
  ]
  for (const [what, change] of tampered)
    it(`signs nothing when the waiting root has got ${what}`, async () => {
      await stage.rotate({ replace: ['host'] })
      const file = join(next, 'root.json')
      const was = readFileSync(file, 'latin1')
      const now = change(was, generateKey('ed25519'))
      assert.notEqual(now, was)
      writeFileSync(file, now)
      await refuseToSign('ROTATION_DAMAGED')
      await assert.rejects(stage.rotate({}, { dryRun: true }), refusal('ROTATION_DAMAGED'))
      assert.equal(readFileSync(file, 'latin1'), now)
      await abandon()
    })

  const records: [string, (record: string) => string][] = [
    ['another change', (record) => record.replace('"replace":["host"]', '"replace":["host","ann"]')],
    ['the version after', (record) => record.replace('"version":2', '"version":3')],
    ['a version far off', (record) => record.replace('"version":2', '"version":7')],
    ['no version', () => '{}'],
    ['no JSON', () => 'x'],
    ['a file elsewhere', (record) => record.replace('snapshot.2.pem', '..')],
  ]
  for (const [what, change] of records)
    it(`signs nothing when the record tells of ${what}`, async () => {
      await stage.rotate({ replace: ['host'] })
      const file = join(next, 'rotation.json')
      writeFileSync(file, change(readFileSync(file, 'utf8')))
      await refuseToSign('ROTATION_DAMAGED')
      await abandon()
    })

  const places: [string, () => void][] = [
    ['a file', () => writeFileSync(next, '')],
    ['a link to nowhere', () => symlinkSync('nowhere', next)],
    ['a link to a folder', () => symlinkSync(stage.safe, next)],
    ['a folder without a record', () => (mkdirSync(next), writeFileSync(join(next, 'mine'), 'x'))],
    ['a record that is a folder', () => mkdirSync(join(next, 'rotation.json'), { recursive: true })],
    ['a record that is a pipe', () => (mkdirSync(next), execFileSync('mkfifo', [join(next, 'rotation.json')]))],
    [
      'a record without end',
      () => {
        mkdirSync(next)
        writeFileSync(join(next, 'rotation.json'), '')
        truncateSync(join(next, 'rotation.json'), 3 * 1024 ** 3)
      },
    ],
    [
      'the root in force, said to be the next',
      () => {
        mkdirSync(next)
        cpSync(join(keys, '1.root.json'), join(next, 'root.json'))
        const change = { renew: true, replace: [], add: [], remove: [], threshold: null, days: null, kind: null }
        writeFileSync(
          join(next, 'rotation.json'),
          JSON.stringify({ format: 'sallyport-rotation/1', version: 2, change, made: [] }),
        )
      },
    ],
  ]
  for (const [what, put] of places)
    it(`believes nothing of ${what} in the place of a rotation, and takes it away when asked`, async () => {
      put()
      await refuseToSign('ROTATION_DAMAGED')
      await assert.rejects(stage.rotate({ renew: true }), refusal('ROTATION_DAMAGED'))
      assert.equal((await channelShow({ dir: keys })).folder?.waiting, 'damaged')
      await abandon()
      assert.equal(existsSync(join(stage.safe, 'root-ann.pem')), true)
    })

  /** A root of the same people and as many more keys of the thief's, signed by whom he likes. */
  function forged(previous: Buffer | undefined, more: ChannelKey[], signers: readonly ChannelKey[]): Buffer {
    const { roles, channel, purpose, expires } = readRoot(stage.rootFile(1), { side: 'state', subject: 'root' })
    const role = (name: Role): RootPlan['roles'][Role] => ({
      keys: [
        ...Array.from(roles[name].keys.values(), ({ tufKey }) => tufKey),
        ...(name === 'root' ? more.map(({ tufKey }) => tufKey) : []),
      ],
      threshold: roles[name].threshold,
    })
    const plan = {
      root: role('root'),
      targets: role('targets'),
      snapshot: role('snapshot'),
      timestamp: role('timestamp'),
    }
    const bytes = buildRoot({ channel, purpose, expires, roles: plan, ...(previous !== undefined && { previous }) })
    return signers.reduce((root, key) => signRoot(root, key), bytes)
  }

  it('builds on no first root whose keys channel.json does not list', async () => {
    const thief = [generateKey('ed25519'), generateKey('ed25519')]
    writeFileSync(join(keys, '1.root.json'), forged(undefined, thief, thief))
    await assert.rejects(stage.rotate({ replace: ['host'] }), refusal('CHANNEL_FOLDER_DAMAGED'))
    assert.ok(!existsSync(next))
  })

  it('builds on no root to which the first does not lead', async () => {
    const thief = [generateKey('ed25519'), generateKey('ed25519')]
    writeFileSync(join(keys, '2.root.json'), forged(stage.rootFile(1), thief, thief))
    await assert.rejects(stage.rotate({ replace: ['host'] }), refusal('CHANNEL_FOLDER_DAMAGED'))
    await assert.rejects(channelShow({ dir: keys }), refusal('CHANNEL_FOLDER_DAMAGED'))
    cpSync(join(keys, '1.root.json'), join(keys, '2.root.json'))
    await assert.rejects(stage.rotate({ replace: ['host'] }), refusal('CHANNEL_FOLDER_DAMAGED'))
  })

  it('puts no root in force that has expired while it waited', async () => {
    await stage.rotate({ replace: ['host'], days: 1 })
    await sign('ann')
    const now = new Date(Date.now() + 3 * 86_400_000)
    await assert.rejects(sign('ben', { now }), refusal('EXPIRED'))
    assert.equal(openChannelFolder(keys).root.version, 1)
    assert.equal((await stage.rotate({}, { now, abandon: true })).phase, 'abandoned')
  })

  it('refuses to take back what enough have signed', async () => {
    await stage.rotate({ replace: ['host'] })
    const before = join(stage.dir, 'before')
    await sign('ann')
    cpSync(keys, before, { recursive: true })
    await sign('ben')
    // As a kill between the last signature and the root's place leaves it.
    cpSync(join(keys, '2.root.json'), join(before, 'next', 'root.json'))
    await assert.rejects(stage.rotate({}, { dir: before, abandon: true }), refusal('USAGE'))
    assert.equal((await stage.rotate({}, { dir: before })).phase, 'in force')
  })

  it('signs nothing that somebody else began with the same words, unless it is named', async () => {
    const thief = (): Promise<Buffer> => Promise.resolve(Buffer.from('the thief’s'))
    const { id } = await stage.rotate({ replace: ['host', 'ann'] }, { newPassphrase: thief })
    const words = { replace: ['ann', 'host'] }
    const key = [join(stage.safe, 'root-ann.pem')]
    const was = readFileSync(join(next, 'root.json'))
    await assert.rejects(stage.rotate(words, { keys: key }), refusal('USAGE'))
    assert.ok(readFileSync(join(next, 'root.json')).equals(was))
    assert.equal((await stage.rotate(words, { keys: key, id: id ?? '' })).signed?.before.signed, 1)
    // As after a kill: these words have signed already.
    assert.equal((await stage.rotate(words, { keys: key })).phase, 'waiting')
  })

  it('takes no key that the channel has had for a new one', async () => {
    await stage.rotate({ replace: ['ann'] })
    const record = readFileSync(join(next, 'rotation.json'), 'utf8')
    const [, fresh = ''] = /"keyid":"([0-9a-f]{64})"/.exec(record) ?? []
    const { root, keys: listed } = openChannelFolder(keys)
    const old = listed.find(({ file }) => file === 'ann.pem')?.keyid ?? ''
    writeFileSync(join(next, 'rotation.json'), record.replaceAll(fresh, old))
    const waiting = JSON.parse(readFileSync(join(next, 'root.json'), 'utf8')) as {
      signed: { keys: Record<string, object>; roles: { targets: { keyids: string[] } } }
    }
    delete waiting.signed.keys[fresh]
    waiting.signed.keys[old] = root.roles.targets.keys.get(old)?.tufKey ?? {}
    const { targets } = waiting.signed.roles
    targets.keyids = [...targets.keyids.filter((one) => one !== fresh), old].toSorted()
    writeFileSync(join(next, 'root.json'), JSON.stringify({ ...waiting, signatures: [] }))
    await refuseToSign('ROTATION_DAMAGED')
    await abandon()
  })

  it('puts no root in force whose new keys are lost', async () => {
    await stage.rotate({ replace: ['host'] })
    await sign('ann')
    for (const spoil of [
      () => rmSync(join(next, 'snapshot.2.pem')),
      () => writeFileSync(join(next, 'snapshot.2.pem'), 'x'),
    ]) {
      spoil()
      await assert.rejects(sign('ben'), refusal('ROTATION_DAMAGED'))
    }
    assert.equal(openChannelFolder(keys).root.version, 1)
  })

  describe('behind the moment at which the root is in force', () => {
    /** As a kill leaves it when `2.root.json` has its place. */
    async function killed(): Promise<void> {
      await stage.rotate({ replace: ['host'] })
      await sign('ann')
      const before = join(stage.dir, 'before')
      cpSync(keys, before, { recursive: true })
      await sign('ben')
      cpSync(join(before, 'next'), next, { recursive: true })
      cpSync(join(before, 'root.json'), join(keys, 'root.json'))
    }
    const isWhole = (): void => {
      assert.ok(!existsSync(next))
      assert.ok(readFileSync(join(keys, 'root.json')).equals(stage.rootFile(2)))
    }

    it('ends what was begun, by the same words or by none, and says that it made nothing', async () => {
      for (const change of [{ replace: ['host'] }, {}]) {
        keys = stage.anew()
        next = join(keys, 'next')
        stage.lockAway()
        await killed()
        assert.equal((await channelShow({ dir: keys })).folder?.waiting, null)
        const report = await stage.rotate(change)
        assert.deepEqual([report.phase, report.version], ['was in force', 2])
        isWhole()
      }
    })

    it('ends it and takes no other words for done', async () => {
      await killed()
      await assert.rejects(stage.rotate({ replace: ['ann'] }), refusal('USAGE'))
      isWhole()
      assert.equal((await stage.rotate({ replace: ['ann'] })).version, 3)
    })

    it('ends it and takes nothing back', async () => {
      await killed()
      await assert.rejects(stage.rotate({}, { abandon: true }), refusal('USAGE'))
      isWhole()
    })

    it('believes no record of it that its root does not bear out', async () => {
      await killed()
      const record = JSON.parse(readFileSync(join(next, 'rotation.json'), 'utf8')) as { change: { replace: string[] } }
      record.change.replace = ['host', 'ann']
      writeFileSync(join(next, 'rotation.json'), JSON.stringify(record))
      await assert.rejects(stage.rotate({ replace: ['host', 'ann'] }), refusal('ROTATION_DAMAGED'))
      assert.equal((await stage.rotate({}, { abandon: true })).phase, 'abandoned')
      assert.equal((await stage.rotate({ replace: ['host', 'ann'] })).version, 3)
    })
  })

  it('overwrites no key file', async () => {
    writeFileSync(join(keys, 'ann.2.pem'), 'precious')
    await assert.rejects(stage.rotate({ replace: ['ann'] }), refusal('KEY_EXISTS'))
    assert.equal(readFileSync(join(keys, 'ann.2.pem'), 'utf8'), 'precious')
  })
})
