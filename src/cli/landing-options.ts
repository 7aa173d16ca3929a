/** What commands share that bring content to a place: where it goes, under which names, and what is judged. */
import type { Argv } from 'yargs'
import { pluginsHere } from './artifact-commands.ts'
import { accessOf, demandCompany, hostsOf, type RegistryArgs } from './context.ts'

export interface LandingArgs {
  to: string
  map: string[]
  policy: string | undefined
  'channel-only': boolean
  'keep-going': boolean
}

/** The options of `import` and `watch`. */
export function withLanding<T>(yargs: Argv<T>): Argv<T & LandingArgs> {
  return yargs
    .option('to', {
      type: 'string',
      describe: 'host[:port][/prefix], or oci:DIR',
      demandOption: true,
      requiresArg: true,
    })
    .option('map', {
      type: 'string',
      array: true,
      describe: "FROM=TO, before the sender's own mapping",
      default: [] as string[],
    })
    .option('policy', { type: 'string', describe: 'judge each artifact by this folder', requiresArg: true })
    .option('channel-only', {
      type: 'boolean',
      default: false,
      describe: 'judge no artifacts, at a site that has judged them before',
    })
    .option('keep-going', {
      type: 'boolean',
      default: false,
      describe: 'bring what is trusted although something else is not',
    })
}

/** What they are asked for, as the verbs take it. Throws USAGE, MAP_INVALID. */
export async function landingOf(argv: LandingArgs & RegistryArgs): Promise<{
  to: string
  map: { from: string; to: string }[]
  concurrency: number
  policy: string | undefined
  plugins: ReturnType<typeof pluginsHere>
  channelOnly: boolean
  keepGoing: boolean
}> {
  demandCompany('--keep-going', argv['keep-going'], '--policy', argv.policy)
  const { parseMapping } = await import('../index.ts')
  return {
    to: argv.to,
    map: argv.map.map(parseMapping),
    concurrency: argv.concurrency,
    policy: argv.policy,
    plugins: pluginsHere(),
    channelOnly: argv['channel-only'],
    keepGoing: argv['keep-going'],
  }
}

/** Access to the registry that content goes to. Throws USAGE. */
export function accessTo(argv: RegistryArgs & { to: string }): ReturnType<typeof accessOf> {
  const { to } = argv
  return accessOf(argv, to.startsWith('oci:') ? [] : hostsOf([to.includes('/') ? to : `${to}/x`]))
}
