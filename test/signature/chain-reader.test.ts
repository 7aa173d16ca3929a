import assert from 'node:assert/strict'
import { PLAIN_READER, rememberingReader } from '../../src/signature/chain-reader.ts'
import { JWS, openEnvelope } from '../../src/signature/envelope.ts'
import { craftJws, party, refuses } from './envelope-fixture.ts'

describe('signature/chain-reader', () => {
  const [one, two] = [party('ES256', 'one').chain, party('ES256', 'two').chain]
  const ders = (...chain: readonly { der: Buffer }[]): Buffer[] => chain.map(({ der }) => Buffer.from(der))

  it('reads equal bytes once, and other bytes anew', () => {
    const reader = rememberingReader()
    const chain = reader.parse(ders(...one))
    assert.deepEqual(
      chain.map(({ sha256 }) => sha256),
      one.map(({ sha256 }) => sha256),
    )
    assert.equal(reader.parse(ders(...one)), chain)
    assert.notEqual(rememberingReader().parse(ders(...one)), chain)
    assert.notEqual(reader.parse(ders(...two)), chain)
    assert.notEqual(reader.parse(ders(...one.toReversed())), chain)
    assert.notEqual(reader.parse(ders(...one.slice(0, 1))), chain)
  })

  it('refuses a chain that it refused before, and one that holds certificates of a good one', () => {
    const reader = rememberingReader()
    reader.check(reader.parse(ders(...one)))
    const [leaf, root] = one
    assert.ok(leaf && root)
    const mixed = [leaf, ...two.slice(1)]
    for (const chain of [mixed, [leaf], one.toReversed(), [leaf, root, root]])
      for (let again = 0; again < 2; again++) {
        refuses('CHAIN_INVALID', () => reader.check(reader.parse(ders(...chain))))
        refuses('CHAIN_INVALID', () => PLAIN_READER.check(PLAIN_READER.parse(ders(...chain))))
      }
    refuses('CERTIFICATE_MALFORMED', () => reader.parse([leaf.der.subarray(1)]))
    refuses('CERTIFICATE_MALFORMED', () => reader.parse([leaf.der.subarray(1)]))
  })

  it('still proves every signature by the key of its own chain', () => {
    const reader = rememberingReader()
    assert.ok(openEnvelope(JWS, craftJws(), reader))
    const x5c = party().chain.map(({ der }) => der.toString('base64'))
    const stolen = craftJws({ by: party('ES256', 'one'), header: { x5c } })
    refuses('ENVELOPE_SIGNATURE', () => openEnvelope(JWS, stolen, reader))
  })

  it('forgets when chains flood it, and goes on', () => {
    const reader = rememberingReader()
    const chain = reader.parse(ders(...one))
    const [leaf, root] = one
    assert.ok(leaf && root)
    // Each list is another one, by the digits of its number: the memory asks for no sense.
    for (let i = 256; i < 512; i++)
      reader.parse(
        ders(
          ...i
            .toString(2)
            .split('')
            .map((bit) => (bit === '1' ? leaf : root)),
        ),
      )
    assert.notEqual(reader.parse(ders(...one)), chain)
    reader.check(reader.parse(ders(leaf, root)))
  })

  it('forgets when chains of more than 1 MiB flood it, however few', () => {
    const reader = rememberingReader()
    const chain = reader.parse(ders(...one))
    const [leaf] = one
    assert.ok(leaf)
    const long = (length: number): Buffer[] => ders(...Array.from({ length }, () => leaf))
    const size = leaf.der.length
    let held = one.reduce((sum, { der }) => sum + der.length, 0)
    let length = 16
    for (; held + length * size <= 1024 * 1024; length += 1) {
      reader.parse(long(length))
      held += length * size
    }
    assert.equal(reader.parse(ders(...one)), chain)
    reader.parse(long(length))
    assert.notEqual(reader.parse(ders(...one)), chain)
    assert.ok(length < 256)
  })
})
