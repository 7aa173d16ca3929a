/** T10: a bundle that is swapped or damaged between its proof and its push moves no tag. */
import assert from 'node:assert/strict'
import { copyFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openLayout } from '../../../src/content/index.ts'
import { importBundle, type ImportReport } from '../../../src/transfer/index.ts'
import { isFault } from '../../../src/errors/index.ts'
import { fileInput } from '../../../src/bundle/index.ts'
import { BUNDLES, judging, prove, readExpectations } from '../../bundle/corpus.ts'
import { CorpusSite } from '../../bundle/corpus-site.ts'

const NAME = 'accept/multi-platform.tar'
const expect = readExpectations().accept[NAME] ?? assert.fail()

describe('transfer/hostile/swap', () => {
  let site: CorpusSite
  let file: string
  let target: string

  beforeEach(async () => {
    site = new CorpusSite(expect)
    await site.open()
    file = join(site.dir, 'bundle.tar')
    copyFileSync(join(BUNDLES, NAME), file)
    target = site.target()
  })
  afterEach(() => site.close())

  /** Offsets of one byte in each payload member. */
  async function payload(): Promise<number[]> {
    const input = fileInput(file)
    try {
      return Array.from((await prove(input, judging(expect))).payload, ({ offset }) => offset)
    } finally {
      await input.close()
    }
  }

  function spoil(at: number): void {
    const fd = openSync(file, 'r+')
    writeSync(fd, Buffer.of((readFileSync(file)[at] ?? 0) ^ 1), 0, 1, at)
    closeSync(fd)
  }

  /** Imports; `act` runs when the whole file is proven and nothing is pushed yet. */
  function importing(act: () => void): Promise<ImportReport> {
    return importBundle({
      input: { file },
      state: site.state,
      now: new Date(expect.now),
      to: `oci:${target}`,
      map: [],
      registry: {},
      concurrency: 1,
      onEvent: (event) => {
        if (event.type === 'phase' && event.phase === 'pushing') act()
      },
    })
  }

  it('refuses a payload byte that changed after it was proven, and completes from a whole file', async () => {
    const all = await payload()
    for (const at of all) {
      await assert.rejects(
        importing(() => spoil(at)),
        (error) => isFault(error, 'DIGEST_MISMATCH'),
      )
      spoil(at)
    }
    const layout = await openLayout(target, 'target').catch(() => undefined)
    assert.deepEqual(layout?.repositories() ?? [], [])
    layout?.close()
    const report = await importing(() => undefined)
    assert.deepEqual(Object.keys(report.repositories[0]?.tags ?? {}).sort(), ['1.0', 'latest'])
  })
})
