/**
 * A damaged LevelDB between any two of: lists come in, content comes in, artifacts are denied, the lists that revoke come in
 * and what lies there is judged again. Whatever the damage, the site ends as if there had been none.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isFault } from '../../../src/errors/index.ts'
import { checkState, rebuildIndex, State } from '../../../src/state/index.ts'
import { channelPin, denyArtifact, importBundle, stateInit } from '../../../src/transfer/index.ts'
import { revocationBundle } from '../../../src/transfer/export/revocation-bundle.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from '../policies.ts'
import { at, RevocationWorld, SITE } from '../revocation-world.ts'

/** Bundles of a site's week, in the order of their coming. */
const STEPS = ['lists', 'content', 'denial', 'revoked'] as const

/** What a disk does to the index between two of them; the folder as it was when the site began is at hand. */
const DAMAGE: Record<string, (index: string, first: string) => void> = {
  'is gone': (index) => rmSync(index, { recursive: true }),
  'is a wreck': (index) => {
    for (const name of readdirSync(index)) writeFileSync(join(index, name), 'x'.repeat(100))
  },
  'has a flipped bit in each file': (index) => {
    for (const name of readdirSync(index)) {
      const bytes = readFileSync(join(index, name))
      const middle = bytes.length >> 1
      bytes[middle] = (bytes[middle] ?? 0) ^ 0x10
      if (bytes.length > 0) writeFileSync(join(index, name), bytes)
    }
  },
  'is that of the first day': (index, first) => {
    rmSync(index, { recursive: true })
    cpSync(first, index, { recursive: true })
  },
}

describe('transfer/import/revocation-index', function () {
  this.timeout(300_000)
  let world: RevocationWorld
  let policy: string
  let denied: string
  const bundles: Record<string, string> = {}
  const roots: [channel: string, purpose: 'content' | 'revocation', root: string][] = []

  before(async () => {
    world = await RevocationWorld.open()
    const [content, lists] = [await world.channel('content'), await world.channel('revocation')]
    roots.push(
      ['content-x', 'content', join(content, 'root.json')],
      ['revocation-x', 'revocation', join(lists, 'root.json')],
    )
    policy = policyFolder(world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(world.root.certificate),
      'policy.yaml': 'version: 1\nrevocation: {measure: retag}\n',
    })
    const refs = [await world.signed(), await world.signed(world.signer, 'registry.example/tool')]
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
    const collect = async (name: string): Promise<void> => {
      const output = world.path(`${name}.tar`)
      await revocationBundle({ ...world.options(lists, { revocation }), output })
      bundles[name] = output
    }
    await collect('lists')
    const { output, repositories } = await world.export(content, refs)
    bundles['content'] = output
    denied = repositories.find(({ name }) => name.endsWith('/tool'))?.tags['1.0'] ?? assert.fail()
    await denyArtifact({ keys: lists, artifact: denied, reason: 'a backdoor', now: world.now })
    await collect('denial')
    const revoked = [{ serial: world.leaf.serial, at: at(world.now, -24) }]
    const answer = world.answer({ revoked })
    const body = world.list(world.issuing, { number: 17, revoked })
    world.publish({ 'GET /ca.crl': { body }, 'POST /ocsp': { body: answer } })
    await collect('revoked')
  })
  after(() => world?.close())

  async function site(): Promise<{ state: string; out: string; first: string }> {
    const [state, out, first] = [world.path('state'), world.path('out'), world.path('first')]
    await stateInit({ state, site: SITE, reason: 'test', now: world.now })
    for (const [channel, purpose, root] of roots) {
      const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
      await channelPin({ state, channel, root, fingerprint, purpose, now: world.now })
    }
    cpSync(join(state, 'index'), first, { recursive: true })
    return { state, out, first }
  }

  async function bring(bundle: string, state: string, out: string): Promise<unknown[]> {
    const common = { to: `oci:${out}`, map: [], registry: {}, concurrency: 2, policy, state, now: world.now }
    const { verdict, rejudged } = await importBundle({ input: { file: bundle }, ...common })
    return [verdict, rejudged?.artifacts.map(({ path, code, measure }) => [path, code, measure?.outcome])]
  }

  /** As {@link bring}; an index that is refused is rebuilt first, as the error's remedy says. */
  async function bringAnyhow(bundle: string, state: string, out: string): Promise<unknown[]> {
    try {
      return await bring(bundle, state, out)
    } catch (error) {
      if (!isFault(error, 'INDEX_DAMAGED')) throw error
      await rebuildIndex(state, { now: world.now })
      return bring(bundle, state, out)
    }
  }

  /** All that the site holds, knows and thinks, without what differs from run to run. */
  async function endOf(dir: string, out: string): Promise<string> {
    const state = await State.open(dir, { now: world.now, write: false })
    const lists = state.heldLists().map(({ form, url, number, digest }) => [form, url, number, digest])
    const judged = [...state.judgedArtifacts()].map(({ path, digest, verdict }) => [path, digest, verdict])
    const measures = state.quarantined().map(({ path, digest, measure, outcome }) => [path, digest, measure, outcome])
    const denials = state.denials().map(({ artifact, reason }) => [artifact, reason])
    const index = readFileSync(join(out, 'index.json'), 'utf8').replaceAll(/sha256:[0-9a-f]{64}/g, 'D').length
    const files = readdirSync(join(dir, 'lists')).sort()
    return JSON.stringify(
      { lists, judged: judged.sort(), measures: measures.sort(), denials, index, files },
      undefined,
      1,
    )
  }

  async function week(damage?: {
    after: number
    how: (index: string, first: string) => void
  }): Promise<[string, string]> {
    const { state, out, first } = await site()
    const said: unknown[] = []
    for (const [n, step] of STEPS.entries()) {
      said.push(await bringAnyhow(bundles[step] ?? '', state, out))
      if (damage?.after === n) damage.how(join(state, 'index'), first)
    }
    await rebuildIndex(state, { now: world.now })
    assert.equal((await checkState(state, { now: world.now })).count, 0)
    return [JSON.stringify(said), await endOf(state, out)]
  }

  let plain: [said: string, end: string]

  it('ends with the artifact revoked, its neighbour denied, and a measure taken against each', async () => {
    plain = await week()
    const [, end] = plain
    const { judged, measures, denials } = JSON.parse(end) as Record<string, string[][]>
    assert.deepEqual(judged?.map(([path, , verdict]) => [path, verdict]).sort(), [
      ['app', 'rejected'],
      ['tool', 'rejected'],
    ])
    assert.deepEqual(measures?.map(([path, , measure, outcome]) => [path, measure, outcome]).sort(), [
      ['app', 'retag', 'done'],
      ['tool', 'retag', 'done'],
    ])
    assert.deepEqual(denials, [[denied, 'a backdoor']])
  })

  for (const [name, how] of Object.entries(DAMAGE))
    for (const [n, step] of STEPS.entries())
      it(`says and ends the same when LevelDB ${name} behind the step of: ${step}`, async () => {
        assert.deepEqual(await week({ after: n, how }), plain)
      })

  it('leaves journal and target as they are when it refuses the index', async () => {
    const { state, out, first } = await site()
    await bring(bundles['lists'] ?? '', state, out)
    DAMAGE['is a wreck']?.(join(state, 'index'), first)
    const journal = readFileSync(join(state, 'journal.jsonl'))
    const index = readFileSync(join(out, 'index.json'))
    await assert.rejects(bring(bundles['content'] ?? '', state, out), (error) => isFault(error, 'INDEX_DAMAGED'))
    assert.deepEqual(readFileSync(join(state, 'journal.jsonl')), journal)
    assert.deepEqual(readFileSync(join(out, 'index.json')), index)
    assert.equal(existsSync(join(out, 'blobs', 'sha256', denied.slice(7))), false)
    await rebuildIndex(state, { now: world.now })
    await bring(bundles['content'] ?? '', state, out)
    assert.equal(existsSync(join(out, 'blobs', 'sha256', denied.slice(7))), true)
  })
})
