import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { digestOf, hexOf } from '../../src/oci/index.ts'
import { State } from '../../src/state/index.ts'
import { channelPin } from '../../src/transfer/index.ts'
import { BUNDLES } from '../bundle/corpus.ts'
import { CHANNEL, members, PASSPHRASE, planFor, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport, type Ended } from './program.ts'

/** Standard output holds one document, standard error nothing but events. */
function assertJson({ status, stdout, stderr }: Ended): ReturnType<typeof documentIn> {
  const document = documentIn(stdout)
  assert.equal(document.exit, status)
  for (const line of stderr.split('\n').filter((text) => text !== '')) {
    const { event } = JSON.parse(line) as { event: string }
    assert.ok(['phase', 'progress', 'note'].includes(event), line)
  }
  return document
}

describe('cli/exit codes', function () {
  this.timeout(120_000)
  let stage: Stage
  let demo: DemoLayout
  let demoDir: string
  let state: string
  let first: string
  let second: string
  let passphrase: string
  const now = new Date()

  before(async () => {
    stage = await Stage.make()
    demoDir = join(stage.dir, 'demo')
    demo = await buildDemoLayout(demoDir)
    passphrase = stage.path('pw')
    writeFileSync(passphrase, `${PASSPHRASE}\n`)
    first = stage.path('first.tar')
    second = stage.path('second.tar')
    await stage.export({ output: first, plan: planFor(`oci:${demoDir}`), now })
    await stage.export({ output: second, plan: planFor(`oci:${demoDir}:1.0`), now })
    state = await stage.site('site-a', now)
    await stage.import(second, `oci:${stage.path('out')}`, { state, now })
  })

  after(() => stage?.close())

  const told = ['--fingerprint', digestOf(readFileSync(join(BUNDLES, 'roots', 'solo.root.json')))]

  const exporting = (...args: string[]): string[] => {
    const keys = ['--keys', stage.keys, '--passphrase-file', passphrase]
    return ['export', ...args, '--for-site', 'site-a', ...keys, '-o', stage.path('made.tar')]
  }

  /** A layout whose only manifest is of this type and size. */
  function layoutOf(mediaType: string, size: number): string {
    const dir = stage.path('odd')
    mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const annotations = { 'org.opencontainers.image.ref.name': 'registry.example/odd:1' }
    const content = Buffer.from('{}'.padEnd(size))
    const digest = digestOf(content)
    writeFileSync(join(dir, 'blobs', 'sha256', hexOf(digest)), content)
    const manifests = [{ mediaType, digest, size, annotations }]
    writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
    return `oci:${dir}`
  }

  function changed(change: (bytes: Buffer) => void): string {
    const file = stage.path('changed.tar')
    copyFileSync(second, file)
    const bytes = readFileSync(file)
    change(bytes)
    writeFileSync(file, bytes)
    return file
  }

  const CASES: Record<string, [exit: number, code: string | null, args: () => string[] | Promise<string[]>]> = {
    'a bundle that is trusted': [0, null, () => ['verify', second, '--state', state]],
    'an import that was done before': [
      0,
      null,
      () => ['import', second, '--to', `oci:${stage.dir}/2-out`, '--state', state],
    ],
    'content that is left out by choice': [3, null, () => exporting(`oci:${demoDir}:1.0`, '--platform', 'linux/amd64')],
    'an option that does not exist': [2, 'USAGE', () => ['verify', second, '--trust-everything']],
    'a reference that is none': [2, 'REFERENCE_INVALID', () => exporting('registry.example/UPPER:1')],
    'a plan that is none': [
      2,
      'PLAN_MALFORMED',
      () => {
        const plan = stage.path('plan.yaml')
        writeFileSync(plan, 'artifacts:\n  - ref: a\n    tags: 7\n')
        return ['export', '-f', plan, ...exporting().slice(1)]
      },
    ],
    'a bundle that ends too early': [
      10,
      'TAR_TRUNCATED',
      () => {
        const file = changed(() => undefined)
        truncateSync(file, 60_000)
        return ['verify', file, '--state', state]
      },
    ],
    'a bundle with a flipped bit': [
      10,
      'DIGEST_MISMATCH',
      () => [
        'verify',
        changed((bytes) => {
          const at = bytes.lastIndexOf(readFileSync(join(demoDir, 'blobs', ...demo.layer.digest.split(':'))))
          bytes[at + 3] = (bytes[at + 3] ?? 0) ^ 1
        }),
        '--state',
        state,
      ],
    ],
    'a manifest that has no fixed digest': [
      11,
      'SCHEMA1_REFUSED',
      () => exporting(layoutOf('application/vnd.docker.distribution.manifest.v1+prettyjws', 2)),
    ],
    'a signature that is wrong': [
      12,
      'SIGNATURE_INVALID',
      () => [
        'verify',
        changed((bytes) => {
          const slot = members(second).find(({ name }) => name === `metadata/${CHANNEL}/targets.json`)
          assert.ok(slot)
          const at = bytes.indexOf('"sig":"', slot.bodyAt) + 7
          bytes[at] = bytes[at] === 0x61 ? 0x62 : 0x61
        }),
        '--state',
        state,
      ],
    ],
    'a bundle for another site': [
      13,
      'AUDIENCE_MISMATCH',
      async () => ['verify', second, '--state', await stage.site('site-b', now)],
    ],
    'a channel that nobody pinned': [
      13,
      'CHANNEL_NOT_PINNED',
      async () => {
        const bare = stage.path('bare')
        await State.init(bare, { now, site: 'site-a', reason: 'test' }).then((opened) => opened.close())
        return ['import', second, '--to', `oci:${stage.path('out')}`, '--state', bare]
      },
    ],
    'a bundle that is older': [15, 'ROLLBACK', () => ['verify', first, '--state', state]],
    'a manifest that is too large': [
      17,
      'MANIFEST_TOO_LARGE',
      () => exporting(layoutOf('application/vnd.oci.image.manifest.v1+json', 5_000_000)),
    ],
    'a source that does not answer': [20, 'REGISTRY_UNREACHABLE', () => exporting('127.0.0.1:1/a:1', '--retries', '0')],
    'a source without the tag': [20, 'MANIFEST_MISSING', () => exporting(`oci:${demoDir}:9`)],
    'a target that does not answer': [
      21,
      'REGISTRY_UNREACHABLE',
      () => ['import', second, '--to', '127.0.0.1:1/mirror', '--retries', '0', '--state', state],
    ],
    'a state that is not there': [22, 'STATE_EMPTY', () => ['verify', second, '--state', stage.path('none')]],
    'a state of a newer version': [
      22,
      'STATE_NEWER',
      async () => {
        const newer = await stage.site('site-a', now)
        writeFileSync(join(newer, 'VERSION'), 'sallyport-state/999\n')
        return ['verify', second, '--state', newer]
      },
    ],
    'an output that exists': [2, 'OUTPUT_EXISTS', () => [...exporting(`oci:${demoDir}:1.0`).slice(0, -1), first]],
    'an output in a folder that is a file': [
      22,
      'OUTPUT_FAILED',
      () => [...exporting(`oci:${demoDir}:1.0`).slice(0, -1), join(first, 'x.tar')],
    ],
  }

  for (const [what, [exit, code, args]] of Object.entries(CASES)) {
    it(`ends with ${exit} for ${what}`, async () => {
      const { ok, error, verb } = assertJson(await sallyport([...(await args()), '--json']))
      assert.deepEqual([ok, ok ? null : error.code], [code === null, code])
      assert.ok(verb !== '')
      if (!ok) assert.ok(error.message !== '' && error.remedy !== '' && error.exit === exit)
    })
  }

  it('ends with the status of a passenger that is refused, and with 0 for one that is skipped', async () => {
    const at = stage.path('site')
    await State.init(at, { now, site: 'site-a', reason: 'test' }).then((opened) => opened.close())
    for (const [channel, purpose] of [
      ['solo', 'content'],
      ['office', 'revocation'],
    ] as const) {
      const root = join(BUNDLES, 'roots', `${channel}.root.json`)
      const fingerprint = digestOf(readFileSync(root))
      await channelPin({ state: at, now, channel, purpose, root, fingerprint })
    }
    const refused = join(BUNDLES, 'accept', 'passenger-of-an-impostor.tar')
    const to = ['--to', `oci:${stage.path('out')}`, '--state', at]
    for (const args of [
      ['verify', refused, '--state', at],
      ['import', refused, ...to],
    ]) {
      const { ok, exit, report } = assertJson(await sallyport([...args, '--json']))
      assert.deepEqual([ok, exit], [false, 13])
      const { passengers } = report as { passengers: { outcome: string; code?: string }[] }
      assert.deepEqual(
        passengers.map(({ outcome, code }) => [outcome, code]),
        [['refused', 'ROOT_UNKNOWN']],
      )
    }
    const quiet = await sallyport(['verify', refused, '--state', at, '-q'])
    assert.deepEqual([quiet.status, quiet.stdout], [13, ''])
    assert.match(quiet.stderr, /^passenger .*REFUSED/m)
    const two = join(BUNDLES, 'accept', 'passengers-two.tar')
    const fresh = await sallyport([
      'verify',
      two,
      '--root',
      join(BUNDLES, 'roots', 'solo.root.json'),
      ...told,
      '--json',
    ])
    assert.equal(assertJson(fresh).exit, 0)
  })

  it('ends with 18 for an approval that is missing', async () => {
    const two = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    try {
      await buildDemoLayout(join(two.dir, 'demo'))
      const output = two.path('june.tar')
      await two.export({ output, plan: planFor(`oci:${join(two.dir, 'demo')}`), now })
      const mine = await two.site('site-a', now)
      const run = await sallyport(['verify', output, '--state', mine, '--json'])
      assert.deepEqual([run.status, assertJson(run).error.code], [18, 'APPROVAL_MISSING'])
    } finally {
      two.close()
    }
  })

  it('ends with 22 while another process works with the state, which then is free again', async () => {
    const mine = await stage.site('site-a', now)
    const args = ['import', second, '--to', `oci:${stage.path('out')}`, '--state', mine, '--json']
    const held = await State.open(mine, { now, write: true })
    try {
      const run = await sallyport(args)
      assert.deepEqual([run.status, assertJson(run).error.code], [22, 'STATE_LOCKED'])
    } finally {
      await held.close()
    }
    assert.equal((await sallyport(args)).status, 0)
  })

  it('says in words what, where and what to do', async () => {
    const { status, stdout, stderr } = await sallyport(['verify', first, '--state', state])
    assert.equal(status, 15)
    assert.equal(stdout, '')
    assert.match(stderr, /^sallyport: ROLLBACK \(bundle, exit 15\)$/m)
    assert.match(stderr, /^ {2}what: {3}\S/m)
    assert.match(stderr, /^ {2}remedy: \S/m)
  })

  it('says nothing but errors when it is told to be quiet', async () => {
    const good = await sallyport(['verify', second, '--state', state, '--quiet'])
    assert.deepEqual([good.status, good.stdout, good.stderr], [0, '', ''])
    const bad = await sallyport(['verify', first, '--state', state, '-q'])
    assert.deepEqual([bad.status, bad.stdout], [15, ''])
    assert.match(bad.stderr, /ROLLBACK/)
  })
})
