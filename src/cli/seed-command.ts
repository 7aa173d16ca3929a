/** `revocation seed`: a stock notation beside this site. */
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { defaultPolicy } from './artifact-commands.ts'
import { folderPath, usage, userFolder, withState, type Register } from './context.ts'
import { seedText } from './seed-text.ts'

interface SeedArgs {
  state: string
  notation: string
  'notation-config': string | undefined
  policy: string | undefined
  replace: boolean
  'dry-run': boolean
}

export function addRevocationSeed<T>(yargs: Argv<T>, register: Register): Argv<T> {
  return yargs.command(
    'seed',
    'give a stock notation here the lists that are held, so that it checks revocation without a network',
    (z) =>
      withState(z)
        .option('notation', {
          type: 'string',
          demandOption: true,
          describe: "notation's cache folder [$XDG_CACHE_HOME/notation, ~/.cache/notation]",
        })
        .option('policy', {
          type: 'string',
          requiresArg: true,
          describe: 'also give it the trust stores and trust policies of this folder',
        })
        .option('notation-config', {
          type: 'string',
          requiresArg: true,
          describe: 'where these go [the folder of --notation, else $XDG_CONFIG_HOME/notation, ~/.config/notation]',
        })
        .option('replace', {
          type: 'boolean',
          default: false,
          describe: 'overwrite stores and policies of others there',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'check only, write nothing' })
        .example('$0 revocation seed --notation --policy policy/', 'for the user who runs this')
        .example('$0 revocation seed --notation /srv/notation', 'into XDG_CACHE_HOME=/srv'),
    register('revocation seed', async (argv: SeedArgs, context) => {
      const { policy } = argv
      if (policy === undefined && (argv['notation-config'] !== undefined || argv.replace))
        throw usage(argv.replace ? '--replace' : '--notation-config', 'it says what to do with --policy')
      const named = argv.notation === '' ? undefined : folderPath(argv.notation)
      const { revocationSeed } = await import('../index.ts')
      const report = await revocationSeed({
        ...context,
        state: argv.state,
        cache: named ?? join(userFolder('XDG_CACHE_HOME', '.cache'), 'notation'),
        policy,
        config: folderPath(argv['notation-config'] ?? named ?? defaultPolicy()),
        replace: argv.replace,
        dryRun: argv['dry-run'],
      })
      return { verb: 'revocation seed', report, text: seedText(report), exit: 0 }
    }),
  )
}
