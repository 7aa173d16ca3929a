/**
 * A site that judges by a policy, and what crosses to it: an earlier bundle of signed artifacts, and a later one that carries
 * lists and a passenger with lists and denials, by which three of the earlier artifacts fall, each for another reason.
 */
import { createHash, createPrivateKey } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LayoutBuilder } from '../../fixtures/layouts/layout-builder.ts'
import { localSigner, type Signer } from '../../src/signature/index.ts'
import { channelPin, denyArtifact, importBundle, revocationBundle, stateInit } from '../../src/transfer/index.ts'
import { lists } from '../revocation/authority.ts'
import { artifactIn, pemOf, policyFolder, policyText, signAt, statement, VENDOR_STORE } from '../transfer/policies.ts'
import { RevocationWorld, SITE } from '../transfer/revocation-world.ts'
import { Program } from './program.ts'

/** Repositories: one falls by the content's list, one by the passenger's, one by a denial; the last two stay. */
export const FALLING = ['listed', 'later', 'denied'] as const
export const STAYING = ['good', 'new'] as const
export type Name = (typeof FALLING)[number] | (typeof STAYING)[number]
export type Measure = 'retag' | 'remove'

/** CRL numbers of the issuing authority, hex: in the earlier bundle, in the later one, and in its passenger. */
export const NUMBERS = { earlier: '10', content: '11', passenger: '12' } as const

export class RevocationGround {
  readonly root: string
  readonly program: Program
  readonly world: RevocationWorld
  readonly digests = new Map<Name, string>()
  /** Bundles. */
  earlier = ''
  later = ''
  #state = ''
  readonly #policies = new Map<Measure, string>()

  private constructor(root: string, program: Program, world: RevocationWorld) {
    this.root = root
    this.program = program
    this.world = world
  }

  static async make(): Promise<RevocationGround> {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-kill-'))
    const program = await Program.build(root)
    const world = await RevocationWorld.open({ signer: (origin) => [lists(`${origin}/ca.crl`)] })
    const ground = new RevocationGround(root, program, world)
    try {
      await ground.#pack()
      return ground
    } catch (error) {
      await ground.remove()
      throw error
    }
  }

  #publish(number: string, revoked: readonly string[]): void {
    const terms = { number: Number.parseInt(number, 16), revoked: revoked.map((serial) => ({ serial })) }
    this.world.publish({ 'GET /ca.crl': { body: this.world.list(this.world.issuing, terms) } })
  }

  #signer(name: string): Signer {
    const { issuing, root } = this.world
    const leaf = issuing.issue(name, [lists(this.world.listUrl)])
    const key = createPrivateKey(readFileSync(issuing.path(`${name}.key`)))
    return localSigner(key, [leaf, issuing.certificate, root.certificate])
  }

  /** Now, since the certificates are younger than the world. */
  async #signed(signer: Signer, repository: string): Promise<string> {
    const dir = this.world.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, repository, '1.0', `the payload of ${repository}`)
    builder.finish()
    const ref = `oci:${dir}:${repository}:1.0`
    await signAt(ref, { signer, now: new Date() })
    return ref
  }

  async #pack(): Promise<void> {
    const { world } = this
    const [second, third] = [this.#signer('second'), this.#signer('third')]
    const by: Record<Name, Signer> = { listed: world.signer, later: second, denied: third, good: third, new: third }
    const refs = new Map<Name, string>()
    for (const [name, signer] of Object.entries(by) as [Name, Signer][])
      refs.set(name, await this.#signed(signer, `registry.example/${name}`))
    const of = (...names: readonly Name[]): string[] => names.map((name) => refs.get(name) ?? '')
    const content = await world.channel('content')
    const office = await world.channel('revocation')
    const serials = [world.signer, second].map(({ chain }) => chain[0]?.serial ?? '')
    this.#publish(NUMBERS.earlier, [])
    const first = await world.export(content, of(...FALLING, 'good'))
    this.#learn(first.repositories)
    this.#publish(NUMBERS.passenger, serials)
    const artifact = this.digests.get('denied') ?? ''
    await denyArtifact({ keys: office, artifact, reason: 'a test', now: world.now })
    const revocation = { accept: [], nextBundle: '7d', allowPrivate: true, chains: [world.chainFile()] }
    const riding = await revocationBundle({ ...world.options(office, { revocation }), output: world.path('rev.tar') })
    this.#publish(NUMBERS.content, serials.slice(0, 1))
    const passengers = [riding.output]
    const last = await world.export(content, of('good', 'new'), {}, { passengers })
    this.#learn(last.repositories)
    Object.assign(this, { earlier: first.output, later: last.output })
    this.#state = world.path('state')
    await stateInit({ state: this.#state, site: SITE, reason: 'kill test', now: world.now })
    for (const [keys, purpose] of [
      [content, 'content'],
      [office, 'revocation'],
    ] as const) {
      const root = join(keys, 'root.json')
      const fingerprint = `sha256:${createHash('sha256').update(readFileSync(root)).digest('hex')}`
      await channelPin({ state: this.#state, channel: `${purpose}-x`, purpose, root, fingerprint, now: world.now })
    }
  }

  #learn(repositories: readonly { name: string; tags: Readonly<Record<string, string>> }[]): void {
    for (const { name, tags } of repositories) {
      const digest = tags['1.0']
      if (digest !== undefined) this.digests.set(name.slice(name.indexOf('/') + 1) as Name, digest)
    }
  }

  digest(name: Name): string {
    const digest = this.digests.get(name)
    if (digest === undefined) throw new Error(`no ${name}`)
    return digest
  }

  policy(measure: Measure): string {
    const known = this.#policies.get(measure)
    if (known !== undefined) return known
    const dir = policyFolder(this.world.path('policy'), {
      'trustpolicy.json': policyText(statement({ signatureVerification: { level: 'strict' } })),
      [VENDOR_STORE]: pemOf(this.world.root.certificate),
      'policy.yaml': `version: 1\nrevocation:\n  measure: ${measure}\n`,
    })
    this.#policies.set(measure, dir)
    return dir
  }

  /** A fresh folder with the site's state as it was at first. */
  work(name: string): { dir: string; state: string } {
    const dir = join(this.root, 'work', name)
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
    const state = join(dir, 'state')
    cpSync(this.#state, state, { recursive: true, preserveTimestamps: true })
    return { dir, state }
  }

  /** Brings the earlier bundle: all of it is trusted. */
  async before(state: string, to: string, measure: Measure): Promise<void> {
    const { verdict } = await importBundle({
      input: { file: this.earlier },
      state,
      to,
      map: [],
      registry: { plainHttp: true },
      concurrency: 4,
      policy: this.policy(measure),
      now: new Date(),
    })
    if (verdict !== 'trusted') throw new Error(`the earlier bundle is ${verdict}`)
  }

  importArgs(bundle: string, state: string, to: string, measure: Measure): string[] {
    return ['import', bundle, '--to', to, '--plain-http', '--state', state, '--policy', this.policy(measure)]
  }

  async remove(): Promise<void> {
    await this.world.close()
    rmSync(this.root, { recursive: true, force: true })
  }
}
