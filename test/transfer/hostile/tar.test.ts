/** Attacks on the tar and on the promise that need no file of their own: judged in memory, by file, and by a pipe. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCorpus } from '../../../bundles/vectors/corpus.ts'
import { find, members, twoLayers } from '../../../bundles/vectors/damaged.ts'
import { solo } from '../../../bundles/vectors/channels.ts'
import { pack } from '../../../bundles/vectors/pack.ts'
import {
  encodeMembers,
  END,
  forgeHeader,
  resum,
  type HeaderForgery,
  type Member,
} from '../../../bundles/vectors/tar.ts'
import { fileInput, memoryInput } from '../../../src/bundle/index.ts'
import type { Code } from '../../../src/errors/index.ts'
import { REVOCATION_LIST_CAP } from '../../../src/oci/index.ts'
import { byteByByte, judging, prove, readExpectations, refusal } from '../../bundle/corpus.ts'
import { seededBelow } from '../../seed.ts'

const plain = readExpectations().accept['accept/solo-ed25519.tar'] ?? assert.fail()

/** T1: names that some reader makes a path of. */
const NAMES = [
  ['..', '.', '/', '//', './', '../', '/etc/passwd', '../../etc/passwd', 'blobs/../index.json', './oci-layout'],
  ['oci-layout/', 'oci-layout/.', '~/oci-layout', 'C:\\oci-layout', 'C:/oci-layout', '\\\\host\\share', 'a\\b'],
  ['oci-layout ', ' oci-layout', 'oci-layout\n', 'oci-layout\r', 'OCI-LAYOUT', 'Oci-Layout', 'oci\u00adlayout'],
  [
    'blobs',
    'blobs/',
    'blobs/sha256',
    'blobs/sha256/',
    `blobs/sha256/${'a'.repeat(63)}`,
    `blobs//sha256/${'a'.repeat(64)}`,
  ],
  [`blobs/sha256/${'A'.repeat(64)}`, `blobs/sha256/${'g'.repeat(64)}`, `Blobs/sha256/${'a'.repeat(64)}`],
  ['metadata', 'metadata/solo', 'metadata/solo/', 'metadata//1.root.json', 'metadata/../1.root.json'],
  ['metadata/solo/01.root.json', 'metadata/solo/0.root.json', 'metadata/solo/root.json', 'metadata/solo/mirrors.json'],
  [
    'metadata/Solo/targets.json',
    'metadata/so..lo/targets.json',
    'metadata/-solo/targets.json',
    'metadata/solo/targets.json.',
  ],
  ['sha256sums', 'SHA256SUMS.txt', 'transfer.json~', '.transfer.json', 'index.json;1', 'passengers/x/oci-layout'],
  ['passengers/../index.json', 'passengers/X/index.json', 'passengers/x/y/index.json', 'passengers/x/SHA384SUMS'],
  ['con', 'nul', 'aux.json', 'CON', '\u202eindex.json', '\u001b[2Jindex.json', 'index.json\u0000', '\u00ff'],
].flat()

/** T2, T4, T5: types that some reader obeys. */
const TYPES = Array.from('\u00001234567xgLKNSVMDXAI9 ').filter((type) => type !== '0')

describe('transfer/hostile/tar', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-hostile-'))
  after(() => rmSync(dir, { recursive: true }))

  const genuine = pack(solo, 1, twoLayers()).members

  /** The bundle with the header of its first or last member in other bytes. */
  function headed(which: 0 | -1, forge: (member: Member) => Buffer): Buffer {
    const member = genuine.at(which) ?? assert.fail()
    const at = genuine.indexOf(member)
    return Buffer.concat([encodeMembers(genuine.with(at, { ...member, header: forge(member) })), END])
  }

  const forged = (forgery: HeaderForgery, which: 0 | -1 = -1): Buffer =>
    headed(which, ({ name, body }) => forgeHeader(body.length, { name, ...forgery }))

  async function refuses(tar: Buffer, code: Code, subject?: string, options = judging(plain)): Promise<void> {
    const file = join(dir, 'hostile.tar')
    writeFileSync(file, tar)
    const input = fileInput(file)
    try {
      await assert.rejects(prove(input, options), refusal(code, subject))
    } finally {
      await input.close()
    }
    await assert.rejects(prove(memoryInput([tar]), options), refusal(code, subject))
    await assert.rejects(prove(byteByByte(tar), options), refusal(code, subject))
  }

  describe('refuses a bundle', () => {
    for (const { file, tar, expect } of makeCorpus().spare)
      it(`like ${file.slice('reject/'.length, -'.tar'.length)}`, () =>
        refuses(tar, expect.code, expect.subject, judging(expect)))
  })

  it(`refuses ${NAMES.length} names that are none of a bundle`, async () => {
    assert.ok(NAMES.length >= 40)
    for (const [i, name] of NAMES.entries()) {
      // A NUL ends the name for everyone, so that what stands behind it is another spelling of a good one.
      const code = name.replace(/\0+$/, '') === 'index.json' ? 'TAR_ORDER' : 'TAR_NAME'
      await refuses(forged({ name }, i % 10 === 0 ? -1 : 0), code)
    }
  })

  it('refuses every type of member but a regular file', async () => {
    for (const type of TYPES) {
      // With a PAX header two more blocks are read, and here they are none.
      await refuses(forged({ type }), type === 'x' ? 'TAR_HEADER' : 'TAR_TYPE')
    }
  })

  it('refuses any byte of a header that is not the one of the profile, checksum mended', async () => {
    const below = seededBelow('mended headers')
    for (let n = 0; n < 1000; n++) {
      const at = below(512)
      if (at >= 148 && at < 156) continue
      const tar = headed(0, ({ name, body }) => {
        const block = forgeHeader(body.length, { name })
        block[at] = (block[at] ?? 0) ^ (1 + below(255))
        return resum(block)
      })
      await assert.rejects(prove(memoryInput([tar]), judging(plain)), (error: { code: Code }) =>
        ['TAR_HEADER', 'TAR_TYPE', 'TAR_NAME', 'TAR_SIZE', 'TAR_ORDER', 'TAR_TRUNCATED'].includes(error.code),
      )
    }
  })

  it('holds no memory for what a header claims', async () => {
    const claims: [HeaderForgery, Code][] = [
      [{ size: '77777777777 ' }, 'TAR_SIZE'],
      [{ size: Buffer.from('80000000001fffffffffffff', 'hex') }, 'TAR_SIZE'],
    ]
    for (const [forgery, code] of claims) {
      const before = process.memoryUsage().rss
      await refuses(forged(forgery), code)
      assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
    }
    const law = members('LIMIT_EXCEEDED', 'law', (all) => {
      const manifest = find(all, /^blobs/)
      manifest.header = forgeHeader(REVOCATION_LIST_CAP + 1, { name: manifest.name })
      return undefined
    })
    await refuses(law.tar, 'LIMIT_EXCEEDED')
  })
})
