/** T9: what our screen refuses, tar-stream refuses too or reads as the same members, up to the fault. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { fileInput } from '../../src/bundle/index.ts'
import { MemberReader } from '../../src/bundle/member-reader.ts'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import { BUNDLES, readExpectations } from './corpus.ts'

const rejected = Object.keys(readExpectations().reject)

/** The whole members that a reader gave, and what ended it: nothing at the end of the tar. */
interface Read {
  members: { name: string; type: string; size: number; sha256: string }[]
  fault?: unknown
}

async function digest(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

async function ours(file: string): Promise<Read> {
  const input = fileInput(file)
  const read: Read = { members: [] }
  try {
    const reader = new MemberReader(input)
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      const { name, size } = member
      read.members.push({ name, type: 'file', size, sha256: await digest(reader.body(member)) })
    }
  } catch (fault) {
    read.fault = fault
  } finally {
    await input.close()
  }
  return read
}

async function tarStream(file: string): Promise<Read> {
  const read: Read = { members: [] }
  const tar = extract()
  const reading = pipeline(createReadStream(file), tar)
  reading.catch(() => undefined)
  try {
    for await (const entry of tar) {
      const { name, type, size } = entry.header
      const sha256 = await digest(entry as AsyncIterable<Uint8Array>)
      read.members.push({ name, type: type ?? 'none', size: size ?? -1, sha256 })
    }
    await reading
  } catch (fault) {
    read.fault = fault
  }
  return read
}

/** Where tar-stream may go on behind our refusal, and why that is the profile's strictness and no other reading. */
const LAXER: Partial<Record<Code, string>> = {
  TAR_HEADER: 'it reads fields that the profile fixes (mode, prefix) and takes any value',
  TAR_NAME: 'it has no opinion on names; what comes of them is for whoever writes files, and we write none',
  TAR_TYPE: 'it knows links, folders, PAX and GNU members; each could be read in two ways, so we read none',
  TAR_SIZE: 'it takes both forms of a size, and some numbers in either',
  TAR_PADDING: 'it skips what stands behind a body',
  TAR_TRUNCATED: 'it needs no end mark',
  TAR_TRAILING: 'it goes on behind an end mark',
}

describe('bundle/rejected-readers', () => {
  for (const file of rejected)
    it(`see the same, up to the fault, in ${basename(file)}`, async () => {
      const path = join(BUNDLES, file)
      const [own, other] = [await ours(path), await tarStream(path)]
      if (own.fault === undefined) {
        // Refused for what its members say: as a tar it is ours, and must be read by all alike.
        assert.deepEqual(other, own)
        return
      }
      assert.ok(own.fault instanceof SallyportError && own.fault.code.startsWith('TAR_'), String(own.fault))
      // What was taken before the fault may have been acted on: nobody reads it otherwise.
      assert.deepEqual(other.members.slice(0, own.members.length), own.members)
      assert.ok(other.fault !== undefined || LAXER[own.fault.code] !== undefined, `it takes ${own.fault.code}`)
    })

  it('stop in the tar itself at every code of the screen', async () => {
    const codes = new Set<string>()
    for (const file of rejected) {
      const { fault } = await ours(join(BUNDLES, file))
      if (fault instanceof SallyportError) codes.add(fault.code)
    }
    assert.deepEqual([...codes].sort(), [...Object.keys(LAXER), 'TAR_END'].sort())
  })
})
