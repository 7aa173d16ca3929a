import assert from 'node:assert/strict'
import { DENIALS_CAP, readDenials, uniteDenials, writeDenials, type Denial } from '../../src/revocation/index.ts'

const ONE: Denial = { artifact: `sha256:${'1'.repeat(64)}`, reason: 'a back door', since: '2026-03-01T00:00:00Z' }
const SIGNED: Denial = { ...ONE, signer: 'a'.repeat(64) }
const OTHER: Denial = { ...ONE, artifact: `sha512:${'2'.repeat(128)}`, reason: 'Zurückgezogen: “x” \\ y' }
const refused = { code: 'DENIALS_MALFORMED' }

describe('revocation/denial', () => {
  it('reads what it wrote, in one order and one spelling', () => {
    const bytes = writeDenials([OTHER, SIGNED, ONE])
    assert.deepEqual(readDenials(bytes), [ONE, SIGNED, OTHER])
    for (const order of [
      [ONE, SIGNED, OTHER],
      [SIGNED, OTHER, ONE, ONE],
    ])
      assert.deepEqual(writeDenials(order), bytes)
    assert.equal(writeDenials([]).toString(), '{"denials":[],"format":"sallyport-denials/1"}\n')
  })

  it('refuses another spelling of the same', () => {
    const text = writeDenials([ONE, OTHER]).toString()
    const parsed = JSON.parse(text) as { denials: object[] }
    const spelled = [
      text.slice(0, -1),
      `${text}\n`,
      ` ${text}`,
      text.replaceAll(',', ', '),
      text.replace('ü', '\\u00fc'),
      `${JSON.stringify({ ...parsed, denials: parsed.denials.toReversed() })}\n`,
      `${JSON.stringify({ denials: [...parsed.denials, parsed.denials[1]], format: 'sallyport-denials/1' })}\n`,
    ]
    for (const other of spelled) assert.throws(() => readDenials(Buffer.from(other)), refused, other)
    readDenials(Buffer.from(text))
  })

  it('refuses what is no denial, and says whose move it is', () => {
    const odd: Record<string, object> = {
      'no digest': { ...ONE, artifact: 'sha256:1' },
      'a digest of another algorithm': { ...ONE, artifact: `md5:${'1'.repeat(32)}` },
      'a signer by name': { ...ONE, signer: 'CN=acme' },
      'a signer in upper case': { ...ONE, signer: 'A'.repeat(64) },
      'a signature': { ...ONE, signature: ONE.artifact },
      'no reason': { artifact: ONE.artifact, since: ONE.since },
      'an empty reason': { ...ONE, reason: '' },
      'a reason with blank ends': { ...ONE, reason: ' x' },
      'a reason of two lines': { ...ONE, reason: 'x\ny' },
      'a reason that a terminal obeys': { ...ONE, reason: 'x\u001b[2J' },
      'a reason that runs backwards': { ...ONE, reason: 'x\u202ey' },
      'a long reason': { ...ONE, reason: 'x'.repeat(1001) },
      'a time of a day': { ...ONE, since: '2026-03-01' },
      'a time with a fraction': { ...ONE, since: '2026-03-01T00:00:00.000Z' },
      'a time that never was': { ...ONE, since: '2026-02-30T00:00:00Z' },
    }
    for (const [name, one] of Object.entries(odd)) {
      const text = `${JSON.stringify({ denials: [one], format: 'sallyport-denials/1' })}\n`
      assert.throws(() => readDenials(Buffer.from(text), 'source'), { ...refused, side: 'source' }, name)
      // What the types let pass by mistake is not written either.
      if ('reason' in one && !('signature' in one))
        assert.throws(() => writeDenials([one as Denial]), { ...refused, side: 'state' }, name)
    }
    for (const text of ['{}', '[]', '{"denials":[],"format":"sallyport-denials/2"}\n'])
      assert.throws(() => readDenials(Buffer.from(text)), refused)
    assert.throws(() => readDenials(Buffer.from('{')), { code: 'JSON_MALFORMED' })
    assert.throws(() => readDenials(Buffer.alloc(DENIALS_CAP + 1, ' ')), { code: 'LIMIT_EXCEEDED' })
  })

  it('unites in one way whatever the order, and loses nothing', () => {
    const later = { ...ONE, since: '2026-04-01T00:00:00Z', reason: 'another reason' }
    assert.deepEqual(uniteDenials([ONE], [later, SIGNED]), [ONE, SIGNED])
    assert.deepEqual(uniteDenials([later], [SIGNED, ONE]), [ONE, SIGNED])
    const twin = { ...ONE, reason: 'b' }
    assert.deepEqual(uniteDenials([twin], [ONE]), uniteDenials([ONE], [twin]))
  })
})
