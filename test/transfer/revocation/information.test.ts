/** Genuine lists in places that are not theirs, in bundles that are right in all else. */
import assert from 'node:assert/strict'
import { solo } from '../../../bundles/vectors/channels.ts'
import { listPiece, pieces, place } from '../../../bundles/vectors/lists.ts'
import { pack } from '../../../bundles/vectors/pack.ts'
import { memoryInput } from '../../../src/bundle/index.ts'
import { judging, prove, readExpectations, refusal } from '../../bundle/corpus.ts'
import {
  authorityKeyId,
  fullName,
  issuingPoint,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  uri,
} from '../../revocation/list-maker.ts'

const URL = 'http://lists.acme.test/1.crl'
const OTHER = 'http://lists.acme.test/2.crl'

describe('transfer/revocation/information', () => {
  const authority = listAuthority()
  const judge = readExpectations().accept['accept/lists-beside-content.tar'] ?? assert.fail('no such vector')

  function bundle(url: string, ...points: string[]): Promise<unknown> {
    const scope = points.length > 0 ? [issuingPoint(fullName(...points.map(uri)))] : []
    const list = listDer({ authority, extensions: [authorityKeyId(KEY_ID), listNumber('384'), ...scope] })
    const goods = pieces('solo', (shelf) => void place(shelf, listPiece(shelf, list, url, authority.certificate)))
    return prove(memoryInput([pack(solo, 30, goods).tar]), judging(judge))
  }

  it('takes a list for an address that its scope names, or that no scope speaks of', async () => {
    await bundle(URL)
    await bundle(URL, OTHER, URL)
  })

  it('R3 refuses the list of another part of the issuer, whose number would keep the right one out', async () => {
    await assert.rejects(bundle(URL, OTHER), refusal('LIST_INVALID', '^local/sallyport/revocation/solo:list-'))
  })
})
