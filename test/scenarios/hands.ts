/** What a side of the gap can do with the machine it has: run programs, keep registries, look at its network. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { COMPILE_CACHE } from '../cli/program.ts'
import { peersBin } from '../peers/setup/run.ts'
import { startRegistry, type Registry } from '../peers/setup/registry.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly input?: string
}

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface Network {
  /** Those that have an address; of others no packet can come. */
  readonly interfaces: string[]
  /** Lines of the routing tables, IPv4 and IPv6, that lead anywhere but to the loopback interface. */
  readonly routes: string[]
}

/** How a site runs its registry. */
export interface RegistryShape {
  readonly port?: number
  readonly deletes?: boolean
  /** Nothing may be written, nor deleted. */
  readonly readonly?: boolean
  /** Unless told, it is gone with the registry. */
  readonly storage?: string
}

export interface Hands {
  run(command: Command): Promise<Ran>
  /** Starts a registry without login; the answer is `127.0.0.1:PORT`. */
  registry(shape?: RegistryShape): Promise<string>
  /** Stops the registry of this host. */
  stop(host: string): Promise<void>
  network(): Promise<Network>
  /** Whether something answers a connection there. */
  reaches(host: string): Promise<boolean>
  close(): Promise<void>
}

export type Hand = 'run' | 'registry' | 'stop' | 'network' | 'reaches'

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean)
}

/** Nothing of the tester's own environment but what a process needs: no credentials, no settings, no policy. */
function environment(home: string): Record<string, string> {
  return {
    PATH: `${peersBin() ?? ''}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    COSIGN_PASSWORD: 'only-for-tests',
    OTEL_TRACES_EXPORTER: 'none',
    ...COMPILE_CACHE,
  }
}

/** The hands of this very process, in the network it is in. */
export class OwnHands implements Hands {
  readonly #registries: Registry[] = []

  run({ program, args, cwd, input }: Command): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const limits = { timeout: 60_000, maxBuffer: 64 << 20 }
      const child = execFile(program, args, { ...limits, cwd, env: environment(cwd) }, (error, stdout, stderr) => {
        if (typeof error?.code === 'string') reject(new Error(`${program}: ${error.message}`))
        else resolve({ status: error === null ? 0 : (error.code ?? 128), stdout, stderr })
      })
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(input)
    })
  }

  async registry(shape: RegistryShape = {}): Promise<string> {
    const registry = await startRegistry(shape)
    this.#registries.push(registry)
    return registry.host
  }

  async stop(host: string): Promise<void> {
    const at = this.#registries.findIndex((registry) => registry.host === host)
    await this.#registries.splice(at, 1)[0]?.stop()
  }

  async network(): Promise<Network> {
    const interfaces = Object.keys(networkInterfaces())
    const four = lines('/proc/net/route').slice(1)
    const six = lines('/proc/net/ipv6_route').filter((line) => !line.trimEnd().endsWith(' lo'))
    return { interfaces, routes: [...four, ...six] }
  }

  reaches(host: string): Promise<boolean> {
    const [name = '', port] = host.split(':')
    return new Promise((resolve) => {
      const socket = connect({ host: name, port: Number(port), timeout: 2000 })
      const end = (reached: boolean) => (): void => {
        socket.destroy()
        resolve(reached)
      }
      socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false))
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#registries.splice(0).map((registry) => registry.stop()))
  }
}
