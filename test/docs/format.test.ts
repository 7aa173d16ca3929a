/** FORMAT.md against the code: its numbers, its examples, its fields and its code table. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LAW_CAP } from '../../src/bundle/assemble.ts'
import { fileInput } from '../../src/bundle/input.ts'
import { isChannelName, LAYOUT_BYTES, MAX_ROOTS } from '../../src/bundle/names.ts'
import { BundleReader, promiseCap, ROOTS_CAP, type Head, type PromiseFiles } from '../../src/bundle/reader.ts'
import { encodeHeader, OCTAL_END } from '../../src/bundle/tar-header.ts'
import { PASSENGERS_CAP } from '../../src/bundle/passenger.ts'
import { FORMAT, MAX_PASSENGERS } from '../../src/bundle/transfer.ts'
import { CODES } from '../../src/errors/index.ts'
import { ENVELOPE_CAP, MANIFEST_CAP, REVOCATION_LIST_CAP } from '../../src/oci/index.ts'
import { CAPS, inspectHead, isChannelName as isChannelNameInTuf, readRoot } from '../../src/tuf/index.ts'
import { CHANNEL, nearSide, type NearSide } from './near-side.ts'

const BUNDLES = join(import.meta.dirname, '..', '..', 'bundles')
const PAGE = readFileSync(join(BUNDLES, 'FORMAT.md'), 'utf8')

function section(number: string): string {
  const start = PAGE.indexOf(`\n## ${number}.`)
  assert.ok(start >= 0, `section ${number}`)
  const end = PAGE.indexOf('\n## ', start + 4)
  return PAGE.slice(start, end < 0 ? PAGE.length : end)
}

/** The lines of a hex dump by offset. */
function dump(text: string): Map<number, string> {
  const lines = text.matchAll(/^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )+)/gm)
  return new Map([...lines].map(([, at, bytes]) => [Number.parseInt(at ?? '', 16), (bytes ?? '').replaceAll(' ', '')]))
}

/** The cells of the rows whose first cell matches. */
function row(text: string, first: string): string[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`| ${first}`))
  assert.ok(line !== undefined, first)
  return line
    .split(' | ')
    .map((cell) => cell.replaceAll('|', '').trim())
    .slice(1)
}

describe('docs/format', () => {
  it('stays under 500 lines and names its version', () => {
    assert.ok(PAGE.split('\n').length < 500)
    assert.match(PAGE, new RegExp(`^# The bundle format, \`${FORMAT}\``))
  })

  it('shows the header that is written', () => {
    const shown = dump(section('2'))
    const header = encodeHeader({ name: 'transfer.json', size: 1234 })
    for (let at = 0; at < 512; at += 16) {
      const line = header.toString('hex', at, at + 16)
      assert.equal(shown.get(at) ?? '0'.repeat(32), line, `offset ${at}`)
    }
    const large = encodeHeader({ name: `blobs/sha256/${'a'.repeat(64)}`, size: OCTAL_END })
    assert.equal(shown.get(0x7c), large.toString('hex', 0x7c, 0x7c + 12))
    assert.equal(OCTAL_END, 2 ** 33)
  })

  it('describes the one extended header', () => {
    const name = `blobs/sha512/${'a'.repeat(128)}`
    const header = encodeHeader({ name, size: 5 })
    assert.equal(header.length, 3 * 512)
    const record = `151 path=${name}\n`
    assert.equal(record.length, 151)
    assert.equal(header.toString('latin1', 512, 512 + 151), record)
    assert.match(
      section('2'),
      /name `PaxHeader`, size 151; a block with the one record\n {2}`151 path=blobs\/sha512\/<hex>` LF/,
    )
  })

  it('quotes oci-layout', () => {
    assert.ok(section('3').includes(`exactly the ${LAYOUT_BYTES.length} bytes \`${LAYOUT_BYTES.toString()}\``))
  })

  it('gives the limits that the code has, and a minimum within each', () => {
    const limits = section('12')
    const want: [string, number][] = [
      ['roots in a bundle', MAX_ROOTS],
      ['roots together, bytes', ROOTS_CAP],
      ['roots in a bundle', CAPS.rotations],
      ['a root, bytes', CAPS.root],
      ['timestamp, snapshot, bytes', CAPS.timestamp],
      ['timestamp, snapshot, bytes', CAPS.snapshot],
      ['targets slot, bytes', CAPS.targets],
      ['`transfer.json`, bytes', promiseCap('transfer.json')],
      ['`SHA256SUMS`, `SHA512SUMS`, bytes', promiseCap('SHA256SUMS')],
      ['`SHA256SUMS`, `SHA512SUMS`, bytes', promiseCap('SHA512SUMS')],
      ['`index.json`, bytes', promiseCap('index.json')],
      ['a manifest, bytes', MANIFEST_CAP],
      ['an envelope or generated index, bytes', ENVELOPE_CAP],
      ['a revocation list, bytes', REVOCATION_LIST_CAP],
      ['passengers', MAX_PASSENGERS],
      ['group 3p, bytes', PASSENGERS_CAP],
      ['the law together, bytes', LAW_CAP],
      ['a member, bytes', Number.MAX_SAFE_INTEGER],
    ]
    for (const [what, cap] of want) {
      const [maximum, minimum] = row(limits, what).map(Number)
      assert.equal(maximum, cap, what)
      assert.ok(minimum !== undefined && minimum > 0 && minimum <= cap, what)
    }
  })

  it('names in its code table every code that it refuses with, and no other', () => {
    const codes = (text: string): string[] => [
      ...new Set(text.match(/`[A-Z][A-Z0-9]*_[A-Z0-9_]+`|`EXPIRED`|`ROLLBACK`|`EQUIVOCATION`/g)),
    ]
    const table = section('14')
    const rules = PAGE.replace(table, '').replace(section('16'), '')
    assert.deepEqual(codes(table).sort(), codes(rules).sort())
    for (const code of codes(table)) assert.ok(Object.hasOwn(CODES, code.slice(1, -1)), code)
  })

  it('knows every code by which the corpus is refused', () => {
    const { reject } = JSON.parse(readFileSync(join(BUNDLES, 'expect.json'), 'utf8')) as { reject: object }
    const used = Object.keys(reject).map((name) => /([A-Z0-9_]+)-/.exec(name)?.[1] ?? name)
    for (const code of new Set(used)) assert.ok(section('14').includes(`\`${code}\``), code)
  })

  it('has the rule for channel names that both rooms follow', () => {
    const names = [
      'a',
      'vendor-a',
      'a.b_c-d',
      'a--b',
      '-a',
      'a-',
      'A',
      '',
      'a/b',
      '..',
      'a'.repeat(63),
      'a'.repeat(64),
      'é',
    ]
    for (const name of names) assert.equal(isChannelName(name), isChannelNameInTuf(name), name)
    assert.equal(names.filter(isChannelName).length, 4)
  })

  describe('beside a bundle', () => {
    let near: NearSide
    let head: Head
    let files: PromiseFiles

    before(async () => {
      near = await nearSide()
      const input = fileInput(await near.bundle('zoo', 'zoo'))
      try {
        const reader = new BundleReader(input)
        head = await reader.head()
        files = await reader.promise(inspectHead(head).targets)
      } finally {
        await input.close()
      }
    })
    after(() => near?.close())

    it('lists every member of transfer.json and no other', () => {
      const rows = section('5').match(/^\| (`\w+`(?:, `\w+`)*) \|/gm) ?? []
      const listed = rows.flatMap((line) => [...line.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''))
      // Only a bundle with passengers names them.
      assert.deepEqual(listed.sort(), [...Object.keys(files.transfer), 'passengers'].sort())
      const text = section('5')
      const [repository, omission] = ['\nA repository: ', '\nAn omission: '].map((start) => {
        assert.ok(text.includes(start))
        return text.slice(text.indexOf(start)).split('\n\n')[0] ?? ''
      }) as [string, string]
      for (const name of Object.keys(files.transfer.repositories[0] ?? {}))
        assert.ok(repository.includes(`\`${name}\``), name)
      for (const name of Object.keys(files.transfer.omitted[0] ?? {})) assert.ok(omission.includes(`\`${name}\``), name)
    })

    it('gives the length of each slot', () => {
      const room = 10_240
      assert.match(section('4'), /512·⌈\(\|C\| \+ 10,240·k\) \/ 512⌉/)
      const signed = head.targets.indexOf(',"signatures":[') - '{"signed":'.length
      const root = readRoot(head.roots.get(1) ?? Buffer.alloc(0), { side: 'bundle', subject: CHANNEL })
      assert.equal(head.targets.length, 512 * Math.ceil((signed + room * root.roles.targets.keys.size) / 512))
      assert.deepEqual([head.timestamp.length, head.snapshot.length], [16_384, 16_384])
      for (const slot of [head.timestamp, head.snapshot, head.targets])
        assert.match(slot.toString('latin1'), /^\{"signed":\{.*\} +\n$/)
    })

    it('gives the lines of the sums', () => {
      const text = files.bytes.get('SHA256SUMS')?.toString('latin1') ?? ''
      assert.match(text, /^[0-9a-f]{64} {2}oci-layout\n[0-9a-f]{64} {2}transfer\.json\n[0-9a-f]{64} {2}index\.json\n/)
      const { law, payload } = files.transfer.counts
      assert.equal(text.split('\n').length - 1, 3 + law.sha256 + payload.sha256)
      assert.equal(files.listed.sha512, law.sha512 + payload.sha512)
      assert.ok(files.listed.sha512 > 0)
    })
  })
})
