import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sortedJson, type JsonObject } from '../../../src/codec/index.ts'
import { SallyportError } from '../../../src/errors/index.ts'
import { readCaFolder, type CaEntry } from '../../../src/transfer/ca/folder.ts'
import {
  chainsDocument,
  delegationsDocument,
  readChains,
  readDelegations,
  type CarriedChain,
  type Chain,
} from '../../../src/transfer/trust/document.ts'
import { Certificates } from '../ca/certificates.ts'
import { signerWith, STRANGER, VENDOR } from '../policies.ts'

function chainOf({ chain: [signer, ...above] }: Pick<typeof VENDOR, 'chain'>): Chain {
  return signer === undefined ? assert.fail() : [signer, ...above]
}

const signing = (chain: Chain): CarriedChain => ({ purpose: 'signing', chain })

interface Document {
  format: string
  note?: string
  certificates: string[]
  chains: { purpose: string; chain: string[]; note?: string }[]
  delegations: { chain: string[]; record: string }[]
}

/** The first chain. */
function first({ chains: [chain] }: Document): Document['chains'][number] {
  return chain ?? assert.fail()
}

/** The document with its value changed, in the one spelling of JSON. */
function altered(bytes: Buffer, change: (document: Document) => void): Buffer {
  const document = JSON.parse(bytes.toString()) as Document
  change(document)
  return Buffer.from(`${sortedJson(document as unknown as JsonObject)}\n`)
}

const refused = (error: unknown): boolean => error instanceof SallyportError && error.code !== 'INTERNAL'

describe('transfer/trust/document', () => {
  let certificates: Certificates
  let entries: CaEntry[]
  const vendor = chainOf(VENDOR)
  const stranger = chainOf(STRANGER)
  const both = chainsDocument([signing(vendor), signing(stranger)])

  before(async () => {
    certificates = new Certificates()
    const dir = certificates.path('ca')
    await certificates.init({ dir })
    entries = readCaFolder(dir)
  })

  after(() => certificates?.close())

  it('gives back the chains in an order of its own, each once', () => {
    const again = chainsDocument([signing(stranger), signing(vendor), signing(stranger)])
    assert.ok(again.equals(both))
    const read = readChains(both)
    assert.deepEqual(
      new Set(read.map(({ chain }) => chain.map(({ sha256 }) => sha256).join())),
      new Set([vendor, stranger].map((chain) => chain.map(({ sha256 }) => sha256).join())),
    )
    const stamped = readChains(chainsDocument([signing(vendor), { purpose: 'timestamping', chain: vendor }]))
    assert.deepEqual(
      stamped.map(({ purpose }) => purpose),
      ['signing', 'timestamping'],
    )
  })

  it('gives back the records with their certificates, and they hold', () => {
    const read = readDelegations(delegationsDocument(entries))
    assert.deepEqual(
      read.map(({ delegation }) => delegation.to.certificate).sort(),
      entries.map(({ chain }) => chain[0].sha256).sort(),
    )
    const signer = read.find(({ delegation }) => delegation.kind === 'signer')
    assert.deepEqual(signer?.delegation, entries.find(({ delegation }) => delegation.kind === 'signer')?.delegation)
  })

  const BROKEN: Record<string, (document: Document) => void> = {
    'another format': (document) => (document.format = 'sallyport-chains/2'),
    'a further member': (document) => (document.note = 'x'),
    'a further member of a chain': (document) => (first(document).note = 'x'),
    'no chain': (document) => (document.chains = []),
    'an empty chain': (document) => (first(document).chain = []),
    'an unknown purpose': (document) => (first(document).purpose = 'anything'),
    'a certificate that is not there': (document) => document.certificates.pop(),
    'a certificate that nobody names': (document) => document.chains.pop(),
    'a certificate twice': (document) => document.certificates.push(document.certificates[0] ?? ''),
    'certificates in another order': (document) => document.certificates.reverse(),
    'chains in another order': (document) => document.chains.reverse(),
    'a chain twice': (document) => document.chains.push(first(document)),
    'something that is no certificate': (document) => (document.certificates[0] = 'AAAA'),
    'no base64': (document) => (document.certificates[0] = '!'),
    'a chain upside down': (document) => first(document).chain.reverse(),
    "a stranger's root above a signer": (document) =>
      first(document).chain.splice(1, 9, document.chains[1]?.chain.at(-1) ?? ''),
    'more chains than are read': (document) =>
      (document.chains = Array(4001).fill(first(document)) as Document['chains']),
    'a longer chain than there is': (document) => (first(document).chain = Array(17).fill(first(document).chain[0])),
  }

  for (const [what, change] of Object.entries(BROKEN)) {
    it(`refuses chains with ${what}`, () => assert.throws(() => readChains(altered(both, change)), refused))
  }

  it('refuses any other spelling of the same content', () => {
    const text = both.toString()
    for (const other of [`${text}\n`, ` ${text}`, text.trimEnd(), text.replace('"format"', '"\\u0066ormat"'), ''])
      assert.throws(() => readChains(Buffer.from(other)), refused, JSON.stringify(other.slice(0, 20)))
  })

  it('refuses a record that was altered, or that speaks of another certificate', () => {
    const whole = delegationsDocument(entries)
    const rewrite = (change: (record: string, i: number) => string): Buffer =>
      altered(whole, (document) => {
        for (const [i, entry] of document.delegations.entries())
          entry.record = Buffer.from(change(Buffer.from(entry.record, 'base64').toString(), i)).toString('base64')
      })
    assert.ok(rewrite((record) => record).equals(whole))
    assert.throws(
      () => readDelegations(rewrite((record) => record.replace('"scope":[]', '"scope":["a.b/c"]'))),
      refused,
    )
    assert.throws(
      () => readDelegations(rewrite((record) => record.replace(/"notAfter":"20/, '"notAfter":"21'))),
      refused,
    )
    assert.throws(
      () => readDelegations(rewrite((record) => record.replace(/"subject":"/g, '"subject":"\\u001b[2J'))),
      refused,
    )
    const records = entries.map(({ record }) => record.toString())
    assert.throws(() => readDelegations(rewrite((_, i) => records[(i + 1) % records.length] ?? '')), refused)
    assert.throws(
      () => readDelegations(rewrite((record) => record.replace(/"signature":"[^"]*"/, '"signature":""'))),
      refused,
    )
  })

  it('refuses a record whose chain ends below its root', () => {
    const cut = altered(delegationsDocument(entries), (document) => {
      for (const entry of document.delegations) entry.chain.splice(1)
      const named = new Set(document.delegations.flatMap(({ chain }) => chain))
      assert.equal(named.size, document.certificates.length)
    })
    assert.throws(() => readDelegations(cut), refused)
  })

  it('refuses to write more than it reads', () => {
    const [first] = entries
    assert.ok(first)
    const { chain, record } = first
    const links = Array.from({ length: 1001 }, (_, i) => ({
      chain: [{ ...chain[0], sha256: String(i) }] as const,
      record,
    }))
    assert.throws(
      () => delegationsDocument(links),
      (error) => error instanceof SallyportError && error.code === 'LIMIT_EXCEEDED',
    )
  })

  it('keeps records as their files have them', () => {
    const folder = join(entries[0]?.folder ?? '', 'delegation.json')
    const document = JSON.parse(delegationsDocument(entries).toString()) as { delegations: { record: string }[] }
    const records = document.delegations.map(({ record }) => record)
    assert.ok(records.includes(readFileSync(folder).toString('base64')))
  })

  it('holds chains of every algorithm', () => {
    const all = (['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const).map((name) =>
      chainOf(signerWith(name)),
    )
    assert.equal(readChains(chainsDocument(all.map(signing))).length, 6)
  })
})
