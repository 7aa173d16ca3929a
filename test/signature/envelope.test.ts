import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { isFault, exitOf } from '../../src/errors/index.ts'
import { COSE, JWS, openEnvelope, openEnvelopeAsync, type Envelope } from '../../src/signature/envelope.ts'
import { localSigner, sealEnvelope } from '../../src/signature/index.ts'
import { mulberry32 } from '../seed.ts'
import { AGENT, PAYLOAD, TIMESTAMP, craftCose, craftJws, oddParties, party, refuses } from './envelope-fixture.ts'

const SEED = Number(process.env['SALLYPORT_SEED'] ?? randomInt(2 ** 31))

/** Everything an envelope says by its signature. */
function meaning(envelope: Envelope): unknown {
  const { timestamp: _timestamp, signingAgent: _agent, chain, critical, ...rest } = envelope
  return { ...rest, critical: [...critical], chain: chain.map(({ sha256 }) => sha256) }
}

const TOKEN = Buffer.from('a timestamp token, which is not opened here')

describe('signature/envelope', () => {
  it('refuses a media type that is not of an envelope, and one format under the other', () => {
    for (const type of ['', 'application/json', 'application/jose', `${COSE}; x=y`, 'APPLICATION/COSE'])
      refuses('ENVELOPE_MALFORMED', () => openEnvelope(type, craftCose()))
    refuses('ENVELOPE_MALFORMED', () => openEnvelope(JWS, craftCose()))
    refuses('ENVELOPE_MALFORMED', () => openEnvelope(COSE, craftJws()))
  })

  it('refuses a key that no signature may use, whatever alg says (C1)', () => {
    for (const by of oddParties) {
      refuses('ALGORITHM_REFUSED', () => openEnvelope(JWS, craftJws({ by, sign: () => Buffer.alloc(64) })))
      const [first, second] = [party(by.algorithm), by.chain]
      refuses('ALGORITHM_REFUSED', () => openEnvelope(COSE, craftCose({ by: { ...first, chain: second } })))
    }
  })

  it('refuses an envelope beyond 32 MiB before it looks into it', () => {
    for (const type of [JWS, COSE])
      refuses('LIMIT_EXCEEDED', () => openEnvelope(type, Buffer.alloc(32 * 1024 * 1024 + 1)))
  })

  describe(`flips bits (seed ${SEED})`, () => {
    const genuine = async (format: 'jws' | 'cose'): Promise<Buffer> => {
      const { key, chain } = party()
      const signingTime = new Date('2026-01-02T03:04:05Z')
      const expiry = new Date('2027-01-02T03:04:05Z')
      const timestamp = async (): Promise<Buffer> => TOKEN
      const signer = localSigner(key, chain)
      return sealEnvelope({ format, payload: PAYLOAD, signer, signingTime, expiry, agent: 'sallyport/1', timestamp })
    }

    /** Where the unsigned attributes stand: the names and values of token and agent. */
    const idle = (bytes: Buffer, token: string | Buffer): ((at: number) => string | undefined) => {
      const fields = { [TIMESTAMP]: [TIMESTAMP, token], [AGENT]: [AGENT, 'sallyport/1'] }
      const ranges = Object.entries(fields).flatMap(([name, parts]) =>
        parts.map((part) => ({ name, start: bytes.indexOf(part), length: Buffer.from(part as string).length })),
      )
      for (const { start } of ranges) assert.ok(start >= 0)
      return (at) => ranges.find(({ start, length }) => at >= start && at < start + length)?.name
    }

    for (const [format, type, token] of [
      ['jws', JWS, TOKEN.toString('base64')],
      ['cose', COSE, TOKEN],
    ] as const) {
      it(`refuses a flipped bit in each byte of a ${format} envelope, or reads what was signed (C1, C2, C5)`, async () => {
        const random = mulberry32(SEED)
        const bytes = await genuine(format)
        const was = meaning(openEnvelope(type, bytes))
        const fieldAt = idle(bytes, token)
        const accepted: Record<string, number> = {}
        for (let at = 0; at < bytes.length; at++) {
          const bit = 1 << Math.floor(random() * 8)
          const flipped = Buffer.from(bytes)
          flipped[at] = (flipped[at] ?? 0) ^ bit
          let opened: Envelope
          try {
            opened = openEnvelope(type, flipped)
            assert.deepEqual(meaning(await openEnvelopeAsync(type, flipped)), meaning(opened))
          } catch (error) {
            if (isFault(error)) await assert.rejects(openEnvelopeAsync(type, flipped), { code: error.code })
            assert.ok(isFault(error) || [11, 12, 17].includes(exitOf(error)), `byte ${at} bit ${bit}: ${String(error)}`)
            assert.ok([11, 12, 17].includes(exitOf(error)), `byte ${at} bit ${bit}: ${String(error)}`)
            continue
          }
          const field = fieldAt(at)
          assert.ok(field !== undefined, `byte ${at} bit ${bit} is signed, and was accepted`)
          assert.deepEqual(meaning(opened), was, `byte ${at} bit ${bit}`)
          accepted[field] = (accepted[field] ?? 0) + 1
        }
        // Unsigned by the specification: what software made it, and the token, which proves itself.
        assert.deepEqual(Object.keys(accepted).sort(), [AGENT, TIMESTAMP].sort())
      })

      it(`refuses a ${format} envelope cut short at any byte (C2, C3)`, async () => {
        const bytes = await genuine(format)
        for (let length = 0; length < bytes.length; length += 7)
          refuses('ENVELOPE_MALFORMED', () => openEnvelope(type, bytes.subarray(0, length)))
      })
    }
  })
})
