/** The commands about channels and the site's own state. */
import type { Argv } from 'yargs'
import { SallyportError } from '../errors/index.ts'
import { withState } from './context.ts'
import type { Register } from './passage-commands.ts'
import { passphraseSource } from './passphrase.ts'
import { initText, logText, showText, statusText } from './text.ts'

const PURPOSES = ['content', 'trust', 'revocation'] as const
type Purpose = (typeof PURPOSES)[number]

interface InitArgs {
  channel: string
  for: Purpose
  dir: string
  threshold: number | undefined
  people: string | undefined
  solo: boolean
  'key-type': 'ed25519' | 'p384'
  'root-days': number
  'passphrase-file': string | undefined
}

async function peopleOf({ people, threshold, solo }: InitArgs): Promise<{ people: string[]; threshold: number }> {
  const { NAMES } = await import('../index.ts')
  if (solo && (people !== undefined || threshold !== undefined))
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: '--solo',
      detail: 'one person alone; it goes without --people and --threshold',
    })
  if (solo) return { people: [NAMES[0]], threshold: 1 }
  const needed = threshold ?? 2
  if (people === undefined) return { people: NAMES.slice(0, needed + 1), threshold: needed }
  if (/^\d+$/.test(people)) {
    const count = Number(people)
    if (count < 1 || count > NAMES.length)
      throw new SallyportError('USAGE', {
        side: 'state',
        subject: '--people',
        detail: `1 to ${NAMES.length}, or their names`,
      })
    return { people: NAMES.slice(0, count), threshold: needed }
  }
  return { people: people.split(','), threshold: needed }
}

export function addChannel(yargs: Argv, register: Register): Argv {
  return yargs.command('channel <command>', 'who may send to us', (y) =>
    y
      .command(
        'init <channel>',
        "make a channel's keys and root",
        (z) =>
          z
            .positional('channel', { type: 'string', demandOption: true })
            .option('for', { choices: PURPOSES, demandOption: true, describe: 'what the channel may speak about' })
            .option('dir', {
              type: 'string',
              demandOption: true,
              describe: 'a new folder for keys and root',
              requiresArg: true,
            })
            .option('threshold', {
              type: 'number',
              describe: 'how many people must approve a bundle [2]',
              requiresArg: true,
            })
            .option('people', {
              type: 'string',
              describe: 'how many people, or their names: ann,ben,cy [3]',
              requiresArg: true,
            })
            .option('solo', { type: 'boolean', default: false, describe: 'one person alone' })
            .option('key-type', {
              choices: ['ed25519', 'p384'] as const,
              default: 'ed25519' as const,
              describe: 'kind of all keys',
            })
            .option('root-days', {
              type: 'number',
              default: 1825,
              describe: 'days until the root expires',
              requiresArg: true,
            })
            .option('passphrase-file', {
              type: 'string',
              describe: 'file with a passphrase for the keys',
              requiresArg: true,
            })
            .example(
              '$0 channel init vendor-a --for content --dir keys/ --threshold 2 --people 3',
              'two of three people',
            )
            .example('$0 channel init hobby --for content --dir keys/ --solo --key-type p384', 'one person, P-384'),
        register('channel init', async (argv: InitArgs, context) => {
          const { channelInit } = await import('../index.ts')
          const days = argv['root-days']
          if (!Number.isInteger(days) || days < 1 || days > 36_500)
            throw new SallyportError('USAGE', {
              side: 'state',
              subject: '--root-days',
              detail: 'a whole number from 1 to 36500',
            })
          const report = await channelInit({
            ...context,
            ...(await peopleOf(argv)),
            channel: argv.channel,
            purpose: argv.for,
            dir: argv.dir.replace(/(?<=.)\/+$/, ''),
            kind: argv['key-type'],
            rootDays: days,
            passphrase: passphraseSource(argv['passphrase-file'], true),
          })
          return { verb: 'channel init', report, text: initText(report), exit: 0 }
        }),
      )
      .command(
        'pin <channel> <root>',
        'trust a channel, by hand, against a fingerprint',
        (z) =>
          withState(z)
            .positional('channel', { type: 'string', demandOption: true })
            .positional('root', { type: 'string', demandOption: true, describe: 'root.json' })
            .option('fingerprint', {
              type: 'string',
              describe: 'sha256:…, told by another way than the file',
              requiresArg: true,
            })
            .option('for', { choices: PURPOSES, demandOption: true, describe: 'what the channel may speak about' })
            .option('dry-run', { type: 'boolean', default: false, describe: 'compare only' })
            .example('$0 channel pin vendor-a root.json --fingerprint sha256:… --for content', 'once, by hand')
            .example(
              '$0 channel pin vendor-a root.json --fingerprint sha256:… --for content --dry-run',
              'compare, keep nothing',
            ),
        register(
          'channel pin',
          async (
            argv: {
              channel: string
              root: string
              fingerprint: string | undefined
              for: Purpose
              state: string
              'dry-run': boolean
            },
            context,
          ) => {
            const { channelPin } = await import('../index.ts')
            const report = await channelPin({
              ...context,
              state: argv.state,
              channel: argv.channel,
              root: argv.root,
              fingerprint: argv.fingerprint,
              purpose: argv.for,
              dryRun: argv['dry-run'],
            })
            return {
              verb: 'channel pin',
              report,
              text: [
                `${argv['dry-run'] ? 'would pin' : 'pinned'} ${report.channel} (${report.purpose}), root ${report.rootVersion}, ${report.fingerprint}`,
              ],
              exit: 0,
            }
          },
        ),
      )
      .command(
        'unpin <channel>',
        'trust a channel no longer; its counters are kept',
        (z) =>
          withState(z)
            .positional('channel', { type: 'string', demandOption: true })
            .option('reason', {
              type: 'string',
              demandOption: true,
              describe: 'goes into the journal',
              requiresArg: true,
            })
            .example('$0 channel unpin vendor-a --reason "contract ended"', '')
            .example('$0 channel unpin vendor-a --reason "keys lost" --state /srv/sallyport', ''),
        register('channel unpin', async (argv: { channel: string; reason: string; state: string }, context) => {
          const { channelUnpin } = await import('../index.ts')
          const report = await channelUnpin({
            ...context,
            state: argv.state,
            channel: argv.channel,
            reason: argv.reason,
          })
          return { verb: 'channel unpin', report, text: [`unpinned ${report.channel}`], exit: 0 }
        }),
      )
      .command(
        'show',
        'the pinned channels, or a folder of keys',
        (z) =>
          withState(z)
            .option('dir', { type: 'string', describe: "a channel's own folder", requiresArg: true })
            .example('$0 channel show', 'what this site has pinned')
            .example('$0 channel show --dir keys/', 'fingerprint and people of a channel'),
        register('channel show', async (argv: { state: string; dir: string | undefined }, context) => {
          const { channelShow } = await import('../index.ts')
          const report = await channelShow({ ...context, state: argv.state, dir: argv.dir })
          return { verb: 'channel show', report, text: showText(report), exit: 0 }
        }),
      )
      .demandCommand(1, 'channel needs a command'),
  )
}

interface StateArgs {
  state: string
}

export function addState(yargs: Argv, register: Register): Argv {
  return yargs.command('state <command>', "the site's memory: journal and index", (y) =>
    y
      .command(
        'init',
        'make an empty state, on purpose',
        (z) =>
          withState(z)
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
          const report = await stateInit({ ...context, state: argv.state, site: argv.site, reason: argv.reason })
          return { verb: 'state init', report, text: [`state of site ${report.site} made in ${report.state}`], exit: 0 }
        }),
      )
      .command(
        'check',
        'prove the journal, and the index against it',
        (z) => withState(z).example('$0 state check', '').example('$0 state check --json', ''),
        register('state check', async (argv: StateArgs, context) => {
          const { stateCheck } = await import('../index.ts')
          const report = await stateCheck({ ...context, state: argv.state })
          const text = [
            `journal: ${report.rows} rows, chain whole`,
            ...report.differences.map(({ key, what }) => `index: ${what}: ${key}`),
            report.count === 0
              ? `index: ${report.keys} keys, equal to the journal`
              : `index: ${report.count} differences; run sallyport state rebuild`,
          ]
          return { verb: 'state check', report, text, exit: report.count === 0 ? 0 : 22 }
        }),
      )
      .command(
        'rebuild',
        'make the index anew from the journal',
        (z) => withState(z).example('$0 state rebuild', '').example('$0 state rebuild --state /srv/sallyport', ''),
        register('state rebuild', async (argv: StateArgs, context) => {
          const { stateRebuild } = await import('../index.ts')
          const report = await stateRebuild({ ...context, state: argv.state })
          return { verb: 'state rebuild', report, text: [`index made anew from ${report.rows} rows`], exit: 0 }
        }),
      )
      .command(
        'backup <file>',
        'write the record to one self-checking file',
        (z) =>
          withState(z)
            .positional('file', { type: 'string', demandOption: true })
            .example('$0 state backup site-a.backup', '')
            .example('$0 state backup /mnt/usb/site-a.backup', ''),
        register('state backup', async (argv: StateArgs & { file: string }, context) => {
          const { stateBackup } = await import('../index.ts')
          const report = await stateBackup({ ...context, state: argv.state, file: argv.file })
          return {
            verb: 'state backup',
            report,
            text: [`${report.rows} rows in ${report.file}, head ${report.head}`],
            exit: 0,
          }
        }),
      )
      .command(
        'restore <file>',
        'make a state from a backup',
        (z) =>
          withState(z)
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
          const report = await stateRestore({ ...context, state: argv.state, file: argv.file, reason: argv.reason })
          return {
            verb: 'state restore',
            report,
            text: [`restored ${report.from.n} rows of ${report.time} to ${report.state}`, `warning: ${report.warning}`],
            exit: 0,
          }
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
      (y) => withState(y).example('$0 status', '').example('$0 status --json | jq .report.channels', ''),
      register('status', async (argv: StateArgs, context) => {
        const { status } = await import('../index.ts')
        const report = await status({ ...context, state: argv.state })
        return { verb: 'status', report, text: statusText(report), exit: 0 }
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
      register('log', async (argv: StateArgs & { ref: string | undefined }, context) => {
        const { log } = await import('../index.ts')
        const report = await log({ ...context, state: argv.state, ref: argv.ref })
        return { verb: 'log', report, text: logText(report), exit: 0 }
      }),
    )
}
