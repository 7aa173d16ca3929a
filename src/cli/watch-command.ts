/** The command `watch`. */
import type { Argv } from 'yargs'
import type { Ended } from '../index.ts'
import { usage, withRegistry, withState, type Register, type RegistryArgs } from './context.ts'
import { accessTo, landingOf, withLanding, type LandingArgs } from './landing-options.ts'
import { failureOf, outcomeOf } from './outcome.ts'
import { STATUS_FILE, TEXTFILE } from './site-commands.ts'
import { tombstoneSeal, withTombstoneKey, type TombstoneKeyArgs } from './tombstone-key.ts'
import { watchRefusal, watchText } from './watch-text.ts'

interface WatchArgs extends RegistryArgs, LandingArgs, TombstoneKeyArgs {
  inbox: string
  state: string
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
        withLanding(withTombstoneKey(withState(y)))
          .positional('inbox', {
            type: 'string',
            demandOption: true,
            describe: 'a folder; done/ and rejected/ are made in it',
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
      const { parseSpan, watch } = await import('../index.ts')
      if (argv.inbox === '') throw usage('watch', 'name a folder')
      const landing = await landingOf(argv)
      // What is wrong with the options is said at once.
      await accessTo(argv)
      const report = await watch({
        signal: context.signal,
        onEvent: context.onEvent,
        built: context.built,
        clock: () => new Date(),
        inbox: argv.inbox,
        state: argv.state,
        ...landing,
        access: () => accessTo(argv),
        seal: await tombstoneSeal(argv, context),
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
