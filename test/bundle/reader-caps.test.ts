import assert from 'node:assert/strict'
import { held, joined, memberParts } from '../../src/bundle/member-body.ts'
import { memoryInput } from '../../src/bundle/input.ts'
import { LAYOUT_BYTES, LAYOUT_MEMBER, metadataName } from '../../src/bundle/names.ts'
import { BundleReader, ROOTS_CAP } from '../../src/bundle/reader.ts'

/** A head that begins with this many roots of this size, and then ends. */
function roots(count: number, size: number): Buffer[] {
  const members = [joined(memberParts(LAYOUT_MEMBER, held(LAYOUT_BYTES)))]
  for (let i = 1; i <= count; i++)
    members.push(joined(memberParts(metadataName('a', `${i}.root`), held(Buffer.alloc(size, 0x20)))))
  return members
}

describe('bundle/reader caps', () => {
  it('stops at the sum of all roots, before anything is signed', async () => {
    const size = 500_000
    const fits = Math.floor(ROOTS_CAP / size)
    await assert.rejects(new BundleReader(memoryInput(roots(fits, size))).head(), { code: 'TAR_TRUNCATED' })
    await assert.rejects(new BundleReader(memoryInput(roots(fits + 1, size))).head(), { code: 'LIMIT_EXCEEDED' })
  })

  it('stops at one root that is too large', async () => {
    await assert.rejects(new BundleReader(memoryInput(roots(1, 512_001))).head(), { code: 'LIMIT_EXCEEDED' })
  })
})
