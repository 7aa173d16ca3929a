/** A channel of two of three people, anew for each test, and a safe where they keep their root keys. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SallyportError, type Code } from '../../../src/errors/index.ts'
import { channelInit, channelRotate, type ChannelRotateOptions, type ChannelRotateReport } from '../../../src/index.ts'
import { cheapenKeys } from '../../kill/cheap-keys.ts'

export const PASS = 'only for tests'
export const NEW_PASS = 'another one'
const NONE = { renew: false, replace: [], add: [], remove: [], threshold: null, days: null, kind: null }

export const ask = (): Promise<Buffer> => Promise.resolve(Buffer.from(PASS))

export const refusal =
  (code: Code) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof SallyportError, String(error))
    assert.equal(error.code, code)
    return true
  }

export class RotationStage {
  readonly #root = mkdtempSync(join(tmpdir(), 'sallyport-rotate-'))
  #count = 0
  dir = ''
  keys = ''
  safe = ''

  async raise(): Promise<void> {
    const dir = join(this.#root, 'fresh')
    const people = ['ann', 'ben', 'cy']
    const init = { channel: 'vendor-a', purpose: 'content' as const, dir, people, threshold: 2, rootDays: 30 }
    await channelInit({ ...init, kind: 'ed25519', passphrase: ask })
    cheapenKeys(dir, PASS)
  }

  lower(): void {
    rmSync(this.#root, { recursive: true })
  }

  /** The folder of the channel. */
  anew(): string {
    this.dir = join(this.#root, `${++this.#count}`)
    this.keys = join(this.dir, 'keys')
    this.safe = join(this.dir, 'safe')
    cpSync(join(this.#root, 'fresh'), this.keys, { recursive: true })
    mkdirSync(this.safe)
    return this.keys
  }

  /** All root keys but those named leave the folder. */
  lockAway(...left: readonly string[]): void {
    for (const person of ['ann', 'ben', 'cy'])
      if (!left.includes(person))
        renameSync(join(this.keys, `root-${person}.pem`), join(this.safe, `root-${person}.pem`))
  }

  rootFile(version: number): Buffer {
    return readFileSync(join(this.keys, `${version}.root.json`))
  }

  rotate(
    change: Partial<ChannelRotateOptions['change']> = {},
    more: Partial<ChannelRotateOptions> = {},
  ): Promise<ChannelRotateReport> {
    return channelRotate({
      dir: this.keys,
      change: { ...NONE, ...change },
      keys: [],
      passphrase: ask,
      newPassphrase: () => Promise.resolve(Buffer.from(NEW_PASS)),
      ...more,
    })
  }
}
