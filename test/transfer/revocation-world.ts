/** A vendor whose certificates can be revoked: a real authority below a real root, and its lists and answers on loopback. */
import { execFileSync } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LayoutBuilder } from '../../fixtures/layouts/layout-builder.ts'
import type { Plan } from '../../src/index.ts'
import { localSigner, type Certificate, type Signer } from '../../src/signature/index.ts'
import { channelInit, type ExportReport } from '../../src/transfer/index.ts'
import { exportBundle } from '../../src/transfer/export/export.ts'
import type { ExportOptions } from '../../src/transfer/export/terms.ts'
import { scripted, type Reply, type Scripted } from '../registry/scripted.ts'
import { Authority, freshest, lists, responders, type AnswerTerms, type ListTerms } from '../revocation/authority.ts'
import { artifactIn, pemOf, signAt } from './policies.ts'

export const SITE = 'site-a'

/** `YYMMDDHHMMSSZ`, this many hours from now. */
export function at(now: Date, hours: number): string {
  const time = new Date(now.getTime() + hours * 3_600_000).toISOString()
  return `${time.replaceAll(/[-:T]/g, '').slice(2, 14)}Z`
}

export interface WorldTerms {
  /** Extensions of the signer's certificate; by default it names its list and its responder. */
  signer?: (origin: string) => string[]
}

export class RevocationWorld {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-revocation-'))
  /** OpenSSL's certificates begin with the real clock. */
  readonly now: Date
  readonly server: Scripted
  readonly root: Authority
  readonly issuing: Authority
  readonly leaf: Certificate
  readonly signer: Signer
  private count = 0
  private readonly made = new Map<string, Buffer>()

  private constructor(server: Scripted, { signer }: WorldTerms) {
    this.server = server
    const { origin } = server
    this.root = new Authority('root')
    this.issuing = new Authority('issuing', this.root, [lists(`${origin}/root.crl`)])
    this.leaf = this.issuing.issue('signer', signer?.(origin) ?? [lists(this.listUrl), responders(this.responderUrl)])
    this.now = new Date()
    const key = createPrivateKey(readFileSync(this.issuing.path('signer.key')))
    this.signer = localSigner(key, [this.leaf, this.issuing.certificate, this.root.certificate])
  }

  static async open(terms: WorldTerms = {}): Promise<RevocationWorld> {
    const world = new RevocationWorld(await scripted(), terms)
    world.publish()
    return world
  }

  get rootUrl(): string {
    return `${this.server.origin}/root.crl`
  }

  get listUrl(): string {
    return `${this.server.origin}/ca.crl`
  }

  get responderUrl(): string {
    return `${this.server.origin}/ocsp`
  }

  /** A fresh path. */
  path(name: string): string {
    return join(this.dir, `${++this.count}-${name}`)
  }

  /** Each list is made once. */
  list(authority: Authority, terms: Partial<ListTerms> = {}): Buffer {
    const wanted = { number: 16, from: at(this.now, -1), until: at(this.now, 24 * 10), ...terms }
    const key = JSON.stringify([authority.dir, wanted])
    const list = this.made.get(key) ?? authority.list(wanted)
    this.made.set(key, list)
    return list
  }

  answer(terms: Partial<AnswerTerms> = {}): Buffer {
    return this.issuing.answer({ about: [this.leaf], ...terms })
  }

  /** A responder that asks the real openssl about each question it is sent. */
  responder(): Reply {
    return ({ body }) => {
      const options = this.issuing.prepare({ about: [this.leaf] })
      writeFileSync(this.issuing.path('asked.der'), body)
      const args = ['ocsp', ...options, '-ndays', '3', '-reqin', 'asked.der', '-respout', 'given.der']
      execFileSync('openssl', args, { cwd: this.issuing.dir, stdio: 'ignore' })
      return { body: readFileSync(this.issuing.path('given.der')) }
    }
  }

  /** What the server has: all that the certificates name, unless told otherwise. */
  publish(over: Record<string, Reply> = {}): void {
    for (const key of Object.keys(this.server.script)) delete this.server.script[key]
    Object.assign(this.server.script, {
      'GET /root.crl': { body: this.list(this.root) },
      'GET /ca.crl': { body: this.list(this.issuing) },
      'POST /ocsp': this.responder(),
      ...over,
    })
  }

  /** A layout with an artifact that the signer has signed, as a reference. */
  async signed(signer = this.signer, repository = 'registry.example/app'): Promise<string> {
    const dir = this.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, repository, '1.0', `the payload of ${repository}`)
    builder.finish()
    const ref = `oci:${dir}:${repository}:1.0`
    await signAt(ref, { signer, now: this.now })
    return ref
  }

  /** A file with the signer's chain. */
  chainFile(): string {
    const file = this.path('chain.pem')
    writeFileSync(file, pemOf(...this.signer.chain))
    return file
  }

  /** The folder of a channel, by one person. */
  async channel(purpose: 'content' | 'revocation' = 'content', threshold = 1): Promise<string> {
    const dir = this.path(`keys-${purpose}`)
    const people = ['alice', 'bob'].slice(0, threshold)
    const common = { people, threshold, kind: 'ed25519' as const, rootDays: 365, now: this.now }
    await channelInit({ ...common, channel: `${purpose}-x`, purpose, dir, passphrase: this.passphrase })
    return dir
  }

  readonly passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from('only for tests'))

  /** What every export here is asked for. */
  options(keys: string, plan: Partial<Plan>): Omit<ExportOptions, 'output'> {
    return {
      plan: { map: [], artifacts: [], audience: [SITE], ...plan },
      planName: 'the test',
      keys,
      passphrase: this.passphrase,
      registry: {},
      concurrency: 4,
      validDays: 30,
      now: this.now,
    }
  }

  /** An export of these references, from loopback unless told otherwise. */
  export(
    keys: string,
    refs: readonly string[],
    revocation: Partial<NonNullable<Plan['revocation']>> = {},
    more: Partial<ExportOptions> = {},
  ): Promise<ExportReport> {
    const artifacts = refs.map((ref) => ({ ref, referrers: 'all' as const }))
    const plan = {
      artifacts,
      revocation: { accept: [], nextBundle: '7d', allowPrivate: true, chains: [], ...revocation },
    }
    return exportBundle({ ...this.options(keys, plan), output: this.path('bundle.tar'), ...more })
  }

  async close(): Promise<void> {
    await this.server.close()
    this.root.remove()
    this.issuing.remove()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export { freshest, lists, responders }
