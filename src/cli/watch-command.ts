/** The command `watch`. */
import type { Argv } from 'yargs'
import type { Ended } from '../index.ts'
import { pluginsHere } from './artifact-commands.ts'
import {
  accessOf,
  demandCompany,
  hostsOf,
  usage,
  withRegistry,
  withState,
  type Register,
  type RegistryArgs,
} from './context.ts'
import { failureOf, outcomeOf } from './outcome.ts'
import { STATUS_FILE, TEXTFILE } from './site-commands.ts'
import { tombstoneSeal, withTombstoneKey, type TombstoneKeyArgs } from './tombstone-key.ts'
import { watchRefusal, watchText } from './watch-text.ts'

interface WatchArgs extends RegistryArgs, TombstoneKeyArgs {
  inbox: string
  to: string
  state: string
  map: string[]
  policy: string | undefined
  'channel-only': boolean
  'keep-going': boolean
  once: boolean
  'dry-run': boolean
  interval: string
  settle: string
  status: string | undefined
  textfile: string | undefined
}

/** What `import --json` prints of the same bundle. */
function documentOf(ended: Ended): string {
  if ('error' in ended) return failureOf(ended.error, 'import', true).out
  return outcomeOf({ verb: 'import', report: ended.report, text: [], exit: ended.exit }, true, false).out
}

export function addWatch(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'watch <inbox>',
    'import whatever is put into a folder, and tell how the site stands',
    (y) =>
      withRegistry(
        withTombstoneKey(withState(y))
          .positional('inbox', {
            type: 'string',
            demandOption: true,
            describe: 'a folder; done/ and rejected/ are made in it',
          })
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
          .option('once', { type: 'boolean', default: false, describe: 'look once and end, for cron' })
          .option('dry-run', { type: 'boolean', default: false, describe: 'look once, and say what would be done' })
          .option('interval', { type: 'string', default: '30s', describe: 'between two looks', requiresArg: true })
          .option('settle', {
            type: 'string',
            default: '2s',
            describe: 'how long a whole file must not change',
            requiresArg: true,
          })
          .option('status', STATUS_FILE)
          .option('textfile', TEXTFILE),
      )
        .example('$0 watch /srv/inbox --to registry.site:5000/mirror --policy policy/', 'as a service')
        .example('$0 watch /srv/inbox --to oci:/srv/layout --once', 'from cron'),
    register('watch', async (argv: WatchArgs, context) => {
      const { parseMapping, parseSpan, watch } = await import('../index.ts')
      if (argv.inbox === '') throw usage('watch', 'name a folder')
      demandCompany('--keep-going', argv['keep-going'], '--policy', argv.policy)
      const place = argv.to.includes('/') ? argv.to : `${argv.to}/x`
      const access = (): ReturnType<typeof accessOf> =>
        accessOf(argv, argv.to.startsWith('oci:') ? [] : hostsOf([place]))
      // What is wrong with the options is said at once.
      await access()
      const report = await watch({
        signal: context.signal,
        onEvent: context.onEvent,
        built: context.built,
        clock: () => new Date(),
        inbox: argv.inbox,
        state: argv.state,
        to: argv.to,
        map: argv.map.map(parseMapping),
        access,
        concurrency: argv.concurrency,
        policy: argv.policy,
        plugins: pluginsHere(),
        seal: await tombstoneSeal(argv, context),
        channelOnly: argv['channel-only'],
        keepGoing: argv['keep-going'],
        dryRun: argv['dry-run'],
        once: argv.once,
        interval: (await parseSpan(argv.interval, '--interval')) * 1000,
        settle: (await parseSpan(argv.settle, '--settle')) * 1000,
        files: { status: argv.status, textfile: argv.textfile },
        document: documentOf,
      })
      const { exit } = report
      const said = { text: watchText(report), refusal: watchRefusal(report) }
      return { verb: 'watch', report, ...said, exit, ok: [0, 3].includes(exit) }
    }),
  )
}
