/** The commands on an artifact where it lies: sign and check. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { accessOf, hostsOf, usage, withRegistry, type Register, type RegistryArgs } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { checkText, signText } from './trust-text.ts'

/** Where notation keeps trust policy and stores, which is where we do. */
export function defaultPolicy(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'notation')
}

function metadataOf(pairs: readonly string[]): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    if (at <= 0) throw usage('--meta', `${pair} is not NAME=VALUE`)
    if (Object.hasOwn(metadata, name)) throw usage('--meta', `${name} is given twice`)
    metadata[name] = pair.slice(at + 1)
  }
  return metadata
}

interface SignArgs extends RegistryArgs {
  ref: string
  key: string
  chain: string
  format: 'jws' | 'cose'
  form: 'legacy' | 'artifactType'
  'valid-days': number | undefined
  meta: string[]
  origin: boolean
  timestamp: string | undefined
  'passphrase-file': string | undefined
  'dry-run': boolean
}

export function addSign(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'sign <ref>',
    'sign an artifact where it lies; signatures that are there stay',
    (y) =>
      withRegistry(
        y
          .positional('ref', {
            type: 'string',
            demandOption: true,
            describe: 'host/repo:tag, host/repo@digest, oci:DIR:tag, oci:DIR@digest',
          })
          .option('key', {
            type: 'string',
            demandOption: true,
            requiresArg: true,
            describe: 'the private key (encrypted PKCS#8)',
          })
          .option('chain', {
            type: 'string',
            demandOption: true,
            requiresArg: true,
            describe: 'its certificate chain, leaf first, root last (PEM)',
          })
          .option('format', { choices: ['jws', 'cose'] as const, default: 'jws' as const, describe: 'of the envelope' })
          .option('form', {
            choices: ['legacy', 'artifactType'] as const,
            default: 'legacy' as const,
            describe: 'of the manifest; notation 1.3 finds only the legacy one in a layout',
          })
          .option('valid-days', { type: 'number', requiresArg: true, describe: 'until the signature expires' })
          .option('meta', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'NAME=VALUE, signed with it',
          })
          .option('origin', {
            type: 'boolean',
            default: false,
            describe: 'bind it to this repository (requireOrigin)',
          })
          .option('timestamp', {
            type: 'string',
            requiresArg: true,
            describe: 'URL of a timestamp authority (RFC 3161)',
          })
          .option('passphrase-file', { type: 'string', requiresArg: true, describe: "file with the key's passphrase" })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be signed' }),
      )
        .example('$0 sign oci:app:1.0 --key ca/signer.key --chain ca/signer.pem', 'offline, no registry')
        .example(
          '$0 sign registry.site:5000/app@sha256:… --key k.pem --chain c.pem --format cose',
          "beside the vendor's",
        ),
    register('sign', async (argv: SignArgs, context) => {
      const { openSigner, sign, timestamper } = await import('../index.ts')
      const days = argv['valid-days']
      if (days !== undefined && !(days > 0 && days <= 36_500)) throw usage('--valid-days', 'more than 0, at most 36500')
      const passphrase = passphraseSource(argv['passphrase-file'])
      const metadata = metadataOf(argv.meta)
      const signer = await openSigner({ key: argv.key, chain: argv.chain, passphrase })
      const registry = await accessOf(argv, hostsOf([argv.ref]))
      const { caPem } = registry
      const url = argv.timestamp
      const timestamp =
        url === undefined ? undefined : await timestamper({ url, caPem, signal: context.signal }, signer.algorithm)
      const report = await sign({
        ...context,
        ref: argv.ref,
        registry,
        signer,
        format: argv.format,
        form: argv.form,
        validDays: days,
        metadata,
        origin: argv.origin,
        timestamp,
        dryRun: argv['dry-run'],
      })
      return { verb: 'sign', report, text: signText(report), exit: 0 }
    }),
  )
}

export function addCheck(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'check <ref>',
    'the verdict on an artifact where it lies, by the trust policy of this site',
    (y) =>
      withRegistry(
        y
          .positional('ref', {
            type: 'string',
            demandOption: true,
            describe: 'host/repo:tag, host/repo@digest, oci:DIR:tag',
          })
          .option('policy', {
            type: 'string',
            requiresArg: true,
            describe: 'folder with trust policy and stores',
            default: defaultPolicy(),
            defaultDescription: "notation's own",
          })
          .option('scope', { type: 'string', requiresArg: true, describe: 'judge it as if it lay in this repository' }),
      )
        .example(
          '$0 check registry.site:5000/app:1.0 --policy policy/',
          'one verdict, with every signature that was found',
        )
        .example('$0 check oci:app:1.0 --scope registry.site:5000/app', 'before it is pushed'),
    register(
      'check',
      async (argv: RegistryArgs & { ref: string; policy: string; scope: string | undefined }, context) => {
        const { check, exitOfVerdicts } = await import('../index.ts')
        const report = await check({
          ...context,
          ref: argv.ref,
          policy: argv.policy,
          scope: argv.scope,
          registry: await accessOf(argv, hostsOf([argv.ref])),
        })
        return { verb: 'check', report, text: checkText(report), exit: await exitOfVerdicts([report]) }
      },
    ),
  )
}
