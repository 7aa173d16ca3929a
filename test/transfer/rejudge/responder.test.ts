/** What an OCSP responder vouched for is judged again when its own certificate is revoked: by answers of the real openssl. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAnswer, parseList } from '../../../src/revocation/index.ts'
import { localSigner, targetPayload, type Certificate, type Signer } from '../../../src/signature/index.ts'
import { judgeLying, recordJudgement } from '../../../src/transfer/verdict/judge-lying.ts'
import { openPolicy } from '../../../src/transfer/trust/policy-folder.ts'
import { rejudgeExit, type RejudgeReport } from '../../../src/transfer/rejudge/report.ts'
import { rejudgeSite } from '../../../src/transfer/rejudge/site-rejudge.ts'
import { timeText } from '../../../src/transfer/run/run.ts'
import { sealTarget, sealTimes } from '../../../src/transfer/sign/seal-target.ts'
import { attach } from '../../../src/transfer/sign/sign.ts'
import type { Piece } from '../../contract/content.ts'
import { Authority, lists, RESPONDER, responders } from '../../revocation/authority.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from '../policies.ts'
import { at } from '../revocation-world.ts'
import { Ward } from '../ward.ts'

const OCSP = 'http://ocsp.acme.example/'
const LIST = 'http://lists.acme.example/responders.crl'

describe('transfer/rejudge/responder', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-responder-'))
  /** openssl's certificates begin with the real clock. */
  let now: Date
  let root: Authority
  let leaf: Certificate
  let signer: Signer
  let policy: string
  let ward: Ward

  before(() => {
    root = new Authority('root')
    leaf = root.issue('signer', [responders(OCSP)])
    root.issue('other', [responders(OCSP)])
    now = new Date()
    signer = localSigner(createPrivateKey(readFileSync(root.path('signer.key'))), [leaf, root.certificate])
    policy = policyFolder(join(dir, 'policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(root.certificate),
    })
  })
  after(() => {
    root.remove()
    rmSync(dir, { recursive: true })
  })
  beforeEach(async () => (ward = await Ward.make()))
  afterEach(() => ward?.close())

  const facts = (thisUpdate: Date, nextUpdate: Date): { thisUpdate: string; nextUpdate: string } => ({
    thisUpdate: timeText(thisUpdate),
    nextUpdate: timeText(nextUpdate),
  })
  const common = (): { issuer: string; issuerCertificate: Uint8Array } => ({
    issuer: root.certificate.spkiSha256,
    issuerCertificate: root.certificate.der,
  })

  /** An answer that the signer's certificate is good. */
  async function answered(by: string): Promise<void> {
    const bytes = root.answer({ about: [leaf], by })
    const [entry] = parseAnswer(bytes).entries
    assert.ok(entry?.nextUpdate)
    const times = facts(entry.thisUpdate, entry.nextUpdate)
    await ward.state.takeLists([{ ...common(), ...times, bytes, url: OCSP, form: 'answer', serial: leaf.serial }], null)
  }

  async function listed(number: number, ...revoked: readonly { serial: string; why?: string }[]): Promise<void> {
    const bytes = root.list({ number, revoked, from: at(now, number - 24), until: at(now, 240) })
    const list = parseList(bytes)
    const times = facts(list.thisUpdate, list.nextUpdate)
    await ward.state.takeLists([{ ...common(), ...times, bytes, url: LIST, form: 'base', number: list.number }], null)
  }

  async function admit(): Promise<Piece> {
    const made = await ward.image()
    const sealed = await sealTarget(
      targetPayload(made.descriptor),
      { signer, format: 'cose' },
      sealTimes(now, undefined),
    )
    const terms = { ref: 'test', format: 'cose', form: 'legacy' } as const
    await attach(ward.target, made.descriptor, sealed, terms)
    const judge = judgeLying(ward.state, ward.place, openPolicy(policy), { now })
    const judgement = await judge(ward.placeOf(made.descriptor), ward.target)
    assert.equal(judgement.report.verdict, 'trusted', judgement.report.why)
    await recordJudgement(ward.state, judgement)
    await ward.state.markRejudged(ward.state.head.n)
    return made
  }

  const rejudge = (): Promise<RejudgeReport | null> =>
    rejudgeSite(ward.state, ward.place, { now, material: openPolicy(policy) })

  for (const [name, points] of [
    ['that names its list', [lists(LIST)]],
    ['that names none', []],
  ] as const)
    it(`R7 no longer counts the answer of a responder ${name}, once a list revokes it`, async () => {
      const by = `responder-${points.length}`
      const responder = root.issue(by, points, RESPONDER)
      await listed(1)
      await answered(by)
      const made = await admit()
      await listed(2, { serial: '4711' })
      assert.deepEqual((await rejudge())?.artifacts, [])
      await listed(3, { serial: responder.serial, why: 'keyCompromise' })
      const report = await rejudge()
      assert.deepEqual(
        report?.artifacts.map(({ digest, verdict, code, measure }) => [digest, verdict, code, measure]),
        [[made.descriptor.digest, 'inconclusive', 'REVOCATION_UNKNOWN', null]],
      )
      assert.match(report?.artifacts[0]?.because[0] ?? '', /^OCSP responder [0-9a-f]+ of .*responder/)
      assert.equal(rejudgeExit(report), 16)
      assert.equal(await rejudge(), null)
      // The issuer itself answers.
      await answered('ca')
      assert.deepEqual(
        (await rejudge())?.artifacts.map(({ verdict }) => verdict),
        ['trusted'],
      )
    })
})
