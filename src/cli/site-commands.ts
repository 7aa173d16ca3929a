/** The commands about the site's own memory. */
import type { Argv } from 'yargs'
import { withState, type Register } from './context.ts'
import { counted, plain } from './show.ts'
import { logText, statusText } from './site-text.ts'
import type { ForgetReport } from '../index.ts'

/** Where a site's status goes besides, for those who watch it. */
export const STATUS_FILE = {
  type: 'string',
  describe: "also write the site's status here (JSON)",
  requiresArg: true,
} as const
export const TEXTFILE = {
  type: 'string',
  describe: 'also write metrics here, for the textfile collector of Prometheus',
  requiresArg: true,
} as const

interface StatusArgs {
  state: string
  policy: string | undefined
  status: string | undefined
  textfile: string | undefined
}

interface StateArgs {
  state: string
  'dry-run': boolean
}

interface RebuildArgs extends StateArgs {
  'accept-loss': boolean | undefined
  reason: string | undefined
}

function withDryRun<T>(yargs: Argv<T>): Argv<T & { state: string; 'dry-run': boolean }> {
  return withState(yargs).option('dry-run', {
    type: 'boolean',
    default: false,
    describe: 'prove that it could be done',
  })
}

function forgetText({ target, added, artifacts, pending, dryRun }: ForgetReport): string[] {
  const there = counted(artifacts, 'artifact')
  const left = pending.lists + pending.denials
  return [
    added
      ? `${would(dryRun, 'forgotten', 'would forget')} ${plain(target)}: ${there} there, judged again by no run until an import goes there`
      : `forgotten before: ${plain(target)}, ${there} there`,
    ...(left === 0
      ? []
      : [
          `${counted(pending.lists, 'list')} and ${counted(pending.denials, 'denial')} still wait for other targets: sallyport revocation judge`,
        ]),
  ]
}

function would(dryRun: boolean, done: string, meant: string): string {
  return dryRun ? meant : done
}

export function addState(yargs: Argv, register: Register): Argv {
  return yargs.command('state', "the site's memory: journal and index", (y) =>
    y
      .command(
        'init',
        'make an empty state, on purpose',
        (z) =>
          withDryRun(z)
            .option('site', {
              type: 'string',
              demandOption: true,
              describe: "the site's name, as audiences call it",
              requiresArg: true,
            })
            .option('reason', {
              type: 'string',
              demandOption: true,
              describe: 'goes into the journal',
              requiresArg: true,
            })
            .example('$0 state init --site site-a --reason "first install"', '')
            .example('$0 state init --site site-a --reason "new disk, no backup" --state /srv/sallyport', ''),
        register('state init', async (argv: StateArgs & { site: string; reason: string }, context) => {
          const { stateInit } = await import('../index.ts')
          const report = await stateInit({
            ...context,
            state: argv.state,
            dryRun: argv['dry-run'],
            site: argv.site,
            reason: argv.reason,
          })
          return {
            verb: 'state init',
            report,
            text: [
              would(
                argv['dry-run'],
                `state of site ${report.site} made in ${report.state}`,
                `a state of site ${report.site} could be made in ${report.state}`,
              ),
            ],
            exit: 0,
          }
        }),
      )
      .command(
        'check',
        'prove the journal, and the index against it',
        (z) => withState(z).example('$0 state check', '').example('$0 state check --json', ''),
        register('state check', async (argv: Pick<StateArgs, 'state'>, context) => {
          const { stateCheck } = await import('../index.ts')
          const report = await stateCheck({ ...context, state: argv.state })
          const text = [
            `journal: ${report.rows} rows, chain whole`,
            ...report.differences.map(({ key, what }) => `index: ${what}: ${key}`),
            report.count === 0
              ? `index: ${report.keys} keys, equal to the journal`
              : `index: ${report.count} differences; run sallyport state rebuild`,
            ...report.lists.map(
              ({ form, url, what, digest }) =>
                `lists: ${what}: ${digest}, ${form} of ${plain(url)}; have it sent again: until then it is not held`,
            ),
          ]
          return { verb: 'state check', report, text, exit: report.count + report.lists.length === 0 ? 0 : 22 }
        }),
      )
      .command(
        'rebuild',
        'make the index anew from the journal',
        (z) =>
          withDryRun(z)
            .option('accept-loss', {
              type: 'boolean',
              describe: 'go on without rows that were acknowledged and are gone: replays of what they said are taken',
            })
            .option('reason', {
              type: 'string',
              describe: 'with --accept-loss: goes into the journal',
              requiresArg: true,
            })
            .implies('accept-loss', 'reason')
            .implies('reason', 'accept-loss')
            .example('$0 state rebuild', '')
            .example('$0 state rebuild --accept-loss --reason "disk failed, the backup is older"', ''),
        register('state rebuild', async (argv: RebuildArgs, context) => {
          const { stateRebuild } = await import('../index.ts')
          const { state, reason } = argv
          const acceptLoss = argv['accept-loss'] === true ? reason : undefined
          const report = await stateRebuild({ ...context, state, dryRun: argv['dry-run'], acceptLoss })
          return {
            verb: 'state rebuild',
            report,
            text: [
              would(
                argv['dry-run'],
                `index made anew from ${report.rows} rows`,
                `the index could be made anew from ${report.rows} rows`,
              ),
            ],
            exit: 0,
          }
        }),
      )
      .command(
        'backup <file>',
        'write the record to one self-checking file',
        (z) =>
          withDryRun(z)
            .positional('file', { type: 'string', demandOption: true })
            .example('$0 state backup site-a.backup', '')
            .example('$0 state backup /mnt/usb/site-a.backup', ''),
        register('state backup', async (argv: StateArgs & { file: string }, context) => {
          const { stateBackup } = await import('../index.ts')
          const report = await stateBackup({ ...context, state: argv.state, dryRun: argv['dry-run'], file: argv.file })
          return {
            verb: 'state backup',
            report,
            text: [
              `${report.rows} rows ${would(argv['dry-run'], 'in', 'could go to')} ${report.file}, head ${report.head}`,
            ],
            exit: 0,
          }
        }),
      )
      .command(
        'restore <file>',
        'make a state from a backup',
        (z) =>
          withDryRun(z)
            .positional('file', { type: 'string', demandOption: true })
            .option('reason', {
              type: 'string',
              demandOption: true,
              describe: 'goes into the journal',
              requiresArg: true,
            })
            .example('$0 state restore site-a.backup --reason "disk failed"', '')
            .example('$0 state restore site-a.backup --reason "new host" --state /srv/sallyport', ''),
        register('state restore', async (argv: StateArgs & { file: string; reason: string }, context) => {
          const { stateRestore } = await import('../index.ts')
          const report = await stateRestore({
            ...context,
            state: argv.state,
            dryRun: argv['dry-run'],
            file: argv.file,
            reason: argv.reason,
          })
          return {
            verb: 'state restore',
            report,
            text: [
              `${would(argv['dry-run'], 'restored', 'could restore')} ${report.from.n} rows of ${report.time} to ${report.state}`,
              `warning: ${report.warning}`,
            ],
            exit: 0,
          }
        }),
      )
      .command(
        'forget <target>',
        'judge nothing again at a target that is used no more, until an import goes there',
        (z) =>
          withDryRun(z)
            .positional('target', { type: 'string', demandOption: true, describe: 'host[:port], or oci:DIR' })
            .option('reason', {
              type: 'string',
              demandOption: true,
              describe: 'goes into the journal',
              requiresArg: true,
            })
            .example('$0 state forget old-registry.site:5000 --reason "switched off"', '')
            .example('$0 state forget oci:/srv/layout --reason "moved to a registry" --dry-run', ''),
        register('state forget', async (argv: StateArgs & { target: string; reason: string }, context) => {
          const { stateForget } = await import('../index.ts')
          const { target, reason, state } = argv
          const report = await stateForget({ ...context, state, target, reason, dryRun: argv['dry-run'] })
          return { verb: 'state forget', report, text: forgetText(report), exit: 0 }
        }),
      )
      .demandCommand(1, 'state needs a command'),
  )
}

export function addStatus(yargs: Argv, register: Register): Argv {
  return yargs
    .command(
      'status',
      'what this site has pinned, accepted and left open',
      (y) =>
        withState(y)
          .option('policy', {
            type: 'string',
            describe: 'also what hangs on algorithms this folder deprecates',
            requiresArg: true,
          })
          .option('status', STATUS_FILE)
          .option('textfile', TEXTFILE)
          .example('$0 status --policy policy/', 'and what must be signed anew')
          .example('$0 status --json | jq .report.health.alarms', 'for a timer: it ends with 15 when there are any'),
      register('status', async (argv: StatusArgs, context) => {
        const { exitOfAlarms, status } = await import('../index.ts')
        const files = { status: argv.status, textfile: argv.textfile }
        const report = await status({ ...context, state: argv.state, policy: argv.policy, files })
        return { verb: 'status', report, text: statusText(report), exit: await exitOfAlarms(report.health.alarms) }
      }),
    )
    .command(
      'log [ref]',
      'the journal, or what it says of one reference or digest',
      (y) =>
        withState(y)
          .positional('ref', { type: 'string' })
          .example('$0 log', '')
          .example('$0 log registry.site:5000/mirror/app:1.2', 'who moved this tag, when, from and to what'),
      register('log', async (argv: Pick<StateArgs, 'state'> & { ref: string | undefined }, context) => {
        const { log } = await import('../index.ts')
        const report = await log({ ...context, state: argv.state, ref: argv.ref })
        const unknown = argv.ref !== undefined && report.rows.length === 0
        const text = unknown ? [`the journal says nothing of ${plain(argv.ref ?? '')}`] : logText(report)
        return { verb: 'log', report, text, exit: 0 }
      }),
    )
}
