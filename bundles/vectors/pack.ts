/** Packs goods into the bytes of a bundle; a forger may lay hands on every step, and all that follows is signed anew. */
import { arrange, promise, withPassengers, type Content, type Passenger, type Terms } from '../../src/bundle/index.ts'
import { joined } from '../../src/bundle/member-body.ts'
import { metadataName } from '../../src/bundle/names.ts'
import { passengerMembers } from '../../src/bundle/passenger.ts'
import {
  blobName,
  INDEX_MEMBER,
  LAYOUT_BYTES,
  LAYOUT_MEMBER,
  SUMS512_MEMBER,
  SUMS_MEMBER,
} from '../../src/bundle/names.ts'
import { encodeSums, encodeSums512 } from '../../src/bundle/sums.ts'
import { parseJson, sortedJson, type JsonObject } from '../../src/codec/index.ts'
import { algorithmOf, digestOf, DigestTable, hexOf, type Algorithm, type Digest } from '../../src/oci/index.ts'
import { EXPIRES, type Channel } from './channels.ts'
import type { Goods } from './goods.ts'
import { forgeHead, honestHead, type HeadForgery, type HeadSlots } from './head.ts'
import { encodeMembers, END, type Member } from './tar.ts'

export const CREATED = '2026-06-01T00:00:00Z'
export const SITE = 'site-a'

type EditJson = (document: JsonObject) => void
type EditBytes = (bytes: Buffer) => Buffer

export interface Forgery {
  terms?: Partial<Terms>
  /** What is carried, and in which order, before the promise is made. */
  content?: (content: Content) => void
  transfer?: EditJson
  index?: EditJson
  /** Changes to the bytes of group 3 before they are hashed for what comes after them. */
  bytes?: Partial<Record<'transfer.json' | 'index.json' | 'SHA256SUMS' | 'SHA512SUMS', EditBytes>>
  /** Further files that targets lists; null takes one away. They become no members. */
  targets?: Readonly<Record<string, Buffer | null>>
  head?: HeadForgery
  /** Slots in place of the bundle's own. */
  slots?: Partial<HeadSlots>
  /** Bundles of other channels that ride along. */
  passengers?: readonly Packed[]
  /** Changes to the members of passengers, before the sums name them. */
  aboard?: (members: Member[]) => Member[] | undefined
  /** What the bundle calls the channel's folder. */
  folder?: string
  /** Changes to the finished members, which nothing signs. */
  members?: (members: Member[]) => Member[] | undefined
  /** Changes to the finished tar. */
  tar?: EditBytes
}

export interface Packed {
  tar: Buffer
  slots: HeadSlots
  /** Of the head that was made; {@link Forgery.slots} may have put another in its place. */
  id: Digest
  members: Member[]
  /** It and its blobs, for a bundle that carries it. */
  passenger: Passenger
  blobs: ReadonlyMap<Digest, Buffer>
}

function edited(bytes: Buffer, edit: EditJson | undefined, end: string): Buffer {
  if (edit === undefined) return bytes
  const document = parseJson(bytes, 'bundle', 'forged') as JsonObject
  edit(document)
  return Buffer.from(sortedJson(document) + end)
}

function group3(
  terms: Terms,
  goods: Goods,
  content: Content,
  aboard: readonly Member[],
  forgery: Forgery,
): Map<string, Buffer> {
  const { files } = promise(terms, goods.repositories(), content)
  const keep: EditBytes = (bytes) => bytes
  const of = (name: string): Buffer => joined(files.get(name)?.pieces() ?? [])
  const changed = (name: keyof NonNullable<Forgery['bytes']>, bytes: Buffer): Buffer =>
    (forgery.bytes?.[name] ?? keep)(bytes)
  const transfer = changed('transfer.json', edited(of('transfer.json'), forgery.transfer, '\n'))
  const index = changed('index.json', edited(of('index.json'), forgery.index, ''))
  const list = (algorithm: Algorithm): DigestTable =>
    DigestTable.of(
      algorithm,
      [...content.law.map(({ descriptor }) => descriptor), ...content.payload]
        .map(({ digest }) => digest)
        .filter((digest) => algorithmOf(digest) === algorithm),
    )
  const hex = (bytes: Buffer): string => hexOf(digestOf(bytes))
  const lines = new Map(aboard.map(({ name, body }) => [name, hex(body)]))
  const sums = encodeSums([hex(LAYOUT_BYTES), hex(transfer), hex(index)], list('sha256'), lines)
  const out = new Map([
    ['transfer.json', transfer],
    [SUMS_MEMBER, changed('SHA256SUMS', sums)],
  ])
  const sums512 = changed('SHA512SUMS', list('sha512').length > 0 ? encodeSums512(list('sha512')) : Buffer.alloc(0))
  if (list('sha512').length > 0 || forgery.bytes?.SHA512SUMS !== undefined) out.set(SUMS512_MEMBER, sums512)
  return out.set(INDEX_MEMBER, index)
}

/** A bundle of this channel with this sequence. */
export function pack(channel: Channel, sequence: number, goods: Goods, forgery: Forgery = {}): Packed {
  const terms: Terms = {
    channel: channel.name,
    purpose: channel.purpose,
    sequence,
    audience: [SITE],
    previous: { [SITE]: null },
    map: [],
    created: CREATED,
    validUntil: EXPIRES,
    exporter: { name: 'sallyport', version: '0.1.0' },
    ...forgery.terms,
  }
  const riding = forgery.passengers ?? []
  const passengers = riding.map(({ passenger }) => passenger)
  const content = withPassengers(arrange(goods.repositories(), 'source'), passengers, 'source')
  forgery.content?.(content)
  const honest = passengers.flatMap(passengerMembers).map(([name, body]) => ({ name, body }))
  const aboard = forgery.aboard?.(honest) ?? honest
  const files = group3(terms, goods, content, aboard, forgery)
  const signed = new Map(files)
  for (const [name, bytes] of Object.entries(forgery.targets ?? {}))
    if (bytes === null) signed.delete(name)
    else signed.set(name, bytes)
  const made =
    forgery.head === undefined
      ? honestHead(channel, sequence, signed)
      : forgeHead(channel, sequence, signed, forgery.head)
  const slots = { ...made, ...forgery.slots }
  const folder = forgery.folder ?? channel.name
  const blobs = new Map([goods.blobs, ...riding.map((packed) => packed.blobs)].flatMap((map) => [...map]))
  const blob = (digest: Digest, bytes: Buffer | undefined): Member => ({
    name: blobName(digest),
    body: bytes ?? blobs.get(digest) ?? Buffer.alloc(0),
  })
  const members: Member[] = [
    { name: LAYOUT_MEMBER, body: LAYOUT_BYTES },
    ...channel.roots.map((body, i) => ({ name: metadataName(folder, `${i + 1}.root`), body })),
    ...(['timestamp', 'snapshot', 'targets'] as const).map((part) => ({
      name: metadataName(folder, part),
      body: slots[part],
    })),
    ...[...files].map(([name, body]) => ({ name, body })),
    ...aboard,
    ...content.law.map(({ descriptor, bytes }) => blob(descriptor.digest, bytes)),
    ...Array.from(content.payload, ({ digest }) => blob(digest, undefined)),
  ]
  const final = forgery.members?.(members) ?? members
  const tar = Buffer.concat([encodeMembers(final), END])
  const head = { channel: channel.name, roots: channel.roots, ...slots }
  const passenger = { sequence, id: made.id, head, files, content }
  return { tar: forgery.tar?.(tar) ?? tar, slots, id: made.id, members: final, passenger, blobs }
}
