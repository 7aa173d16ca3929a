/** `reject/`: member headers that other readers obey and ours must not (notes/reliability.md T1, T2, T4 to T6). */
import { BLOCK, held, joined, memberParts } from '../../src/bundle/index.ts'
import { before, bytes, header, last, members, transfer, type Members } from './damaged.ts'
import { END, forgeMember, pax, type HeaderForgery } from './tar.ts'
import type { RejectVector } from './vector.ts'

const named = (name: string): Members => header(last, { name })
const typed = (type: string, more: HeaderForgery = {}): Members => header(last, { type, ...more })

function names(): RejectVector[] {
  const rows: [string, string][] = [
    ['parent-folders', '../../etc/cron.d/x'],
    ['absolute', '/etc/passwd'],
    ['dot-segments', 'blobs/sha256/../../index.json'],
    ['leading-dot', './index.json'],
    ['backslash', 'blobs\\sha256\\x'],
    ['drive', 'C:oci-layout'],
    ['empty', ''],
    ['upper-case', 'Index.json'],
    ['upper-case-digest', `blobs/sha256/${'AB'.repeat(32)}`],
    ['unknown-algorithm', `blobs/md5/${'ab'.repeat(16)}`],
    ['two-channels-in-one', 'metadata/a/b/timestamp.json'],
    ['not-ascii', 'metadata/caf\u00e9/timestamp.json'],
  ]
  return [
    ...rows.map(([reason, name]) => members('TAR_NAME', reason, named(name))),
    members('TAR_NAME', 'name-behind-nul', header(last, { name: `index.json\0${'x'.repeat(8)}` })),
    members('TAR_HEADER', 'ustar-prefix', header(last, { prefix: '../../etc' })),
  ]
}

function types(): RejectVector[] {
  const longName = forgeMember({ name: '././@LongLink', type: 'L' }, `blobs/sha256/${'ab'.repeat(32)}\0`)
  return [
    members('TAR_TYPE', 'symbolic-link', typed('2', { link: '/etc/passwd' })),
    members('TAR_TYPE', 'hard-link', typed('1', { link: 'index.json' })),
    members('TAR_TYPE', 'character-device', typed('3')),
    members('TAR_TYPE', 'block-device', typed('4')),
    members('TAR_TYPE', 'fifo', typed('6')),
    members('TAR_TYPE', 'folder', before(last, forgeMember({ name: 'blobs/', type: '5' }))),
    members('TAR_TYPE', 'old-file-type', typed('\0')),
    members('TAR_TYPE', 'contiguous', typed('7')),
    members('TAR_TYPE', 'gnu-long-name', before(last, longName)),
    members('TAR_TYPE', 'gnu-sparse', typed('S')),
    members('TAR_TYPE', 'gnu-multi-volume', typed('M')),
    members('TAR_TYPE', 'pax-global', before(last, pax('g', { path: 'index.json' }))),
    // CVE-2025-62518: the size in the record is not that of the header.
    members('TAR_TYPE', 'pax-size', before(last, pax('x', { size: '9' }))),
    members('TAR_TYPE', 'pax-before-long-name', before(last, pax('x', { size: '1024' }), longName)),
    members('TAR_TYPE', 'pax-path-of-sha256', before(last, pax('x', { path: `blobs/sha256/${'ab'.repeat(32)}` }))),
    // Two blocks follow a PAX header and no more, whatever it claims.
    members(
      'TAR_HEADER',
      'pax-claims-gigabytes',
      before(last, forgeMember({ name: 'PaxHeader', type: 'x', size: '77777777777 ' })),
    ),
  ]
}

function fields(): RejectVector[] {
  const negative = Buffer.alloc(12, 0xff)
  const small = Buffer.from('800000000000000000000010', 'hex')
  const huge = Buffer.from('80ffffffffffffffffffffff', 'hex')
  return [
    bytes('TAR_HEADER', 'checksum', (tar) => {
      tar[148] = 0x39
      return tar
    }),
    members('TAR_HEADER', 'mode', header(last, { mode: '0000755 ' })),
    members('TAR_HEADER', 'time', header(last, { time: '14000000000 ' })),
    members('TAR_HEADER', 'owner', header(last, { owner: 'root' })),
    members('TAR_HEADER', 'gnu-magic', header(last, { magic: 'ustar  \0' })),
    members('TAR_SIZE', 'negative', header(last, { size: negative })),
    members('TAR_SIZE', 'base-256-below-8-gib', header(last, { size: small })),
    members('TAR_SIZE', 'base-256-beyond-2-53', header(last, { size: huge })),
    members('TAR_SIZE', 'space-padded', header(last, { size: '         31 ' })),
    members(
      'TAR_SIZE',
      'payload-longer',
      (all) => void (last(all).body = Buffer.concat([last(all).body, END])),
      '^blobs/sha256/',
    ),
    members(
      'TAR_SIZE',
      'payload-shorter',
      (all) => void (last(all).body = last(all).body.subarray(1)),
      '^blobs/sha256/',
    ),
    members(
      'TAR_SIZE',
      'transfer-longer',
      (all) => {
        transfer(all).body = Buffer.concat([transfer(all).body, Buffer.from('\n')])
        return undefined
      },
      '^transfer\\.json$',
    ),
    members('TAR_PADDING', 'behind-transfer', (all) => {
      const at = all.indexOf(transfer(all))
      const padded = joined(memberParts('transfer.json', held(transfer(all).body)))
      padded[padded.length - 1] = 0x21
      return all.with(at, { name: 'transfer.json', body: padded.subarray(BLOCK), header: padded.subarray(0, BLOCK) })
    }),
    bytes('TAR_PADDING', 'behind-payload', (tar) => {
      tar[tar.length - END.length - 1] = 0x21
      return tar
    }),
  ]
}

export function headerRejects(): RejectVector[] {
  return [...names(), ...types(), ...fields()]
}
