/**
 * Scenario #7.1: which digest a tag names is signed and can be verified; a tag that was put back to older signed content is
 * noticed, and whatever is stale expires, on a network that reaches nowhere too. The twins: the older bundle, a registry that
 * moved the tag by itself, and everything forty days later.
 */
import assert from 'node:assert/strict'
import { documentIn, MAIN } from '../cli/program.ts'
import { opensslWord } from './outside.ts'
import { codesOf, inRegistry, wordOf, type House, type Said } from './side.ts'
import { FAR, Stage } from './stage.ts'

const APP = `${FAR}/acme/app`

interface Move {
  old: string | null
  new: string | null
  outcome?: string
}

describe('scenarios/#7.1: rollback and stale data', function () {
  this.timeout(120_000)
  let stage: Stage
  let acme: House
  let june: string
  let july: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    acme = await near.house('acme-build', 'ACME Rockets', { preset: 'vendor', crlUrl: 'http://crl.acme.example' })
    const registry = await near.hands.registry()
    const app = `${registry}/acme/app:1.0`
    const content = await stage.channel('acme')
    await near.list(acme, 'root')
    await near.list(acme, 'issuing')
    near.write('plan.yaml', `artifacts: [{ref: "${app}"}]\nrevocation: {from: crls}\n`)
    june = await near.image(app)
    await near.sign(app, acme)
    await stage.pack('june.tar', '-f', 'plan.yaml')
    july = await near.image(app, 'busybox-amd64')
    await near.sign(app, acme)
    await stage.pack('july.tar', '-f', 'plan.yaml')
    await stage.pack('august.tar', '-f', 'plan.yaml')
    const certificates = [acme.anchor.file, 'acme-build/signer/certificate.crt']
    await stage.cross(registry, 'june.tar', 'july.tar', 'august.tar', 'keys/root.json', ...certificates)
    await stage.found('acme', content)
    await far.believe('policy', acme, { scopes: [APP], revocation: 'enforce' })
    for (const bundle of ['june.tar', 'july.tar'])
      await far.done(`import ${bundle} --to ${FAR} --state state --policy policy`)
  })
  after(() => stage?.lower())

  it('says under signatures which digest a tag names', async () => {
    const { far } = stage
    for (const [bundle, digest] of [
      ['june.tar', june],
      ['july.tar', july],
    ] as const) {
      const { repositories } = await far.done(`inspect ${bundle}`)
      const [app] = (repositories as { name: string; tags: Record<string, string> }[]).filter(
        ({ tags }) => '1.0' in tags,
      )
      assert.equal(app?.tags['1.0'], digest)
      // The same by stock tools: the layout inside names it, and what the people of the channel signed names the layout.
      const index = await far.tool('tar', `-xOf ${bundle} index.json`)
      assert.ok(index.includes(digest), index)
    }
    const { moves } = await far.done(`log ${APP}:1.0 --state state`)
    assert.deepEqual(
      (moves as Move[]).map((move) => [move.old, move.new]),
      [
        [null, june],
        [june, july],
      ],
    )
    assert.equal(await far.digest(`${APP}:1.0`), july)
  })

  it('refuses the older bundle, genuine as it is: ROLLBACK', async () => {
    const { far } = stage
    await far.refused(15, 'ROLLBACK', `import june.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${APP}:1.0`), july)
  })

  it('notices a tag that the registry put back to older signed content, and repairs it', async () => {
    const { far } = stage
    await far.tool('crane', `tag ${APP}@${june} 1.0`)
    // No signature tells: what the tag names is as genuine as before.
    const place = {
      ...inRegistry(APP, june),
      configDir: far.trusting(acme.anchor, { override: { revocation: 'skip' } }),
    }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
    const { report } = await far
      .sallyport(`import july.tar --to ${FAR} --state state --policy policy --dry-run`)
      .then(({ document }) => document)
    const moved = (from: unknown): Move[] => (from as Move[]).filter(({ old }) => old === june)
    assert.deepEqual(
      moved(report['tags']).map((move) => [move.old, move.new, move.outcome]),
      [[june, july, 'moved']],
    )
    await far.done(`import july.tar --to ${FAR} --state state --policy policy`)
    assert.equal(await far.digest(`${APP}:1.0`), july)
    const { moves } = await far.done(`log ${APP}:1.0 --state state`)
    const last = (moves as Move[]).at(-1)
    assert.deepEqual([last?.old, last?.new], [june, july])
  })

  async function fortyDaysLater(line: string): Promise<Said> {
    const { far } = stage
    const args = ['-f', '+40d', process.execPath, MAIN, ...line.split(' '), '--json']
    const { status, stdout, stderr } = await far.hands.run({ program: 'faketime', args, cwd: far.dir })
    assert.notEqual(stdout, '', stderr)
    return { status, document: documentIn(stdout) }
  }

  it('refuses a bundle that has lain about for forty days: EXPIRED', async () => {
    const said = await fortyDaysLater(`import august.tar --to ${FAR} --state state --policy policy`)
    assert.deepEqual([said.status, codesOf(said)], [15, ['EXPIRED']])
  })

  it('takes no list for an answer that is forty days old: REVOCATION_UNKNOWN', async () => {
    const { far } = stage
    await far.done(`check ${APP}:1.0 --policy policy --state state`)
    const said = await fortyDaysLater(`check ${APP}:1.0 --policy policy --state state`)
    assert.deepEqual([said.status, codesOf(said)], [16, ['REVOCATION_UNKNOWN']])
    const terms = {
      anchor: acme.anchor,
      signer: 'acme-build/signer/certificate.crt',
      repository: `${FAR}/sallyport/revocation/acme`,
    }
    assert.equal(await opensslWord(far, terms), 'OK')
    const late = Math.floor(Date.now() / 1000) + 40 * 86_400
    assert.equal(await opensslWord(far, { ...terms, at: late }), 'CRL has expired')
  })
})
