/** Imports under a policy, killed: of what is trusted, and of what undoes an earlier import. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { stateCheck } from '../../src/transfer/index.ts'
import type { Registry } from '../peers/setup/registry.ts'
import type { Job } from './campaign.ts'
import { LayoutOutside, RegistryOutside, type Holdings, type OutsideEye } from './outside-eye.ts'
import { knownIn, type Facts, type Known } from './revocation-facts.ts'
import { FALLING, NUMBERS, STAYING, type Measure, type Name, type RevocationGround } from './revocation-ground.ts'
import { journal } from './site.ts'

interface Work {
  name: string
  dir: string
  state: string
  to: string
  /** What stands for the place in paths and names of the state. */
  place: string
  eye: OutsideEye
  journal: Buffer
  known: Known | undefined
}

/** Where a job's works go; each to a place of its own. */
export type Where = Registry | 'layout'

/** Every eighth is looked at by a tool of others too. */
const TOOL = 8

function prepared(ground: RevocationGround, where: Where, job: string, name: string): Work {
  const { dir, state } = ground.work(`${job}-${name}`)
  const common = { name, dir, state, journal: Buffer.alloc(0), known: undefined }
  if (where === 'layout') {
    const out = join(dir, 'out')
    return { ...common, to: `oci:${out}`, place: out, eye: new LayoutOutside(out) }
  }
  const prefix = `${job}/${name}`
  return { ...common, to: `${where.host}/${prefix}`, place: prefix, eye: new RegistryOutside(where, prefix) }
}

async function lookAfterKill(work: Work): Promise<{ known: Known; holdings: Holdings }> {
  if (work.eye instanceof RegistryOutside) await work.eye.settled()
  work.journal = journal(work.state)
  const holdings = await work.eye.look()
  return { known: await knownIn(work.state, work.place), holdings }
}

interface End {
  status: number | string
  facts: Facts
  holdings: Holdings
}

/** What an end is compared by: the undisturbed run's. */
class Ends {
  reference: End | undefined

  async same(work: Work, status: number | string, mayBe: readonly (number | string)[] = []): Promise<Known> {
    const { eye, state } = work
    const known = await knownIn(state, work.place)
    const holdings = await eye.look()
    const end = { status, facts: known.facts, holdings }
    this.reference ??= end
    const wanted = this.reference
    assert.deepEqual(holdings, wanted.holdings)
    assert.deepEqual(known.facts, wanted.facts)
    assert.ok([wanted.status, ...mayBe].includes(status), `ended with ${status}, undisturbed with ${wanted.status}`)
    if (Number(/\d*$/.exec(work.name)?.[0]) % TOOL === 0) assert.deepEqual(await eye.byTool(), holdings)
    assert.deepEqual((await stateCheck({ state, now: new Date() })).differences, [])
    const kept = work.journal.subarray(0, work.journal.lastIndexOf(0x0a) + 1)
    assert.ok(journal(state).subarray(0, kept.length).equals(kept), 'journal rows are gone')
    assert.deepEqual([known.facts.openIntents, known.facts.unseen], [0, 0])
    return known
  }
}

/** An import of artifacts that are all trusted. */
export function trustedJob(ground: RevocationGround, where: Where): Job<Work> {
  const name = where === 'layout' ? 'policy-layout' : 'policy'
  const ends = new Ends()
  return {
    name,
    prepare: (work) => Promise.resolve(prepared(ground, where, name, work)),
    args: ({ state, to }) => ground.importArgs(ground.earlier, state, to, 'remove'),
    async atKill(work) {
      const { known, holdings } = await lookAfterKill(work)
      for (const one of [...FALLING, 'good'] as const)
        if (named(holdings, one) !== undefined) {
          assert.equal(named(holdings, one), ground.digest(one))
          assert.ok(known.verdictRow.has(ground.digest(one)), 'a tag names what no row trusts')
        }
      known.numbers.forEach((number, list) => assert.ok(number >= (work.known?.numbers.get(list) ?? 0)))
      work.known = known
    },
    async after(work, rerun) {
      await ends.same(work, rerun.status)
      assert.equal(rerun.status, 0)
    },
  }
}

/** What the tag of an artifact names, in a registry or in a layout, where tags are full names. */
function named(holdings: Holdings, name: Name): string | undefined {
  return holdings[name]?.tags['1.0'] ?? holdings['']?.tags[`${name}:1.0`]
}

function isThere(holdings: Holdings, name: Name, digest: string): boolean {
  return (holdings[name] ?? holdings[''])?.manifests.includes(digest) === true
}

function isKept(holdings: Holdings, digest: string): boolean {
  return Object.entries(holdings).some(([path, { manifests }]) => /quarantine/.test(path) && manifests.includes(digest))
}

/** Rows of this very kind are what the site goes by: what is younger than them knew of them. */
function demandUntrusted(ground: RevocationGround, { listRow, denialRow, verdictRow, numbers, facts }: Known): void {
  const number = Math.max(0, ...[...numbers].filter(([list]) => list.endsWith('/ca.crl')).map(([, held]) => held))
  const against = {
    listed: number >= Number.parseInt(NUMBERS.content, 16) ? listRow : 0,
    later: number >= Number.parseInt(NUMBERS.passenger, 16) ? listRow : 0,
    denied: denialRow,
  }
  for (const name of FALLING) {
    const row = verdictRow.get(ground.digest(name))
    if (row === undefined || against[name] === 0) continue
    assert.ok(row < against[name], `${name} is newly trusted by row ${row}, against row ${against[name]}`)
    assert.ok(facts.unseen > 0, `${name} is trusted still, and nothing is left to look at`)
  }
}

/** An import that brings lists and denials by which three artifacts of an earlier one fall. */
export function undoingJob(ground: RevocationGround, where: Where, measure: Measure): Job<Work> {
  const name = `${measure}${where === 'layout' ? '-layout' : ''}`
  const ends = new Ends()
  return {
    name,
    async prepare(work) {
      const made = prepared(ground, where, name, work)
      await ground.before(made.state, made.to, measure)
      return made
    },
    args: ({ state, to }) => ground.importArgs(ground.later, state, to, measure),
    async atKill(work) {
      const { known, holdings } = await lookAfterKill(work)
      demandUntrusted(ground, known)
      known.numbers.forEach((number, list) =>
        assert.ok(number >= (work.known?.numbers.get(list) ?? 0), `an older list of ${list}`),
      )
      for (const one of STAYING) {
        const digest = named(holdings, one)
        assert.ok(digest === ground.digest(one) || (digest === undefined && one === 'new'), `${one} is ${digest}`)
      }
      for (const one of FALLING) {
        const digest = ground.digest(one)
        const there = isThere(holdings, one, digest)
        assert.ok(there || isKept(holdings, digest), `${one} is nowhere`)
        if (!known.done.has(digest)) continue
        assert.notEqual(named(holdings, one), digest, `${one} has its tag, and its measure is done`)
        assert.equal(there, measure === 'retag')
      }
      work.known = known
    },
    async after(work, rerun) {
      // Killed behind its last row: nothing is left to be told.
      const over = work.known?.facts.unseen === 0 && work.known.done.size === FALLING.length
      const known = await ends.same(work, rerun.status, over ? [0] : [])
      if (!over) assert.equal(rerun.status, 14)
      for (const [list, number] of work.known?.numbers ?? [])
        assert.ok((known.numbers.get(list) ?? 0) >= number, `the list of ${list} is gone`)
    },
  }
}
