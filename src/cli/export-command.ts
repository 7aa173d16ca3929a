/** The command `export`. */
import type { Argv } from 'yargs'
import type { Plan } from '../index.ts'
import { pluginsHere } from './artifact-commands.ts'
import { asOfIn, withAsOf, type AsOfArgs } from './as-of-option.ts'
import { bundleTerms, lacksByChoice, readPlan, withBundle, type BundleArgs } from './bundle-options.ts'
import { demandCompany, usage, withRegistry, type Register } from './context.ts'
import { exportText } from './text.ts'

type ExportArgs = BundleArgs &
  AsOfArgs & {
    refs: string[]
    file: string | undefined
    platform: string[]
    referrers: 'all' | 'signatures' | 'none' | undefined
    passenger: string[]
    policy: string | undefined
    destination: string | undefined
    revocation: string | undefined
  }

export function addExport(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'export [refs..]',
    'write images and all that refers to them into one bundle',
    (y) =>
      withAsOf(
        withRegistry(
          withBundle(
            y
              .positional('refs', {
                type: 'string',
                array: true,
                default: [] as string[],
                describe: 'host/repo:tag, host/repo@digest, oci:DIR, oci:FILE.tar',
              })
              .option('file', { alias: 'f', type: 'string', describe: 'plan file (YAML)', requiresArg: true }),
          )
            .option('platform', {
              type: 'string',
              array: true,
              describe: 'os/arch[/variant] to take of each index',
              default: [] as string[],
            })
            .option('referrers', {
              choices: ['all', 'signatures', 'none'] as const,
              describe: 'which referrers ride along [all]',
            })
            .option('revocation', {
              type: 'string',
              describe: 'where revocation lists come from: network, none or a folder [network, for registries]',
              requiresArg: true,
            })
            .option('passenger', {
              type: 'string',
              array: true,
              describe: 'a bundle of another channel (revocation or trust) that rides along',
              default: [] as string[],
            })
            .option('policy', { type: 'string', describe: 'refuse what this policy folder refuses', requiresArg: true })
            .option('destination', {
              type: 'string',
              describe: 'where it goes, as policies name it: host[:port][/prefix]',
              requiresArg: true,
            }),
        ),
      )
        .example('$0 export -f plan.yaml --keys keys/ -o june.tar', 'what the plan names, to a file')
        .example(
          '$0 export ghcr.io/acme/app:1.2 --for-site site-a --keys keys/ -o - | diode-send',
          'one image, to a pipe',
        ),
    register('export', async (argv: ExportArgs, context) => {
      const { exportBundle, parsePlan } = await import('../index.ts')
      if (argv.file === undefined && argv.refs.length === 0)
        throw usage('export', 'name what to export: references, or a plan with -f')
      if (argv.file !== undefined && argv.refs.length > 0)
        throw usage('export', 'name references or a plan with -f, not both')
      const plan: Plan =
        argv.file === undefined
          ? {
              map: [],
              artifacts: argv.refs.map((ref) => ({
                ref,
                referrers: argv.referrers ?? 'all',
                ...(argv.platform.length > 0 ? { platforms: argv.platform } : {}),
              })),
            }
          : await parsePlan(readPlan(argv.file), argv.file)
      const asOf = asOfIn(argv)
      demandCompany('--as-of', asOf, '--policy', argv.policy)
      demandCompany('--destination', argv.destination, '--policy', argv.policy)
      const named = argv.file === undefined ? true : undefined
      demandCompany('--platform', argv.platform, 'references; a plan names platforms itself', named)
      demandCompany('--referrers', argv.referrers, 'references; a plan names referrers itself', named)
      const report = await exportBundle({
        ...context,
        ...(await bundleTerms('export', argv, plan, argv.file, argv.revocation)),
        passengers: argv.passenger,
        policy: argv.policy,
        plugins: pluginsHere(),
        destination: argv.destination,
        asOf,
      })
      const exit = report.omitted.length > 0 || lacksByChoice(report) ? 3 : 0
      return { verb: 'export', report, text: exportText(report), exit }
    }),
  )
}
