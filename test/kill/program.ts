/** The program as it is shipped, built once, and run with or without the killer. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, openSync, closeSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const REPOSITORY = join(import.meta.dirname, '..', '..')
/** Runs at once; each is a process and what it asks of a registry. */
export const LANES = Math.max(1, Math.min(4, availableParallelism()))

/** A step that the killer numbered. */
export interface Step {
  n: number
  kind: string
  subject: string
}

export interface Ended {
  /** Exit status, or the signal's name. */
  status: number | string
  /** The JSON document on standard output. */
  out: { ok?: boolean; report?: Record<string, unknown>; error?: { code: string; subject: string | null } }
  text: string
  steps: Step[]
}

export interface RunOptions {
  /** A file for standard input. */
  stdin?: string
  /** A file for standard output, when that is where the bundle goes. */
  stdout?: string
  /** Folders whose changes are steps. None: the killer is not loaded. */
  watch?: string[]
  /** The step before which the run is killed. */
  at?: number
  /** When that step is a write: half of it is done. */
  tear?: boolean
  /** Program and arguments that run the program. Then files are written by one thread, so that calls come in order. */
  under?: string[]
}

export class Program {
  readonly root: string
  private runs = 0

  private constructor(root: string) {
    this.root = root
  }

  /** Builds the program below a folder. Files that do not type yet are built all the same. */
  static async build(root: string): Promise<Program> {
    const config = {
      extends: join(REPOSITORY, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        rootDir: REPOSITORY,
        outDir: join(root, 'built'),
        types: ['node'],
        typeRoots: [join(REPOSITORY, 'node_modules', '@types')],
      },
      include: [join(REPOSITORY, 'src'), join(import.meta.dirname, 'killer.ts')],
    }
    writeFileSync(join(root, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(root, 'package.json'), '{"type":"module"}')
    symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
    const program = new Program(root)
    const tsc = join(REPOSITORY, 'node_modules', '.bin', 'tsc')
    const said = await promisify(execFile)(tsc, ['-p', root]).catch((error: unknown) => error)
    if (!existsSync(program.main) || !existsSync(program.killer)) throw new Error('the build failed', { cause: said })
    return program
  }

  get main(): string {
    return join(this.root, 'built', 'src', 'cli', 'main.js')
  }

  get killer(): string {
    return join(this.root, 'built', 'test', 'kill', 'killer.js')
  }

  /** Runs one command with `--json`. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { watch, at = 0, tear = false, under = [] } = options
    const log = join(this.root, `steps-${this.runs++}`)
    const env: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      HOME: this.root,
      ...(under.length > 0 ? { UV_THREADPOOL_SIZE: '1' } : { NODE_COMPILE_CACHE: join(this.root, 'compiled') }),
      ...(watch === undefined ? {} : { SALLYPORT_KILL: JSON.stringify({ folders: watch, log, at, tear }) }),
    }
    const command = [
      ...under,
      process.execPath,
      ...(watch === undefined ? [] : ['--import', this.killer]),
      this.main,
      ...args,
      '--json',
    ]
    const stdin = options.stdin === undefined ? 'ignore' : openSync(options.stdin, 'r')
    const stdout = options.stdout === undefined ? 'pipe' : openSync(options.stdout, 'w')
    const child = spawn(command[0] ?? '', command.slice(1), { env, stdio: [stdin, stdout, 'pipe'], cwd: this.root })
    let out = ''
    let err = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text))
    const status = await new Promise<number | string>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'none'))
    })
    for (const fd of [stdin, stdout]) if (typeof fd === 'number') closeSync(fd)
    const steps = watch !== undefined && existsSync(log) ? readSteps(log) : []
    rmSync(log, { force: true })
    return { status, out: documentIn(options.stdout === undefined ? out : err), text: `${out}${err}`, steps }
  }

  /** Runs one command that must succeed; its report. */
  async must(args: readonly string[], options: RunOptions = {}): Promise<Record<string, unknown>> {
    const { status, out, text } = await this.run(args, options)
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}\n${text}`)
    return out.report ?? {}
  }
}

function documentIn(text: string): Ended['out'] {
  const line = text
    .split('\n')
    .toReversed()
    .find((candidate) => candidate.startsWith('{"ok":'))
  return line === undefined ? {} : (JSON.parse(line) as Ended['out'])
}

function readSteps(log: string): Step[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [n = '', kind = '', ...subject] = line.split(' ')
      return { n: Number(n), kind, subject: subject.join(' ') }
    })
    .sort((a, b) => a.n - b.n)
}

/** How many of each kind, for people. */
export function tally(steps: readonly Step[]): string {
  const counts = new Map<string, number>()
  for (const { kind } of steps) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
}
