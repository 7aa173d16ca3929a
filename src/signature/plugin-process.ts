/** One call of a plugin: a program run without a shell, with a request on stdin and an answer of limited size and time. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export interface PluginCall {
  /** The program's own path. */
  file: string
  command: string
  input: string
  /** All that the program sees of the environment. */
  environment: Readonly<Record<string, string>>
  timeoutMs: number
  signal?: AbortSignal | undefined
}

export interface PluginExit {
  status: number
  stdout: Buffer
  /** Cut off at 64 KiB. */
  stderr: Buffer
}

/** The specification's own limit of an answer: an envelope of 32 MiB in base64 fits. */
const STDOUT_CAP = 64 * 1024 * 1024
const STDERR_CAP = 64 * 1024
/** Half of how long the pipes may stay open after the program's end. */
const LINGER_MS = 500

/** Why a call has no answer, as the rest of a sentence that begins with the plugin. */
export class PluginStopped extends Error {}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** Ends the program with every process it has started, unless one has left its group. */
function killGroup(child: Child): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** How the program ended and what it wrote. Throws {@link PluginStopped}, or the signal's reason. */
export function callPlugin(call: PluginCall): Promise<PluginExit> {
  const { signal, timeoutMs } = call
  const { promise, resolve, reject } = Promise.withResolvers<PluginExit>()
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  const child: Child = spawn(call.file, [call.command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...call.environment },
    // A group of its own, so that it can be ended with its children.
    detached: true,
  })
  const stop = (reason: unknown): void => {
    killGroup(child)
    child.stdin.destroy()
    child.stdout.destroy()
    child.stderr.destroy()
    settle()
    reject(reason)
  }
  const timer = setTimeout(() => stop(new PluginStopped(`gave no answer in ${timeoutMs / 1000} seconds`)), timeoutMs)
  let linger: NodeJS.Timeout | undefined
  const abort = (): void => stop(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const settle = (): void => {
    clearTimeout(timer)
    clearTimeout(linger)
    signal?.removeEventListener('abort', abort)
  }
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  let [read, complained] = [0, 0]
  child.stdout.on('data', (chunk: Buffer) => {
    read += chunk.length
    stdout.push(chunk)
    if (read > STDOUT_CAP) stop(new PluginStopped('wrote more than 64 MiB'))
  })
  child.stderr.on('data', (chunk: Buffer) => {
    // What is beyond the cap is read all the same: a program that logs much must not wait for us.
    if (complained < STDERR_CAP) stderr.push(chunk.subarray(0, STDERR_CAP - complained))
    complained += chunk.length
  })
  child.on('error', (cause) => {
    settle()
    reject(new PluginStopped('cannot be run', { cause }))
  })
  child.on('exit', () => {
    // In two steps: after a pause of our own, what lies in the pipe is read before this is called a fault.
    const held = (): void => stop(new PluginStopped('left a program running that holds its output'))
    linger = setTimeout(() => (linger = setTimeout(held, LINGER_MS)), LINGER_MS)
  })
  child.on('close', (status) => {
    settle()
    if (status === null) reject(new PluginStopped('was ended by a signal'))
    else resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) })
  })
  // A program that ends without reading its input breaks the pipe; its exit status says more than that.
  child.stdin.on('error', () => undefined)
  child.stdin.end(call.input)
  return promise
}
