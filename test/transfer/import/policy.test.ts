/** The policy gate of an import: what is not trusted does not pass, whatever else does, and whatever moves meanwhile. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import type { Code } from '../../../src/errors/index.ts'
import { digestOf, hexOf, type Descriptor } from '../../../src/oci/index.ts'
import { log, type ImportReport, type RunEvent } from '../../../src/transfer/index.ts'
import { verdictExit } from '../../../src/transfer/verdict/artifact-verdicts.ts'
import { needPeers, startRegistry, type Registry } from '../../peers/setup/registry.ts'
import {
  artifactIn,
  pemOf,
  policyFolder,
  policyText,
  rootOf,
  signAt,
  statement,
  STRANGER,
  VENDOR,
  VENDOR_STORE,
  writeFiles,
} from '../policies.ts'
import { NOW, planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

/** What each artifact alone has; the blob `shared` is in all of them. */
const OWN = { bad: 'only the unsigned one has this', good: 'only the signed one', stray: "only the stranger's" }

describe('transfer/import/policy', () => {
  let stage: Stage
  let layout: string
  let bundle: string
  /** Older, of the same channel. */
  let older: string
  let policy: string
  let registry: Registry | undefined
  const made: Record<string, Descriptor> = {}

  before(async function () {
    this.timeout(120_000)
    stage = await Stage.make()
    layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    // The refused ones come first in the bundle, so that what is shared is first met with them.
    made['bad'] = artifactIn(builder, 'registry.example/a-bad', '1.0', 'shared', OWN.bad)
    made['good'] = artifactIn(builder, 'registry.example/good', '1.0', 'shared', OWN.good)
    made['mixedBad'] = artifactIn(builder, 'registry.example/mixed', 'a-bad', 'shared', OWN.bad)
    made['mixedGood'] = artifactIn(builder, 'registry.example/mixed', 'good', 'shared', OWN.good)
    made['stray'] = artifactIn(builder, 'registry.example/stray', '1.0', 'shared', OWN.stray)
    builder.finish()
    older = stage.path('older.tar')
    await stage.export({ output: older, plan: planFor(`oci:${layout}`) })
    for (const at of ['good:1.0', 'mixed:good']) await signAt(`oci:${layout}:registry.example/${at}`)
    await signAt(`oci:${layout}:registry.example/stray:1.0`, { signer: STRANGER, format: 'cose' })
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${layout}`) })
    policy = policyFolder(stage.path('policy'))
  })

  after(async () => {
    await registry?.stop()
    stage?.close()
  })

  /** The import from a file, or through a pipe. */
  function bring(
    how: 'file' | 'pipe',
    from: string,
    to: string,
    options: Parameters<Stage['import']>[2],
  ): Promise<ImportReport> {
    return how === 'file'
      ? stage.import(from, to, options)
      : stage.piped(from, (input) => stage.import(input, to, options))
  }

  const codesOf = ({ artifacts }: Pick<ImportReport, 'artifacts'>): Record<string, Code | undefined> =>
    Object.fromEntries((artifacts ?? []).map(({ repository, tags, code }) => [`${repository}:${tags.join()}`, code]))

  const EXPECTED: Record<string, Code | undefined> = {
    'registry.example/a-bad:1.0': 'SIGNATURE_MISSING',
    'registry.example/good:1.0': undefined,
    'registry.example/mixed:a-bad': 'SIGNATURE_MISSING',
    'registry.example/mixed:good': undefined,
    'registry.example/stray:1.0': 'SIGNER_UNTRUSTED',
  }

  const hexOfText = (text: string): string => hexOf(digestOf(Buffer.from(text)))
  const journal = (state: string): string => readFileSync(join(state, 'journal.jsonl'), 'utf8')
  const namesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir, { recursive: true }).map(String) : [])

  /** A place to import to, and how to see what came there. */
  interface Door {
    to: string
    /** Every file name there; a blob's or manifest's holds its hex. */
    names(): string[]
    tags(): Promise<string[]>
  }

  function layoutDoor(): Door {
    const dir = stage.path('out')
    return {
      to: `oci:${dir}`,
      names: () => namesIn(dir),
      async tags() {
        if (!existsSync(dir)) return []
        const { manifests } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as {
          manifests: { annotations?: Record<string, string> }[]
        }
        return manifests.flatMap(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] ?? [])
      },
    }
  }

  /** Below a prefix of its own in one real registry. */
  function registryDoor(running: Registry, prefix: string): Door {
    const root = join(running.storage, 'docker/registry/v2/repositories', prefix)
    return {
      to: `${running.host}/${prefix}`,
      names: () => namesIn(root),
      async tags() {
        return namesIn(root).flatMap(
          (name) => /^(.*)\/_manifests\/tags\/([^/]+)$/.exec(name)?.slice(1, 3).join(':') ?? [],
        )
      },
    }
  }

  async function doors(context: Mocha.Context, name: string): Promise<Door[]> {
    needPeers(context)
    registry ??= await startRegistry()
    return [layoutDoor(), registryDoor(registry, name)]
  }

  /** Nothing of the refused that no trusted one needs; all of the trusted. */
  async function assertGated(door: Door): Promise<void> {
    const names = door.names()
    const there = (part: string): boolean => names.some((name) => name.includes(part))
    for (const text of [OWN.bad, OWN.stray]) assert.ok(!there(hexOfText(text)), text)
    for (const text of ['shared', OWN.good]) assert.ok(there(hexOfText(text)), text)
    for (const [name, { digest }] of Object.entries(made))
      assert.equal(there(hexOf(digest)), name.toLowerCase().includes('good'), name)
    const tags = (await door.tags()).filter((tag) => !tag.includes('sha256-'))
    assert.deepEqual(tags.map((tag) => tag.replace(/^.*\//, '')).sort(), ['good:1.0', 'mixed:good'])
  }

  for (const how of ['file', 'pipe'] as const) {
    it(`refuses all for one that is not trusted, and writes nothing at the target, from a ${how}`, async function () {
      for (const door of await doors(this, `refuse-${how}`)) {
        const state = await stage.site()
        registry?.clearRequests()
        const before = door.names()
        const report = await bring(how, bundle, door.to, { state, policy })
        assert.deepEqual(codesOf(report), EXPECTED)
        assert.deepEqual([report.verdict, verdictExit(report.artifacts ?? [])], ['rejected', 13])
        assert.deepEqual([report.tags, report.counts.blobsPushed, report.counts.manifestsPushed], [[], 0, 0])
        await registry?.settled()
        assert.deepEqual(
          registry?.requests().map(({ method, path }) => `${method} ${path}`),
          [],
        )
        assert.deepEqual(door.names(), before)
        // The head is committed all the same: what is older than the refused bundle stays refused.
        await assert.rejects(bring(how, older, door.to, { state, policy }), fault('ROLLBACK'))
        const again = await bring(how, bundle, door.to, { state, policy })
        assert.deepEqual([again.repeat, verdictExit(again.artifacts ?? [])], [true, 13])
      }
    })

    it(`brings what is trusted and nothing else with --keep-going, from a ${how}`, async function () {
      for (const door of await doors(this, `keep-${how}`)) {
        const state = await stage.site()
        const mended = policyFolder(stage.path('policy'))
        const report = await bring(how, bundle, door.to, { state, policy: mended, keepGoing: true })
        assert.deepEqual(codesOf(report), EXPECTED)
        assert.deepEqual([report.verdict, verdictExit(report.artifacts ?? [])], ['rejected', 13])
        await assertGated(door)
        // Once more, and nothing is to be done.
        const again = await bring(how, bundle, door.to, { state, policy: mended, keepGoing: true })
        assert.deepEqual([again.repeat, again.counts.blobsPushed, again.counts.manifestsPushed], [true, 0, 0])
        await assertGated(door)

        // The site begins to trust the stranger, and takes the unsigned ones by name.
        const skip = { level: 'skip' }
        const host = door.to.startsWith('oci:') ? 'local' : door.to
        writeFiles(mended, {
          'trustpolicy.json': policyText(
            statement(),
            statement({
              name: 'unsigned',
              registryScopes: [`${host}/a-bad`, `${host}/mixed`],
              signatureVerification: skip,
              trustStores: [],
              trustedIdentities: [],
            }),
          ),
          [VENDOR_STORE]: pemOf(rootOf(VENDOR), rootOf(STRANGER)),
        })
        const whole = await bring(how, bundle, door.to, { state, policy: mended })
        assert.deepEqual([whole.verdict, whole.repeat, verdictExit(whole.artifacts ?? [])], ['trusted', true, 0])
        assert.deepEqual(
          whole.artifacts?.map(({ skipped = false }) => skipped),
          [true, false, true, true, false],
        )
        for (const text of Object.values(OWN))
          assert.ok(
            door.names().some((name) => name.includes(hexOfText(text))),
            text,
          )
        assert.equal((await door.tags()).filter((tag) => !tag.includes('sha256-')).length, 5)
      }
    })
  }

  it('journals each verdict with its policy, and the signatures that it rests on', async () => {
    const state = await stage.site()
    const door = layoutDoor()
    await stage.import(bundle, door.to, { state, policy, keepGoing: true })
    const { rows } = await log({ state, now: NOW })
    const verdicts = rows.filter(({ kind }) => kind === 'verdict')
    assert.equal(verdicts.length, 5)
    assert.equal(new Set(verdicts.map((row) => row['policy'])).size, 1)
    for (const row of verdicts) {
      const trusted = row['verdict'] === 'trusted'
      const stranger = row['repository'] === 'registry.example/stray'
      assert.equal(row['why'], trusted ? 'POLICY' : stranger ? 'SIGNER_UNTRUSTED' : 'SIGNATURE_MISSING')
      assert.equal((row['signatures'] as unknown[]).length, trusted ? 1 : 0)
      assert.match(String(row['scope']), /^local\//)
    }
    assert.deepEqual(
      verdicts.filter((row) => row['verdict'] === 'trusted').map((row) => row['digest']),
      [made['good']?.digest, made['mixedGood']?.digest],
    )
    const kinds = rows.map(({ kind }) => kind)
    assert.ok(
      kinds.indexOf('head') < kinds.indexOf('verdict') && kinds.lastIndexOf('verdict') < kinds.indexOf('import'),
    )
    const held = rows.filter(({ kind }) => kind === 'held').flatMap((row) => row['digests'] as string[])
    assert.ok(!held.includes(made['bad']?.digest ?? ''))
    assert.ok(!held.includes(digestOf(Buffer.from(OWN.bad))))
  })

  it('refuses everything where no policy is, and touches neither target nor, for a folder that is not there, state', async function () {
    for (const door of await doors(this, 'none')) {
      const state = await stage.site()
      const before = journal(state)
      registry?.clearRequests()
      const nowhere = stage.path('nowhere')
      await assert.rejects(stage.import(bundle, door.to, { state, policy: nowhere }), fault('FILE_UNREADABLE'))
      const broken = policyFolder(stage.path('policy'), { 'policy.yaml': 'version: 2' })
      await assert.rejects(stage.import(bundle, door.to, { state, policy: broken }), fault('POLICY_MALFORMED'))
      assert.equal(journal(state), before)
      const empty = stage.path('empty')
      mkdirSync(empty)
      for (const keepGoing of [false, true]) {
        const report = await stage.import(bundle, door.to, { state, policy: empty, keepGoing })
        assert.equal(verdictExit(report.artifacts ?? []), 13)
        assert.ok(report.artifacts?.every(({ verdict, code }) => verdict === 'rejected' && code === 'POLICY_MISSING'))
        assert.deepEqual([report.tags, report.counts.blobsPushed, report.counts.manifestsPushed], [[], 0, 0])
      }
      await registry?.settled()
      const writes = registry?.requests().filter(({ method }) => !['GET', 'HEAD'].includes(method))
      assert.deepEqual(writes, [])
      assert.deepEqual(
        door.names().filter((name) => /[0-9a-f]{64}/.test(name)),
        [],
      )
    }
  })

  it('goes by the longest scope of policy.yaml, by the name at the target', async () => {
    const site = `version: 1
scopes:
  - scope: registry.site:5000/*
    require: { allOf: [vendor] }
  - scope: registry.site:5000/mirror/*
    require: { allOf: [stranger] }
  - scope: registry.site:5000/mirror/good
    require: { count: 1, of: [vendor, stranger] }
statements:
  vendor: { notation: vendor }
  stranger: { notation: stranger }
`
    const folder = policyFolder(stage.path('policy'), {
      'policy.yaml': site,
      'trustpolicy.json': policyText(
        statement({ registryScopes: ['never.example/x'] }),
        statement({ name: 'stranger', registryScopes: ['never.example/y'], trustStores: ['ca:stranger'] }),
      ),
      'truststore/x509/ca/stranger/root.crt': pemOf(rootOf(STRANGER)),
    })
    const verdicts = async (destination: string): Promise<string[]> => {
      const { artifacts } = await stage.verify(bundle, { state: await stage.site(), policy: folder, destination })
      return (artifacts ?? []).filter(({ verdict }) => verdict === 'trusted').map(({ scope }) => scope)
    }
    assert.deepEqual(await verdicts('registry.site:5000'), ['registry.site:5000/good', 'registry.site:5000/mixed'])
    assert.deepEqual(await verdicts('registry.site:5000/mirror'), [
      'registry.site:5000/mirror/good',
      'registry.site:5000/mirror/stray',
    ])
    // `mirror/*` covers neither `mirrors` nor another host.
    assert.deepEqual(await verdicts('registry.site:5000/mirrors'), [
      'registry.site:5000/mirrors/good',
      'registry.site:5000/mirrors/mixed',
    ])
    assert.deepEqual(await verdicts('registry.site:5001/mirror'), [])
    assert.deepEqual(await verdicts('local'), [])
  })

  /** Runs with something done when the run says this, on its own stack: nothing of the run can slip in between. */
  const at = (phase: string, act: () => void): ((event: RunEvent) => void) => {
    let done = false
    return (event) => {
      if (event.type !== 'phase' || event.phase !== phase || done) return
      done = true
      act()
    }
  }

  it('judges all of a run by the policy that stood at its start, whenever policy or stores change', async () => {
    const kinder = policyText(
      statement(),
      statement({
        name: 'unsigned',
        registryScopes: ['local/a-bad', 'local/mixed', 'local/stray'],
        signatureVerification: { level: 'skip' },
        trustStores: [],
        trustedIdentities: [],
      }),
    )
    const changes: Record<string, (dir: string) => void> = {
      'a kinder policy': (dir) => writeFiles(dir, { 'trustpolicy.json': kinder }),
      'a further anchor': (dir) => writeFiles(dir, { [VENDOR_STORE]: pemOf(rootOf(VENDOR), rootOf(STRANGER)) }),
      'an anchor gone': (dir) => rmSync(join(dir, VENDOR_STORE)),
      'all gone': (dir) => rmSync(dir, { recursive: true }),
      'a broken file': (dir) => writeFiles(dir, { 'policy.yaml': '{' }),
    }
    const digests = new Set<unknown>()
    for (const [name, change] of Object.entries(changes))
      for (const phase of ['judging signatures', 'verifying', 'pushing', 'tagging']) {
        const dir = policyFolder(stage.path('policy'))
        const state = await stage.site()
        const door = layoutDoor()
        let changed = false
        const onEvent = at(phase, () => {
          changed = true
          change(dir)
        })
        const report = await stage.import(bundle, door.to, { state, policy: dir, keepGoing: true, onEvent })
        assert.ok(changed, phase)
        assert.deepEqual(codesOf(report), EXPECTED, `${name} at ${phase}`)
        await assertGated(door)
        const { rows } = await log({ state, now: NOW })
        const policies = rows.filter(({ kind }) => kind === 'verdict').map((row) => row['policy'])
        assert.equal(new Set(policies).size, 1, `${name} at ${phase}`)
        digests.add(policies[0])
      }
    assert.equal(digests.size, 1)
  })

  it('holds a site to its policy once it has one', async () => {
    const state = await stage.site()
    const door = layoutDoor()
    await stage.import(bundle, door.to, { state, policy })
    await assert.rejects(stage.import(bundle, door.to, { state }), fault('POLICY_MISSING'))
    await assert.rejects(stage.import(bundle, door.to, { state, dryRun: true }), fault('POLICY_MISSING'))
    assert.deepEqual(door.names(), [])
  })

  it('writes nothing in a dry run, and says what a run would', async () => {
    const state = await stage.site()
    const door = layoutDoor()
    const before = [journal(state), tree(state)]
    for (const keepGoing of [false, true]) {
      const report = await stage.import(bundle, door.to, { state, policy, keepGoing, dryRun: true })
      assert.deepEqual(codesOf(report), EXPECTED)
      assert.equal(report.tags.length, keepGoing ? 2 : 0)
      assert.equal(report.counts.manifestsPushed === 0, !keepGoing)
    }
    assert.deepEqual([journal(state), tree(state)], before)
    assert.deepEqual(door.names(), [])
  })
})
