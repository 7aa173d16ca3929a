import assert from 'node:assert/strict'
import { entryNamed, indexEntry, type IndexEntry } from '../../src/content/layout-index.ts'
import { digestOf, OCI_MANIFEST } from '../../src/oci/index.ts'

const COUNT = 1_000

function entry(content: string, name?: string): IndexEntry {
  return indexEntry({ mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from(content)), size: 1 }, name)
}

describe('content/layout-index', () => {
  it('finds the first entry of a name, and none for what has no name', () => {
    const entries = [entry('nameless'), entry('first', 'a'), entry('second', 'a'), entry('third', 'b')]
    assert.equal(entryNamed(entries, 'a'), entries[1])
    assert.equal(entryNamed(entries, 'b'), entries[3])
    assert.equal(entryNamed(entries, ''), undefined)
    assert.equal(entryNamed([entry('nameless'), entry('other', 'b')], 'a'), undefined)
  })

  it(`looks at each of ${COUNT} entries but once or twice, however many names are asked for`, () => {
    let looks = 0
    const entries = Array.from({ length: COUNT }, (_, at) => {
      const { name, ...rest } = entry(`${at}`, `tag-${at}`)
      return {
        ...rest,
        get name() {
          looks += 1
          return name
        },
      }
    })
    for (let at = 0; at < COUNT; at += 1) assert.equal(entryNamed(entries, `tag-${at}`), entries[at])
    assert.ok(looks <= 2 * COUNT, `${looks}`)
  })
})
