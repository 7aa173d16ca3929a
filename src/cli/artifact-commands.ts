/** The commands on an artifact where it lies, or a plain file: sign and check. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Argv } from 'yargs'
import { asOfIn, withAsOf, type AsOfArgs } from './as-of-option.ts'
import { demandKind, withBlobToCheck, withBlobToSign, type BlobCheckArgs, type BlobSignArgs } from './blob-options.ts'
import {
  accessOf,
  defaultState,
  hostsOf,
  usage,
  userFolder,
  withRegistry,
  type Register,
  type RegistryArgs,
} from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { warnOfRevoked } from './revoked-signer.ts'
import { checkBlobText, checkText, signBlobText, signText } from './trust-text.ts'

/** Where notation keeps trust policy and stores, which is where we do. */
export function defaultPolicy(): string {
  return join(userFolder('XDG_CONFIG_HOME', '.config'), 'notation')
}

function pairsOf(option: string, pairs: readonly string[]): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at)
    if (at <= 0) throw usage(option, 'it has the form NAME=VALUE')
    if (Object.hasOwn(metadata, name)) throw usage(option, `${name} is given twice`)
    metadata[name] = pair.slice(at + 1)
  }
  return metadata
}

interface SignArgs extends RegistryArgs, BlobSignArgs {
  ref: string
  key: string | undefined
  chain: string | undefined
  plugin: string | undefined
  'key-id': string | undefined
  'plugin-config': string[]
  'plugin-dir': string
  format: 'jws' | 'cose'
  form: 'legacy' | 'artifactType' | undefined
  'valid-days': number | undefined
  meta: string[]
  origin: boolean
  timestamp: string | undefined
  'passphrase-file': string | undefined
  state: string | undefined
  'dry-run': boolean
}

/**
 * What a plugin sees of our environment: as notation, all but what is meant for us, a passphrase among it. A list of what may
 * be seen would shut out devices whose variables nobody here knows, and stop no program under the operator's own account.
 */
function pluginEnvironment(): Record<string, string> {
  const OURS = /^(?:SALLYPORT_|NODE_|npm_)/
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !OURS.test(name))
  return Object.fromEntries(kept) as Record<string, string>
}

/** The plugins of Notation on this host. */
export function pluginsHere(): { folder: string; environment: Record<string, string> } {
  return { folder: defaultPolicy(), environment: pluginEnvironment() }
}

async function signerOf(argv: SignArgs, passphrase: ReturnType<typeof passphraseSource>, signal: AbortSignal) {
  const { openPluginSigner, openSigner } = await import('../index.ts')
  const { key, chain, plugin } = argv
  if (plugin === undefined) {
    if (argv['key-id'] !== undefined || argv['plugin-config'].length > 0)
      throw usage('--key-id', 'it goes with --plugin')
    if (key === undefined || chain === undefined)
      throw usage('sign', 'name --key and --chain, or --plugin and --key-id')
    return openSigner({ key, chain, passphrase })
  }
  if (key !== undefined) throw usage('--key', 'the key of a plugin is named by --key-id')
  if (argv['key-id'] === undefined) throw usage('--key-id', 'which key of the plugin?')
  return openPluginSigner({
    name: plugin,
    keyId: argv['key-id'],
    folder: argv['plugin-dir'],
    config: pairsOf('--plugin-config', argv['plugin-config']),
    environment: pluginEnvironment(),
    chain,
    signal,
  })
}

export function addSign(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'sign <ref>',
    'sign an artifact where it lies; signatures that are there stay',
    (y) =>
      withRegistry(
        withBlobToSign(y)
          .positional('ref', {
            type: 'string',
            demandOption: true,
            describe: 'host/repo:tag, host/repo@digest, oci:DIR:tag, oci:DIR@digest; a file with --blob',
          })
          .option('key', { type: 'string', requiresArg: true, describe: 'the private key (encrypted PKCS#8)' })
          .option('chain', {
            type: 'string',
            requiresArg: true,
            describe: 'its certificate chain, leaf first, root last (PEM)',
          })
          .option('plugin', {
            type: 'string',
            requiresArg: true,
            describe: 'sign with a plugin of Notation (HSM, KMS)',
          })
          .option('key-id', { type: 'string', requiresArg: true, describe: 'what the plugin calls the key' })
          .option('plugin-config', {
            type: 'string',
            array: true,
            default: [] as string[],
            describe: 'NAME=VALUE, handed to the plugin',
          })
          .option('plugin-dir', {
            type: 'string',
            requiresArg: true,
            describe: 'folder that holds plugins/',
            default: defaultPolicy(),
            defaultDescription: "notation's own",
          })
          .option('format', { choices: ['jws', 'cose'] as const, default: 'jws' as const, describe: 'of the envelope' })
          .option('form', {
            choices: ['legacy', 'artifactType'] as const,
            defaultDescription: 'legacy',
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
          .option('state', {
            type: 'string',
            requiresArg: true,
            describe: "the site's state folder, whose lists may name the signer",
            defaultDescription: '~/.local/state/sallyport, where there is one',
          })
          .option('dry-run', { type: 'boolean', default: false, describe: 'say what would be signed' }),
      )
        .example('$0 sign oci:app:1.0 --key ca/signer/key.pem --chain ca/signer/chain.crt', 'offline, no registry')
        .example(
          '$0 sign registry.site:5000/app@sha256:… --key k.pem --chain c.pem --format cose',
          "beside the vendor's",
        ),
    register('sign', async (argv: SignArgs, context) => {
      const { sign, signBlob, timestamper } = await import('../index.ts')
      const { blob, form, origin } = argv
      demandKind(blob, { 'media-type': argv['media-type'], output: argv.output }, { form, origin })
      const days = argv['valid-days']
      if (days !== undefined && !(days > 0 && days <= 36_500)) throw usage('--valid-days', 'more than 0, at most 36500')
      const passphrase = passphraseSource(argv['passphrase-file'])
      const metadata = pairsOf('--meta', argv.meta)
      const signer = await signerOf(argv, passphrase, context.signal)
      await warnOfRevoked(signer, argv.chain, argv.state, context)
      const url = argv.timestamp
      const registry = blob && url === undefined ? {} : await accessOf(argv, blob ? [] : hostsOf([argv.ref]))
      const { caPem } = registry
      if (url !== undefined && 'envelope' in signer) throw usage('--timestamp', 'this plugin gets its own timestamps')
      const timestamp =
        url === undefined || 'envelope' in signer
          ? undefined
          : await timestamper({ url, caPem, signal: context.signal }, signer.algorithm)
      const terms = {
        ...context,
        signer,
        format: argv.format,
        validDays: days,
        metadata,
        timestamp,
        dryRun: argv['dry-run'],
      }
      if (blob) {
        const { ref: file, output } = argv
        const report = await signBlob({ ...terms, file, output, mediaType: argv['media-type'] })
        return { verb: 'sign', report, text: signBlobText(report), exit: 0 }
      }
      const report = await sign({ ...terms, ref: argv.ref, registry, form: form ?? 'legacy', origin })
      return { verb: 'sign', report, text: signText(report), exit: 0 }
    }),
  )
}

export function addCheck(yargs: Argv, register: Register): Argv {
  return yargs.command(
    'check <ref>',
    'the verdict on an artifact where it lies, by the trust policy of this site',
    (y) =>
      withAsOf(
        withRegistry(
          withBlobToCheck(y)
            .positional('ref', {
              type: 'string',
              demandOption: true,
              describe: 'host/repo:tag, host/repo@digest, oci:DIR:tag; a file with --blob',
            })
            .option('policy', {
              type: 'string',
              requiresArg: true,
              describe: 'folder with trust policy and stores',
              default: defaultPolicy(),
              defaultDescription: "notation's own",
            })
            .option('scope', {
              type: 'string',
              requiresArg: true,
              describe: 'judge it as if it lay in this repository',
            })
            .option('state', {
              type: 'string',
              requiresArg: true,
              describe: "the site's state folder, which knows lists and denials",
              defaultDescription: '~/.local/state/sallyport, where there is one',
            }),
        ),
      )
        .example(
          '$0 check registry.site:5000/app:1.0 --policy policy/',
          'one verdict, with every signature that was found',
        )
        .example('$0 check oci:app:1.0 --scope registry.site:5000/app', 'before it is pushed'),
    register(
      'check',
      async (
        argv: RegistryArgs &
          BlobCheckArgs &
          AsOfArgs & { ref: string; policy: string; scope: string | undefined; state: string | undefined },
        context,
      ) => {
        const { check, checkBlob, exitOfVerdicts } = await import('../index.ts')
        const { ref, policy, scope, blob, signature, statement } = argv
        const mediaType = argv['media-type']
        demandKind(blob, { signature, statement, 'media-type': mediaType }, { scope })
        // Else what the site has denied would pass as soon as somebody forgets to name its state.
        const state = argv.state ?? (existsSync(defaultState()) ? defaultState() : undefined)
        const terms = { ...context, policy, state, plugins: pluginsHere(), asOf: asOfIn(argv) }
        if (blob) {
          if (signature === undefined) throw usage('--signature', 'which signature file?')
          const report = await checkBlob({ ...terms, file: ref, signature, statement, mediaType })
          return { verb: 'check', report, text: checkBlobText(report), exit: await exitOfVerdicts([report]) }
        }
        const report = await check({ ...terms, ref, scope, registry: await accessOf(argv, hostsOf([ref])) })
        return { verb: 'check', report, text: checkText(report), exit: await exitOfVerdicts([report]) }
      },
    ),
  )
}
