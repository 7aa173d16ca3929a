/** `accept/`: bundles of other channels, alone and as passengers (FORMAT 13). */
import { sortedJson } from '../../src/codec/index.ts'
import { impostorOffice, office, solo, stores, type Channel } from './channels.ts'
import { chainsDocument } from '../../src/transfer/trust/document.ts'
import { Goods, oneImage } from './goods.ts'
import { SIGNER } from './lists.ts'
import { CREATED, pack, type Forgery, type Packed } from './pack.ts'
import type { AcceptVector } from './vector.ts'

export const DENIALS = 'application/vnd.sallyport.revocation.denials.v1'
export const CHAINS = 'application/vnd.sallyport.trust.chains.v1'

/** Denials of an artifact that is told apart by `note`. */
export function denying(channel: Channel, note: string): Goods {
  const goods = new Goods()
  const shelf = goods.shelf(`local/sallyport/revocation/${channel.name}`)
  const denials = [{ artifact: `sha256:${'d0'.repeat(32)}`, reason: note, since: CREATED }]
  const text = `${sortedJson({ format: 'sallyport-denials/1', denials })}\n`
  shelf.tag('denials', shelf.piece(DENIALS, 'denials.json', text))
  return goods
}

/** What the stores' channel tells, and nothing else. */
export function informing(): Goods {
  const goods = new Goods()
  const shelf = goods.shelf(`local/sallyport/trust/${stores.name}`)
  const text = chainsDocument([{ purpose: 'signing', chain: SIGNER }]).toString()
  shelf.tag('chains', shelf.piece(CHAINS, 'chains.json', text))
  return goods
}

/** A bundle of the office. */
export function denied(sequence = 5, note = 'the build host was broken into', forgery: Forgery = {}): Packed {
  return pack(office, sequence, denying(office, note), forgery)
}

/** A bundle of content that these ride in. */
export function carrying(sequence: number, passengers: readonly Packed[], forgery: Forgery = {}): Packed {
  return pack(solo, sequence, oneImage(), { passengers, ...forgery })
}

export const informed = (): Packed => pack(stores, 3, informing())

/** Each is of a site that has pinned the office too, or is about to learn that something is wrong with it. */
export function passengerAccepts(): AcceptVector[] {
  const also = [{ pinned: office }]
  const common = { pinned: solo, sequence: 8 }
  const impostor = pack(impostorOffice, 6, denying(impostorOffice, 'all of it'))
  return [
    { name: 'revocation-5', pinned: office, sequence: 5, packed: denied() },
    { name: 'trust-3', pinned: stores, sequence: 3, packed: informed() },
    {
      ...common,
      name: 'passenger',
      packed: carrying(8, [denied()]),
      also,
      passengers: [{ channel: 'office', outcome: 'accepted' }],
    },
    // The trust channel is not pinned at this site, and the office has nothing new to say.
    {
      ...common,
      name: 'passengers-two',
      packed: carrying(8, [denied(), informed()]),
      also: [{ pinned: office, before: 'revocation-5' }],
      passengers: [
        { channel: 'office', outcome: 'repeat' },
        { channel: 'stores', outcome: 'skipped', code: 'CHANNEL_NOT_PINNED' },
      ],
    },
    {
      ...common,
      name: 'passenger-older',
      packed: carrying(8, [denied(4)]),
      also: [{ pinned: office, before: 'revocation-5' }],
      passengers: [{ channel: 'office', outcome: 'skipped', code: 'ROLLBACK' }],
    },
    {
      ...common,
      name: 'passenger-of-an-impostor',
      packed: carrying(8, [impostor]),
      also,
      passengers: [{ channel: 'office', outcome: 'refused', code: 'ROOT_UNKNOWN' }],
    },
  ]
}
