/** A vendor with as many signers as a test wants, each with a serial number that a list of its one issuer may name. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { derInteger, derSequence } from '../../src/codec/index.ts'
import { parseList } from '../../src/revocation/index.ts'
import { localSigner, targetPayload, type Signer } from '../../src/signature/index.ts'
import type { ProvenList, State } from '../../src/state/index.ts'
import type { Target } from '../../src/content/index.ts'
import { judgeLying } from '../../src/transfer/verdict/judge-lying.ts'
import { openPolicy } from '../../src/transfer/trust/policy-folder.ts'
import { rejudge, type RejudgeOptions } from '../../src/transfer/rejudge/rejudge.ts'
import type { RejudgeReport } from '../../src/transfer/rejudge/report.ts'
import { sealTarget, sealTimes } from '../../src/transfer/sign/seal-target.ts'
import { rejudgeSite } from '../../src/transfer/rejudge/site-rejudge.ts'
import { attach } from '../../src/transfer/sign/sign.ts'
import { timeText } from '../../src/transfer/run/run.ts'
import type { Piece } from '../contract/content.ts'
import {
  authorityKeyId,
  entry,
  fullName,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  reason,
  uri,
  utc,
} from '../revocation/list-maker.ts'
import { acme, certificate, curveKey, extension, SIGNER, type Key } from '../signature/hand-made.ts'
import { pemOf, policyFolder, policyText, statement, VENDOR_STORE } from './policies.ts'
import { NOW } from './stage.ts'
import { PATH, Ward } from './ward.ts'

export const LIST_URL = 'http://lists.acme.example/ca.crl'
const POINTS = extension('2.5.29.31', derSequence(derSequence(fullName(uri(LIST_URL)))))

/** `6` is a hold, `8` its end. */
export type Entries = Readonly<Record<number, number>>

export class Revocable {
  readonly authority = listAuthority('acme root')
  readonly #key: Key
  readonly #signers = new Map<number, Signer>()

  /** @param key - of all its signers: to make five thousand keys takes long, and only serial numbers matter */
  constructor(key = curveKey('P-256')) {
    this.#key = key
  }

  /** The same for the same number. */
  signer(serial: number): Signer {
    const made = this.#signers.get(serial) ?? this.#make(serial, this.#key)
    this.#signers.set(serial, made)
    return made
  }

  #make(serial: number, key: Key): Signer {
    const { authority } = this
    const leaf = certificate({
      key,
      serial: derInteger(serial),
      subject: acme(`signer ${serial}`),
      issuer: { privateKey: authority.key.privateKey, name: authority.name },
      extensions: [...SIGNER, POINTS],
    })
    return localSigner(key.privateKey, [leaf, authority.certificate])
  }

  /** The list of that number: serial → reason. It is of the day of its number; the first is good for two months alone. */
  list(number: number, entries: Entries = {}, url = LIST_URL): ProvenList {
    const { authority } = this
    const bytes = listDer({
      authority,
      thisUpdate: utc(`2605${String(number).padStart(2, '0')}000000Z`),
      nextUpdate: utc(number === 1 ? '260701000000Z' : '270101000000Z'),
      extensions: [authorityKeyId(KEY_ID), listNumber(number.toString(16))],
      entries: Object.entries(entries).map(([serial, why]) =>
        entry(Number(serial).toString(16), [reason(why)], utc('260501000000Z')),
      ),
    })
    const list = parseList(bytes)
    return {
      issuer: authority.certificate.spkiSha256,
      url,
      form: 'base',
      bytes,
      number: list.number,
      thisUpdate: timeText(list.thisUpdate),
      nextUpdate: timeText(list.nextUpdate),
      issuerCertificate: authority.certificate.der,
    }
  }

  /** A folder that trusts this vendor for `*`, and asks for its lists. */
  policy(dir: string, files: Readonly<Record<string, string>> = {}): string {
    return policyFolder(dir, {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(this.authority.certificate),
      ...files,
    })
  }
}

/** A target, a site's state and a vendor, and what the site let in of the vendor's. */
export class RevocableSite {
  readonly ward: Ward
  readonly vendor = new Revocable()
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-revocable-'))
  policy: string
  #count = 0

  private constructor(ward: Ward) {
    this.ward = ward
    this.policy = this.vendor.policy(join(this.dir, 'policy'))
  }

  /** @param to - as of {@link Ward.make} */
  static async make(to?: string): Promise<RevocableSite> {
    const site = new RevocableSite(await Ward.make(to))
    await site.take(site.vendor.list(1))
    await site.state.markRejudged(site.state.head.n)
    return site
  }

  get state(): State {
    return this.ward.state
  }

  path(name: string): string {
    return join(this.dir, `${(this.#count += 1)}-${name}`)
  }

  async take(...lists: readonly ProvenList[]): Promise<void> {
    await this.state.takeLists(lists, null)
  }

  async sign(made: Piece, signer: Signer, target: Target = this.ward.target): Promise<void> {
    const sealed = await sealTarget(
      targetPayload(made.descriptor),
      { signer, format: 'cose' },
      sealTimes(NOW, undefined),
    )
    const terms = { ref: 'test', format: 'cose', form: 'legacy' } as const
    await attach(target, made.descriptor, sealed, terms)
  }

  /** An artifact with these signers' signatures, that the policy was asked about. */
  async admit(serials: readonly number[], made?: Piece): Promise<Piece> {
    const artifact = made ?? (await this.ward.image())
    for (const serial of serials) await this.sign(artifact, this.vendor.signer(serial))
    await this.judge(artifact)
    return artifact
  }

  async judge(artifact: Piece): Promise<string> {
    const { state, place } = this.ward
    const judge = judgeLying(state, place, openPolicy(this.policy), { now: NOW })
    const { row, certificates } = await judge(this.ward.placeOf(artifact.descriptor), this.ward.target)
    await state.knowCertificates(certificates.map((one) => ({ ...one, notAfter: timeText(one.notAfter) })))
    await state.recordVerdicts([{ ...row, id: `sha256:${'1'.repeat(64)}`, tags: ['v1'] }])
    return row.verdict
  }

  rejudge(over: { policy?: string | undefined; now?: Date } = {}): Promise<RejudgeReport | null> {
    const { state, place } = this.ward
    const { policy, now = NOW } = { policy: this.policy, ...over }
    return rejudgeSite(state, place, { now, material: policy === undefined ? undefined : openPolicy(policy) })
  }

  /** With a measure of the test's own. */
  rejudgeWith(over: Partial<RejudgeOptions>): Promise<RejudgeReport | null> {
    const { state, place } = this.ward
    return rejudge(state, place, {
      now: NOW,
      material: openPolicy(this.policy),
      measure: 'report',
      apply: () => Promise.resolve({ measure: 'report', outcome: 'done', detail: '', reachable: true }),
      ...over,
    })
  }

  verdictOf({ descriptor }: Piece): string | undefined {
    const { target, path, digest } = this.ward.placeOf(descriptor)
    return this.state.artifactsWith(digest).find((one) => one.target === target && one.path === path)?.verdict
  }

  async close(): Promise<void> {
    await this.ward.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export { PATH }
