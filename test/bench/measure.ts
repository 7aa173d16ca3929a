/** Runs a command and says how long it took, how much memory its processes held, and how much processor time. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

const PAGE = 4096
const TICKS_PER_SECOND = 100
const SAMPLE_EVERY = 20

export interface Command {
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Measured {
  readonly status: number
  readonly seconds: number
  /** Peak of the whole tree of processes, in bytes, sampled. */
  readonly peak: number
  /** User and system time of the tree, as of the last sample. */
  readonly cpu: number
  readonly stdout: string
  readonly stderr: string
}

export class Failed extends Error {}

/** A script for `sh` that ends at the first command that fails, in a pipe too. */
export function shell(script: string): string[] {
  return ['bash', '-euo', 'pipefail', '-c', script]
}

interface Sample {
  rss: number
  cpu: number
}

function sampleTree(pid: number, sum: Sample = { rss: 0, cpu: 0 }): Sample {
  try {
    // The fields after the name, which is in parentheses and may hold anything.
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const field = (n: number) => Number(fields[n - 3])
    sum.rss += field(24) * PAGE
    // Its own and of the children it has waited for.
    sum.cpu += (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')) {
      if (child !== '') sampleTree(Number(child), sum)
    }
  } catch {
    // It has ended since its parent named it.
  }
  return sum
}

/** Never rejects for a command that fails: see `status`. */
export function measure({ argv, env, cwd }: Command): Promise<Measured> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd })
    let peak = 0
    let cpu = 0
    const sample = () => {
      if (child.pid === undefined) return
      const now = sampleTree(child.pid)
      peak = Math.max(peak, now.rss)
      cpu = Math.max(cpu, now.cpu)
    }
    const timer = setInterval(sample, SAMPLE_EVERY)
    let seconds = 0
    const output = { stdout: '', stderr: '' }
    child.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => (output.stdout = (output.stdout + text).slice(-65536)))
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (output.stderr = (output.stderr + text).slice(-65536)))
    child.on('error', reject)
    child.on('exit', () => {
      seconds = Number(process.hrtime.bigint() - begin) / 1e9
      clearInterval(timer)
    })
    child.on('close', (code) => resolve({ status: code ?? 128, seconds, peak, cpu, ...output }))
  })
}

/** As `measure`, and throws `Failed` with what the command said when it did not end with 0. */
export async function succeed(command: Command): Promise<Measured> {
  const measured = await measure(command)
  if (measured.status !== 0) {
    throw new Failed(
      `${command.argv.join(' ').slice(0, 400)}\nended with ${measured.status}: ${measured.stderr.slice(-2000)}`,
    )
  }
  return measured
}

/**
 * Writes out what is dirty, and takes the pages of these files and folders out of the cache. Not the system's
 * `drop_caches`: that would also make the programs cold, and would need root and disturb all others on the machine.
 */
export async function dropCaches(paths: readonly string[]): Promise<void> {
  await succeed({ argv: ['sync'] })
  if (paths.length > 0) await succeed({ argv: ['python3', '-c', FORGET, ...paths] })
}

const FORGET = `
import os, sys
for top in sys.argv[1:]:
    names = [top] if os.path.isfile(top) else [os.path.join(d, f) for d, _, fs in os.walk(top) for f in fs]
    for name in names:
        fd = os.open(name, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)
`
