import assert from 'node:assert/strict'
import { MemoryPlace, type Target } from '../../../src/content/index.ts'
import { isFault } from '../../../src/errors/index.ts'
import { digestOf, OCI_MANIFEST } from '../../../src/oci/index.ts'
import { standing, uniteCompanions, type Companion } from '../../../src/transfer/import/companion-tag.ts'
import { EMPTY_CONFIG, bodyOf, index, piece, type Piece } from '../../contract/content.ts'

const PAYLOAD = piece('application/vnd.dev.cosign.simplesigning.v1+json', '{"critical":{}}')

/** A signature manifest: one layer entry for each signature, all over the same payload blob. */
function signatures(...names: string[]): Piece {
  const layers = names.map((name) => ({
    ...PAYLOAD.descriptor,
    annotations: { 'dev.cosignproject.cosign/signature': name },
  }))
  const config = EMPTY_CONFIG.descriptor
  return piece(OCI_MANIFEST, JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }))
}

function namesIn({ bytes }: Companion): string[] {
  const { layers } = JSON.parse(bytes.toString()) as { layers: { annotations: Record<string, string> }[] }
  return layers.map(({ annotations }) => annotations['dev.cosignproject.cosign/signature'] ?? '')
}

function countIn({ bytes }: Companion): number {
  return (JSON.parse(bytes.toString()) as { layers: object[] }).layers.length
}

describe('transfer/import/companion-tag', () => {
  it('loses no signature of either side, and repeats none', () => {
    const united = uniteCompanions(signatures('ours', 'both'), signatures('theirs', 'both'), 'test')
    assert.deepEqual(namesIn(united), ['theirs', 'both', 'ours'])
    assert.equal(united.descriptor.digest, digestOf(united.bytes))
    assert.equal(united.descriptor.size, united.bytes.length)
  })

  it('keeps a manifest as it is when it holds all of the other', () => {
    const [small, large] = [signatures('a'), signatures('a', 'b')]
    for (const [ours, theirs, wanted] of [
      [large, small, large],
      [small, large, large],
      [small, small, small],
    ] as const)
      assert.equal(uniteCompanions(ours, theirs, 'test').descriptor.digest, wanted.descriptor.digest)
  })

  it('comes to rest: what was united is not united again', () => {
    const united = uniteCompanions(signatures('a'), signatures('b'), 'test')
    for (const side of [signatures('a'), signatures('b')])
      assert.equal(uniteCompanions(side, united, 'test').descriptor.digest, united.descriptor.digest)
  })

  it('reads what stands at a tag, and never takes what cannot be read for nothing', async () => {
    const target: Target = new MemoryPlace('registry.example').repository('a')
    assert.equal(await standing(target, 'sha256-x.sig'), undefined)
    const made = signatures('a')
    for (const { descriptor, bytes } of [PAYLOAD, EMPTY_CONFIG]) await target.pushBlob(descriptor, bodyOf(bytes))
    await target.pushManifest(made.descriptor, made.bytes)
    await target.tag('sha256-x.sig', made.descriptor, made.bytes)
    assert.equal((await standing(target, 'sha256-x.sig'))?.descriptor.digest, made.descriptor.digest)
    const opaque = piece('application/vnd.example.unknown', 'not JSON at all')
    await target.pushManifest(opaque.descriptor, opaque.bytes)
    await target.tag('sha256-x.sig', opaque.descriptor, opaque.bytes)
    const theirs = await standing(target, 'sha256-x.sig')
    assert.ok(theirs)
    assert.throws(
      () => uniteCompanions(made, theirs, 'test'),
      (error) => isFault(error, 'JSON_MALFORMED'),
    )
  })

  it('puts nothing in the place of an index, nor an index in the place of signatures', () => {
    const list = index(signatures('a'))
    for (const [ours, theirs] of [
      [signatures('b'), list],
      [list, signatures('b')],
    ] as const)
      assert.throws(
        () => uniteCompanions(ours, theirs, 'test'),
        (error) => isFault(error, 'MANIFEST_MALFORMED') && error.subject === 'test',
      )
    assert.equal(uniteCompanions(list, list, 'test'), list)
  })

  it('loses nothing when entries stand there twice', () => {
    const united = uniteCompanions(signatures('a', 'a', 'b'), signatures('a', 'c'), 'test')
    assert.deepEqual(namesIn(united), ['a', 'c', 'b'])
  })

  it('unites annotations of any text: certificates have lines, and some strangers have fractions', () => {
    const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
    const united = uniteCompanions(signatures(certificate, '"\\ü\u2028'), signatures('theirs'), 'test')
    assert.deepEqual(namesIn(united), ['theirs', certificate, '"\\ü\u2028'])
    const odd = piece(OCI_MANIFEST, '{"schemaVersion":2,"layers":[{"size":1,"x":0.5}],"config":{}}')
    assert.equal(countIn(uniteCompanions(signatures('a'), odd, 'test')), 2)
  })
})
