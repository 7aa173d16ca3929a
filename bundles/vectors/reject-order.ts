/** `reject/`: members out of place, cut, doubled, damaged or too large (notes/reliability.md T3, T6, T7, B2). */
import { BLOCK } from '../../src/bundle/index.ts'
import { solo } from './channels.ts'
import { before, BLOB, bytes, find, flip, last, members, transfer, type Members, type Pick } from './damaged.ts'
import { END, encodeMembers, forgeHeader, forgeMember } from './tar.ts'
import type { RejectVector } from './vector.ts'

function order(): RejectVector[] {
  const swap: Members = (all) => [...all.slice(0, -2), ...all.slice(-1), ...all.slice(-2, -1)]
  const without =
    (name: RegExp): Members =>
    (all) =>
      all.filter((member) => member !== find(all, name))
  const again =
    (pick: Pick): Members =>
    (all) =>
      all.toSpliced(all.indexOf(pick(all)) + 1, 0, pick(all))
  const other = Buffer.from('{"other":"bytes"}')
  return [
    members('TAR_ORDER', 'payload-swapped', swap, '^blobs/sha256/'),
    members('TAR_ORDER', 'payload-missing', (all) => all.slice(0, -1), '^blobs/sha256/'),
    members(
      'TAR_ORDER',
      'payload-before-law',
      (all) => [...all.slice(0, -3), ...all.slice(-2), ...all.slice(-3, -2)],
      '^blobs/sha256/',
    ),
    members(
      'TAR_ORDER',
      'duplicate-transfer',
      (all) => all.toSpliced(all.indexOf(transfer(all)) + 1, 0, { name: 'transfer.json', body: other }),
      '^transfer\\.json$',
    ),
    members(
      'TAR_ORDER',
      'duplicate-payload',
      again((all) => find(all.toReversed(), BLOB, 1)),
      '^blobs/sha256/',
    ),
    members(
      'TAR_ORDER',
      'two-channels',
      before((all) => find(all, /timestamp\.json$/), { name: 'metadata/other/timestamp.json', body: other }),
      '^metadata/other/',
    ),
    members(
      'TAR_ORDER',
      'root-gap',
      (all) => all.toSpliced(2, 0, { name: 'metadata/solo/3.root.json', body: solo.roots[0] ?? other }),
      '^metadata/solo/3',
    ),
    members('TAR_ORDER', 'no-root', without(/1\.root\.json$/), '^metadata/solo/timestamp'),
    members('TAR_ORDER', 'no-snapshot', without(/snapshot\.json$/), '^metadata/solo/targets'),
    members(
      'TAR_ORDER',
      'cargo-before-law',
      (all) => [...all.slice(0, 1), ...all.slice(-1), ...all.slice(1, -1)],
      '^blobs/sha256/',
    ),
    members(
      'TAR_ORDER',
      'sha512sums-nobody-promised',
      before((all) => find(all, /^index\.json$/), { name: 'SHA512SUMS', body: other }),
      '^SHA512SUMS$',
    ),
    members(
      'TAR_ORDER',
      'ends-before-transfer',
      (all) => all.slice(0, all.indexOf(transfer(all))),
      '^transfer\\.json$',
    ),
  ]
}

function ends(): RejectVector[] {
  const whole = (tar: Buffer): Buffer => tar.subarray(0, tar.length - END.length)
  const extra = forgeMember({ name: `blobs/sha256/${'ab'.repeat(32)}` }, 'nobody promised this')
  return [
    bytes('TAR_TRUNCATED', 'no-end-mark', whole, '^offset \\d+$'),
    bytes('TAR_TRUNCATED', 'half-an-end-mark', (tar) => tar.subarray(0, tar.length - BLOCK)),
    bytes('TAR_TRUNCATED', 'inside-payload', (tar) => tar.subarray(0, tar.length - END.length - 500)),
    bytes('TAR_TRUNCATED', 'before-the-last-member', (tar) => tar.subarray(0, tar.length - END.length - 2 * BLOCK)),
    bytes('TAR_TRUNCATED', 'inside-timestamp', (tar) => tar.subarray(0, 5000)),
    bytes('TAR_TRUNCATED', 'empty-file', () => Buffer.alloc(0)),
    bytes('TAR_END', 'second-block-not-zero', (tar) =>
      Buffer.concat([whole(tar), Buffer.alloc(BLOCK), Buffer.alloc(BLOCK, 1)]),
    ),
    bytes('TAR_END', 'extra-member', (tar) => Buffer.concat([whole(tar), encodeMembers([extra]), END])),
    members(
      'TAR_END',
      'zero-block-in-the-head',
      before(transfer, { name: '', body: Buffer.alloc(0), header: END.subarray(0, BLOCK) }),
    ),
    bytes('TAR_TRAILING', 'one-byte', (tar) => Buffer.concat([tar, Buffer.alloc(1)])),
    bytes('TAR_TRAILING', 'zero-record', (tar) => Buffer.concat([tar, Buffer.alloc(10_240)])),
    bytes('TAR_TRAILING', 'second-archive', (tar) => Buffer.concat([tar, encodeMembers([extra]), END])),
  ]
}

function damage(): RejectVector[] {
  return [
    members(
      'LAYOUT_MALFORMED',
      'oci-layout',
      flip((all) => find(all, /^oci-layout$/), 20),
      '^oci-layout$',
    ),
    members('DIGEST_MISMATCH', 'transfer', flip(transfer, 30), '^transfer\\.json$'),
    members(
      'DIGEST_MISMATCH',
      'sums',
      flip((all) => find(all, /^SHA256SUMS$/), 3),
      '^SHA256SUMS$',
    ),
    members(
      'DIGEST_MISMATCH',
      'index',
      flip((all) => find(all, /^index\.json$/), 3),
      '^index\\.json$',
    ),
    members(
      'DIGEST_MISMATCH',
      'manifest',
      flip((all) => find(all, BLOB), 9),
      '^blobs/sha256/',
    ),
    members('DIGEST_MISMATCH', 'layer', flip(last, 5), '^blobs/sha256/'),
  ]
}

function limits(): RejectVector[] {
  const claim =
    (name: RegExp, size: number): Members =>
    (all) => {
      const member = find(all, name)
      member.header = forgeHeader(size, { name: member.name })
      return undefined
    }
  return [
    members('LIMIT_EXCEEDED', 'timestamp-slot', claim(/timestamp\.json$/, 20_480), 'timestamp'),
    members('LIMIT_EXCEEDED', 'root-slot', claim(/1\.root\.json$/, 512_001), '1\\.root'),
    members('LIMIT_EXCEEDED', 'targets-slot', claim(/targets\.json$/, 5_000_001), 'targets'),
    members(
      'LIMIT_EXCEEDED',
      'law-member-of-8-gib',
      (all) => {
        const member = find(all, BLOB)
        const size = Buffer.from('800000000000000200000000', 'hex')
        member.header = forgeHeader(0, { name: member.name, size })
        return undefined
      },
      '^blobs/sha256/',
    ),
    members(
      'LIMIT_EXCEEDED',
      'too-many-roots',
      (all) => {
        const roots = Array.from({ length: 300 }, (_, i) => ({
          name: `metadata/solo/${i + 2}.root.json`,
          body: Buffer.alloc(0),
        }))
        return all.toSpliced(2, 0, ...roots)
      },
      'metadata/solo/\\d+\\.root',
    ),
  ]
}

export function orderRejects(): RejectVector[] {
  return [...order(), ...ends(), ...damage(), ...limits()]
}
