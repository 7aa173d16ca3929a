/** The commands about revocation, one function each. */
import type { Argv } from 'yargs'
import { bundleTerms, lacksByChoice, readPlan, withBundle, type BundleArgs } from './bundle-options.ts'
import { demandCompany, usage, withRegistry, type Register } from './context.ts'
import { addRevocationSeed } from './seed-command.ts'
import {
  addAffected,
  addJudge,
  addRevocationStatus,
  denyHere,
  withSiteDeny,
  type SiteDenyArgs,
} from './revocation-site-commands.ts'
import { denyText, revocationBundleText } from './revocation-text.ts'

type CollectArgs = BundleArgs & {
  file: string
  from: string | undefined
  policy: string | undefined
  destination: string | undefined
}

function addCollect(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'collect',
    'write a bundle of revocation lists, OCSP answers and denials alone',
    (y) =>
      withRegistry(
        withBundle(
          y
            .option('file', {
              alias: 'f',
              type: 'string',
              describe: 'plan file (YAML): whose chains, for which sites; its channel is that of --keys, or not named',
              demandOption: true,
              requiresArg: true,
            })
            .option('from', {
              type: 'string',
              describe: 'take lists from this folder, not from the network',
              requiresArg: true,
            })
            .option('policy', {
              type: 'string',
              describe: 'demand the lists of those alone whom this policy folder believes',
              requiresArg: true,
            })
            .option('destination', {
              type: 'string',
              describe: 'where the content goes, as policies name it: host[:port][/prefix]',
              requiresArg: true,
            }),
        ),
      )
        .example('$0 revocation collect -f plan.yaml --keys rkeys/ -o rev.tar', 'the lists of all chains of the plan')
        .example('$0 revocation collect -f plan.yaml --from crls/ --keys rkeys/ -o rev.tar', 'out of a folder'),
    register('revocation collect', async (argv: CollectArgs, context) => {
      const { parsePlan, revocationBundle } = await import('../index.ts')
      const plan = await parsePlan(readPlan(argv.file), argv.file)
      const terms = await bundleTerms('revocation collect', argv, plan, argv.file, argv.from)
      const { policy, destination } = argv
      demandCompany('--destination', destination, '--policy', policy)
      const report = await revocationBundle({ ...context, ...terms, policy, destination })
      const exit = lacksByChoice(report) ? 3 : 0
      return { verb: 'revocation collect', report, text: revocationBundleText(report), exit }
    }),
  )
}

interface DenyArgs extends SiteDenyArgs {
  keys: string | undefined
}

function addDeny(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'deny <artifact>',
    'deny an artifact, or what one key signed of it, for good: at every site of a channel, or at this site',
    (y) =>
      withSiteDeny(y)
        .positional('artifact', {
          type: 'string',
          demandOption: true,
          describe: 'sha256:…, the digest of its manifest',
        })
        .option('signer', {
          type: 'string',
          describe: "only what this signer signed: his certificate's file, or SHA-256 of his public key",
          requiresArg: true,
        })
        .option('reason', { type: 'string', demandOption: true, describe: 'shown to every site', requiresArg: true })
        .option('keys', {
          type: 'string',
          describe: "deny at every site: the revocation channel's folder",
          requiresArg: true,
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be denied' })
        .example(
          '$0 revocation deny sha256:4be1… --reason "CVE-2026-1234" --keys rkeys/',
          'the artifact, whoever signed',
        )
        .example(
          '$0 revocation deny sha256:4be1… --signer ca/signer/certificate.crt --reason "by mistake" --state /srv/sallyport',
          'one key, here',
        ),
    register('revocation deny', async (argv: DenyArgs, context) => {
      const { denyArtifact } = await import('../index.ts')
      const { artifact, signer, reason, keys, state } = argv
      if ((keys === undefined) === (state === undefined))
        throw usage('--keys', 'name either the folder of a channel, or the --state of this site')
      if (state !== undefined) return denyHere({ ...argv, state }, context)
      if (keys === undefined || argv.to !== undefined) throw usage('--to', 'it goes with --state')
      if (argv.key !== undefined) throw usage('--key', 'it goes with --state')
      if (argv.policy !== undefined) throw usage('--policy', 'it goes with --state')
      const report = await denyArtifact({ ...context, artifact, signer, reason, keys, dryRun: argv['dry-run'] })
      return { verb: 'revocation deny', report, text: denyText(report), exit: 0 }
    }),
  )
}

export function addRevocation(yargs: Argv, register: Register): Argv {
  return yargs.command('revocation', 'what is revoked and denied', (y) =>
    [addCollect, addDeny, addRevocationStatus, addAffected, addJudge, addRevocationSeed]
      .reduce((all, add) => add(all, register), y as Argv)
      .demandCommand(1, 'revocation needs a command'),
  )
}
