/** The commands about channels: who may send to us. */
import type { Argv } from 'yargs'
import { addRules } from './channel-rule-commands.ts'
import { initText, showText } from './channel-text.ts'
import { folderPath, THRESHOLD_CAP, usage, whole, withState, type Register } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { addRotate } from './rotate-command.ts'

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
  'dry-run': boolean
}

async function peopleOf({ people, threshold, solo }: InitArgs): Promise<{ people: string[]; threshold: number }> {
  const { NAMES } = await import('../index.ts')
  if (solo && (people !== undefined || threshold !== undefined))
    throw usage('--solo', 'one person alone; it goes without --people and --threshold')
  if (solo) return { people: [NAMES[0]], threshold: 1 }
  const needed = whole('--threshold', threshold, 1, THRESHOLD_CAP) ?? 2
  if (people === undefined) return { people: NAMES.slice(0, needed + 1), threshold: needed }
  if (/^\d+$/.test(people)) {
    const count = Number(people)
    if (count < 1 || count > NAMES.length) throw usage('--people', `1 to ${NAMES.length}, or their names`)
    return { people: NAMES.slice(0, count), threshold: needed }
  }
  return { people: people.split(','), threshold: needed }
}

export function addChannel(yargs: Argv, register: Register): Argv {
  return yargs.command('channel', 'who may send to us', (y) => {
    const channels = addRotate(
      y.command(
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
            .option('dry-run', { type: 'boolean', default: false, describe: 'check only, make nothing' })
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
          const days = whole('--root-days', argv['root-days'], 1, 36_500)
          const report = await channelInit({
            ...context,
            ...(await peopleOf(argv)),
            channel: argv.channel,
            dryRun: argv['dry-run'],
            purpose: argv.for,
            dir: folderPath(argv.dir),
            kind: argv['key-type'],
            rootDays: days,
            passphrase: passphraseSource(argv['passphrase-file'], true),
          })
          return { verb: 'channel init', report, text: initText(report), exit: 0 }
        }),
      ),
      register,
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
                `${report.dryRun ? 'would pin' : 'pinned'} ${report.channel} (${report.purpose}), root ${report.rootVersion} until ${report.expires.slice(0, 10)}, ${report.fingerprint}`,
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
            .option('dry-run', { type: 'boolean', default: false, describe: 'prove that it could be done' })
            .option('reason', {
              type: 'string',
              demandOption: true,
              describe: 'goes into the journal',
              requiresArg: true,
            })
            .example('$0 channel unpin vendor-a --reason "contract ended"', '')
            .example('$0 channel unpin vendor-a --reason "keys lost" --state /srv/sallyport', ''),
        register(
          'channel unpin',
          async (argv: { channel: string; reason: string; state: string; 'dry-run': boolean }, context) => {
            const { channelUnpin } = await import('../index.ts')
            const report = await channelUnpin({
              ...context,
              dryRun: argv['dry-run'],
              state: argv.state,
              channel: argv.channel,
              reason: argv.reason,
            })
            return {
              verb: 'channel unpin',
              report,
              text: [`${report.dryRun ? 'would unpin' : 'unpinned'} ${report.channel}`],
              exit: 0,
            }
          },
        ),
      )
    return addRules(channels, register)
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
      .demandCommand(1, 'channel needs a command')
  })
}
