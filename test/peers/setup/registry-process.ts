/** The process of a distribution registry: start it, wait until it is surely ours that answers, end it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { AccessLog } from './access-log.ts'
import { peersBin } from './run.ts'

const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

export interface RegistryProcess {
  readonly log: AccessLog
  settled(): Promise<void>
  stop(): Promise<void>
}

let marks = 0

/** Undefined when another program took the port first. */
export async function launch(
  configFile: string,
  origin: string,
  caFile: string | undefined,
): Promise<RegistryProcess | undefined> {
  const bin = peersBin()
  if (bin === undefined) throw new Error('no registry is installed: run scripts/peers.sh')
  const child = spawn(join(bin, 'registry'), ['serve', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A bare environment: each REGISTRY_* variable would override the configuration.
    env: { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' },
  })
  running.add(child)
  const exited = once(child, 'exit').finally(() => running.delete(child))
  const log = new AccessLog(child.stdout)
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-4000)))

  const ca = caFile === undefined ? undefined : readFileSync(caFile)
  async function settled(): Promise<void> {
    const path = `/v2/?settled=${process.pid}-${(marks += 1)}`
    const logged = log.mark(path)
    await new Promise<void>((resolve, reject) => {
      const get = caFile === undefined ? httpGet : httpsGet
      get(origin + path, { agent: false, ca }, (response) => response.resume().on('end', resolve)).on('error', reject)
    })
    await logged
  }

  async function stop(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }

  // Only our own log proves that it is our process which answers on this port.
  const deadline = Date.now() + 15_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null) {
      if (complaints.includes('address already in use')) return undefined
      break
    }
    const pause = new Promise<false>((resolve) => setTimeout(resolve, 1000, false))
    if (
      await Promise.race([
        settled().then(
          () => true,
          () => false,
        ),
        pause,
      ])
    )
      return { log, settled, stop }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await stop()
  throw new Error(`the registry did not start\n${complaints}`)
}
