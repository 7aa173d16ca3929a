import assert from 'node:assert/strict'
import { SallyportError } from '../../src/errors/index.ts'
import { checkChain, parseCertificate, type Certificate, type ChainPurpose } from '../../src/signature/index.ts'
import {
  CA,
  CODE_SIGNING,
  SIGNER,
  STAMPER,
  TIME_STAMPING,
  acme,
  certificate,
  certificateDer,
  constraints,
  curveKey,
  derTime,
  extension,
  purposes,
  rsaKey,
  usage,
  type Key,
  type Terms,
} from './hand-made.ts'

const keys = Array.from({ length: 4 }, () => curveKey('P-256'))
const [leafKey, lowerKey, upperKey, rootKey] = keys as [Key, Key, Key, Key]

type Wrong = Partial<Record<'leaf' | 'lower' | 'upper' | 'root', Partial<Terms>>>

/** Signer, two intermediates and root, right unless told otherwise. */
function chainOf(wrong: Wrong = {}, leafExtensions: readonly Uint8Array[] = SIGNER): Certificate[] {
  const root = { key: rootKey, subject: acme('root'), extensions: CA, ...wrong.root }
  const by = (issuer: Terms) => ({ privateKey: issuer.key.privateKey, name: issuer.subject ?? acme('') })
  const upper = { key: upperKey, subject: acme('upper'), extensions: CA, issuer: by(root), ...wrong.upper }
  const lower = { key: lowerKey, subject: acme('lower'), extensions: CA, issuer: by(upper), ...wrong.lower }
  const leaf = { key: leafKey, subject: acme('leaf'), extensions: leafExtensions, issuer: by(lower), ...wrong.leaf }
  return [leaf, lower, upper, root].map((terms) => certificate(terms))
}

function breaks(chain: readonly Certificate[], why: RegExp, at?: number, purpose: ChainPurpose = 'codeSigning'): void {
  assert.throws(
    () => checkChain(chain, purpose),
    (error: unknown) => {
      assert.ok(error instanceof SallyportError, String(error))
      assert.equal(error.code, 'CHAIN_INVALID')
      // One rule must not stand in for another that has lost its check.
      assert.match(error.message, why)
      if (at !== undefined) assert.equal(error.subject?.split(', ')[0], `certificate ${at} of ${chain.length}`)
      return true
    },
  )
}

const stamping = (wrong: Wrong = {}, extensions: readonly Uint8Array[] = STAMPER) => chainOf(wrong, extensions)

describe('signature/chain', () => {
  it('accepts whole chains of one, two and four certificates', () => {
    checkChain(chainOf(), 'codeSigning')
    checkChain(stamping(), 'timestamping')
    const root = certificate({ key: rootKey, subject: acme('root') })
    const issuer = { privateKey: rootKey.privateKey, name: acme('root') }
    checkChain([certificate({ key: leafKey, extensions: SIGNER, issuer }), root], 'codeSigning')
    checkChain([certificate({ key: leafKey, extensions: SIGNER })], 'codeSigning')
    checkChain([certificate({ key: leafKey, extensions: STAMPER })], 'timestamping')
  })

  it('refuses an empty chain and one that is endless', () => {
    breaks([], /0 certificates/)
    breaks(
      Array.from({ length: 17 }, () => chainOf()[0] as Certificate),
      /17 certificates/,
    )
  })

  it('refuses a chain that is cut off, at either end or inside', () => {
    const chain = chainOf()
    breaks(chain.slice(0, 3), /does not end in a self-signed root/, 3)
    breaks(chain.slice(0, 1), /does not end in a self-signed root/, 1)
    breaks(chain.toSpliced(1, 1), /not issued by the next/, 1)
    breaks(chain.toSpliced(2, 1), /not issued by the next/, 2)
    breaks(chain.slice(1), /must not be a CA/, 1)
  })

  it('refuses every other order', () => {
    const chain = chainOf()
    const orders = [
      [0, 2, 1, 3],
      [1, 0, 2, 3],
      [0, 1, 3, 2],
      [3, 2, 1, 0],
      [3, 0, 1, 2],
    ]
    for (const order of orders)
      breaks(
        order.map((at) => chain[at] as Certificate),
        /not issued by the next|self-signed/,
      )
  })

  it('refuses certificates that do not belong there', () => {
    const chain = chainOf()
    const stranger = certificate({ key: curveKey('P-256'), subject: acme('stranger') })
    breaks([...chain, stranger], /self-signed certificate stands before the end/, 4)
    breaks(chain.toSpliced(2, 0, stranger), /not issued by the next/, 2)
    breaks([stranger, ...chain], /self-signed certificate stands before the end/, 1)
    breaks([...chain, chain[3] as Certificate], /self-signed certificate stands before the end/, 4)
    breaks(chain.toSpliced(1, 0, chain[1] as Certificate), /not issued by the next/, 2)
  })

  it('refuses the twin of an authority: same name, other key', () => {
    const twin = curveKey('P-256')
    breaks(chainOf().with(3, certificate({ key: twin, subject: acme('root') })), /not issued by the next/, 3)
    const upper = chainOf({ upper: { key: twin } })[2] as Certificate
    breaks(chainOf().with(2, upper), /not issued by the next/, 2)
  })

  it('refuses a name that names the issuer in other octets', () => {
    breaks(chainOf({ leaf: { issuer: { privateKey: lowerKey.privateKey, name: acme('Lower') } } }), /not issued by/, 1)
  })

  it('refuses a root that its own key did not sign', () => {
    breaks(chainOf({ root: { issuer: { privateKey: upperKey.privateKey, name: acme('root') } } }), /does not end in/, 4)
    breaks(chainOf({ root: { issuer: { privateKey: rootKey.privateKey, name: acme('above') } } }), /does not end in/, 4)
  })

  it('refuses SHA-1 anywhere, also on the root', () => {
    for (const [at, place] of (['leaf', 'lower', 'upper', 'root'] as const).entries())
      breaks(chainOf({ [place]: { hash: 'sha1' } }), /SHA-1/, at + 1)
    const issuer = rsaKey(2048)
    breaks(chainOf({ root: { key: issuer, hash: 'md5' } }), /SHA-1/, 4)
  })

  it('refuses an issuer that is not a CA by its basicConstraints', () => {
    for (const [at, place] of (['lower', 'upper', 'root'] as const).entries()) {
      const [sign] = [usage([5, 6])]
      breaks(chainOf({ [place]: { extensions: [sign] } }), /must be a CA/, at + 2)
      breaks(chainOf({ [place]: { extensions: [constraints(false), sign] } }), /must be a CA/, at + 2)
      breaks(
        chainOf({ [place]: { extensions: [constraints(true, undefined, false), sign] } }),
        /must be critical/,
        at + 2,
      )
    }
  })

  it('refuses an issuer without a critical keyUsage for certificates', () => {
    for (const [at, place] of (['lower', 'upper', 'root'] as const).entries()) {
      breaks(chainOf({ [place]: { extensions: [constraints(true)] } }), /keyUsage is missing/, at + 2)
      breaks(
        chainOf({ [place]: { extensions: [constraints(true), usage([5], false)] } }),
        /keyUsage must be critical/,
        at + 2,
      )
      breaks(chainOf({ [place]: { extensions: [constraints(true), usage([0, 6])] } }), /must have keyCertSign/, at + 2)
    }
  })

  it('counts the authorities below a path length', () => {
    const limited = (length: number) => ({ extensions: [constraints(true, length), usage([5])] })
    checkChain(chainOf({ lower: limited(0), upper: limited(1), root: limited(2) }), 'codeSigning')
    breaks(chainOf({ upper: limited(0) }), /path length/, 3)
    breaks(chainOf({ root: limited(1) }), /path length/, 4)
    breaks(chainOf({ root: limited(0) }), /path length/, 4)
  })

  it('refuses an issuer with a weak or unknown key', () => {
    breaks(chainOf({ root: { key: rsaKey(1024) } }), /key of a CA/, 4)
    breaks(chainOf({ upper: { key: curveKey('P-224') } }), /key of a CA/, 3)
    breaks(chainOf({ upper: { key: curveKey('secp256k1') } }), /key of a CA/, 3)
    checkChain(chainOf({ root: { key: rsaKey(2560) } }), 'codeSigning')
  })

  it('refuses a CA as signer, also alone', () => {
    breaks(chainOf({ leaf: { extensions: [constraints(true), usage([0])] } }), /must not be a CA/, 1)
    breaks([certificate({ key: rootKey, extensions: [constraints(true), usage([0, 5])] })], /must not be a CA/, 1)
    checkChain(chainOf({}, [usage([0])]), 'codeSigning')
    checkChain(chainOf({}, [constraints(false), usage([0])]), 'codeSigning')
  })

  it('refuses a signer without a critical keyUsage for signatures', () => {
    for (const [purpose, rest] of [
      ['codeSigning', purposes([CODE_SIGNING])],
      ['timestamping', purposes([TIME_STAMPING], true)],
    ] as const) {
      breaks(chainOf({}, [rest]), /keyUsage is missing/, 1, purpose)
      breaks(chainOf({}, [rest, usage([0], false)]), /keyUsage must be critical/, 1, purpose)
      breaks(chainOf({}, [rest, usage([1])]), /must have digitalSignature/, 1, purpose)
      for (const bit of [2, 3, 4, 5, 6, 7, 8])
        breaks(chainOf({}, [rest, usage([0, bit])]), /keyUsage of a signer must not have/, 1, purpose)
      checkChain(chainOf({}, [rest, usage([0, 1])]), purpose)
    }
  })

  it('refuses a signer with a key of another kind or size', () => {
    for (const key of [rsaKey(1024), rsaKey(2560), curveKey('P-224'), curveKey('secp256k1')]) {
      breaks(chainOf({ leaf: { key } }), /the key is neither/, 1)
      breaks(stamping({ leaf: { key } }), /the key is neither/, 1, 'timestamping')
    }
  })

  it('refuses a code signer with a foreign purpose', () => {
    const foreign = ['2.5.29.37.0', ...[1, 2, 4, 8, 9].map((last) => `1.3.6.1.5.5.7.3.${last}`)]
    for (const oid of foreign) {
      breaks(chainOf({}, [usage([0]), purposes([oid])]), /extendedKeyUsage of a signer/, 1)
      breaks(chainOf({}, [usage([0]), purposes([CODE_SIGNING, oid], true)]), /extendedKeyUsage of a signer/, 1)
    }
    checkChain(chainOf({}, [usage([0]), purposes([CODE_SIGNING, '1.2.3.4'])]), 'codeSigning')
    checkChain(chainOf({}, [usage([0]), purposes(['1.2.3.4'], true)]), 'codeSigning')
  })

  it('refuses a timestamp signer without exactly its purpose, critical', () => {
    breaks(chainOf({}, [usage([0])]), /extendedKeyUsage is missing/, 1, 'timestamping')
    breaks(chainOf({}, [usage([0]), purposes([TIME_STAMPING])]), /must be critical/, 1, 'timestamping')
    for (const oids of [
      [CODE_SIGNING],
      [TIME_STAMPING, CODE_SIGNING],
      [TIME_STAMPING, '1.2.3.4'],
      ['2.5.29.37.0'],
      [TIME_STAMPING, TIME_STAMPING],
    ])
      breaks(chainOf({}, [usage([0]), purposes(oids, true)]), /timeStamping alone/, 1, 'timestamping')
    breaks(chainOf(), /must be critical/, 1, 'timestamping')
    breaks(stamping(), /extendedKeyUsage of a signer must not have timeStamping/, 1)
  })

  it('leaves time, and extensions that the specification does not honour, to others', () => {
    checkChain(chainOf({ leaf: { validity: derTime('000101000000Z', '010101000000Z') } }), 'codeSigning')
    checkChain(chainOf({ root: { validity: derTime('000101000000Z', '010101000000Z') } }), 'codeSigning')
    const nameConstraints = extension('2.5.29.30', Buffer.from('3000', 'hex'), true)
    checkChain(chainOf({ upper: { extensions: [...CA, nameConstraints] } }), 'codeSigning')
    checkChain(chainOf({ leaf: { extensions: [...SIGNER, extension('1.2.3.4', Buffer.of(5), true)] } }), 'codeSigning')
  })

  it('refuses a signature of a certificate that was changed', () => {
    const der = certificateDer({ key: leafKey, extensions: SIGNER })
    der[der.length - 1] = (der.at(-1) ?? 0) ^ 1
    breaks([parseCertificate(der)], /does not end in/, 1)
  })
})
