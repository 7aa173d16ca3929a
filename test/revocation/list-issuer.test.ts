import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { der, derBits, derInteger, derNull, derOid, derSequence } from '../../src/codec/index.ts'
import { demandIssuedList, parseList, scopeFault } from '../../src/revocation/index.ts'
import {
  CA,
  SIGNER,
  acme,
  certificate,
  constraints,
  curveKey,
  extension,
  rsaKey,
  usage,
  type Key,
} from '../signature/hand-made.ts'
import {
  KEY_ID,
  TRUE,
  authorityKeyId,
  deltaIndicator,
  entry,
  fullName,
  issuingPoint,
  listAuthority,
  listDer,
  listNumber,
  pssAlgorithm,
  uri,
  type ListAuthority,
  type ListTerms,
} from './list-maker.ts'

const authority = listAuthority()
const ed25519 = (): Key => generateKeyPairSync('ed25519')
const rsa = rsaKey(2048)

function accepts(terms: ListTerms, issuer: ListAuthority = terms.authority): void {
  demandIssuedList(parseList(listDer(terms)), issuer.certificate)
}

function refuses(terms: ListTerms, why: string, issuer: ListAuthority = terms.authority): void {
  const list = parseList(listDer(terms))
  assert.throws(() => demandIssuedList(list, issuer.certificate), { code: 'LIST_INVALID' }, why)
}

describe('revocation/list-issuer', () => {
  const KEYS: Readonly<Record<string, () => Key>> = {
    'P-256': () => curveKey('P-256'),
    'P-384': () => curveKey('P-384'),
    'P-521': () => curveKey('P-521'),
    'RSA of 2048 bits': () => rsa,
    'RSA of 3072 bits': () => rsaKey(3072),
    Ed25519: ed25519,
  }
  for (const [name, make] of Object.entries(KEYS))
    it(`accepts a list by a key of ${name}, and none by another key of that kind`, () => {
      const made = listAuthority('made', make())
      const other = listAuthority('made', name.startsWith('RSA') ? rsaKey(2048) : make())
      const hashes = name === 'Ed25519' ? (['sha256'] as const) : (['sha256', 'sha384', 'sha512'] as const)
      for (const hash of hashes) {
        accepts({ authority: made, entries: [entry('1')], hash })
        refuses({ authority: made, entries: [entry('1')], hash }, 'another key', other)
      }
    })

  it('accepts PSS with any salt, and refuses what leaves a hash open', () => {
    const made = listAuthority('made', rsa)
    for (const pss of [0, 20, 32]) accepts({ authority: made, pss })
    for (const hash of ['sha384', 'sha512'] as const) accepts({ authority: made, pss: 48, hash })
    refuses({ authority: made, pss: 20, hash: 'sha1' }, 'SHA-1')
    refuses({ authority: made, pss: 32, outerAlgorithm: pssAlgorithm('sha256', 32, 'sha1') }, 'SHA-1 in the mask')
    refuses({ authority: made, pss: 32, outerAlgorithm: pssAlgorithm('sha256', 20) }, 'another salt')
    refuses({ authority: made, pss: 32, outerAlgorithm: pssAlgorithm('sha256', 65) }, 'a salt longer than any hash')
    const defaults = derSequence(derOid('1.2.840.113549.1.1.10'), derSequence())
    refuses({ authority: made, pss: 20, hash: 'sha1', outerAlgorithm: defaults }, 'the defaults, which are SHA-1')
    const none = derSequence(derOid('1.2.840.113549.1.1.10'))
    refuses({ authority: made, pss: 32, outerAlgorithm: none }, 'no parameters')
  })

  it('refuses SHA-1, MD5 and algorithms that are of another key', () => {
    const made = listAuthority('made', rsa)
    refuses({ authority: made, hash: 'sha1' }, 'SHA-1 with RSA')
    refuses({ authority, hash: 'sha1' }, 'SHA-1 with ECDSA')
    for (const oid of ['1.2.840.113549.1.1.4', '1.2.840.10040.4.3', '1.3.101.112', '1.2.840.10045.4.3.2'])
      refuses({ authority: made, outerAlgorithm: derSequence(derOid(oid)) }, oid)
    refuses({ authority, outerAlgorithm: derSequence(derOid('1.2.840.113549.1.1.11'), derNull()) }, 'RSA')
    refuses({ authority, outerAlgorithm: derSequence(derOid('1.2.840.10045.4.3.2'), derNull()) }, 'with parameters')
  })

  it('refuses keys that anybody can find', () => {
    refuses({ authority: listAuthority('made', rsaKey(1024)) }, 'RSA of 1024 bits')
    refuses({ authority: listAuthority('made', curveKey('secp256k1')) }, 'another curve')
  })

  it('refuses the list of another name, however alike', () => {
    const other = listAuthority('lists ', authority.key)
    refuses({ authority: other }, 'another name of the same key', authority)
    const respelled = derSequence(der(0x31, derSequence(derOid('2.5.4.3'), der(0x13, Buffer.from('lists')))))
    refuses({ authority, issuer: respelled }, 'another spelling')
  })

  // R4
  it('R4: refuses a list by another authority of the same name', () => {
    const impostor = listAuthority('lists')
    assert.ok(impostor.name.equals(authority.name))
    refuses({ authority: impostor, entries: [] }, 'another key', authority)
    const names = [authorityKeyId(KEY_ID), listNumber('11')]
    refuses({ authority: impostor, extensions: names }, 'that names the right key', authority)
  })

  it('R4: refuses a list by a certificate that may not make lists', () => {
    const { key } = authority
    const by = (...extensions: Buffer[]): ListAuthority => ({
      ...authority,
      certificate: certificate({ key, subject: authority.name, extensions }),
    })
    accepts({ authority: by(...CA) })
    refuses({ authority: by(constraints(true), usage([5])) }, 'no cRLSign')
    refuses({ authority: by(constraints(true)) }, 'no keyUsage')
    refuses({ authority: by(usage([5, 6])) }, 'no basicConstraints')
    refuses({ authority: by(constraints(false), usage([6])) }, 'not a CA')
    refuses({ authority: by(...SIGNER) }, 'a signer')
  })

  it('compares key identifiers when both have one', () => {
    const extensions = (keyId: Buffer): Buffer[] => [authorityKeyId(keyId), listNumber('10')]
    refuses({ authority, extensions: extensions(Buffer.from('ff', 'hex')) }, 'another key identifier')
    accepts({ authority, extensions: [listNumber('10')] })
    const byName = extension('2.5.29.35', derSequence(der(0xa1, der(0xa4, authority.name)), der(0x82, Buffer.of(1))))
    accepts({ authority, extensions: [byName, listNumber('10')] })
    const without = listAuthority('lists', authority.key, CA)
    accepts({ authority: without, extensions: extensions(Buffer.from('ff', 'hex')) })
    const odd = listAuthority('lists', authority.key, [...CA, extension('2.5.29.14', der(0x0c, KEY_ID))])
    refuses({ authority: odd }, 'a key identifier that is none')
  })

  it('refuses what it does not understand, and accepts what is not critical', () => {
    const odd = (critical: boolean): Buffer => extension('1.2.3', Buffer.of(), critical)
    refuses({ authority, extensions: [listNumber('10'), odd(true)] }, 'a critical extension')
    accepts({ authority, extensions: [listNumber('10'), odd(false)] })
    // What an entry means is asked when somebody asks for it.
    accepts({ authority, entries: [entry('1', [odd(true)])] })
    accepts({ authority, extensions: [listNumber('10'), deltaIndicator('f')] })
  })

  it('refuses indirect lists and lists of a part that no certificate here is in', () => {
    const scope = (...fields: Buffer[]): Buffer[] => [listNumber('10'), issuingPoint(...fields)]
    refuses({ authority, extensions: scope(der(0x84, TRUE)) }, 'indirect')
    refuses({ authority, extensions: scope(der(0x83, Buffer.of(6, 0x40))) }, 'some reasons')
    refuses({ authority, extensions: scope(der(0x85, TRUE)) }, 'attribute certificates')
    accepts({ authority, extensions: scope(der(0x81, TRUE)) })
    accepts({ authority, extensions: scope(der(0x82, TRUE)) })
    accepts({ authority, extensions: scope(fullName(uri('http://a'))) })
    const issuer = extension('2.5.29.29', derSequence(der(0xa4, acme('other'))), true)
    refuses({ authority, entries: [entry('1', [issuer])] }, 'an entry of another issuer')
  })

  it('asks the key, not the shape, of a signature', () => {
    refuses({ authority, signature: derBits(Buffer.alloc(70)) }, 'zeros')
    refuses({ authority, signature: derBits(derSequence(derInteger(0), derInteger(0))) }, 'r and s of zero')
    refuses({ authority, signature: derBits(Buffer.alloc(0)) }, 'nothing')
    refuses({ authority: listAuthority('made', rsa), signature: derBits(Buffer.alloc(256)) }, 'zeros for RSA')
  })
})

describe('revocation/list-issuer scope', () => {
  const leaf = certificate({ key: authority.key, extensions: SIGNER })
  const issuer = certificate({ key: authority.key, extensions: CA })
  const URL = 'http://lists.acme.test/1.crl'
  const fault = (asked: typeof leaf, ...fields: Buffer[]): string | undefined => {
    const extensions = [listNumber('10'), ...(fields.length > 0 ? [issuingPoint(...fields)] : [])]
    return scopeFault(parseList(listDer({ authority, extensions })), asked, URL)
  }

  it('covers all certificates when it has no scope, or one of another matter', () => {
    assert.equal(fault(leaf), undefined)
    assert.equal(fault(issuer), undefined)
    assert.equal(fault(leaf, fullName(uri('ldap://x'), uri(URL))), undefined)
  })

  it('covers users or authorities alone when it says so', () => {
    assert.equal(fault(leaf, der(0x81, TRUE)), undefined)
    assert.ok(fault(issuer, der(0x81, TRUE)))
    assert.equal(fault(issuer, der(0x82, TRUE)), undefined)
    assert.ok(fault(leaf, der(0x82, TRUE)))
    for (const asked of [leaf, issuer])
      for (const tag of [0x84, 0x85]) assert.ok(fault(asked, der(tag, TRUE)), `${tag}`)
    assert.ok(fault(leaf, der(0x83, Buffer.of(6, 0x40))))
  })

  it('R3: does not let the list of one distribution point stand for that of another', () => {
    assert.ok(fault(leaf, fullName(uri('http://lists.acme.test/2.crl'))))
    assert.ok(fault(leaf, fullName(uri(`${URL}/`))))
    assert.ok(fault(leaf, fullName(uri(URL.toUpperCase()))))
    // Named, but by no URI: nothing says that it is this one.
    assert.ok(fault(leaf, fullName(der(0xa4, acme('lists')))))
    assert.ok(fault(leaf, der(0xa0, der(0xa1, Buffer.from('300a06035504030c0378797a', 'hex')))))
  })
})
