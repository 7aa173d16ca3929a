import assert from 'node:assert/strict'
import { SallyportError } from '../../../src/errors/index.ts'
import {
  plannedRoot,
  planRotation,
  sameChange,
  type RotationChange,
} from '../../../src/transfer/channel/rotation-plan.ts'
import type { KeyEntry } from '../../../src/transfer/channel/folder.ts'
import {
  buildRoot,
  generateKey,
  readUnsignedRoot,
  signRoot,
  type ChannelKey,
  type Role,
  type Root,
} from '../../../src/tuf/index.ts'

const NONE: RotationChange = { renew: false, replace: [], add: [], remove: [], threshold: null, days: null, kind: null }

describe('transfer/channel/rotation-plan', () => {
  const keys: KeyEntry[] = []
  let root: Root

  before(() => {
    const made: Record<Role, ChannelKey[]> = { root: [], targets: [], snapshot: [], timestamp: [] }
    const add = (role: Role, holder: string, file: string): void => {
      const key = generateKey('ed25519')
      made[role].push(key)
      keys.push({ role, holder, keyid: key.keyid, file })
    }
    for (const person of ['ann', 'ben', 'cy']) {
      add('targets', person, `${person}.pem`)
      add('root', person, `root-${person}.pem`)
    }
    add('snapshot', 'host', 'snapshot.pem')
    add('timestamp', 'host', 'timestamp.pem')
    // Somebody whose keys are no longer in force.
    keys.push({ role: 'targets', holder: 'old', keyid: '0'.repeat(64), file: 'old.pem' })
    const role = (name: Role, threshold: number): { keys: ChannelKey['tufKey'][]; threshold: number } => ({
      keys: made[name].map(({ tufKey }) => tufKey),
      threshold,
    })
    const roles = {
      root: role('root', 2),
      targets: role('targets', 2),
      snapshot: role('snapshot', 1),
      timestamp: role('timestamp', 1),
    }
    const expires = '2030-01-01T00:00:00Z'
    const unsigned = buildRoot({ channel: 'vendor-a', purpose: 'content', expires, roles })
    const bytes = made.root.reduce((signed, key) => signRoot(signed, key), unsigned)
    root = readUnsignedRoot(bytes, { side: 'state', subject: 'root' })
  })

  const plan = (change: Partial<RotationChange>): ReturnType<typeof planRotation> =>
    planRotation(root, keys, { ...NONE, ...change })

  it('keeps every key of a root that is renewed', () => {
    const { version, make, retired, stay, thresholds } = plan({ renew: true })
    assert.deepEqual([version, make, retired, stay.length], [2, [], [], 8])
    assert.deepEqual(thresholds, { root: 2, targets: 2, snapshot: 1, timestamp: 1 })
  })

  it('replaces the pair of host keys, one person’s key for bundles, and one for roots', () => {
    const { make, retired } = plan({ replace: ['host', 'ann', 'root-cy'] })
    assert.deepEqual(make.map(({ file }) => file).toSorted(), [
      'ann.2.pem',
      'root-cy.2.pem',
      'snapshot.2.pem',
      'timestamp.2.pem',
    ])
    assert.deepEqual(retired.map(({ file }) => file).toSorted(), [
      'ann.pem',
      'root-cy.pem',
      'snapshot.pem',
      'timestamp.pem',
    ])
  })

  it('lets people join and leave with both of their keys', () => {
    const { make, retired, stay, thresholds } = plan({ add: ['dee'], remove: ['ben'], threshold: 3 })
    assert.deepEqual(make, [
      { role: 'targets', holder: 'dee', file: 'dee.2.pem' },
      { role: 'root', holder: 'dee', file: 'root-dee.2.pem' },
    ])
    assert.deepEqual(
      retired.map(({ file }) => file),
      ['ben.pem', 'root-ben.pem'],
    )
    assert.deepEqual([stay.length, thresholds.root, thresholds.targets, thresholds.snapshot], [6, 3, 3, 1])
  })

  it('makes the same bytes of the same plan and keys', () => {
    const change = plan({ replace: ['host'] })
    const made = change.make.map(() => generateKey('ed25519').tufKey)
    const bytes = plannedRoot(root, change, made, '2031-01-01T00:00:00Z')
    assert.ok(plannedRoot(root, change, made, '2031-01-01T00:00:00Z').equals(bytes))
    assert.equal(readUnsignedRoot(bytes, { side: 'state', subject: 'root' }).version, 2)
  })

  const refused: [string, Partial<RotationChange>][] = [
    ['no change', {}],
    ['no change but days', { days: 5, kind: 'p384' }],
    ['a key that there is not', { replace: ['dee'] }],
    ['a key that is not in force', { replace: ['old'] }],
    ['a person who is not there', { remove: ['dee'] }],
    ['the host as a person', { remove: ['host'] }],
    ['a person who is there already', { add: ['ann'] }],
    ['a name that another key has', { add: ['host'] }],
    ['a name like that of a root key', { add: ['root-dee'] }],
    ['a name with a path in it', { add: ['../dee'] }],
    ['no name', { add: [''] }],
    ['a name twice', { add: ['dee', 'dee'] }],
    ['a key of a person who leaves', { replace: ['root-ann'], remove: ['ann'] }],
    ['fewer people than must sign', { remove: ['ann', 'ben'] }],
    ['a threshold above all people', { threshold: 4 }],
    ['a threshold of none', { threshold: 0 }],
    ['a threshold that is no number', { threshold: Number.NaN }],
  ]
  for (const [what, change] of refused)
    it(`refuses ${what}`, () =>
      assert.throws(
        () => plan(change),
        (error) => error instanceof SallyportError && error.code === 'USAGE',
      ))

  const listings: [string, (keys: KeyEntry[]) => KeyEntry[]][] = [
    ['lacks a key of the root', (all) => all.filter(({ holder, role }) => !(holder === 'cy' && role === 'targets'))],
    ['lacks one of the host’s', (all) => all.filter(({ role }) => role !== 'snapshot')],
    ['lists a key twice', (all) => [...all, ...all.filter(({ file }) => file === 'ann.pem')]],
    [
      'gives one holder two keys',
      (all) => all.map((one) => (one.file === 'ben.pem' ? { ...one, holder: 'ann' } : one)),
    ],
    [
      'names a holder as another key is named',
      (all) => all.map((one) => (one.file === 'ben.pem' ? { ...one, holder: 'root-cy' } : one)),
    ],
    [
      'names a holder with a path',
      (all) => all.map((one) => (one.file === 'ben.pem' ? { ...one, holder: '../ben' } : one)),
    ],
    [
      'gives a person the host’s key',
      (all) => all.map((one) => (one.role === 'snapshot' ? { ...one, holder: 'ann' } : one)),
    ],
  ]
  for (const [what, listing] of listings)
    it(`refuses a channel.json that ${what}`, () =>
      assert.throws(
        () => planRotation(root, listing(keys), { ...NONE, renew: true }),
        (error) => error instanceof SallyportError && error.code === 'CHANNEL_FOLDER_DAMAGED',
      ))

  it('compares changes in any order', () => {
    assert.ok(sameChange({ ...NONE, add: ['a', 'b'] }, { ...NONE, add: ['b', 'a'] }))
    assert.ok(!sameChange({ ...NONE, add: ['a'] }, { ...NONE, remove: ['a'] }))
    assert.ok(!sameChange(NONE, { ...NONE, threshold: 1 }))
  })
})
