import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pack, type Pack } from 'tar-stream'
import { buildDemoLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { openArchive } from '../../src/bundle/archive-source.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { tarFolder } from '../contract/tar.ts'

/** Sums a header block anew after it was changed. */
function sum(header: Buffer): void {
  header.fill(0x20, 148, 156)
  const total = header.reduce((all, byte) => all + byte, 0)
  header.write(`${total.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
}

async function bytesOf(fill: (tar: Pack) => void): Promise<Buffer> {
  const tar = pack()
  fill(tar)
  tar.finalize()
  const runs: Uint8Array[] = []
  for await (const run of tar) runs.push(run as Uint8Array)
  return Buffer.concat(runs)
}

describe('bundle/archive-source', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-archive-'))
  const file = join(dir, 'try.tar')
  let demo: DemoLayout
  let good: Buffer

  before(async () => {
    demo = await buildDemoLayout(join(dir, 'demo'))
    await tarFolder(join(dir, 'demo'), file)
    good = readFileSync(file)
  })

  after(() => rmSync(dir, { recursive: true }))

  /** The good tar with these members before its own. */
  const before1 = async (fill: (tar: Pack) => void): Promise<Buffer> => {
    const more = await bytesOf(fill)
    return Buffer.concat([more.subarray(0, -1024), good])
  }

  it('passes over what is none of the layout', async () => {
    const more = await before1((tar) => {
      tar.entry({ name: 'manifest.json' }, '[]')
      tar.entry({ name: '../../etc/passwd' }, 'root')
      tar.entry({ name: 'blobs/sha256/short' }, 'x')
      tar.entry({ name: `blobs/sha256/../sha256/${'a'.repeat(64)}` }, 'x')
      tar.entry({ name: `blobs/md5/${'a'.repeat(32)}` }, 'x')
    })
    writeFileSync(file, more)
    const layout = await openArchive(file)
    assert.deepEqual(layout.repositories(), [demo.repository])
    layout.close()
  })

  it('reads what GNU tar writes, with folders and long blocks', async () => {
    execFileSync('tar', ['-C', join(dir, 'demo'), '-cf', file, '.'])
    const layout = await openArchive(file)
    assert.equal((await layout.source(demo.repository).resolve('1.0'))?.digest, demo.index.digest)
    layout.close()
  })

  it('calls nameless entries after the file', async () => {
    const bare = await bytesOf((tar) => {
      tar.entry({ name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}')
      const { mediaType, digest, size } = demo.index
      tar.entry({ name: 'index.json' }, JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] }))
    })
    const named = join(dir, 'June 2026.tar')
    writeFileSync(named, bare)
    const layout = await openArchive(named)
    assert.deepEqual(layout.repositories(), ['local/june-2026'])
    layout.close()
  })

  const folderWithBody = async (): Promise<Buffer> => {
    const tar = await bytesOf((members) => members.entry({ name: 'blobs/', type: 'directory' }))
    const header = tar.subarray(0, 512)
    header.write('00000001000\0', 124, 'latin1')
    sum(header)
    return Buffer.concat([header, Buffer.alloc(512), good])
  }

  const hugeMember = async (): Promise<Buffer> => {
    const tar = await bytesOf((members) => members.entry({ name: 'huge' }, ''))
    const header = tar.subarray(0, 512)
    header.fill(0xff, 124, 136)
    header[124] = 0x80
    sum(header)
    return Buffer.concat([header, good])
  }

  const hostile: [string, Code, () => Promise<Buffer> | Buffer][] = [
    ['an empty file', 'LAYOUT_MALFORMED', () => Buffer.alloc(0)],
    ['a tar of nothing', 'LAYOUT_MALFORMED', () => Buffer.alloc(10_240)],
    ['text', 'LAYOUT_MALFORMED', () => Buffer.alloc(4096, 'no tar at all ')],
    ['a gzip file', 'LAYOUT_MALFORMED', () => gzipSync(good)],
    ['a tar without its end', 'LAYOUT_MALFORMED', () => good.subarray(0, -1024)],
    ['a tar with half its end', 'LAYOUT_MALFORMED', () => good.subarray(0, -512)],
    ['a tar cut inside a member', 'LAYOUT_MALFORMED', () => good.subarray(0, good.length - 1024 - 700)],
    ['members behind the end', 'LAYOUT_MALFORMED', () => Buffer.concat([good, good])],
    [
      'another index.json behind one zero block',
      'LAYOUT_MALFORMED',
      async () => Buffer.concat([good.subarray(0, -512), await bytesOf((tar) => tar.entry({ name: 'extra' }, 'x'))]),
    ],
    ['rubbish behind the end', 'LAYOUT_MALFORMED', () => Buffer.concat([good, Buffer.alloc(512, 0x41)])],
    ['index.json twice', 'LAYOUT_MALFORMED', () => before1((tar) => tar.entry({ name: './index.json' }, '{}'))],
    ['a folder with a body', 'LAYOUT_MALFORMED', folderWithBody],
    ['a member of 2^88 bytes', 'LAYOUT_MALFORMED', hugeMember],
    [
      'a link',
      'LAYOUT_MALFORMED',
      () => before1((tar) => tar.entry({ name: 'x', type: 'symlink', linkname: '/etc/passwd' })),
    ],
    [
      'a hard link',
      'LAYOUT_MALFORMED',
      () => before1((tar) => tar.entry({ name: 'x', type: 'link', linkname: 'index.json' })),
    ],
    ['a device', 'LAYOUT_MALFORMED', () => before1((tar) => tar.entry({ name: 'x', type: 'character-device' }))],
    [
      'no index.json',
      'LAYOUT_MALFORMED',
      () => bytesOf((tar) => tar.entry({ name: 'oci-layout' }, '{"imageLayoutVersion":"1.0.0"}')),
    ],
  ]
  for (const [what, code, make] of hostile) {
    it(`refuses ${what}: ${code}`, async () => {
      writeFileSync(file, await make())
      await assert.rejects(openArchive(file), (error) => isFault(error, code))
    }).timeout(5000)
  }

  it('refuses every truncation at a block', async () => {
    for (let end = 512; end < good.length; end += 512) {
      writeFileSync(file, good.subarray(0, end))
      await assert.rejects(openArchive(file), (error) => isFault(error, 'LAYOUT_MALFORMED'), `at ${end}`)
    }
  })

  it('refuses what is no file', async () => {
    await assert.rejects(openArchive(join(dir, 'absent.tar')), (error) => isFault(error, 'FILE_UNREADABLE'))
    await assert.rejects(openArchive(dir), (error) => isFault(error, 'FILE_UNREADABLE'))
    const pipe = join(dir, 'pipe.tar')
    execFileSync('mkfifo', [pipe])
    await assert.rejects(openArchive(pipe), (error) => isFault(error, 'FILE_UNREADABLE'))
  })
})
