/** Chains and lists of the real openssl, held or not: every rule with a twin in which one thing is different. */
import assert from 'node:assert/strict'
import { derSequence } from '../../src/codec/index.ts'
import { parseList, revocationCheck, type RevocationList, type RevocationResult } from '../../src/revocation/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import { Authority, freshest, lists, type ListTerms, type Revoked } from './authority.ts'
import { acme, certificate, curveKey, extension } from '../signature/hand-made.ts'
import { entry, fullName, listAuthority, listDer, reason, uri } from './list-maker.ts'
import { Held } from './held.ts'

const ROOT_URL = 'http://crl.example/root.crl'
const URL = 'http://crl.example/issuing.crl'
const DELTA_URL = 'http://crl.example/delta.crl'
const NOW = new Date('2026-04-15T00:00:00Z')
const DAY = 86_400

interface More {
  now?: Date
  maxStaleness?: number
  mustHave?: readonly string[]
}

function ask(held: Held, chain: readonly Certificate[], more: More = {}): RevocationResult {
  const { now = NOW, maxStaleness, mustHave = [] } = more
  return revocationCheck(held, { now, maxStaleness, mustHave: new Set(mustHave) })({ chain, purpose: 'codeSigning' })
}

describe('revocation/check', function () {
  this.timeout(120_000)
  let root: Authority
  let issuing: Authority
  let leaf: Certificate
  let chain: Certificate[]
  let fromRoot: RevocationList
  before(() => {
    root = new Authority('root')
    issuing = new Authority('issuing', root, [lists(ROOT_URL)])
    leaf = issuing.issue('leaf', [lists(URL)])
    chain = [leaf, issuing.certificate, root.certificate]
    fromRoot = parseList(root.list({ number: 1 }))
  })
  after(() => {
    issuing.remove()
    root.remove()
  })

  const made = (terms: ListTerms): RevocationList => parseList(issuing.list(terms))
  const naming = (why?: string, at?: string): Revoked[] => [
    { serial: leaf.serial, ...(why !== undefined && { why }), ...(at !== undefined && { at }) },
  ]
  /** Both lists of the chain, the issuing authority's by these terms. */
  const both = (terms: ListTerms): Held =>
    new Held().list(root.certificate, ROOT_URL, fromRoot).list(issuing.certificate, URL, made(terms))
  const status = (held: Held, more: More = {}, certificates = chain): string => ask(held, certificates, more).status

  it('calls a chain good when every list is held and names nobody of it', () => {
    assert.deepEqual(ask(both({ number: 1 }), chain), { status: 'good' })
    assert.deepEqual(ask(both({ number: 1, revoked: [{ serial: 'abc' }] }), chain), { status: 'good' })
  })

  it('calls it revoked when a list names the leaf, for whatever reason but a hold that ended', () => {
    for (const why of [undefined, 'keyCompromise', 'CACompromise', 'superseded', 'certificateHold']) {
      const found = ask(both({ number: 1, revoked: naming(why) }), chain)
      assert.equal(found.status === 'revoked' && found.code, 'CERTIFICATE_REVOKED', why ?? 'no reason')
    }
  })

  it('calls it revoked when a list names the issuing authority, and looks at the root in no list', () => {
    const held = both({ number: 1 })
    const named = parseList(root.list({ number: 2, revoked: [{ serial: issuing.certificate.serial }] }))
    assert.equal(status(held.list(root.certificate, ROOT_URL, named)), 'revoked')
    const itself = parseList(root.list({ number: 2, revoked: [{ serial: root.certificate.serial }] }))
    assert.equal(status(held.list(root.certificate, ROOT_URL, itself)), 'good')
    assert.deepEqual(ask(new Held(), [root.certificate]), { status: 'good' })
  })

  it('knows nothing of an empty chain', () => assert.equal(status(new Held(), {}, []), 'unknown'))

  it('R3 knows nothing when a list is left out, whichever it is', () => {
    const one = new Held().list(issuing.certificate, URL, made({ number: 1 }))
    assert.equal(status(one), 'unknown')
    assert.equal(status(new Held().list(root.certificate, ROOT_URL, fromRoot)), 'unknown')
    assert.equal(status(one.list(root.certificate, ROOT_URL, fromRoot)), 'good')
  })

  it('finds a revocation though another list of the chain is left out', () => {
    assert.equal(status(new Held().list(issuing.certificate, URL, made({ number: 1, revoked: naming() }))), 'revoked')
  })

  it('looks for lists under the exact URL', () => {
    for (const url of [URL.toUpperCase(), `${URL}?`, `${URL}/`, URL.replace('http:', 'https:')]) {
      const held = new Held()
        .list(root.certificate, ROOT_URL, fromRoot)
        .list(issuing.certificate, url, made({ number: 1 }))
      assert.equal(status(held), 'unknown', url)
    }
  })

  it('R7 takes no list of an authority of the same name with another key', () => {
    const twin = new Authority('issuing', root, [lists(ROOT_URL)])
    const list = parseList(twin.list({ number: 1, revoked: [{ serial: leaf.serial }] }))
    assert.ok(list.rawIssuer.equals(issuing.certificate.rawSubject))
    const held = new Held().list(root.certificate, ROOT_URL, fromRoot)
    assert.equal(status(held.list(twin.certificate, URL, list)), 'unknown')
    // Nor when it is filed wrongly: whatever is held is proven again.
    assert.equal(status(held.list(issuing.certificate, URL, list)), 'unknown')
    assert.equal(status(held.list(issuing.certificate, URL, made({ number: 1 }))), 'good')
    twin.remove()
  })

  it('R4 takes no list of an issuer without cRLSign, and of one with a critical extension that nobody knows', () => {
    const noLists = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash']
    const weak = new Authority('weak', root, [lists(ROOT_URL)], noLists)
    const below = weak.issue('below', [lists(URL)])
    const held = new Held().list(root.certificate, ROOT_URL, fromRoot)
    held.list(weak.certificate, URL, parseList(weak.list({ number: 1 })))
    assert.equal(status(held, {}, [below, weak.certificate, root.certificate]), 'unknown')
    weak.remove()
    assert.equal(status(both({ number: 1, extensions: ['1.2.3.4=critical,ASN1:NULL'] })), 'unknown')
    assert.equal(status(both({ number: 1, extensions: ['1.2.3.4=ASN1:NULL'] })), 'good')
  })

  it('R4 takes no list of another scope', () => {
    const scope = (...lines: string[]): string[] => ['issuingDistributionPoint=critical,@p', '[p]', ...lines]
    const by = (...lines: string[]): string => status(both({ number: 1, extensions: scope(...lines) }))
    assert.equal(by(`fullname=URI:${URL}`), 'good')
    assert.equal(by('fullname=URI:http://crl.example/another.crl'), 'unknown')
    assert.equal(by('onlyuser=TRUE'), 'good')
    assert.equal(by('onlyCA=TRUE'), 'unknown')
    assert.equal(by('indirectCRL=TRUE'), 'unknown')
    assert.equal(by('onlysomereasons=keyCompromise'), 'unknown')
  })

  describe('with lists past their next update', () => {
    const STALE = new Date('2026-05-03T00:00:00Z')

    // stale × names × hold × maxStaleness
    const NAMED = { nobody: undefined, 'for good': 'keyCompromise', 'by a hold': 'certificateHold' } as const
    for (const [who, why] of Object.entries(NAMED))
      for (const maxStaleness of [undefined, DAY, 3 * DAY]) {
        const covered = maxStaleness === 3 * DAY
        const fresh = why === undefined ? 'good' : 'revoked'
        const expected = why === 'keyCompromise' ? 'revoked' : covered ? fresh : 'unknown'
        it(`says ${expected} of a list that names ${who}, two days late of ${maxStaleness ?? 0} s`, () => {
          const held = both({ number: 1, revoked: why === undefined ? [] : naming(why) })
          assert.equal(status(held), fresh)
          assert.equal(status(held, { now: STALE, ...(maxStaleness !== undefined && { maxStaleness }) }), expected)
        })
      }

    it('tells of every late list that the policy lets count, and of none in time', () => {
      const held = both({ number: 1 })
      const found = ask(held, chain, { now: STALE, maxStaleness: 3 * DAY })
      assert.equal(found.status === 'good' && found.notes?.length, 2)
      assert.deepEqual(ask(held, chain, { maxStaleness: 3 * DAY }), { status: 'good' })
    })

    it('counts a list up to its last second, and the allowance to its', () => {
      const held = both({ number: 1 })
      const end = new Date('2026-05-01T00:00:00Z')
      const at = (seconds: number, maxStaleness = 0): string =>
        status(held, { now: new Date(end.getTime() + seconds * 1000), maxStaleness })
      assert.equal(at(0), 'good')
      assert.equal(at(1), 'unknown')
      assert.equal(at(DAY, DAY), 'good')
      assert.equal(at(DAY + 1, DAY), 'unknown')
    })
  })

  it('R6 knows nothing by a list dated ahead, beyond five minutes, unless it revokes for good', () => {
    const from = new Date('2026-04-01T00:00:00Z')
    const before = (seconds: number): Date => new Date(from.getTime() - seconds * 1000)
    assert.equal(status(both({ number: 1 }), { now: before(300) }), 'good')
    assert.equal(status(both({ number: 1 }), { now: before(301) }), 'unknown')
    assert.equal(status(both({ number: 1, revoked: naming('certificateHold') }), { now: before(301) }), 'unknown')
    assert.equal(status(both({ number: 1, revoked: naming() }), { now: before(301) }), 'revoked')
  })

  describe('with several URLs', () => {
    const SECOND = 'https://crl2.example/b.crl'

    it('wants each of them answered, and heeds each', () => {
      const two = issuing.issue('two', [lists(URL, SECOND)])
      const of = [two, issuing.certificate, root.certificate]
      const held = both({ number: 1 })
      assert.equal(status(held, {}, of), 'unknown')
      assert.equal(status(held.list(issuing.certificate, SECOND, made({ number: 1 })), {}, of), 'good')
      const named = made({ number: 2, revoked: [{ serial: two.serial }] })
      assert.equal(status(held.list(issuing.certificate, SECOND, named), {}, of), 'revoked')
    })

    it('passes over other schemes beside one that counts, and knows nothing by them alone', () => {
      const ldap = 'ldap://dir.example/cn=a'
      const mixed = issuing.issue('mixed', [lists(URL, ldap)])
      const only = issuing.issue('only', [lists(ldap)])
      const held = both({ number: 1 }).list(issuing.certificate, ldap, made({ number: 1 }))
      assert.equal(status(held, {}, [mixed, issuing.certificate, root.certificate]), 'good')
      assert.equal(status(held, {}, [only, issuing.certificate, root.certificate]), 'unknown')
    })

    it('knows nothing of a certificate that names a list otherwise than by a URL', () => {
      const section = (...lines: string[]): string[] => ['crlDistributionPoints=p', '[p]', ...lines]
      const relative = issuing.issue('relative', section('relativename=r', '[r]', 'CN=list'))
      const some = issuing.issue('some', section(`fullname=URI:${URL}`, 'reasons=keyCompromise'))
      const other = issuing.issue('other', section(`fullname=URI:${URL}`, 'CRLissuer=dirName:i', '[i]', 'CN=other'))
      for (const certificate of [relative, some, other])
        assert.equal(status(both({ number: 1 }), {}, [certificate, issuing.certificate, root.certificate]), 'unknown')
      const whole = issuing.issue('whole', section(`fullname=URI:${URL}`))
      assert.equal(status(both({ number: 1 }), {}, [whole, issuing.certificate, root.certificate]), 'good')
    })
  })

  it('calls a certificate that names no list good with a note, and unknown when its issuer must have one', () => {
    const bare = issuing.issue('bare')
    const of = [bare, issuing.certificate, root.certificate]
    const found = ask(both({ number: 1 }), of)
    assert.equal(found.status === 'good' && found.notes?.length, 1)
    const { spkiSha256 } = issuing.certificate
    assert.equal(status(both({ number: 1 }), { mustHave: [spkiSha256] }, of), 'unknown')
    assert.equal(status(both({ number: 1 }), { mustHave: [root.certificate.spkiSha256] }, of), 'good')
    assert.equal(status(both({ number: 1 }), { mustHave: [spkiSha256] }), 'good')
  })

  describe('with deltas', () => {
    const points = [freshest(DELTA_URL)]
    const base = (terms: Partial<ListTerms> = {}): Held => both({ number: 5, extensions: points, ...terms })
    const withDelta = (held: Held, terms: Partial<ListTerms> & { number: number; deltaBase: number }): Held =>
      held.list(issuing.certificate, DELTA_URL, made(terms))

    it('wants the delta that a list names', () => {
      assert.equal(status(base()), 'unknown')
      assert.equal(status(withDelta(base(), { number: 6, deltaBase: 5 })), 'good')
      assert.equal(status(withDelta(base(), { number: 6, deltaBase: 5, revoked: naming() })), 'revoked')
    })

    it('knows nobody for good by a delta that is disputed', () => {
      const disputed = (terms: Partial<ListTerms>, at = DELTA_URL): string =>
        status(withDelta(base(), { number: 6, deltaBase: 5, ...terms }).dispute(issuing.certificate, 'delta', at))
      assert.equal(disputed({}), 'unknown')
      assert.equal(disputed({ revoked: naming() }), 'revoked')
      assert.equal(disputed({}, `${DELTA_URL}?`), 'good')
    })

    it('wants the delta that the certificate alone names', () => {
      const named = issuing.issue('named', [lists(URL), freshest(DELTA_URL)])
      const of = [named, issuing.certificate, root.certificate]
      assert.equal(status(both({ number: 5 }), {}, of), 'unknown')
      assert.equal(status(withDelta(both({ number: 5 }), { number: 6, deltaBase: 5 }), {}, of), 'good')
    })

    it('revokes by a list for good though its delta is missing or says otherwise', () => {
      assert.equal(status(base({ revoked: naming() })), 'revoked')
      const removed = { number: 6, deltaBase: 5, revoked: naming('removeFromCRL', '260310000000Z') }
      assert.equal(status(withDelta(base({ revoked: naming() }), removed)), 'revoked')
    })

    it('R2 revokes for good by any delta that is held: overtaken, beside a newer one, named no more, without its list', () => {
      const second = 'http://crl2.example/delta.crl'
      const told = made({ number: 6, deltaBase: 5, revoked: naming('keyCompromise') })
      const by = (held: Held): string => status(held.list(issuing.certificate, second, told))
      const two = { extensions: [freshest(DELTA_URL, second)] }
      assert.equal(by(withDelta(base(two), { number: 7, deltaBase: 5 })), 'revoked')
      assert.equal(by(base({ ...two, number: 8 })), 'revoked')
      assert.equal(by(withDelta(base({ number: 8 }), { number: 9, deltaBase: 8 })), 'revoked')
      assert.equal(by(new Held().list(root.certificate, ROOT_URL, fromRoot)), 'revoked')
      const hold = made({ number: 6, deltaBase: 5, revoked: naming('certificateHold') })
      const held = withDelta(base(two), { number: 7, deltaBase: 5 }).list(issuing.certificate, second, hold)
      assert.equal(status(held), 'good')
    })

    it('ends a hold by a later removal, and no other hold', () => {
      const held = (): Held => base({ revoked: naming('certificateHold', '260302000000Z') })
      const removal = (at: string): Partial<ListTerms> => ({ revoked: naming('removeFromCRL', at) })
      assert.equal(status(held()), 'unknown')
      assert.equal(status(withDelta(held(), { number: 6, deltaBase: 5 })), 'revoked')
      assert.equal(status(withDelta(held(), { number: 6, deltaBase: 5, ...removal('260310000000Z') })), 'good')
      assert.equal(status(withDelta(held(), { number: 6, deltaBase: 5, ...removal('260301000000Z') })), 'revoked')
      assert.equal(status(withDelta(held(), { number: 6, deltaBase: 5, ...removal('260302000000Z') })), 'revoked')
      assert.equal(
        status(withDelta(base(), { number: 6, deltaBase: 5, revoked: naming('certificateHold') })),
        'revoked',
      )
    })

    it('takes no delta that does not follow its list', () => {
      const by = (number: number, deltaBase: number): string => status(withDelta(base(), { number, deltaBase }))
      assert.equal(by(9, 1), 'good')
      assert.equal(by(9, 5), 'good')
      assert.equal(by(9, 6), 'unknown')
      assert.equal(by(4, 3), 'unknown')
      // Made along with the list, as RFC 5280 5.2.3 wants: it tells that there is nothing newer.
      assert.equal(by(5, 4), 'good')
    })

    it('takes a whole list for no delta, and a delta for no list', () => {
      const whole = made({ number: 6 })
      const held = base()
      held.delta = () => whole
      assert.equal(status(held), 'unknown')
      const delta = made({ number: 6, deltaBase: 5 })
      const other = both({ number: 5 })
      const inner = other.base.bind(other)
      other.base = (issuer, url) => (url === URL ? delta : inner(issuer, url))
      assert.equal(status(other), 'unknown')
    })

    it('takes no delta of another scope than its list, of a twin, or that is stale', () => {
      const scope = ['issuingDistributionPoint=critical,@p', '[p]', 'onlyuser=TRUE']
      assert.equal(status(withDelta(base(), { number: 6, deltaBase: 5, extensions: scope })), 'unknown')
      const twin = new Authority('issuing', root)
      const foreign = parseList(twin.list({ number: 6, deltaBase: 5 }))
      assert.equal(status(base().list(issuing.certificate, DELTA_URL, foreign)), 'unknown')
      twin.remove()
      const late = withDelta(base(), { number: 6, deltaBase: 5, until: '260410000000Z' })
      assert.equal(status(late), 'unknown')
      assert.equal(status(late, { maxStaleness: 7 * DAY }), 'good')
    })

    it('takes the newest of the places a list names, and wants one that can be asked', () => {
      const second = 'http://crl2.example/delta.crl'
      const two = { extensions: [freshest(DELTA_URL, second)] }
      const held = withDelta(base(two), { number: 6, deltaBase: 5 })
      assert.equal(status(held), 'good')
      held.list(issuing.certificate, second, made({ number: 7, deltaBase: 5, revoked: naming() }))
      assert.equal(status(held), 'revoked')
      const nowhere = 'ldap://dir.example/cn=d'
      const unasked = base({ extensions: [freshest(nowhere)] })
      unasked.list(issuing.certificate, nowhere, made({ number: 6, deltaBase: 5 }))
      assert.equal(status(unasked), 'unknown')
    })
  })

  it('knows nothing by an entry that has a critical extension nobody knows', () => {
    const authority = listAuthority('odd')
    const points = extension('2.5.29.31', derSequence(derSequence(fullName(uri(URL)))))
    const issuer = { privateKey: authority.key.privateKey, name: authority.name }
    const signer = certificate({ key: curveKey('P-256'), subject: acme('signer'), issuer, extensions: [points] })
    const by = (critical: boolean, code: number): string => {
      const extensions = [extension('1.2.3.4', Buffer.of(5, 0), critical), reason(code)]
      const list = parseList(listDer({ authority, entries: [entry(signer.serial, extensions)] }))
      const held = new Held().list(authority.certificate, URL, list)
      return status(held, { now: new Date('2026-06-15T00:00:00Z') }, [signer, authority.certificate])
    }
    assert.equal(by(true, 1), 'unknown')
    assert.equal(by(true, 6), 'unknown')
    assert.equal(by(false, 1), 'revoked')
  })

  it('knows nothing by an entry that removes out of a whole list', () => {
    assert.equal(status(both({ number: 1, revoked: naming('removeFromCRL') })), 'unknown')
    assert.equal(status(both({ number: 1, revoked: [{ serial: 'abc', why: 'removeFromCRL' }] })), 'good')
  })

  it('goes on revoking what a later list dropped', () => {
    const held = new Held().list(root.certificate, ROOT_URL, fromRoot)
    held.offer(issuing.certificate, URL, made({ number: 1, revoked: naming() }), NOW)
    held.offer(issuing.certificate, URL, made({ number: 2 }), NOW)
    assert.equal(status(held), 'revoked')
    const other = new Held().list(root.certificate, ROOT_URL, fromRoot)
    other.offer(issuing.certificate, URL, made({ number: 1, revoked: naming('certificateHold') }), NOW)
    assert.equal(status(other), 'revoked')
    other.offer(issuing.certificate, URL, made({ number: 2 }), NOW)
    assert.equal(status(other), 'good')
  })
})
