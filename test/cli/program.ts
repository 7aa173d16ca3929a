/** Runs the program as its users do: a process of its own, arguments, pipes and signals. */
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
/** Compiled sources, which halve the time of each of the many starts. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url)),
}

export interface Ended {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface ProgramOptions {
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  /** Standard input; empty by default. */
  input?: Uint8Array | undefined
}

export interface Running {
  child: ChildProcess
  ended: Promise<Ended>
  /** Resolves when standard error holds this. */
  says(text: string): Promise<void>
}

/** Starts the program. Nothing of the tester's own environment reaches it but what a process needs. */
export function start(args: readonly string[], { env, cwd, input }: ProgramOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...COMPILE_CACHE, ...env },
    cwd,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  child.stdout?.setEncoding('latin1').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const listener of listeners) listener()
  })
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      resolve({ status, signal, stdout: Buffer.from(stdout, 'latin1').toString(), stderr })
      for (const listener of listeners) listener()
    })
  })
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stderr.includes(text)) resolve()
        else if (child.exitCode !== null) reject(new Error(`it ended without ${text}: ${stderr}`))
      }
      listeners.add(look)
      look()
    })
  return { child, ended, says }
}

export function sallyport(args: readonly string[], options?: ProgramOptions): Promise<Ended> {
  return start(args, options).ended
}

export interface JsonResult {
  ok: boolean
  verb: string
  exit: number
  report: Record<string, unknown>
  error: { code: string; exit: number; side: string; subject: string | null; message: string; remedy: string }
}

/** The one document on a stream. Throws when it holds none or more. */
export function documentIn(text: string): JsonResult {
  return JSON.parse(text) as JsonResult
}
