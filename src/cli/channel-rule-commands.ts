/** `channel expect` and `channel confine`: what a site holds a channel to that it has pinned. */
import type { Argv } from 'yargs'
import { confineText, expectText } from './channel-text.ts'
import { usage, withState, type Register } from './context.ts'

interface ExpectArgs {
  channel: string
  every: string | undefined
  never: boolean
  state: string
  'dry-run': boolean
}

interface ConfineArgs {
  channel: string
  into: string[] | undefined
  anywhere: boolean
  state: string
  'dry-run': boolean
}

export function addRules(yargs: Argv, register: Register): Argv {
  return yargs
    .command(
      'expect <channel>',
      'how often a bundle has to come; silence beyond that is an alarm',
      (z) =>
        withState(z)
          .positional('channel', { type: 'string', demandOption: true })
          .option('every', { type: 'string', describe: 'a span: 7d, 12h, 30m', requiresArg: true })
          .option('never', { type: 'boolean', default: false, describe: 'expect nothing any more' })
          .option('dry-run', { type: 'boolean', default: false, describe: 'prove that it could be done' })
          .example('$0 channel expect vendor-a --every 7d', 'status and watch tell when it is overdue')
          .example('$0 channel expect vendor-a --never', ''),
      register('channel expect', async (argv: ExpectArgs, context) => {
        const { channelExpect, parseSpan } = await import('../index.ts')
        if ((argv.every === undefined) !== argv.never) throw usage('--every', 'name a span, or --never')
        const every = argv.every === undefined ? null : await parseSpan(argv.every, '--every')
        const { channel, state } = argv
        const report = await channelExpect({ ...context, state, channel, every, dryRun: argv['dry-run'] })
        return { verb: 'channel expect', report, text: expectText(report), exit: 0 }
      }),
    )
    .command(
      'confine <channel>',
      'where its content may go, whatever its bundles say',
      (z) =>
        withState(z)
          .positional('channel', { type: 'string', demandOption: true })
          .option('into', {
            type: 'string',
            array: true,
            describe: 'a path of repositories at the target, with all below it; may be given again',
            requiresArg: true,
          })
          .option('anywhere', { type: 'boolean', default: false, describe: 'confine it no more' })
          .option('dry-run', { type: 'boolean', default: false, describe: 'prove that it could be done' })
          .example('$0 channel confine vendor-b --into mirror/vendor-b', 'import refuses what would go elsewhere')
          .example('$0 channel confine vendor-b --anywhere', ''),
      register('channel confine', async (argv: ConfineArgs, context) => {
        const { channelConfine } = await import('../index.ts')
        if ((argv.into === undefined) !== argv.anywhere) throw usage('--into', 'name a path, or --anywhere')
        const { channel, state, into = null } = argv
        const report = await channelConfine({ ...context, state, channel, into, dryRun: argv['dry-run'] })
        return { verb: 'channel confine', report, text: confineText(report), exit: 0 }
      }),
    )
}
