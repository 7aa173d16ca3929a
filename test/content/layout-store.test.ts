import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLayout } from '../../src/content/index.ts'
import { indexEntry, type IndexEntry } from '../../src/content/layout-index.ts'
import { LayoutStore } from '../../src/content/layout-store.ts'
import { isFault } from '../../src/errors/index.ts'
import { digestOf, OCI_MANIFEST } from '../../src/oci/index.ts'
import { scratch } from './scratch.ts'

const MIB = 1024 * 1024

/** So many entries of a MiB and a little each. */
function large(count: number): IndexEntry[] {
  const filling = 'x'.repeat(MIB)
  return Array.from({ length: count }, (_, at) => {
    const digest = digestOf(Buffer.from(`${at}`))
    const { descriptor, json } = indexEntry({ mediaType: OCI_MANIFEST, digest, size: 2 })
    return { descriptor, name: undefined, json: { ...json, annotations: { filling } } }
  })
}

describe('content/layout-store', () => {
  const fresh = scratch()

  it('writes no index that could not be read again, and goes on with the one that is there', async () => {
    const dir = fresh('layout')
    const store = new LayoutStore(dir, 'target')
    const small = indexEntry(
      { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from('small')), size: 2 },
      'registry.example/a:1',
    )
    await store.update(async () => [small])
    const before = readFileSync(join(dir, 'index.json'))
    await assert.rejects(
      store.update(async (entries) => [...entries, ...large(256)]),
      (error) => isFault(error, 'LIMIT_EXCEEDED'),
    )
    const [one] = large(1)
    assert.ok(one)
    const odd = { ...one, json: { ...one.json, odd: Array.from({ length: 4 * 1024 * 1024 }, () => 0) } }
    await assert.rejects(
      store.update(async (entries) => [...entries, odd, odd, odd, odd]),
      (error) => isFault(error, 'LIMIT_EXCEEDED'),
    )
    assert.deepEqual(readFileSync(join(dir, 'index.json')), before)
    await store.update(async (entries) => [...entries, ...large(100)])
    await store.close()
    const layout = await openLayout(dir)
    assert.deepEqual(layout.repositories(), ['registry.example/a'])
    assert.equal(layout.unnamed.length, 100)
    layout.close()
  })
})
