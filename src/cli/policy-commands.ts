/** The commands about trust policies: what a site demands of whom, for which repository. */
import type { Argv } from 'yargs'
import { demandKind } from './blob-options.ts'
import { usage, type Register } from './context.ts'
import { withPolicy, type PolicyArgs } from './policy-option.ts'
import { editedText, explainText, findingsText, showPolicyText } from './trust-text.ts'

interface AddArgs extends PolicyArgs {
  name: string
  blob: boolean
  global: boolean
  scope: string[] | undefined
  store: string[]
  identity: string[]
  level: 'strict' | 'permissive' | 'audit'
  revocation: 'enforce' | 'log' | 'skip' | undefined
  'dry-run': boolean
}

function addEdits(yargs: Argv, register: Register): Argv {
  const several = { type: 'string', array: true, demandOption: true } as const
  return yargs
    .command(
      'add <name>',
      'add a statement: whom to believe, for which repositories',
      (y) =>
        withPolicy(y)
          .positional('name', { type: 'string', demandOption: true })
          .option('scope', {
            type: 'string',
            array: true,
            describe: "a repository by its destination's name, or *; not with --blob",
          })
          .option('blob', { type: 'boolean', default: false, describe: 'about plain files, in trustpolicy.blob.json' })
          .option('global', {
            type: 'boolean',
            default: false,
            describe: 'it speaks where no statement is named (with --blob)',
          })
          .option('store', { ...several, describe: 'ca:NAME, signingAuthority:NAME or tsa:NAME' })
          .option('identity', {
            ...several,
            describe: '"C=…, ST=…, O=…" of the signer, or * for all the stores vouch for',
          })
          .option('level', {
            choices: ['strict', 'permissive', 'audit'] as const,
            default: 'strict' as const,
            describe: 'which checks must pass; audit trusts whoever signed',
          })
          .option('revocation', {
            choices: ['enforce', 'log', 'skip'] as const,
            describe: 'enforced, a verdict without lists is inconclusive; logged, it only says so',
          })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be added' })
          .example(
            '$0 trust policy add acme --scope registry.site/acme/app --store ca:acme --identity "C=DE, ST=BY, O=Acme"',
            '',
          )
          .example('$0 trust policy add tools --blob --global --store ca:acme --identity "*"', 'for plain files'),
      register('trust policy add', async (argv: AddArgs, context) => {
        const { trustPolicyAdd } = await import('../index.ts')
        const { policy, name, level, blob, global, scope = [] } = argv
        demandKind(blob, { global }, { scope: scope.length > 0 })
        if (!blob && scope.length === 0) throw usage('--scope', 'for which repositories? (for plain files: --blob)')
        const lists = { ...(blob ? { global } : { scopes: scope }), stores: argv.store, identities: argv.identity }
        const revocation = argv.revocation ?? (level === 'strict' ? 'enforce' : 'log')
        const dryRun = argv['dry-run']
        const report = await trustPolicyAdd({ ...context, policy, name, level, ...lists, revocation, dryRun })
        return { verb: 'trust policy add', report, text: editedText(report, 'added'), exit: 0 }
      }),
    )
    .command(
      'remove <name>',
      'take a statement out',
      (y) =>
        withPolicy(y)
          .positional('name', { type: 'string', demandOption: true })
          .option('blob', { type: 'boolean', default: false, describe: 'of those about plain files' })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be removed' })
          .example('$0 trust policy remove acme', '')
          .example('$0 trust policy remove acme --policy policy/ --dry-run', ''),
      register(
        'trust policy remove',
        async (argv: PolicyArgs & { name: string; blob: boolean; 'dry-run': boolean }) => {
          const { trustPolicyRemove } = await import('../index.ts')
          const { policy, name, blob } = argv
          const report = await trustPolicyRemove({ policy, name, blob, dryRun: argv['dry-run'] })
          return { verb: 'trust policy remove', report, text: editedText(report, 'removed'), exit: 0 }
        },
      ),
    )
}

export function addPolicy(yargs: Argv, register: Register): Argv {
  return yargs.command('policy', 'what the trust policy says', (y) =>
    addEdits(y, register)
      .command(
        'check',
        'everything that is the matter with a policy folder',
        (z) => withPolicy(z).example('$0 trust policy check', '').example('$0 trust policy check --policy policy/', ''),
        register('trust policy check', async (argv: PolicyArgs, context) => {
          const { trustPolicyCheck } = await import('../index.ts')
          const report = await trustPolicyCheck({ ...context, policy: argv.policy })
          return { verb: 'trust policy check', report, text: findingsText(report), exit: report.usable ? 0 : 2 }
        }),
      )
      .command(
        'show',
        'what it says of every repository it names, and of plain files',
        (z) =>
          withPolicy(z).example('$0 trust policy show', '').example('$0 trust policy show --policy policy/ --json', ''),
        register('trust policy show', async (argv: PolicyArgs, context) => {
          const { trustPolicyShow } = await import('../index.ts')
          const report = await trustPolicyShow({ ...context, policy: argv.policy })
          return { verb: 'trust policy show', report, text: showPolicyText(report), exit: 0 }
        }),
      )
      .command(
        'explain <ref>',
        'what it says of one repository, by its name at the destination',
        (z) =>
          withPolicy(z)
            .positional('ref', { type: 'string', demandOption: true })
            .example('$0 trust policy explain registry.site:5000/mirror/app', '')
            .example('$0 trust policy explain local/app --policy policy/', ''),
        register('trust policy explain', async (argv: PolicyArgs & { ref: string }, context) => {
          const { trustPolicyExplain } = await import('../index.ts')
          const report = await trustPolicyExplain({ ...context, policy: argv.policy, scope: argv.ref })
          return { verb: 'trust policy explain', report, text: explainText(report), exit: report.found ? 0 : 13 }
        }),
      )
      .demandCommand(1, 'name a command')
      .strict(),
  )
}
