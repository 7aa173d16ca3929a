/** Finding and running the real counterparts that `scripts/peers.sh` installs. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { need } from '../../need.ts'

/** The folder of installed counterparts, or undefined when there is none. Never installs anything. */
export function peersBin(): string | undefined {
  const named = process.env['SALLYPORT_PEERS_BIN']
  if (named !== undefined && named !== '') return named
  const lock = readFileSync(new URL('../../../scripts/peers.lock', import.meta.url))
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 16)
  const cache = process.env['SALLYPORT_PEERS'] ?? join(homedir(), '.cache', 'sallyport-peers')
  // Without the mark an installation is under way or was broken off.
  return existsSync(join(cache, key, 'complete')) ? join(cache, key, 'bin') : undefined
}

/** For a `before` hook: skips where nobody installed the counterparts, fails where CI must have them. */
export function needPeers(context: Mocha.Context): string {
  const bin = peersBin()
  need(context, bin !== undefined, 'the real counterparts are missing: run scripts/peers.sh')
  return bin
}

/** A program that `scripts/peers.sh` built from these very files of ours, or undefined when it did not. */
export function ownProgram(name: string, folder: string, files: readonly string[]): string | undefined {
  const bin = peersBin()
  if (bin === undefined) return undefined
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(folder, file)))
  const path = join(bin, `${name}-${hash.digest('hex').slice(0, 16)}`)
  return existsSync(path) ? path : undefined
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string | Uint8Array
}

export interface RunResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a counterpart and reports how it ended, whatever that was. */
export function tryPeer(name: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const bin = peersBin() ?? ''
  const env = { ...process.env, OTEL_TRACES_EXPORTER: 'none', ...options.env, PATH: `${bin}:${process.env['PATH']}` }
  return new Promise((resolve, reject) => {
    const limits = { timeout: 120_000, maxBuffer: 64 << 20 }
    const child = execFile(join(bin, name), args, { ...limits, env, cwd: options.cwd }, (error, stdout, stderr) => {
      // A text code is the system's word that the program could not be started or was stopped for its output's size.
      if (typeof error?.code === 'string') reject(new Error(`${name}: ${error.message}`))
      else resolve({ status: error === null ? 0 : (error.code ?? 128), stdout, stderr })
    })
    // A program that ends without reading its input breaks the pipe; its exit status says more than that.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input)
  })
}

/** Runs a counterpart that must succeed and returns what it printed. */
export async function peer(name: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await tryPeer(name, args, options)
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}\n${stderr}`)
  return stdout
}
