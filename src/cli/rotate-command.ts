/** `channel rotate`: new keys and people for a channel. */
import type { Argv } from 'yargs'
import { folderPath, THRESHOLD_CAP, usage, whole, type Register } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { rotateText, rotationLines } from './rotate-text.ts'

interface RotateArgs {
  dir: string
  replace: string | undefined
  add: string | undefined
  remove: string | undefined
  threshold: number | undefined
  key: string[]
  'key-type': 'ed25519' | 'p384' | undefined
  renew: boolean
  id: string | undefined
  'root-days': number | undefined
  'passphrase-file': string | undefined
  'new-passphrase-file': string | undefined
  abandon: boolean
  'dry-run': boolean
}

function listOf(names: string | undefined): string[] {
  return names === undefined ? [] : names.split(',')
}

export function addRotate<T>(yargs: Argv<T>, register: Register): Argv<T> {
  return yargs.command(
    'rotate',
    'make the next root: other keys, other people, a later expiry',
    (y) =>
      y
        .option('dir', { type: 'string', demandOption: true, describe: "the channel's own folder", requiresArg: true })
        .option('replace', {
          type: 'string',
          describe: 'keys that give way to new ones: ann, root-ann, host (snapshot and timestamp)',
          requiresArg: true,
        })
        .option('add', { type: 'string', describe: 'people who join: ann,ben', requiresArg: true })
        .option('remove', { type: 'string', describe: 'people who leave', requiresArg: true })
        .option('threshold', {
          type: 'number',
          describe: 'how many people must sign from then on [as before]',
          requiresArg: true,
        })
        .option('renew', {
          type: 'boolean',
          default: false,
          describe: 'all keys may stay, the next root is good for longer',
        })
        .option('key', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'root key that signs now [all in the folder]',
          requiresArg: true,
        })
        .option('id', { type: 'string', describe: 'sign only the waiting root with this id', requiresArg: true })
        .option('key-type', { choices: ['ed25519', 'p384'] as const, describe: 'kind of new keys [as before]' })
        .option('root-days', {
          type: 'number',
          describe: 'days until the new root expires [1825]',
          requiresArg: true,
        })
        .option('passphrase-file', {
          type: 'string',
          describe: 'file with the passphrase of root keys',
          requiresArg: true,
        })
        .option('new-passphrase-file', {
          type: 'string',
          describe: 'file with a passphrase for keys that are made',
          requiresArg: true,
        })
        .option('abandon', {
          type: 'boolean',
          default: false,
          describe: 'take back the root that waits for signatures',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'tell what would change' })
        .example('$0 channel rotate --dir keys/ --replace host,ann --key /media/root-ann.pem', 'after a theft')
        .example(
          '$0 channel rotate --dir keys/ --key /media/root-ben.pem --id sha256:4be1…',
          'the second holder signs',
        ),
    register('channel rotate', async (argv: RotateArgs, context) => {
      const { channelRotate } = await import('../index.ts')
      const days = whole('--root-days', argv['root-days'], 1, 36_500)
      const threshold = whole('--threshold', argv.threshold, 1, THRESHOLD_CAP)
      const goesOn = !argv.renew && [argv.replace, argv.add, argv.remove, threshold].every((one) => one === undefined)
      if (context.quiet && goesOn && argv.id === undefined && !argv.abandon && !argv['dry-run'])
        throw usage('--quiet', 'what is signed must be seen, or named with --id')
      const report = await channelRotate({
        ...context,
        dir: folderPath(argv.dir),
        change: {
          renew: argv.renew,
          replace: listOf(argv.replace),
          add: listOf(argv.add),
          remove: listOf(argv.remove),
          threshold: threshold ?? null,
          days: days ?? null,
          kind: argv['key-type'] ?? null,
        },
        keys: argv.key,
        id: argv.id,
        passphrase: passphraseSource(argv['passphrase-file']),
        newPassphrase: passphraseSource(argv['new-passphrase-file'], true, '--new-passphrase-file'),
        onRoot: (root) => {
          for (const text of rotationLines(root)) context.onEvent({ type: 'note', text })
        },
        abandon: argv.abandon,
        dryRun: argv['dry-run'],
      })
      return { verb: 'channel rotate', report, text: rotateText(report, argv.dir, argv['dry-run']), exit: 0 }
    }),
  )
}
