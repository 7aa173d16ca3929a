import assert from 'node:assert/strict'
import { SallyportError } from '../../../src/errors/index.ts'
import { planRotation, sameChange, type RotationChange } from '../../../src/transfer/channel/rotation-plan.ts'
import type { KeyEntry } from '../../../src/transfer/channel/folder.ts'
import {
  buildRoot,
  generateKey,
  readUnsignedRoot,
  type ChannelKey,
  type Role,
  type Root,
} from '../../../src/tuf/index.ts'

const NONE: RotationChange = { replace: [], add: [], remove: [], threshold: null }

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
    root = readUnsignedRoot(buildRoot({ channel: 'vendor-a', purpose: 'content', expires, roles }), {
      side: 'state',
      subject: 'root',
    })
  })

  const plan = (change: Partial<RotationChange>): ReturnType<typeof planRotation> =>
    planRotation(root, keys, { ...NONE, ...change })

  it('keeps every key without a change', () => {
    const { version, make, retired, people, roles } = plan({})
    assert.deepEqual([version, make, retired, people], [2, [], [], ['ann', 'ben', 'cy']])
    assert.deepEqual([roles.targets.kept.length, roles.root.kept.length, roles.targets.threshold], [3, 3, 2])
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
    const { make, retired, people, roles } = plan({ add: ['dee'], remove: ['ben'], threshold: 3 })
    assert.deepEqual(make, [
      { role: 'targets', holder: 'dee', file: 'dee.2.pem' },
      { role: 'root', holder: 'dee', file: 'root-dee.2.pem' },
    ])
    assert.deepEqual(
      retired.map(({ file }) => file),
      ['ben.pem', 'root-ben.pem'],
    )
    assert.deepEqual(people, ['ann', 'cy', 'dee'])
    assert.deepEqual([roles.root.threshold, roles.targets.threshold, roles.snapshot.threshold], [3, 3, 1])
  })

  const refused: [string, Partial<RotationChange>][] = [
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

  it('compares changes in any order', () => {
    assert.ok(sameChange({ ...NONE, add: ['a', 'b'] }, { ...NONE, add: ['b', 'a'] }))
    assert.ok(!sameChange({ ...NONE, add: ['a'] }, { ...NONE, remove: ['a'] }))
    assert.ok(!sameChange(NONE, { ...NONE, threshold: 1 }))
  })
})
