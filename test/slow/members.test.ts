import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openArchive } from '../../src/bundle/archive-source.ts'
import { encodeHeader } from '../../src/bundle/tar-header.ts'

const BLOBS = 2_400_000

describe('slow/members', function () {
  this.timeout(3_600_000)
  let dir: string

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-members-'))
  })

  after(() => dir !== undefined && rmSync(dir, { recursive: true }))

  it('opens a layout of as many blobs as a bundle may have, in the memory of a million', async () => {
    const file = join(dir, 'many.tar')
    const fd = openSync(file, 'w')
    const member = (name: string, body: string): Buffer => {
      const padding = Buffer.alloc((512 - (body.length % 512)) % 512)
      return Buffer.concat([encodeHeader({ name, size: body.length }), Buffer.from(body), padding])
    }
    writeSync(fd, member('oci-layout', '{"imageLayoutVersion":"1.0.0"}'))
    writeSync(fd, member('index.json', '{"manifests":[],"schemaVersion":2}'))
    for (let at = 0; at < BLOBS; at += 4000) {
      const names = Array.from({ length: 4000 }, (_, i) =>
        createHash('sha256')
          .update(`${at + i}`)
          .digest('hex'),
      )
      writeSync(fd, Buffer.concat(names.map((hex) => member(`blobs/sha256/${hex}`, ''))))
    }
    writeSync(fd, Buffer.alloc(1024))
    closeSync(fd)
    const before = process.resourceUsage().maxRSS
    const layout = await openArchive(file)
    layout.close()
    assert.ok(process.resourceUsage().maxRSS - before < 512 * 1024)
  })
})
