/** Makes bundles/COMMANDS.md from what the commands tell the parser of themselves: `node bundles/make-commands.ts`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { addCommands } from '../src/cli/commands.ts'
import { withRegistry } from '../src/cli/context.ts'

interface Spec {
  readonly alias?: string
  readonly type?: string
  readonly array?: boolean
  readonly choices?: readonly string[]
  readonly default?: unknown
  readonly defaultDescription?: string
  readonly demandOption?: boolean
  readonly describe?: string
}

interface Named {
  readonly name: string
  readonly spec: Spec
}

interface Command {
  /** With its positionals, as `export [refs..]`. */
  readonly usage: string
  readonly describe: string
  readonly words: Named[]
  readonly options: Named[]
  readonly examples: (readonly [line: string, about: string])[]
}

type Builder = (yargs: Argv) => unknown

/** In place of the parser: notes what it is told, and goes down into each command at once. */
function recorder(above: string, here: Pick<Command, 'words' | 'options' | 'examples'>, all: Command[]): Argv {
  const noted: Record<string, (...told: never[]) => void> = {
    command: (usage: string, describe: string, build: Builder) => {
      const command: Command = { usage: `${above}${usage}`, describe, words: [], options: [], examples: [] }
      const before = all.length
      all.push(command)
      build(recorder(`${command.usage} `, command, all))
      // A noun is not a command.
      if (all.length > before + 1) all.splice(before, 1)
    },
    option: (name: string, spec: Spec) => here.options.push({ name, spec }),
    positional: (name: string, spec: Spec) => here.words.push({ name, spec }),
    example: (line: string, about: string) => here.examples.push([line.replace('$0', 'sallyport'), about]),
  }
  const proxy: object = new Proxy(noted, {
    get:
      (_, name) =>
      (...told: never[]) => {
        noted[String(name)]?.(...told)
        return proxy
      },
  })
  return proxy as Argv
}

/** Every command that does something, in the order of the help. */
export function commands(): Command[] {
  const all: Command[] = []
  addCommands(recorder('', { words: [], options: [], examples: [] }, all), () => async () => undefined)
  return all
}

function registryOptions(): Named[] {
  const options: Named[] = []
  withRegistry(recorder('', { words: [], options, examples: [] }, []))
  return options
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

function valueOf({ type, array, choices }: Spec): string {
  const one = choices === undefined ? (type === 'boolean' ? 'switch' : (type ?? 'string')) : choices.join(', ')
  return array === true ? `${one}, repeatable` : one
}

function defaultOf({ demandOption, default: usual, defaultDescription }: Spec): string {
  if (demandOption === true) return 'required'
  if (defaultDescription !== undefined) return `\`${defaultDescription}\``
  const none = usual === undefined || usual === false || (Array.isArray(usual) && usual.length === 0)
  return none ? '' : `\`${String(usual)}\``
}

function optionLine({ name, spec }: Named): string {
  const names = [`--${name}`, ...(spec.alias === undefined ? [] : [`-${spec.alias}`])].map((one) => `\`${one}\``)
  return `| ${names.join(' ')} | ${cell(valueOf(spec))} | ${cell(defaultOf(spec))} | ${cell(spec.describe ?? '')} |`
}

const TABLE = ['| option | value | default | what |', '| --- | --- | --- | --- |']
const REACHING = '[those for reaching registries](#reaching-registries)'

function section({ usage, describe, words, options, examples }: Command, shared: ReadonlySet<string>): string[] {
  const reaches = [...shared].every((name) => options.some((option) => option.name === name))
  const own = options.filter(({ name }) => !reaches || !shared.has(name))
  const told = words.flatMap(({ name, spec }) =>
    spec.describe === undefined ? [] : [`- \`${name}\`: ${spec.describe}`],
  )
  return [
    `## ${usage.replaceAll('<', '\\<')}`,
    '',
    describe,
    ...(told.length > 0 ? ['', ...told] : []),
    ...(own.length > 0 ? ['', ...TABLE, ...own.map(optionLine)] : []),
    ...(reaches ? ['', `And ${REACHING}.`] : []),
    '',
    '```',
    ...examples.map(([line, about]) => (about === '' ? line : `${line}    # ${about}`)),
    '```',
    '',
  ]
}

/** The text of COMMANDS.md. */
export function commandsDocument(): string {
  const registry = registryOptions()
  const shared = new Set(registry.map(({ name }) => name))
  return [
    '# Commands and options',
    '',
    '<!-- Made by `node bundles/make-commands.ts` from src/cli/; do not edit. -->',
    '',
    'The same as `sallyport COMMAND --help` says. With every command: `--json` (results, errors and progress as JSON),',
    '`--quiet` or `-q` (nothing but errors), `--help` or `-h`, `--version`. An option that is not repeatable is refused when it',
    'is given twice. What each exit status means stands in [ERRORS.md](ERRORS.md).',
    '',
    ...commands().flatMap((command) => section(command, shared)),
    '## Reaching registries',
    '',
    'Of every command that asks a registry.',
    '',
    ...TABLE,
    ...registry.map(optionLine),
    '',
  ].join('\n')
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'COMMANDS.md'), commandsDocument())
