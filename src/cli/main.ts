#!/usr/bin/env node
/** The command line: arguments in, one outcome out. Everything else is loaded by the command that needs it. */
import yargs, { type Argv } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { placeFault, SallyportError, writeFault } from '../errors/index.ts'
import { addCommands } from './commands.ts'
import { BUILT, contextOf, dieOfSignal, usage, type Handler, type Register } from './context.ts'
import { failureOf, outcomeOf, type Outcome } from './outcome.ts'
import { plainUsage } from './yargs-text.ts'

/** Kept equal to package.json by a test; reading the file would cost a start. */
export const VERSION = '0.1.0'

const EPILOGUE =
  'Exit status: 0 done · 1 our fault · 3 done, what was left out by choice or is not known is named · 2 usage · 10 damaged · 11 not understood · 12 signature invalid · ' +
  '13 not trusted · 14 revoked · 15 stale or replayed · 16 cannot decide · 17 limit · 18 incomplete · 20 source · 21 target · 22 state · 130 interrupted'

function build(argv: string[], register: Register): Argv {
  const base = yargs(argv)
    .scriptName('sallyport')
    .usage('$0 <command>\n\nMoves container artifacts across an air gap.')
    .option('json', { type: 'boolean', default: false, global: true, describe: 'results, errors and progress as JSON' })
    .option('quiet', { alias: 'q', type: 'boolean', default: false, global: true, describe: 'say nothing but errors' })
    .parserConfiguration({ 'duplicate-arguments-array': true, 'greedy-arrays': false, 'camel-case-expansion': true })
    .strict()
    .version(VERSION)
    .help()
    .alias('help', 'h')
    .recommendCommands()
    .demandCommand(1, 'name a command')
    .epilogue(EPILOGUE)
    .wrap(Math.min(120, process.stdout.columns || 100))
  return addCommands(base as Argv, register)
}

interface Usage {
  getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } }
}

// yargs lays out the whole help of every command it runs, in case it should fail later: 25 ms of every start, for a text
// that is never shown, since our failures have their own form.
function withoutSpareHelp(yargs: Argv): Argv {
  ;(yargs as unknown as Usage).getInternalMethods().getUsageInstance().cacheHelpMessage = () => undefined
  return yargs
}

/** The options and words that may be given more than once; with a verb before it, in that verb alone. */
const REPEATED = new Set([
  '_',
  'refs',
  'for-site',
  'map',
  'platform',
  'allow-realm',
  'passenger',
  'meta',
  'plugin-config',
  'trust store add fingerprint',
  'trust policy add scope',
  'trust policy add store',
  'trust policy add identity',
  'ca issue scope',
  'channel rotate key',
  'channel confine into',
  'quarantine release by',
  'quarantine release approval',
  'import approval',
])

// Of two values one would be dropped without a word, and which one, the operator could not know.
function refuseRepeated(args: object, verb: string): void {
  for (const [name, value] of Object.entries(args)) {
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    if (Array.isArray(value) && !REPEATED.has(option) && !REPEATED.has(`${verb} ${option}`))
      throw usage(`--${option}`, 'it is given more than once')
  }
}

// Every value of a switch but `true` is read as false: what was to be rehearsed by --dry-run=yes would be done in earnest.
function refuseOddSwitch(argv: readonly string[], args: Record<string, unknown>): void {
  const end = argv.indexOf('--')
  for (const given of end < 0 ? argv : argv.slice(0, end)) {
    const [, option = '', value = ''] = /^(--?[^=]+)=(.*)$/s.exec(given) ?? []
    if (typeof args[option.replace(/^--?/, '')] === 'boolean' && value !== 'true' && value !== 'false')
      throw usage(option, 'it takes no value but true and false')
  }
}

function emit({ out, err }: Outcome): void {
  if (err !== '') process.stderr.write(err)
  if (out !== '') process.stdout.write(out)
}

// Whoever reads what we print may have seen enough and close the pipe; a run goes on when nobody watches it.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit()
  process.stderr.write(failureOf(writeFault(cause, 'OUTPUT_FAILED', 'standard output'), '', false).err)
  process.exit(22)
})
process.stderr.on('error', () => undefined)

/** The last words of the commands that write a bundle. */
const WRITERS = ['export', 'collect']

/** True when the bundle itself has standard output, where neither report nor error may follow it. */
function takesOutput(argv: readonly string[]): boolean {
  const named = (word: string, i: number): boolean =>
    /^(?:-o|--output=)-$/.test(word) || (/^(?:-o|--output)$/.test(word) && argv[i + 1] === '-')
  return WRITERS.some((word) => argv.includes(word)) && argv.some(named)
}

async function main(argv: string[]): Promise<number> {
  const json = argv.includes('--json')
  let taken = takesOutput(argv)
  const give = ({ exit: status, out, err }: Outcome): void =>
    emit(taken ? { exit: status, out: '', err: err + out } : { exit: status, out, err })
  let exit = 0
  const register: Register =
    <T>(verb: string, handler: Handler<T>) =>
    async (args: object): Promise<void> => {
      const { json: asJson, quiet } = args as { json: boolean; quiet: boolean }
      taken ||= WRITERS.some((word) => verb.endsWith(word)) && (args as { output?: string }).output === '-'
      // A silent pipe blocks those who only look into it, and they have nothing to leave in order.
      const blocks = verb !== 'import' && (args as { bundle?: string }).bundle === '-'
      const context = contextOf({ json: asJson, quiet }, !blocks)
      let outcome: Outcome
      // What is signed by such a clock is refused everywhere or is good for years too long.
      if (context.now < BUILT)
        context.onEvent({
          type: 'note',
          text: `the clock is wrong: it stands before ${BUILT.toISOString().slice(0, 10)}, when this program was made`,
        })
      try {
        refuseOddSwitch(argv, args as Record<string, unknown>)
        refuseRepeated(args, verb)
        const result = await handler(args as T, context)
        outcome = outcomeOf(result, asJson, quiet)
      } catch (error) {
        outcome = failureOf(interrupted(placeFault(error), context.signal), verb, asJson)
      }
      context.end()
      exit = outcome.exit
      give(outcome)
    }
  try {
    await withoutSpareHelp(build(argv, register))
      .exitProcess(false)
      .fail((message, error) => {
        // What yargs throws itself (an option without its value) is a fault of the command line too.
        if (error !== undefined && error !== null && error.name !== 'YError') throw error
        const options = argv.findIndex((word) => word.startsWith('-'))
        throw new SallyportError('USAGE', {
          side: 'state',
          // Not the options: what was meant as a secret may stand among them.
          subject:
            argv
              .slice(0, options < 0 ? argv.length : options)
              .join(' ')
              .slice(0, 200) || undefined,
          detail: plainUsage(message ?? error?.message),
        })
      })
      .parseAsync()
  } catch (error) {
    const outcome = failureOf(error, argv[0] ?? '', json)
    give(outcome)
    return outcome.exit
  }
  return exit
}

/** Whatever an abort made fail, the news is that the run was interrupted. */
function interrupted(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted) return error
  return new SallyportError('INTERRUPTED', { side: 'state', cause: error })
}

// For a promise that never settles Node gives 13, which is a verdict here.
process.exitCode = 1
process.exitCode = await main(hideBin(process.argv))
// A read of a silent pipe that was left behind keeps the process; then it is ended.
if (process.exitCode === 130) setTimeout(dieOfSignal, 100).unref()
