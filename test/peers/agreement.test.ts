import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgreementCase } from './agreement/case.ts'
import { ALL_CASES, GROUPS } from './agreement/groups.ts'
import { ourVerdict } from './agreement/ours.ts'
import { World } from './agreement/world.ts'
import { NotationJudge } from './notation.ts'
import { peer, type Registry, startRegistry } from './setup/registry.ts'

/** Pushed to a real registry with oras and judged there too; what notation says there, which may differ from a layout. */
const IN_A_REGISTRY: readonly (readonly [name: string, notation: 'accept' | 'refuse'])[] = [
  ['jws by p384, signed here', 'accept'],
  ['cose by rsa3072, signed here, with a timestamp', 'accept'],
  ['jws by p521, signed by notation, with a timestamp', 'accept'],
  ['cose by rsa4096, signed by notation', 'accept'],
  ['jws: the manifest of the newer form, in a layout', 'accept'],
  ['cose: the manifest of the newer form, in a layout', 'accept'],
  ['a broken signature before a good one', 'accept'],
  ['nobody signed', 'refuse'],
  ['jws: a payload for another digest', 'refuse'],
  ['cose: payload changed after signing', 'refuse'],
  ['jws: another root in the store', 'refuse'],
  ['the leaf has expired', 'refuse'],
  ['cose: a timestamp over other bytes', 'refuse'],
]

describe('peers/agreement', function () {
  let folder: string
  let world: World

  before(function () {
    const judge = NotationJudge.start(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-agreement-'))
    world = new World(folder, judge)
  })
  after(async () => {
    await world?.stop()
    world?.judge.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it('has enough cases, of one name each, and two in five of them negative', () => {
    assert.ok(ALL_CASES.length >= 60)
    assert.equal(new Set(ALL_CASES.map(({ name }) => name)).size, ALL_CASES.length)
    assert.ok(ALL_CASES.filter(({ expect }) => expect === 'refuse').length >= 0.4 * ALL_CASES.length)
  })

  /** What notation must say for the case to stand as written; undefined where that is left to chance. */
  function expected({ expect, differs, byChance }: AgreementCase): boolean | undefined {
    return byChance ? undefined : (expect === 'accept') !== (differs !== undefined)
  }

  for (const [group, cases] of Object.entries(GROUPS)) {
    describe(group, () => {
      for (const one of cases) {
        const whom = one.differs === undefined ? 'with notation' : 'unlike notation'
        it(`${one.expect}s ${whom}: ${one.name}`, async () => {
          const situation = await one.build(world)
          const { layout, target, scope, configDir } = situation
          const ours = await ourVerdict(situation)
          assert.deepEqual([ours.said, ours.code], [one.expect, one.code], ours.report?.why ?? 'no verdict')
          const reference = `${scope}@${target.digest}`
          const theirs = await world.judge.verify({ layout: layout.folder, reference, configDir })
          assert.equal(theirs.ok, expected(one) ?? theirs.ok, theirs.error ?? 'notation accepts')
        })
      }
    })
  }

  describe('in a registry', () => {
    let registry: Registry

    before(async () => {
      registry = await startRegistry({ auth: 'htpasswd' })
    })
    after(() => registry?.stop())

    for (const [place, [name, notation]] of IN_A_REGISTRY.entries()) {
      it(`judges as in a layout: ${name}`, async () => {
        const one = ALL_CASES.find((candidate) => candidate.name === name)
        assert.ok(one)
        const situation = await one.build(world)
        const { layout, target, scope, configDir } = situation
        const repository = `${registry.host}/port/cargo-${place}`
        const from = ['--from-oci-layout', `${layout.folder}@${target.digest}`]
        await peer('oras', ['cp', '-r', '--to-plain-http', ...from, `${repository}:1`], { env: registry.env })
        const { username = '', password = '' } = registry
        const credentials = { entries: [{ key: registry.host, username, password }], helpers: {} }
        const ours = await ourVerdict(situation, `${repository}@${target.digest}`, { plainHttp: true, credentials })
        assert.deepEqual([ours.said, ours.code], [one.expect, one.code], ours.report?.why ?? 'no verdict')
        const reference = `${scope}@${target.digest}`
        const theirs = await world.judge.verify({ repository, username, password, reference, configDir })
        assert.equal(theirs.ok, notation === 'accept', theirs.error ?? 'notation accepts')
      })
    }
  })
})
