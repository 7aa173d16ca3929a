/** Plain files before both: `check --blob`, and notation's own signer and verifier (test/peers/notation/blob.go says what is whose). */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError } from '../../src/errors/index.ts'
import { checkBlob } from '../../src/transfer/index.ts'
import type { BlobSituation } from './agreement/blob-case.ts'
import { BLOB_CASES, BLOB_GROUPS } from './agreement/blob-cases.ts'
import { World } from './agreement/world.ts'
import { NotationJudge } from './notation.ts'

async function ours({ file, signature, configDir, contentType, statement }: BlobSituation): Promise<unknown[]> {
  try {
    const report = await checkBlob({ file, signature, policy: configDir, mediaType: contentType, statement })
    const [only] = report.signatures
    const why = only?.why ?? report.why
    return [report.verdict === 'trusted' ? 'accept' : 'refuse', only?.code ?? report.code, why]
  } catch (fault) {
    if (!(fault instanceof SallyportError)) throw fault
    return ['refuse', fault.code, fault.message]
  }
}

describe('peers/agreement-blob', function () {
  let folder: string
  let world: World

  before(function () {
    const judge = NotationJudge.start(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-agreement-blob-'))
    world = new World(folder, judge)
  })
  after(async () => {
    await world?.stop()
    world?.judge.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it('has enough cases, of one name each, and two in five of them negative', () => {
    assert.equal(new Set(BLOB_CASES.map(({ name }) => name)).size, BLOB_CASES.length)
    const negative = BLOB_CASES.filter(({ expect }) => expect === 'refuse').length
    assert.ok(negative >= 0.4 * BLOB_CASES.length, `${negative} of ${BLOB_CASES.length}`)
  })

  for (const [group, cases] of Object.entries(BLOB_GROUPS)) {
    describe(group, () => {
      for (const { name, expect, code, differs, build } of cases) {
        it(`${expect}s ${differs === undefined ? 'with notation' : 'unlike notation'}: ${name}`, async () => {
          const situation = await build(world)
          const [said, why, words] = await ours(situation)
          assert.deepEqual([said, why], [expect, code], String(words))
          const { file, signature, configDir, contentType, statement } = situation
          const theirs = await world.judge.verifyBlob({
            file,
            signature,
            configDir,
            ...(contentType !== undefined && { contentType }),
            ...(statement !== undefined && { policyName: statement }),
          })
          assert.equal(theirs.ok, (expect === 'accept') !== (differs !== undefined), theirs.error ?? 'notation accepts')
        })
      }
    })
  }
})
