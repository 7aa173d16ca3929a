import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { BundleReader, fileInput } from '../../src/bundle/index.ts'
import type { Code } from '../../src/errors/index.ts'
import { addSignature, buildHead, inspectHead, openKey } from '../../src/tuf/index.ts'
import { PASSPHRASE, planFor, Stage } from '../transfer/stage.ts'

const code = (wanted: Code) => (error: { code?: string }) => error.code === wanted

describe('review: approve', () => {
  let stage: Stage
  let demo: string
  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    demo = stage.path('demo')
    await buildDemoLayout(demo)
  })
  after(() => stage.close())

  async function bundle(): Promise<string> {
    const output = stage.path('june.tar')
    await stage.export({ plan: planFor(`oci:${demo}`), output })
    return output
  }

  async function headOf(file: string): Promise<Awaited<ReturnType<BundleReader['head']>>> {
    const input = fileInput(file)
    try {
      return await new BundleReader(input).head()
    } finally {
      await input.close()
    }
  }

  function key(person: string): ReturnType<typeof openKey> {
    const file = join(stage.keys, `${person}.pem`)
    return openKey(readFileSync(file, 'latin1'), Buffer.from(PASSPHRASE), file)
  }

  it('writes nothing of a planted intent into a file that is no bundle', async () => {
    const victim = stage.path('victim')
    writeFileSync(victim, 'precious')
    const link = stage.path('june.tar')
    symlinkSync(victim, link)
    writeFileSync(`${link}.approving`, JSON.stringify({ at: 0, bytes: Buffer.from('owned').toString('base64') }))
    await assert.rejects(stage.approve(link, 'bob'))
    assert.equal(readFileSync(victim, 'utf8'), 'precious')
  })

  it('throws away a planted intent that would change more than signatures', async () => {
    const file = await bundle()
    const before = readFileSync(file)
    const { targetsAt, targets } = await headOf(file)
    const forged = Buffer.from(targets.toString('latin1').replace('"sequence":', '"sequence" :'), 'latin1')
    for (const intent of [
      { at: 0, bytes: Buffer.alloc(targets.length).toString('base64') },
      { at: targetsAt, bytes: forged.toString('base64') },
      { at: -1, bytes: 7 },
      null,
    ]) {
      writeFileSync(`${file}.approving`, JSON.stringify(intent))
      const { added } = await stage.approve(file, 'alice')
      assert.equal(added, false)
      assert.ok(readFileSync(file).equals(before), JSON.stringify(intent)?.slice(0, 60))
      assert.equal(existsSync(`${file}.approving`), false)
    }
  })

  it('writes through no link that lies where its intent belongs', async () => {
    const file = await bundle()
    const elsewhere = stage.path('elsewhere')
    symlinkSync(elsewhere, `${file}.approving`)
    await assert.rejects(stage.approve(file, 'bob'), code('OUTPUT_EXISTS'))
    assert.equal(existsSync(elsewhere), false)
  })

  it('completes a write that a kill cut in two', async () => {
    const file = await bundle()
    const { targetsAt, targets, roots } = await headOf(file)
    const signed = addSignature(targets, roots.get(1) ?? Buffer.alloc(0), await key('bob'))
    const first = signed.findIndex((byte, i) => byte !== targets[i])
    const torn = readFileSync(file)
    signed.copy(torn, targetsAt, 0, first + 40)
    writeFileSync(file, torn)
    writeFileSync(`${file}.approving`, JSON.stringify({ at: targetsAt, bytes: signed.toString('base64') }))
    const { signed: count, added } = await stage.approve(file, 'bob')
    assert.deepEqual([count, added], [2, false])
    assert.ok((await headOf(file)).targets.equals(signed))
  })

  it('refuses to sign what is good for longer than it says', async () => {
    const file = await bundle()
    const head = await headOf(file)
    const { targets } = inspectHead(head)
    const made = buildHead({
      root: head.roots.get(1) ?? Buffer.alloc(0),
      sequence: 1,
      expires: '2099-01-01T00:00:00Z',
      targets: Object.fromEntries(targets),
      signers: await Promise.all([key('alice'), key('snapshot'), key('timestamp')]),
    })
    const bytes = readFileSync(file)
    made.targets.copy(bytes, head.targetsAt)
    made.snapshot.copy(bytes, head.targetsAt - 512 - 16_384)
    made.timestamp.copy(bytes, head.targetsAt - 2 * (512 + 16_384))
    writeFileSync(file, bytes)
    await assert.rejects(stage.approve(file, 'bob'), code('METADATA_MIXED'))
    made.targets = addSignature(made.targets, head.roots.get(1) ?? Buffer.alloc(0), await key('bob'))
    made.targets.copy(bytes, head.targetsAt)
    writeFileSync(file, bytes)
    await assert.rejects(stage.verify(file, { state: await stage.site() }), code('METADATA_MIXED'))
  })
})
