/** The commands about trust: which publishers this site believes. */
import type { Argv } from 'yargs'
import { readWhole, STANDARD_INPUT } from './capped-file.ts'
import { accessOf, hostsOf, usage, withRegistry, type Register, type RegistryArgs } from './context.ts'
import { addPolicy } from './policy-commands.ts'
import { withPolicy, type PolicyArgs } from './policy-option.ts'
import { anchorsText, removedText, storesText } from './trust-text.ts'

/** Far above what certificates come to. */
const CERTIFICATES_CAP = 16 * 1024 * 1024

type AddArgs = RegistryArgs &
  PolicyArgs & {
    kind: string
    name: string
    from: string
    fingerprint: string[]
    artifact: boolean
    'dry-run': boolean
  }

/** Where certificates come from, for errors and reports: the query of an address may hold a key of the service. */
function shown(from: string): string {
  if (from === '-') return 'standard input'
  if (!/^https?:\/\//i.test(from)) return from
  return URL.canParse(from) ? new URL(from).origin + new URL(from).pathname : 'url'
}

function addStoreAdd(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'add <kind> <name> <from>',
    'add a trust anchor, against the fingerprint that its owner told you',
    (y) =>
      withRegistry(withPolicy(y))
        .positional('kind', { choices: ['ca', 'signingAuthority', 'tsa'] as const, demandOption: true })
        .positional('name', { type: 'string', demandOption: true })
        .positional('from', { type: 'string', demandOption: true, describe: 'a file, - for PEM text, or https://…' })
        .nargs('from', 1)
        .option('artifact', {
          type: 'boolean',
          default: false,
          describe: '<from> is an artifact in a registry or layout',
        })
        .option('fingerprint', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe: 'sha256:… or the words, one for each certificate; never taken from where the file comes from',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be added' })
        .example('$0 trust store add ca acme root.crt --fingerprint sha256:…', 'from a file')
        .example(
          '$0 trust store add tsa acme-tsa https://acme.example/tsa.crt --fingerprint "acorn …"',
          'connected side',
        ),
    register('trust store add', async (argv: AddArgs, context) => {
      const { acquire, trustStoreAdd } = await import('../index.ts')
      if (argv.from === '-' && argv.artifact) throw usage('--artifact', 'it goes with a reference')
      // Before anything is fetched: whoever has no fingerprint is not to look at the file for one.
      if (argv.fingerprint.length === 0) await trustStoreAddRefusal(shown(argv.from))
      const registry = await accessOf(argv, argv.artifact ? hostsOf([argv.from]) : [])
      const bytes =
        argv.from === '-'
          ? readWhole(STANDARD_INPUT, CERTIFICATES_CAP)
          : await acquire({ ...context, from: argv.from, artifact: argv.artifact, registry })
      const report = await trustStoreAdd({
        ...context,
        policy: argv.policy,
        kind: argv.kind,
        name: argv.name,
        bytes,
        from: shown(argv.from),
        fingerprints: argv.fingerprint,
        dryRun: argv['dry-run'],
      })
      return { verb: 'trust store add', report, text: anchorsText(report), exit: 0 }
    }),
  )
}

async function trustStoreAddRefusal(subject: string): Promise<never> {
  const { SallyportError } = await import('../index.ts')
  throw new SallyportError('FINGERPRINT_MISSING', {
    side: 'state',
    subject,
    detail: 'a trust anchor is only added against a fingerprint',
  })
}

function addStore(yargs: Argv, register: Register): Argv {
  return yargs.command('store', 'the trust anchors', (y) =>
    addStoreAdd(y, register)
      .command(
        'list',
        'every store with its anchors, their fingerprints and dates',
        (z) =>
          withPolicy(z).example('$0 trust store list', '').example('$0 trust store list --policy policy/ --json', ''),
        register('trust store list', async (argv: PolicyArgs, context) => {
          const { trustStoreList } = await import('../index.ts')
          const report = await trustStoreList({ ...context, policy: argv.policy })
          return { verb: 'trust store list', report, text: storesText(report), exit: 0 }
        }),
      )
      .command(
        'remove <kind> <name>',
        'take a trust anchor out',
        (z) =>
          withPolicy(z)
            .positional('kind', { choices: ['ca', 'signingAuthority', 'tsa'] as const, demandOption: true })
            .positional('name', { type: 'string', demandOption: true })
            .option('fingerprint', { type: 'string', demandOption: true, requiresArg: true, describe: 'which one' })
            .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be removed' })
            .example('$0 trust store remove ca acme --fingerprint sha256:…', '')
            .example('$0 trust store remove ca acme --fingerprint sha256:… --dry-run', ''),
        register(
          'trust store remove',
          async (argv: PolicyArgs & { kind: string; name: string; fingerprint: string; 'dry-run': boolean }) => {
            const { trustStoreRemove } = await import('../index.ts')
            const report = await trustStoreRemove({ ...argv, dryRun: argv['dry-run'] })
            return { verb: 'trust store remove', report, text: removedText(report), exit: 0 }
          },
        ),
      )
      .demandCommand(1, 'name a command')
      .strict(),
  )
}

export function addTrust(yargs: Argv, register: Register): Argv {
  return yargs.command('trust', 'which publishers this site believes', (y) =>
    addPolicy(addStore(y, register), register).demandCommand(1, 'name a command').strict(),
  )
}
