/** `revocation seed`: a stock notation beside this site. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { folderPath, usage, withState, type Register } from './context.ts'
import { seedText } from './seed-text.ts'

interface SeedArgs {
  state: string
  notation: string
  'notation-config': string | undefined
  policy: string | undefined
  replace: boolean
  'dry-run': boolean
}

/** Where notation keeps things of this kind for the user who runs this. */
function usual(variable: string, otherwise: string): string {
  const named = process.env[variable]
  return join(named === undefined || named === '' ? join(homedir(), otherwise) : named, 'notation')
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
        cache: named ?? usual('XDG_CACHE_HOME', '.cache'),
        policy,
        config: folderPath(argv['notation-config'] ?? named ?? usual('XDG_CONFIG_HOME', '.config')),
        replace: argv.replace,
        dryRun: argv['dry-run'],
      })
      return { verb: 'revocation seed', report, text: seedText(report), exit: 0 }
    }),
  )
}
