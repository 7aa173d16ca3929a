/** Two sides and the gap between them: whatever the far side has was carried over, and the near side is gone by then. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { judgeProgram } from '../peers/notation.ts'
import { needPeers } from '../peers/setup/run.ts'
import { FarHands, needNamespace } from './far-hands.ts'
import { OwnHands } from './hands.ts'
import { Side } from './side.ts'

/** The far registry's name, known on the near side too: policies name repositories by where they go. */
export const FAR = '127.0.0.1:5000'

const PASSPHRASE = ['--passphrase-file', 'passphrase']

export class Stage {
  readonly #dir: string
  readonly near: Side
  readonly far: Side
  #crossed = false

  /** For a `before` hook: skips where counterparts or a network namespace are missing, fails where CI must have them. */
  static raise(context: Mocha.Context): Stage {
    needPeers(context)
    needNamespace(context)
    if (judgeProgram() === undefined) {
      if (process.env['CI']) throw new Error('the judge on notation-go is missing: run scripts/peers.sh')
      context.skip()
    }
    return new Stage()
  }

  private constructor() {
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
    assert.equal(await this.far.hands.registry(5000), FAR)
  }

  /** Makes a channel of one person, `keys/`; the answer is the fingerprint that the far side is told by voice. */
  async channel(name: string): Promise<string> {
    const { fingerprint } = await this.near.done(`channel init ${name} --for content --dir keys --solo`, ...PASSPHRASE)
    return fingerprint as string
  }

  /** Writes a bundle of these references, or of a plan (`-f plan.yaml`). */
  async pack(bundle: string, ...what: readonly string[]): Promise<void> {
    await this.near.done(`export --keys keys -o ${bundle} --for-site acme`, ...what, ...PASSPHRASE)
  }

  /** The far site's first day: a state, and the channel pinned by hand. */
  async found(channel: string, fingerprint: string): Promise<void> {
    await this.far.done('state init --site acme --state state --reason', 'first day')
    const root = 'keys/root.json --for content --state state'
    await this.far.done(`channel pin ${channel} ${root} --fingerprint ${fingerprint}`)
  }
}
