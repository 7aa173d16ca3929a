import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DerError, der, parseDer } from '../../src/codec/index.ts'
import { readName } from '../../src/signature/distinguished-name.ts'
import { distinguishedNameText, identityFault, namesSubset, parseDistinguishedName } from '../../src/signature/index.ts'
import { attribute, nameOf, type Pair } from './hand-made.ts'

const named = (...pairs: readonly Pair[]) => readName(parseDer(nameOf(...pairs)))
const joined = (...pairs: readonly Pair[]) =>
  readName(parseDer(der(0x30, der(0x31, ...pairs.map(attribute).toSorted(Buffer.compare)))))
const ACME: readonly Pair[] = [
  ['C', 'US'],
  ['ST', 'WA'],
  ['O', 'acme'],
]
const BASE = 'C=US, ST=WA, O=acme'

function refuses(text: string): void {
  assert.throws(() => parseDistinguishedName(text), { code: 'POLICY_MALFORMED' }, text)
}

function valueOf(text: string): string | undefined {
  return parseDistinguishedName(`${BASE}, CN=${text}`).find(({ name }) => name === 'CN')?.value
}

describe('signature/distinguished-name', () => {
  it('reads the text of a policy, in the order of certificates', () => {
    assert.deepEqual(parseDistinguishedName('CN=x,O=acme,ST=WA,C=US'), named(...ACME, ['CN', 'x']))
    assert.deepEqual(parseDistinguishedName(' O = acme ,ST=WA,  C=US  '), named(...ACME))
  })

  it('takes S for ST, and a type by its number', () => {
    const name = parseDistinguishedName('C=US,S=WA,2.5.4.10=acme,1.2.3.4=x')
    assert.deepEqual(
      name.map((part) => [part.oid, part.name]),
      [
        ['1.2.3.4', undefined],
        ['2.5.4.10', 'O'],
        ['2.5.4.8', 'ST'],
        ['2.5.4.6', 'C'],
      ],
    )
  })

  it('resolves escapes and trims what is not escaped', () => {
    const cases = {
      'a\\, b': 'a, b',
      'a\\;b': 'a;b',
      'a\\\\': 'a\\',
      '\\ a \\ ': ' a  ',
      '  a b  ': 'a b',
      '\\#1': '#1',
      'a=b': 'a=b',
      'a\\=b': 'a=b',
      '\\"\\<\\>\\+': '"<>+',
      '\\C3\\a9': 'é',
      '\\2C': ',',
      'é✓': 'é✓',
      '*': '*',
      'a#b': 'a#b',
    }
    for (const [text, value] of Object.entries(cases)) assert.equal(valueOf(text), value, text)
  })

  it('refuses a text that has no reading, or more than one', () => {
    const values = [
      '',
      ' ',
      '#1',
      '=#31',
      ' #31',
      'a+OU=b',
      'a;b',
      '"a"',
      'a<b',
      'a\\',
      '\\x',
      '\\4',
      '\\ff',
      '\\C3',
      'a\tb',
      'a\nb',
      'a\0',
    ]
    for (const value of values) refuses(`${BASE}, CN=${value}`)
    for (const text of [
      '',
      ',',
      `${BASE},`,
      `,${BASE}`,
      `C=US,,ST=WA,O=acme`,
      `${BASE}, CN`,
      `${BASE}, =x`,
      `${BASE}, X=y`,
    ])
      refuses(text)
    for (const text of [
      `${BASE}, cn=x`,
      `${BASE}, \\43N=x`,
      `${BASE}, 2.5.04.3=x`,
      `${BASE}, 2.5.4.3.=x`,
      `${BASE}, CN\\=x`,
    ])
      refuses(text)
    refuses(`${BASE}, CN=${'x'.repeat(5000)}`)
  })

  it('refuses a text without C, ST or O, or with anything twice', () => {
    for (const text of ['ST=WA,O=acme', 'C=US,O=acme', 'C=US,ST=WA', 'C=US,ST=WA,O=']) refuses(text)
    for (const twice of ['O=acme', 'O=other', 'S=WA', '2.5.4.6=US', 'OU=a,OU=b']) refuses(`${BASE},${twice}`)
  })

  it('prints a name as a policy could name it', () => {
    assert.equal(distinguishedNameText(named(...ACME, ['CN', 'x'])), 'CN=x,O=acme,ST=WA,C=US')
    const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => text.isWellFormed())
    fc.assert(
      fc.property(value, value, (organization, common) => {
        const name = named(['C', 'US'], ['ST', 'WA'], ['O', organization], ['CN', common])
        const text = distinguishedNameText(name)
        assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        // What looks like hex is refused in a policy before it is read, escaped or not.
        if (!text.includes('=#')) assert.deepEqual(parseDistinguishedName(text), name)
      }),
      { seed: 4514, numRuns: 1000 },
    )
  })

  it('prints what deceives the eye as hex, and what is no text too', () => {
    assert.equal(distinguishedNameText(named(['CN', 'a\u202egpj\n'])), 'CN=a\\E2\\80\\AEgpj\\0A')
    assert.equal(distinguishedNameText(named(['CN', der(0x02, Uint8Array.of(1))])), 'CN=#020101')
    assert.equal(distinguishedNameText(named(['CN', '#020101'])), 'CN=\\#020101')
    assert.equal(distinguishedNameText(named(['1.2.3.4', 'x'])), '1.2.3.4=x')
    assert.equal(distinguishedNameText([...named(['C', 'US']), ...joined(['O', 'x'], ['CN', 'yy'])]), 'O=x+CN=yy,C=US')
  })

  it('finds a name in a larger one, whatever the order', () => {
    const policy = parseDistinguishedName('O=acme, C=US, ST=WA')
    assert.ok(namesSubset(policy, named(...ACME)))
    assert.ok(namesSubset(policy, named(['CN', 'x'], ...ACME.toReversed(), ['OU', 'y'])))
    const kinds = named(
      ['C', der(0x13, Buffer.from('US'))],
      ['ST', 'WA'],
      ['O', der(0x1e, Buffer.from('acme', 'utf16le').swap16())],
    )
    assert.ok(namesSubset(policy, kinds))
  })

  it('finds it in none that differs in a letter, its case, or lacks a part', () => {
    const policy = parseDistinguishedName(`${BASE}, CN=x`)
    assert.ok(namesSubset(policy, named(...ACME, ['CN', 'x'])))
    assert.ok(!namesSubset(policy, named(...ACME)))
    for (const value of ['X', 'x ', ' x', 'xx', 'х', ''])
      assert.ok(!namesSubset(policy, named(...ACME, ['CN', value])), value)
    assert.ok(!namesSubset(policy, named(...ACME, ['OU', 'x'])))
    assert.ok(
      !namesSubset(parseDistinguishedName('C=US,ST=WA,O=acme'), named(['C', 'US'], ['ST', 'wa'], ['O', 'acme'])),
    )
  })

  it('never takes letters for the same that Unicode composes in two ways', () => {
    assert.ok(!namesSubset(parseDistinguishedName(`${BASE},CN=é`), named(...ACME, ['CN', 'e\u0301'])))
  })

  it('refuses a signer whose name says two things at once', () => {
    const policy = parseDistinguishedName(`${BASE},OU=a`)
    assert.ok(namesSubset(policy, named(...ACME, ['OU', 'a'])))
    assert.ok(!namesSubset(policy, named(...ACME, ['OU', 'a'], ['OU', 'b'])))
    assert.ok(!namesSubset(policy, [...named(...ACME), ...joined(['OU', 'a'], ['CN', 'bb'])]))
    assert.equal(identityFault(named(...ACME, ['OU', 'a'])), undefined)
    assert.notEqual(identityFault(named(...ACME, ['OU', 'a'], ['OU', 'a'])), undefined)
    assert.notEqual(identityFault([...named(...ACME), ...joined(['OU', 'a'], ['CN', 'bb'])]), undefined)
  })

  it('refuses a policy name that cannot stand for an identity', () => {
    const signer = named(...ACME, ['OU', 'a'])
    assert.ok(namesSubset(named(...ACME), signer))
    for (const part of [[], named(['OU', 'a']), named(...ACME, ['OU', 'a'], ['OU', 'a'])])
      assert.ok(!namesSubset(part, signer))
  })

  it('refuses names of another shape, and characters that are none', () => {
    const wrong = [
      der(0x30, der(0x31)),
      der(0x30, der(0x30, attribute(['CN', 'x']))),
      der(0x30, der(0x31, der(0x31, attribute(['CN', 'x'])))),
      der(0x30, der(0x31, der(0x30, der(0x0c)))),
      ...['d800', '0041d8', 'd8000041', 'dc00d800'].map((hex) => nameOf(['CN', der(0x1e, Buffer.from(hex, 'hex'))])),
      nameOf(['CN', der(0x0c, Uint8Array.of(0xed, 0xa0, 0x80))]),
      ...[0x12, 0x13, 0x16, 0x1a].map((tag) => nameOf(['CN', der(tag, Uint8Array.of(0x41, 0x0a))])),
    ]
    for (const name of wrong) assert.throws(() => readName(parseDer(name)), DerError, name.toString('hex'))
  })

  it('never takes octets for a text that spells them', () => {
    const opaque = der(0x02, Uint8Array.of(1))
    const name = named(...ACME, ['CN', opaque])
    assert.equal(identityFault(name), undefined)
    assert.ok(!namesSubset(parseDistinguishedName(`${BASE},CN=${opaque.toString('hex')}`), name))
    assert.ok(!namesSubset(name, name))
    assert.notEqual(identityFault(named(['C', 'US'], ['ST', 'WA'], ['O', opaque])), undefined)
    assert.notEqual(identityFault(named(['C', 'US'], ['ST', 'WA'], ['O', ''])), undefined)
  })
})
