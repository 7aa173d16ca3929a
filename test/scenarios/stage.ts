/** Two sides and the gap between them: whatever the far side has was carried over, and the near side is gone by then. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { judgeProgram } from '../peers/notation.ts'
import { needPeers } from '../peers/setup/run.ts'
import { FarHands, needNamespace } from './far-hands.ts'
import { OwnHands, type RegistryShape } from './hands.ts'
import { Side } from './side.ts'
import { need } from '../need.ts'

/** The far registry's name, known on the near side too: policies name repositories by where they go. */
export const FAR = '127.0.0.1:5000'

const PASSPHRASE = ['--passphrase-file', 'passphrase']

export interface ChannelTerms {
  readonly purpose?: 'content' | 'revocation'
  /** Its folder. */
  readonly keys?: string
}

/** The channel that lists and denials travel on. */
export const REVOCATION: ChannelTerms = { purpose: 'revocation', keys: 'rkeys' }

export class Stage {
  readonly #dir: string
  readonly near: Side
  readonly far: Side
  readonly #shape: RegistryShape
  #crossed = false

  /** For a `before` hook: skips where counterparts or a network namespace are missing, fails where CI must have them. */
  static raise(context: Mocha.Context, far: RegistryShape = {}): Stage {
    needPeers(context)
    needNamespace(context)
    need(context, judgeProgram() !== undefined, 'the judge on notation-go is missing: run scripts/peers.sh')
    return new Stage(far)
  }

  private constructor(shape: RegistryShape) {
    this.#shape = shape
    this.#dir = mkdtempSync(join(tmpdir(), 'sallyport-scenario-'))
    this.near = new Side(join(this.#dir, 'near'), new OwnHands())
    this.far = new Side(join(this.#dir, 'far'), new FarHands())
  }

  async lower(): Promise<void> {
    await this.near.hands.close()
    await this.far.hands.close()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** Proves that the far side has a loopback interface and no way to anywhere else. */
  async seal(): Promise<void> {
    const { interfaces, routes } = await this.far.hands.network()
    assert.deepEqual([interfaces, routes], [['lo'], []])
  }

  /**
   * Carries files over, ends the near side and starts the far registry. The near one answers here and not there, then
   * nowhere; the near folder goes, keys and all.
   */
  async cross(nearHost: string, ...files: readonly string[]): Promise<void> {
    assert.equal(this.#crossed, false)
    this.#crossed = true
    assert.deepEqual([await this.near.hands.reaches(nearHost), await this.far.hands.reaches(nearHost)], [true, false])
    for (const name of files) {
      mkdirSync(dirname(this.far.path(name)), { recursive: true })
      copyFileSync(this.near.path(name), this.far.path(name))
    }
    await this.near.hands.close()
    rmSync(this.near.dir, { recursive: true })
    await this.seal()
    assert.equal(await this.far.hands.registry({ ...this.#shape, port: 5000 }), FAR)
  }

  /** Makes a channel of one person, in `keys/`; the answer is the fingerprint that the far side is told by voice. */
  async channel(name: string, { purpose = 'content', keys = 'keys' }: ChannelTerms = {}): Promise<string> {
    const line = `channel init ${name} --for ${purpose} --dir ${keys} --solo`
    const { fingerprint } = await this.near.done(line, ...PASSPHRASE)
    return fingerprint as string
  }

  /** Writes a bundle of these references, or of a plan (`-f plan.yaml`). */
  async pack(bundle: string, ...what: readonly string[]): Promise<void> {
    const line = `export --keys keys -o ${bundle} --for-site acme`
    const { status, document } = await this.near.sallyport(line, ...what, ...PASSPHRASE)
    // A plan may accept by name that something is left out.
    assert.ok(status === 0 || status === 3, JSON.stringify(document, undefined, 2))
  }

  /** Writes a bundle of lists and denials alone, by the keys in `rkeys/`. */
  async collect(bundle: string, plan: string, ...more: readonly string[]): Promise<void> {
    const line = `revocation collect -f ${plan} --keys rkeys -o ${bundle} --for-site acme`
    await this.near.done(line, ...more, ...PASSPHRASE)
  }

  /** The far site's first day: a state, and the channel pinned by hand. */
  async found(channel: string, fingerprint: string): Promise<void> {
    await this.far.done('state init --site acme --state state --reason', 'first day')
    await this.pin(channel, fingerprint)
  }

  /** One more channel that the far site listens to. */
  async pin(channel: string, fingerprint: string, terms: ChannelTerms = {}): Promise<void> {
    const { purpose = 'content', keys = 'keys' } = terms
    const root = `${keys}/root.json --for ${purpose} --state state`
    await this.far.done(`channel pin ${channel} ${root} --fingerprint ${fingerprint}`)
  }
}
