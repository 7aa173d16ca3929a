/** Lists that OpenSSL and Go make, read by all three. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { demandIssuedList, parseList, type RevocationList } from '../../src/revocation/index.ts'
import { parseCertificates, type Certificate } from '../../src/signature/index.ts'
import { NotationJudge } from '../peers/notation.ts'
import { CertificateMaker, KEY_KINDS, ROOT_EXTENSIONS, type Issued } from '../peers/setup/certificates.ts'
import { needPeers, tryPeer } from '../peers/setup/run.ts'
import { opensslList, printedList, type BookEntry } from './openssl-lists.ts'

const AUTHORITY = [...ROOT_EXTENSIONS, 'subjectKeyIdentifier=hash']
const HOUR = 3_600_000

/** Reasons by number, as OpenSSL prints them. */
const NAMES = [
  'Unspecified',
  'Key Compromise',
  'CA Compromise',
  'Affiliation Changed',
  'Superseded',
  'Cessation Of Operation',
  'Certificate Hold',
  '',
  'Remove From CRL',
  'Privilege Withdrawn',
  'AA Compromise',
]

/** As OpenSSL's book writes reasons, and what they are. */
const REASONS: readonly (readonly [written: string, code?: number])[] = [
  [''],
  [',unspecified', 0],
  [',keyCompromise', 1],
  [',CACompromise', 2],
  [',affiliationChanged', 3],
  [',superseded', 4],
  [',cessationOfOperation', 5],
  [',certificateHold', 6],
  [',removeFromCRL', 8],
  [',holdInstruction,holdInstructionReject', 6],
  [',keyTime,20260102030405Z', 1],
  [',CAkeyTime,20260102030405Z', 2],
]

const BOOK: readonly BookEntry[] = REASONS.map(([written], at) => ({
  serial:
    ['01', '7F', 'FF', '0100'][at] ?? `${(at * 17).toString(16).padStart(2, '0').toUpperCase()}${'A5'.repeat(at)}`,
  revoked: `2602${`${at + 1}`.padStart(2, '0')}030405Z${written}`,
}))

const lower = (serial: string): string => serial.toLowerCase().replace(/^0+(?=.)/, '')

describe('revocation/list-counterparts', function () {
  let folder: string
  let maker: CertificateMaker
  let judge: NotationJudge

  before(function () {
    needPeers(this)
    judge = NotationJudge.start(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-lists-'))
    maker = new CertificateMaker(folder)
  })

  after(() => {
    judge?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  function certificateOf({ certificate }: Issued): Certificate {
    const [read] = parseCertificates(readFileSync(certificate))
    assert.ok(read)
    return read
  }

  /** All three read the same in it, and take it for the issuer's. */
  async function agree(list: RevocationList, issuer: Issued): Promise<void> {
    demandIssuedList(list, certificateOf(issuer))
    const printed = await printedList(folder, list.der, issuer.certificate)
    assert.ok(printed.verified)
    assert.equal(BigInt(printed.number), BigInt(`0x${list.number}`))
    const ours = [...list.entries()]
    assert.deepEqual(
      printed.entries.map(({ serial, revoked, reason }) => [serial, revoked, reason]),
      ours.map(({ serial, revoked, reason }) => [serial, revoked, reason === undefined ? reason : NAMES[reason]]),
    )
    const go = await judge.readList(list.der, issuer.certificate)
    assert.equal(go.error, undefined)
    assert.equal(BigInt(go.number ?? -1), BigInt(`0x${list.number}`))
    assert.equal(go.deltaBase, list.deltaBase === undefined ? '' : `${BigInt(`0x${list.deltaBase}`)}`)
    assert.deepEqual([new Date(go.thisUpdate ?? 0), new Date(go.nextUpdate ?? 0)], [list.thisUpdate, list.nextUpdate])
    assert.deepEqual(
      go.entries?.map(({ serial, revoked, reason, invalidity }) => [
        serial,
        new Date(revoked),
        reason,
        invalidity === undefined ? undefined : new Date(invalidity),
      ]),
      // Go knows no difference between no reason and the reason 0.
      ours.map(({ serial, revoked, reason = 0, invalidity }) => [serial, revoked, reason, invalidity]),
    )
  }

  for (const kind of [...KEY_KINDS, 'ed25519'] as const)
    it(`reads what openssl makes with a key of ${kind}, every reason in it`, async () => {
      const issuer = await maker.issue({ kind: kind, extensions: AUTHORITY })
      const list = parseList(await opensslList(folder, { issuer, entries: BOOK, number: '0FFF' }))
      await agree(list, issuer)
      assert.equal(list.number, 'fff')
      assert.equal(list.size, BOOK.length)
      // openssl sorts its lists by serial number.
      for (const [at, { serial }] of BOOK.entries()) {
        const found = list.find(lower(serial))
        const [written, code] = REASONS[at] ?? assert.fail()
        assert.equal(found?.reason, code, written)
        assert.equal(found?.invalidity?.toISOString(), /Time/.test(written) ? '2026-01-02T03:04:05.000Z' : undefined)
        assert.equal(found?.revoked.getUTCDate(), at + 1)
      }
    })

  it('reads what openssl makes with PSS, and from 2050 on', async () => {
    const issuer = await maker.issue({ kind: 'rsa2048', extensions: AUTHORITY })
    const pss = ['-md', 'sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']
    await agree(parseList(await opensslList(folder, { issuer, entries: BOOK, more: pss })), issuer)
    const dates = { from: '20500101000000Z', until: '20991231235959Z' }
    const late = parseList(await opensslList(folder, { issuer, ...dates }))
    await agree(late, issuer)
    assert.deepEqual([late.thisUpdate.getUTCFullYear(), late.nextUpdate.getUTCFullYear()], [2050, 2099])
  })

  it('reads the deltas, scopes and delta places that openssl writes', async () => {
    const issuer = await maker.issue({ extensions: AUTHORITY })
    const key = 'authorityKeyIdentifier=keyid,issuer'
    const place = 'freshestCRL=URI:http://lists.acme.test/delta.crl'
    const base = parseList(await opensslList(folder, { issuer, extensions: [key, place] }))
    assert.deepEqual(base.freshest, ['http://lists.acme.test/delta.crl'])
    await agree(base, issuer)
    const indicator = '2.5.29.27=critical,DER:02:02:00:FF'
    const delta = parseList(
      await opensslList(folder, { issuer, entries: BOOK, number: '0100', extensions: [key, indicator] }),
    )
    assert.deepEqual([delta.number, delta.deltaBase], ['100', 'ff'])
    await agree(delta, issuer)
    const scope = ['issuingDistributionPoint=critical,@scope', '[scope]', 'fullname=URI:http://lists.acme.test/1.crl']
    const scoped = parseList(await opensslList(folder, { issuer, extensions: [key, ...scope, 'onlyuser=TRUE'] }))
    assert.deepEqual(
      { ...scoped.issuingPoint, der: undefined },
      {
        der: undefined,
        urls: ['http://lists.acme.test/1.crl'],
        only: 'user',
        someReasons: false,
        indirect: false,
      },
    )
    await agree(scoped, issuer)
    const partial = [key, ...scope, 'onlysomereasons=keyCompromise,CACompromise', 'indirectCRL=TRUE']
    const { issuingPoint } = parseList(await opensslList(folder, { issuer, extensions: partial }))
    assert.deepEqual([issuingPoint?.someReasons, issuingPoint?.indirect], [true, true])
  })

  it('refuses what openssl makes over SHA-1', async () => {
    const issuer = await maker.issue({ kind: 'rsa2048', extensions: AUTHORITY })
    const old = parseList(await opensslList(folder, { issuer, more: ['-md', 'sha1'] }))
    assert.throws(() => demandIssuedList(old, certificateOf(issuer)), { code: 'LIST_INVALID' })
    // openssl itself takes it.
    assert.ok((await printedList(folder, old.der, issuer.certificate)).verified)
  })

  for (const kind of [...KEY_KINDS, 'ed25519'] as const)
    it(`reads what Go makes with a key of ${kind}`, async () => {
      const issuer = await maker.issue({ kind, extensions: AUTHORITY })
      const from = new Date(Math.floor((Date.now() - HOUR) / 1000) * 1000)
      const terms = {
        issuer: issuer.certificate,
        key: issuer.key,
        thisUpdate: from,
        nextUpdate: new Date(from.getTime() + 48 * HOUR),
      }
      const invalidity = new Date('2026-01-02T03:04:05Z')
      const entries = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10].map((reason) => ({
        serial: `${'f'.repeat(2 * reason)}${reason + 1}`,
        revoked: new Date(`2026-02-${`${reason + 1}`.padStart(2, '0')}T00:00:00Z`),
        reason,
        ...(reason === 1 && { invalidity }),
      }))
      const list = parseList(await judge.makeList({ ...terms, number: '1234567890123456789012', entries }))
      await agree(list, issuer)
      assert.equal(BigInt(`0x${list.number}`), 1_234_567_890_123_456_789_012n)
      assert.equal(list.find('ff2')?.invalidity?.getTime(), invalidity.getTime())
      const delta = parseList(await judge.makeList({ ...terms, number: '8', deltaBase: '7', entries: [] }))
      assert.equal(delta.deltaBase, '7')
      await agree(delta, issuer)
      if (kind === 'rsa2048')
        await agree(parseList(await judge.makeList({ ...terms, number: '9', entries, pss: true })), issuer)
    })

  it('agrees with openssl and Go on whose list it is', async () => {
    const issuer = await maker.issue({ extensions: AUTHORITY, subject: '/C=US/ST=WA/O=acme/CN=same', kind: 'p256' })
    const twin = await maker.issue({ extensions: AUTHORITY, subject: '/C=US/ST=WA/O=acme/CN=same', kind: 'p384' })
    const other = await maker.issue({ extensions: AUTHORITY, subject: '/C=US/ST=WA/O=acme/CN=other', kind: 'p521' })
    const bytes = await opensslList(folder, { issuer, entries: BOOK })
    const list = parseList(bytes)
    for (const wrong of [twin, other]) {
      assert.throws(() => demandIssuedList(list, certificateOf(wrong)), { code: 'LIST_INVALID' })
      assert.equal((await printedList(folder, bytes, wrong.certificate)).verified, false)
      assert.equal((await judge.readList(bytes, wrong.certificate)).ok, false)
    }
    const noLists = await maker.issue({
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'subjectKeyIdentifier=hash'],
    })
    const unable = await opensslList(folder, { issuer: noLists })
    assert.throws(() => demandIssuedList(parseList(unable), certificateOf(noLists)), { code: 'LIST_INVALID' })
    assert.equal((await judge.readList(unable, noLists.certificate)).ok, false)
  })

  it('finds a certificate revoked where openssl verify does', async () => {
    const issuer = await maker.issue({ extensions: AUTHORITY })
    const [listed, spared] = [await maker.issue({ issuer }), await maker.issue({ issuer })]
    const { serial } = certificateOf(listed)
    const padded = serial.padStart(serial.length + (serial.length % 2), '0').toUpperCase()
    const bytes = await opensslList(folder, {
      issuer,
      entries: [...BOOK, { serial: padded, revoked: '260201000000Z' }],
    })
    const file = join(folder, 'verify.pem')
    writeFileSync(
      file,
      `-----BEGIN X509 CRL-----\n${bytes.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`,
    )
    for (const [leaf, revoked] of [
      [listed, true],
      [spared, false],
    ] as const) {
      assert.equal(parseList(bytes).find(certificateOf(leaf).serial) !== undefined, revoked)
      const args = ['verify', '-CAfile', issuer.certificate, '-CRLfile', file, '-crl_check', leaf.certificate]
      const { status, stderr } = await tryPeer('openssl', args)
      assert.equal(status !== 0, revoked, stderr)
      if (revoked) assert.match(stderr, /error 23 .*revoked/)
    }
  })
})
