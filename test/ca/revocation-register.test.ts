import assert from 'node:assert/strict'
import {
  baseEntries,
  deltaEntries,
  isUnlisted,
  newRegister,
  readRegister,
  release,
  revocationOf,
  revoke,
  withBase,
  withDelta,
  withNextNumber,
  writeRegister,
  type RevocationRegister,
  type RevokedCertificate,
} from '../../src/ca/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'

const ISSUER = 'ab'.repeat(32)
const START = Date.parse('2026-01-01T00:00:00Z')

function day(count: number): Date {
  return new Date(START + count * 86_400_000)
}

function text(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

function certificate(serial: string, ends = 1000): RevokedCertificate {
  return { serial, subject: `CN=${serial}`, notAfter: day(ends) }
}

const [A, B] = [certificate('a'), certificate('b')]

function held(register: RevocationRegister, of: RevokedCertificate, at: number): RevocationRegister {
  return revoke(register, of, { reason: 'certificateHold', now: day(at) })
}

function lost(register: RevocationRegister, of: RevokedCertificate, at: number): RevocationRegister {
  return revoke(register, of, { reason: 'keyCompromise', now: day(at) })
}

/** Issues a base list: what it names, and the register after it. */
function base(register: RevocationRegister, at: number): [serials: string[], after: RevocationRegister] {
  const next = withNextNumber(register)
  const list = { number: next.number, thisUpdate: text(day(at)), nextUpdate: text(day(at + 30)) }
  return [baseEntries(next).map(({ serial }) => serial), withBase(next, list)]
}

function delta(register: RevocationRegister): string[] {
  return deltaEntries(register, register.base?.number ?? 0).map(({ serial, reason }) => `${serial} ${reason}`)
}

function fault(code: Code): (error: unknown) => boolean {
  return (error) => isFault(error, code)
}

describe('ca/revocation-register', () => {
  const empty = newRegister(ISSUER)

  it('refuses a second revocation, and leaves the first as it is', () => {
    const once = lost(empty, A, 1)
    assert.throws(() => lost(once, A, 2), fault('CA_REVOKED_ALREADY'))
    assert.throws(() => held(once, A, 2), fault('CA_REVOKED_ALREADY'))
    assert.throws(() => held(held(empty, A, 1), A, 2), fault('CA_REVOKED_ALREADY'))
  })

  it('makes a hold final, since the hold began', () => {
    const [entry] = baseEntries(lost(held(empty, A, 1), A, 5))
    assert.deepEqual([entry?.reason, entry?.revoked], ['keyCompromise', day(1)])
  })

  it('ends a hold, and nothing else', () => {
    assert.deepEqual(baseEntries(release(held(empty, A, 1), A, day(2))), [])
    assert.throws(() => release(empty, A, day(2)), fault('CA_NOT_ON_HOLD'))
    assert.throws(() => release(lost(empty, A, 1), A, day(2)), fault('CA_NOT_ON_HOLD'))
    const released = release(held(empty, A, 1), A, day(2))
    assert.throws(() => release(released, A, day(3)), fault('CA_NOT_ON_HOLD'))
  })

  it('dates the end of a hold after it, and a new hold after that, in whatever second they are noted', () => {
    const released = release(held(empty, A, 1), A, day(1))
    assert.ok((revocationOf(released, 'a')?.released ?? '') > text(day(1)))
    const again = held(released, A, 1)
    assert.ok((revocationOf(again, 'a')?.revoked ?? '') > (revocationOf(released, 'a')?.released ?? ''))
  })

  it('tells in a delta what changed since the base, and that a hold ended', () => {
    const [, first] = base(held(lost(empty, A, 1), B, 1), 2)
    assert.deepEqual(delta(first), [])
    const released = release(first, B, day(3))
    assert.deepEqual(delta(released), ['b removeFromCRL'])
    assert.deepEqual(delta(lost(released, certificate('c'), 3)), ['b removeFromCRL', 'c keyCompromise'])
    const [named, second] = base(released, 4)
    assert.deepEqual(named, ['a'])
    assert.deepEqual(delta(second), [])
  })

  it('tells the end of a hold that began after the base, which an earlier delta may have told', () => {
    const [, first] = base(empty, 1)
    const numbered = withNextNumber(held(first, A, 2))
    const told = withDelta(numbered, { number: 2, thisUpdate: text(day(2)), nextUpdate: text(day(9)) })
    assert.deepEqual(delta(told), ['a certificateHold'])
    assert.deepEqual(delta(release(told, A, day(3))), ['a removeFromCRL'])
  })

  it('loses no change to a number that a stopped run burned', () => {
    const [, first] = base(empty, 1)
    const stopped = withNextNumber(lost(first, A, 2))
    assert.deepEqual(delta(lost(stopped, B, 3)), ['a keyCompromise', 'b keyCompromise'])
  })

  it('names what expired for ever, since timestamped signatures outlive it, and a hold until it ends', () => {
    const expiring = held(lost(empty, certificate('a', 10), 1), certificate('b', 10), 1)
    const [before, first] = base(expiring, 9)
    const [after, second] = base(first, 11)
    const [later, third] = base(second, 400)
    assert.deepEqual(
      [before, after, later],
      [
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'b'],
      ],
    )
    assert.throws(() => lost(third, A, 401), fault('CA_REVOKED_ALREADY'))
    assert.deepEqual(base(release(third, B, day(401)), 402)[0], ['a'])
  })

  it('goes on naming what was revoked after its expiry, and names again what an earlier version had dropped', () => {
    const [once, first] = base(lost(empty, certificate('a', 10), 20), 21)
    assert.deepEqual([once, base(first, 22)[0]], [['a'], ['a']])
    const dropped = { ...first, revocations: first.revocations.map((entry) => ({ ...entry, beyond: 1 })) }
    const read = readRegister(Buffer.from(writeRegister(dropped)), ISSUER, 'x')
    assert.deepEqual(base(read, 22)[0], ['a'])
  })

  it('knows which changes no list tells of', () => {
    const [, first] = base(lost(empty, A, 1), 2)
    const more = lost(first, B, 3)
    assert.deepEqual(
      more.revocations.map((entry) => isUnlisted(more, entry)),
      [false, true],
    )
  })

  it('is read from its own spelling alone', () => {
    const register = base(held(lost(empty, B, 1), A, 1), 2)[1]
    const bytes = Buffer.from(writeRegister(register))
    assert.deepEqual(readRegister(bytes, ISSUER, 'x'), register)
    const changes: [string, string][] = [
      ['"number":1,"revocations"', '"number":0,"revocations"'],
      ['{"base"', '{ "base"'],
      ['"serial":"a"', '"serial":"c"'],
      ['"serial":"a"', '"serial":"b"'],
      ['"serial":"a"', '"serial":"A"'],
      ['certificateHold', 'removeFromCRL'],
      [ISSUER, 'cd'.repeat(32)],
      ['sallyport-revocations/1', 'sallyport-revocations/2'],
      ['"released":null,', ''],
      ['"released":null', '"released":"2026-13-45T00:00:00Z"'],
    ]
    for (const [from, to] of changes) {
      const bent = bytes.toString().replace(from, to)
      assert.notEqual(bent, bytes.toString(), from)
      assert.throws(() => readRegister(Buffer.from(bent), ISSUER, 'x'), fault('CA_MALFORMED'), `${from} → ${to}`)
    }
    assert.throws(() => readRegister(bytes.subarray(0, -2), ISSUER, 'x'), fault('JSON_MALFORMED'))
  })
})
