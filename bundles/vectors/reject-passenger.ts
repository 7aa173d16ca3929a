/** `reject/`: passengers that no honest writer packs, and two truths under one number (FORMAT 13). */
import type { JsonObject } from '../../src/codec/index.ts'
import type { Code } from '../../src/errors/index.ts'
import { DescriptorTable } from '../../src/oci/index.ts'
import { carrying, denied, denying, informed } from './accept-passenger.ts'
import { office, solo, stores, stranger, type Channel } from './channels.ts'
import { find } from './damaged.ts'
import { Goods, oneImage } from './goods.ts'
import { pack, type Forgery, type Packed } from './pack.ts'
import type { Member } from './tar.ts'
import type { RejectVector, Situation } from './vector.ts'

const OFFICE: Situation = { pinned: solo, also: [{ pinned: office }] }

const TRUST: readonly Code[] = ['METADATA_MIXED', 'CHANNEL_MISMATCH', 'PURPOSE_MISMATCH', 'EQUIVOCATION']

function row(code: Code, reason: string, subject: string, tar: Buffer, more: Partial<RejectVector> = {}): RejectVector {
  // A TUF client reads the folder of one channel, and here that of the content is good.
  const tuf = TRUST.includes(code) ? { tuf: 'beyond' as const } : {}
  return { ...OFFICE, code, reason, subject, tar, next: 'passenger', ...tuf, ...more }
}

/** The office's bundle in one of content, and a forger at work on that. */
function forged(code: Code, reason: string, subject: string, forgery: Forgery, riding = [denied()]): RejectVector {
  return row(code, reason, subject, carrying(8, riding, forgery).tar)
}

const flip = (bytes: Buffer, at: number): Buffer => {
  const out = Buffer.from(bytes)
  out[at] = (out[at] ?? 0) ^ 1
  return out
}

function damaged(name: RegExp, at: number): Forgery {
  return {
    members: (all) => {
      const member = find(all, name)
      member.body = flip(member.body, at)
      return undefined
    },
  }
}

/** Another body for a member of a passenger, which the sums name then. */
function instead(name: RegExp, body: (was: Buffer) => Buffer): Forgery {
  return {
    aboard: (members) =>
      members.map((member) => (name.test(member.name) ? { ...member, body: body(member.body) } : member)),
  }
}

const entries = (document: JsonObject): JsonObject[] => document['passengers'] as JsonObject[]

function promises(): RejectVector[] {
  const [old] = [denied(4)]
  const said = (edit: (list: JsonObject[]) => JsonObject[]): Forgery => ({
    transfer: (document) => void (document['passengers'] = edit(entries(document))),
  })
  const transfer = '^transfer\\.json$'
  const aboard = '^metadata/office/'
  return [
    forged(
      'TRANSFER_MALFORMED',
      'two-passengers-of-one-channel',
      transfer,
      said((list) => [...list, ...list]),
    ),
    forged(
      'TRANSFER_MALFORMED',
      'passengers-out-of-order',
      transfer,
      said((list) => list.toReversed()),
      [denied(), informed()],
    ),
    forged(
      'TRANSFER_MALFORMED',
      'passenger-of-its-own-channel',
      transfer,
      said((list) => list.map((entry) => ({ ...entry, channel: 'solo' }))),
    ),
    forged(
      'TRANSFER_MALFORMED',
      'seventeen-passengers',
      transfer,
      said(([entry]) => Array.from({ length: 17 }, (_, i) => ({ ...entry, channel: `office-${10 + i}` }))),
    ),
    forged('TRANSFER_MALFORMED', 'passengers-unannounced', transfer, {
      transfer: (document) => void (document['requires'] = []),
    }),
    forged('TRANSFER_MALFORMED', 'passengers-announced-and-none', transfer, {
      transfer: (document) => void delete document['passengers'],
    }),
    forged(
      'METADATA_MIXED',
      'passenger-with-another-id',
      aboard,
      said((list) => list.map((entry) => ({ ...entry, id: old?.id ?? '' }))),
    ),
    forged(
      'METADATA_MIXED',
      'passenger-with-another-sequence',
      aboard,
      said((list) => list.map((entry) => ({ ...entry, sequence: 6 }))),
    ),
    row('PURPOSE_MISMATCH', 'passenger-of-content', '^stranger$', carrying(8, [pack(stranger, 1, oneImage())]).tar),
    row('PURPOSE_MISMATCH', 'passenger-with-content', '^registry\\.example/team/app$', with_(office, oneImage())),
    row(
      'PURPOSE_MISMATCH',
      'passenger-in-a-revocation-bundle',
      transfer,
      pack(office, 6, denying(office, 'more'), { passengers: [informed()] }).tar,
      { pinned: office, also: [], next: 'revocation-5' },
    ),
    forged('TRANSFER_MALFORMED', 'passenger-with-passengers', '^(passengers/office/)?transfer\\.json$', {}, [
      pack(office, 5, denying(office, 'nested'), { passengers: [informed()], transfer: asContent }),
    ]),
  ]
}

// Else its purpose alone would give it away.
const asContent = (document: JsonObject): void => void (document['purpose'] = 'content')

function with_(channel: Channel, goods: ReturnType<typeof oneImage>): Buffer {
  return carrying(8, [pack(channel, 5, goods)]).tar
}

function heads(): RejectVector[] {
  const other = denied(5, 'told to somebody else')
  const unsigned = { signatures: { snapshot: () => [] } }
  const slot = (packed: Packed, part: keyof Packed['slots']): Buffer => packed.slots[part]
  return [
    row('EQUIVOCATION', 'passenger-another-5', 'metadata/office/targets\\.json$', carrying(8, [other]).tar, {
      also: [{ pinned: office, before: 'revocation-5' }],
      next: 'passengers-two',
    }),
    row('ROLLBACK', 'older-content-with-a-passenger', 'metadata/solo/timestamp\\.json$', carrying(6, [denied()]).tar, {
      before: 'sequence-7',
    }),
    forged(
      'METADATA_MIXED',
      'passenger-with-the-timestamp-of-another',
      '^metadata/office/timestamp\\.json$',
      instead(/^metadata\/office\/timestamp/, () => slot(informed(), 'timestamp')),
      [denied(), informed()],
    ),
    forged(
      'METADATA_MIXED',
      'passenger-with-an-older-snapshot',
      '^metadata/office/snapshot\\.json$',
      instead(/^metadata\/office\/snapshot/, () => slot(denied(4), 'snapshot')),
    ),
    // The same snapshot under another signature: only timestamp can tell.
    forged(
      'METADATA_MIXED',
      'passenger-with-a-snapshot-signed-anew',
      '^metadata/office/snapshot\\.json$',
      instead(/^metadata\/office\/snapshot/, () => slot(denied(5, undefined, { head: unsigned }), 'snapshot')),
    ),
    forged(
      'CHANNEL_MISMATCH',
      'passenger-under-the-root-of-another',
      '^metadata/office/1\\.root\\.json$',
      instead(/^metadata\/office\/1\.root/, () => stores.roots[0] ?? Buffer.alloc(0)),
    ),
    forged(
      'METADATA_MALFORMED',
      'passenger-unpadded',
      '^metadata/office/timestamp\\.json$',
      instead(/^metadata\/office\/timestamp/, (was) => was.subarray(0, 4096)),
    ),
    forged('DIGEST_MISMATCH', 'passenger-head-damaged', '^metadata/office/timestamp', damaged(/office\/timestamp/, 90)),
    forged('DIGEST_MISMATCH', 'passenger-root-damaged', '^metadata/office/1\\.root', damaged(/office\/1\.root/, 90)),
    forged(
      'DIGEST_MISMATCH',
      'passenger-promise-damaged',
      '^passengers/office/transfer\\.json$',
      damaged(/^passengers\/office\/transfer/, 30),
    ),
    // The sums agree with what stands there, the passenger's own people do not.
    forged(
      'DIGEST_MISMATCH',
      'passenger-promise-of-the-carrier',
      '^passengers/office/index\\.json$',
      instead(/^passengers\/office\/index/, (was) => flip(was, 3)),
    ),
  ]
}

function members(): RejectVector[] {
  const without = (name: RegExp) => (all: Member[]) => all.filter((member) => !name.test(member.name))
  const denials = denied().members.findLast(({ name }) => name.startsWith('blobs/'))
  const blob = new RegExp(`^${denials?.name ?? '-'}$`)
  const swapped = (all: Member[]): Member[] => {
    const office_ = all.filter(({ name }) => name.includes('/office/'))
    const stores_ = all.filter(({ name }) => name.includes('/stores/'))
    const at = all.findIndex(({ name }) => name.includes('/office/'))
    return all.toSpliced(at, office_.length + stores_.length, ...stores_, ...office_)
  }
  const shared = new Goods()
  const shelf = shared.shelf('local/sallyport/revocation/office')
  shelf.tag('1.0', shelf.image('not of the office'))
  return [
    forged('TAR_ORDER', 'passenger-named-and-absent', '^blobs/', { members: without(/\/office\//) }),
    forged('TAR_ORDER', 'passenger-without-a-promise', '^blobs/', { members: without(/^passengers\//) }),
    forged('TAR_ORDER', 'passengers-swapped', '^metadata/stores/', { members: swapped }, [denied(), informed()]),
    forged('TAR_ORDER', 'passenger-blob-named-and-absent', '^blobs/', { members: without(blob) }),
    row(
      'TAR_ORDER',
      'passenger-nobody-named',
      '^metadata/office/',
      pack(solo, 8, oneImage(), {
        members: (all) => {
          const riding = carrying(8, [denied()]).members.filter(({ name }) => name.includes('/office/'))
          return all.toSpliced(
            all.findIndex(({ name }) => name.startsWith('blobs/')),
            0,
            ...riding,
          )
        },
      }).tar,
    ),
    forged('CENSUS_MISMATCH', 'passenger-blob-missing', '.', {
      content: (content) => void (content.payload = DescriptorTable.of([...content.payload].slice(0, -1))),
    }),
    forged('CENSUS_MISMATCH', 'passenger-denials-missing', '^sha256:', {
      content: (content) => void content.law.splice(-1),
    }),
    forged('CENSUS_MISMATCH', 'passenger-member-in-no-sums', '^passengers/office/index\\.json$', {
      bytes: {
        SHA256SUMS: (sums) => Buffer.from(sums.toString().replace(/[0-9a-f]+ {2}passengers.office.index.json\n/, '')),
      },
    }),
    forged('SUMS_MALFORMED', 'passenger-line-twice', '^SHA256SUMS', {
      bytes: {
        SHA256SUMS: (sums) => Buffer.from(sums.toString().replace(/[^\n]+office.index.json\n/, (line) => line + line)),
      },
    }),
    forged('CENSUS_MISMATCH', 'passenger-line-of-no-member', '^SHA256SUMS$', {
      bytes: {
        SHA256SUMS: (sums) =>
          Buffer.from(
            sums
              .toString()
              .replace(/[^\n]+office.index.json\n/, (line) => line + line.replace('index.json', 'SHA512SUMS')),
          ),
      },
    }),
    row(
      'CENSUS_MISMATCH',
      'passenger-repository-of-the-content',
      '^local/sallyport/revocation/office$',
      pack(solo, 8, shared, { passengers: [denied()] }).tar,
    ),
  ]
}

export function passengerRejects(): RejectVector[] {
  return [...promises(), ...heads(), ...members()]
}
