/** `reject/`: revocation that comes by the wrong channel, in another form, or is not what it says (FORMAT 8.8). */
import type { Code } from '../../src/errors/index.ts'
import { revocationTag } from '../../src/transfer/revocation/item.ts'
import { DENIALS, denying, informing } from './accept-passenger.ts'
import { office, solo, stores, type Channel } from './channels.ts'
import { oneImage, type Goods, type Shelf } from './goods.ts'
import { fillLists, flipped, issuingList, ISSUER, LIST_URL, listPiece, namesakesList, pieces, place } from './lists.ts'
import { pack } from './pack.ts'
import type { RejectVector } from './vector.ts'

const AT_SOLO = '^local/sallyport/revocation/solo'

function row(code: Code, reason: string, subject: string, goods: Goods, channel: Channel = solo): RejectVector {
  const next = { office: 'revocation-lists', stores: 'trust-3' }[channel.name] ?? 'lists-beside-content'
  // A TUF client sees signed files, and not what they are.
  const tuf = code === 'DENIALS_MALFORMED' ? {} : { tuf: 'beyond' as const }
  return { code, reason, subject, tar: pack(channel, 3, goods).tar, pinned: channel, next, ...tuf }
}

function odd(reason: string, fill: (shelf: Shelf) => void): RejectVector {
  return row('REVOCATION_MALFORMED', reason, AT_SOLO, pieces('solo', fill))
}

const edited =
  (from: string | RegExp, to: string) =>
  (shelf: Shelf): void =>
    void place(shelf, listPiece(shelf), (text) => text.replace(from, to))

function withImage(goods: Goods): Goods {
  const image = oneImage()
  for (const [digest, bytes] of image.blobs) goods.blobs.set(digest, bytes)
  goods.shelves.push(...image.shelves)
  return goods
}

/** An image in the repository that is kept for trust information, under a tag that people pull. */
function imageAmongStores(): Goods {
  const goods = informing()
  const [shelf] = goods.shelves
  shelf?.tag('1.0', shelf.image('hidden'))
  return goods
}

function purposes(): RejectVector[] {
  const mixed = withImage(denying(office, 'and an image'))
  const elsewhere = oneImage((shelf) => shelf.tag('1.0', shelf.image('one')))
  return [
    row('DENIAL_UNENTITLED', 'denials-on-a-content-channel', AT_SOLO, denying(solo, 'a rival')),
    row('PURPOSE_MISMATCH', 'content-on-a-revocation-channel', '^registry\\.example/team/app$', mixed, office),
    row('PURPOSE_MISMATCH', 'image-alone-on-a-revocation-channel', '^registry\\.example/', elsewhere, office),
    row(
      'PURPOSE_MISMATCH',
      'content-on-a-trust-channel',
      '^registry\\.example/team/app$',
      withImage(informing()),
      stores,
    ),
    row(
      'PURPOSE_MISMATCH',
      'image-among-trust-information',
      '^local/sallyport/trust/stores@',
      imageAmongStores(),
      stores,
    ),
    row(
      'REVOCATION_MALFORMED',
      'lists-of-another-channel',
      '^local/sallyport/revocation/office$',
      pieces('office', fillLists),
    ),
  ]
}

function forms(): RejectVector[] {
  return [
    odd('image-among-lists', (shelf) => {
      fillLists(shelf)
      shelf.tag('1.0', shelf.image('hidden'))
    }),
    odd('second-tag-of-a-list', (shelf) => shelf.tag('latest', place(shelf, listPiece(shelf)))),
    odd('list-without-a-tag', (shelf) => {
      const { label, layers } = listPiece(shelf)
      place(shelf, { label, layers })
      shelf.untagged.push(...shelf.bindings.values())
      shelf.bindings.clear()
    }),
    odd('list-under-the-tag-of-another', (shelf) => {
      const piece = listPiece(shelf)
      const descriptor = place(shelf, piece)
      shelf.bindings.clear()
      shelf.tag(revocationTag({ ...piece.label, url: `${LIST_URL}?` } as typeof piece.label), descriptor)
    }),
    odd('number-other-than-the-list-has', edited('.number":"16"', '.number":"17"')),
    odd('date-other-than-the-list-has', edited('2030-01-01T00:00:00Z', '2031-01-01T00:00:00Z')),
    odd('number-with-a-leading-zero', edited('.number":"16"', '.number":"016"')),
    odd('further-annotation', edited('"annotations":{"io', '"annotations":{"a":"b","io')),
    odd('delta-said-of-a-whole-list', (shelf) => {
      const { label, layers } = listPiece(shelf)
      if (label.kind === 'list') place(shelf, { label: { ...label, deltaBase: '15' }, layers })
    }),
    odd('url-of-a-file', (shelf) => {
      const { label, layers } = listPiece(shelf)
      place(shelf, { label, layers }, (text) => text.replaceAll(LIST_URL, 'file:///etc/issuing.crl'))
    }),
    odd('issuer-other-than-its-certificate', (shelf) => {
      const { label, layers } = listPiece(shelf)
      if (label.kind === 'list') place(shelf, { label: { ...label, issuer: 'ab'.repeat(32) }, layers })
    }),
    odd('referrer-of-a-list', (shelf) => {
      const list = place(shelf, listPiece(shelf))
      const layers = [shelf.blob('application/jose+json', '{"payload":"unjudged"}')]
      const type = 'application/vnd.cncf.notary.signature'
      shelf.refer(list, shelf.manifest({ artifactType: type, layers, subject: list }), type)
    }),
    odd('manifest-spelled-otherwise', (shelf) => {
      const { label, layers } = listPiece(shelf)
      place(shelf, { label, layers }, (text) => JSON.stringify(JSON.parse(text), null, 1))
    }),
  ]
}

function contents(): RejectVector[] {
  const of = (code: Code, reason: string, fill: (shelf: Shelf) => void): RejectVector =>
    row(code, reason, `${AT_SOLO}:(list|denials)`, pieces('solo', fill))
  const damaged = flipped(issuingList(), issuingList().length - 1)
  const denials = denying(office, 'spelled otherwise')
  const [shelf] = denials.shelves
  shelf?.bindings.clear()
  shelf?.tag('denials', shelf.piece(DENIALS, 'denials.json', '{ "format":"sallyport-denials/1","denials":[]}\n'))
  return [
    of('LIST_INVALID', 'list-with-a-damaged-signature', (one) => place(one, listPiece(one, damaged))),
    of('LIST_INVALID', 'list-of-a-namesake', (one) => place(one, namesakesList(one))),
    of('LIST_MALFORMED', 'list-that-is-none', (one) => {
      const { label, layers } = listPiece(one)
      place(one, { label, layers: [one.blob(layers[0].mediaType, ISSUER.der), layers[1]] })
    }),
    row(
      'DENIALS_MALFORMED',
      'denials-spelled-otherwise',
      '^local/sallyport/revocation/office:denials$',
      denials,
      office,
    ),
  ]
}

export function revocationRejects(): RejectVector[] {
  return [...purposes(), ...forms(), ...contents()]
}
