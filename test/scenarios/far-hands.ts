/** The far side's hands: a process in a network namespace of its own, which has a loopback interface and nothing else. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Command, Hand, Hands, Network, Ran, RegistryShape } from './hands.ts'
import { need } from '../need.ts'

const DRIVER = fileURLToPath(new URL('far-driver.ts', import.meta.url))
const ENTER = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"']

/** For a `before` hook: skips where no network namespace can be had, fails where CI must have one. */
export function needNamespace(context: Mocha.Context): void {
  const tried = spawnSync('unshare', [...ENTER, 'true'], { encoding: 'utf8' })
  const why = tried.stderr ?? String(tried.error)
  need(context, tried.status === 0, `no network namespace can be had here: ${why}`)
}

interface Told {
  readonly id: number
  readonly result?: unknown
  readonly fault?: string
}

export class FarHands implements Hands {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, (told: Told) => void>()
  #complaints = ''
  #count = 0

  constructor() {
    this.#child = spawn('unshare', [...ENTER, process.execPath, DRIVER])
    this.#child.stdin.on('error', () => undefined)
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-4000)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as Told
      this.#waiting.get(told.id)?.(told)
      this.#waiting.delete(told.id)
    })
    this.#child.on('close', () => {
      for (const [id, waiting] of this.#waiting) waiting({ id, fault: `the far side ended\n${this.#complaints}` })
      this.#waiting.clear()
    })
  }

  async #call<Result>(hand: Hand, argument?: unknown): Promise<Result> {
    const id = (this.#count += 1)
    const told = await new Promise<Told>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#child.stdin.write(`${JSON.stringify({ id, hand, argument })}\n`)
    })
    if (told.fault !== undefined) throw new Error(told.fault)
    return told.result as Result
  }

  run(command: Command): Promise<Ran> {
    return this.#call('run', command)
  }

  registry(shape?: RegistryShape): Promise<string> {
    return this.#call('registry', shape)
  }

  stop(host: string): Promise<void> {
    return this.#call('stop', host)
  }

  network(): Promise<Network> {
    return this.#call('network')
  }

  reaches(host: string): Promise<boolean> {
    return this.#call('reaches', host)
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.stdin.end()
    await closed
  }
}
