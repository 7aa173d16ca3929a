/** The plugin of fixtures/, installed in a folder of its own, with a key; its lies are told by its configuration. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { encodePem } from '../../src/codec/index.ts'
import { openPlugin, type Plugin, type PluginTerms } from '../../src/signature/index.ts'
import type { Party } from './envelope-fixture.ts'

export const NAME = 'file-key'
const SOURCE = join(import.meta.dirname, '../../fixtures/plugins', NAME)

export type Config = Record<string, string>

export interface Witnessed {
  command?: string
  request?: Record<string, unknown>
  env?: Record<string, string>
  pid: number
}

export class PluginFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-plugin-'))
  readonly home = join(this.folder, 'plugins', NAME)
  readonly file = join(this.home, `notation-${NAME}`)
  /** The program needs a Node, and ours may not be the system's. */
  readonly environment = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` }
  readonly #witness = join(this.folder, 'witness')

  constructor() {
    cpSync(SOURCE, this.home, { recursive: true })
  }

  /** The configuration of a party's key, with what makes the plugin misbehave. */
  config({ key, chain }: Party, more: Config = {}): Config {
    const [keyFile, chainFile] = [join(this.folder, 'key.pem'), join(this.folder, 'chain.pem')]
    writeFileSync(keyFile, key.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(chainFile, chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''))
    return { key: keyFile, chain: chainFile, witness: this.#witness, ...more }
  }

  terms(config: Config = {}, more: Partial<PluginTerms> = {}): PluginTerms {
    return { folder: this.folder, config, environment: this.environment, timeoutMs: 10_000, ...more }
  }

  open(config: Config = {}, more: Partial<PluginTerms> = {}): Promise<Plugin> {
    return openPlugin(NAME, this.terms(config, more))
  }

  /** What the plugin wrote down of its calls since the last time this was asked. */
  witnessed(): Witnessed[] {
    if (!existsSync(this.#witness)) return []
    const lines = readFileSync(this.#witness, 'utf8').trimEnd().split('\n')
    rmSync(this.#witness)
    return lines.map((line) => JSON.parse(line) as Witnessed)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
