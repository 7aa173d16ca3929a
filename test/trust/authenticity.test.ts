import { issue, party, signed, subject } from './pki-fixture.ts'
import { assertVerdict, judge, material, statement } from './policy-fixture.ts'

/** Who may vouch for which scheme: the kinds of store are never mixed (signing-scheme.md, threat model: masquerade). */
describe('trust/authenticity', () => {
  const acme = party('acme')
  const stores = { 'ca:acme': [acme.root], 'signingAuthority:acme': [acme.root], 'tsa:acme': [acme.root] }
  const schemes = { 'notary.x509': 'ca', 'notary.x509.signingAuthority': 'signingAuthority' } as const

  for (const [scheme, kind] of Object.entries(schemes) as [keyof typeof schemes, string][])
    for (const named of [
      ['ca'],
      ['signingAuthority'],
      ['tsa'],
      ['ca', 'signingAuthority'],
      ['signingAuthority', 'tsa'],
    ])
      for (const format of ['jws', 'cose'] as const) {
        const trusted = named.includes(kind) && !(scheme === 'notary.x509' && named.includes('tsa'))
        it(`${trusted ? 'trusts' : 'rejects'} ${scheme} in ${format} by stores of kind ${named.join(' and ')}`, async () => {
          const trustStores = named.map((name) => `${name}:acme`)
          const by = material([statement({ trustStores })], stores)
          const verdict = await judge(by, [await signed(acme, { scheme, format })])
          if (trusted) assertVerdict(verdict, 'trusted')
          else assertVerdict(verdict, 'rejected', 'SIGNER_UNTRUSTED')
        })
      }

  it('rejects a signer whose root lies in a store that no statement names', async () => {
    const by = material([statement({ trustStores: ['ca:other'] })], { ...stores, 'ca:other': [party('other').root] })
    assertVerdict(await judge(by, [await signed(acme)]), 'rejected', 'SIGNER_UNTRUSTED')
  })

  it('rejects by a store that is not there, even when another one holds the root', async () => {
    const by = material([statement({ trustStores: ['ca:acme', 'ca:absent'] })], stores)
    assertVerdict(await judge(by, [await signed(acme)]), 'rejected', 'SIGNER_UNTRUSTED')
  })

  it('merges the stores that are named', async () => {
    const other = party('other')
    const by = material([statement({ trustStores: ['ca:acme', 'ca:other'] })], { ...stores, 'ca:other': [other.root] })
    assertVerdict(await judge(by, [await signed(acme)]), 'trusted')
    assertVerdict(await judge(by, [await signed(other)]), 'trusted')
  })

  it('trusts by an intermediate that stands in the store, which pins it', async () => {
    const middle = issue({ subject: subject('acme', 'middle'), by: acme.root, kind: 'ca' })
    const leaf = issue({ subject: subject('acme', 'deep'), by: middle, kind: 'signer' })
    const chain = [leaf.certificate, middle.certificate, acme.root.certificate]
    const signature = await signed({ key: leaf.key, root: acme.root, chain })
    assertVerdict(await judge(material([statement()], { 'ca:acme': [middle] }), [signature]), 'trusted')
    const by = material([statement()], { 'ca:acme': [middle] })
    assertVerdict(await judge(by, [await signed(acme)]), 'rejected', 'SIGNER_UNTRUSTED')
  })
})
