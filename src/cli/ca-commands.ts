/** The commands about one's own certificates. */
import { basename, resolve } from 'node:path'
import type { Argv } from 'yargs'
import type { PartialSubject } from '../index.ts'
import { caInitText, caIssueText, caShowText } from './ca-text.ts'
import { addCaCrl, addCaRevoke } from './ca-list-commands.ts'
import { folderPath, usage, whole, type Register } from './context.ts'
import { passphraseSource } from './passphrase.ts'

const PRESETS = ['hobbyist', 'team', 'vendor'] as const
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const
const KINDS = ['signer', 'ca', 'tsa'] as const

interface InitArgs {
  preset: (typeof PRESETS)[number]
  dir: string
  name: string | undefined
  subject: string | undefined
  algorithm: (typeof ALGORITHMS)[number]
  'crl-url': string | undefined
  'passphrase-file': string | undefined
  'dry-run': boolean
}

interface IssueArgs {
  cn: string
  dir: string
  from: string | undefined
  kind: (typeof KINDS)[number]
  days: number | undefined
  'path-length': number | undefined
  scope: string[]
  subject: string | undefined
  algorithm: (typeof ALGORITHMS)[number] | undefined
  'passphrase-file': string | undefined
  'new-passphrase-file': string | undefined
  'dry-run': boolean
}

/** Country and state nobody named are ISO 3166's "unknown" and none: a trust policy can name a signer only by all three. */
const NOWHERE = { country: 'XX', state: 'none' }

async function subjectOf({ name, subject, dir }: Pick<InitArgs, 'name' | 'subject' | 'dir'>): Promise<PartialSubject> {
  if (subject === undefined) {
    const who = name ?? basename(resolve(dir))
    return { ...NOWHERE, organization: who, commonName: who }
  }
  const { parseSubject } = await import('../index.ts')
  const parts = await parseSubject(subject)
  if (name !== undefined && parts.commonName !== undefined) throw usage('--name', 'the subject has a CN already')
  return name === undefined ? parts : { ...parts, commonName: name }
}

export function addCa(yargs: Argv, register: Register): Argv {
  return yargs.command('ca', "one's own certificates", (y) =>
    addCaCrl(addCaRevoke(y, register), register)
      .command(
        'init',
        'make keys and certificates',
        (z) =>
          z
            .option('preset', {
              choices: PRESETS,
              demandOption: true,
              describe: 'one signer alone · root and signer · offline root, issuing authority, signer and timestamps',
            })
            .option('dir', { type: 'string', demandOption: true, requiresArg: true, describe: 'a new folder for them' })
            .option('name', { type: 'string', requiresArg: true, describe: 'who signs [the name of the folder]' })
            .option('subject', { type: 'string', requiresArg: true, describe: 'in full: C=CH,ST=Bern,O=Acme,CN=Acme' })
            .option('algorithm', { choices: ALGORITHMS, default: 'ES384' as const, describe: 'of all keys' })
            .option('crl-url', {
              type: 'string',
              requiresArg: true,
              describe: 'http://…: where revocation lists will lie',
            })
            .option('passphrase-file', {
              type: 'string',
              requiresArg: true,
              describe: 'file with a passphrase for the keys',
            })
            .option('dry-run', { type: 'boolean', default: false, describe: 'check only, make nothing' })
            .example('$0 ca init --preset hobbyist --dir ca/ --name "Jo Doe"', 'one signer')
            .example(
              '$0 ca init --preset vendor --dir ca/ --subject C=CH,ST=Bern,O=Acme --crl-url http://crl.acme.example/',
              'a house of its own',
            ),
        register('ca init', async (argv: InitArgs, context) => {
          const { caInit } = await import('../index.ts')
          const report = await caInit({
            ...context,
            preset: argv.preset,
            dir: folderPath(argv.dir),
            subject: await subjectOf(argv),
            algorithm: argv.algorithm,
            crlUrl: argv['crl-url'],
            passphrase: passphraseSource(argv['passphrase-file'], true),
            dryRun: argv['dry-run'],
          })
          return { verb: 'ca init', report, text: caInitText(report), exit: 0 }
        }),
      )
      .command(
        'issue <cn>',
        'make a further signer, authority or timestamp service',
        (z) =>
          z
            .positional('cn', { type: 'string', demandOption: true, describe: 'its common name' })
            .option('dir', { type: 'string', demandOption: true, requiresArg: true, describe: 'the folder of ca init' })
            .option('from', { type: 'string', requiresArg: true, describe: 'the issuer: root, issuing, …' })
            .option('kind', { choices: KINDS, default: 'signer' as const, describe: 'what it is for' })
            .option('days', {
              type: 'number',
              requiresArg: true,
              describe: 'it is valid [by kind, at most its issuer]',
            })
            .option('path-length', {
              type: 'number',
              requiresArg: true,
              describe: 'levels of authorities below a new one [0]',
            })
            .option('scope', {
              type: 'string',
              array: true,
              default: [] as string[],
              describe: "host/repository or host/prefix/* it is meant for [its issuer's]",
            })
            .option('subject', {
              type: 'string',
              requiresArg: true,
              describe: "C=…,ST=…,O=… of another house [its issuer's]",
            })
            .option('algorithm', { choices: ALGORITHMS, describe: "of the new key [its issuer's]" })
            .option('passphrase-file', {
              type: 'string',
              requiresArg: true,
              describe: "file with the passphrase of the issuer's key",
            })
            .option('new-passphrase-file', {
              type: 'string',
              requiresArg: true,
              describe: 'file with a passphrase for the new key',
            })
            .option('dry-run', { type: 'boolean', default: false, describe: 'check only, make nothing' })
            .example('$0 ca issue "Acme CI" --dir ca/ --from issuing --days 90', 'a signer for 90 days')
            .example(
              "$0 ca issue 'Team A' --dir ca/ --from issuing --kind ca --scope 'registry.site/team-a/*'",
              'delegates to a team',
            ),
        register('ca issue', async (argv: IssueArgs, context) => {
          const { caIssue, parseSubject } = await import('../index.ts')
          const report = await caIssue({
            ...context,
            dir: folderPath(argv.dir),
            commonName: argv.cn,
            from: argv.from,
            kind: argv.kind,
            days: whole('--days', argv.days, 1, 36_500),
            pathLength: whole('--path-length', argv['path-length'], 0, 10),
            scope: argv.scope.length === 0 ? undefined : argv.scope,
            subject: argv.subject === undefined ? undefined : await parseSubject(argv.subject),
            algorithm: argv.algorithm,
            passphrase: passphraseSource(argv['passphrase-file']),
            newPassphrase: passphraseSource(argv['new-passphrase-file'], true, '--new-passphrase-file'),
            dryRun: argv['dry-run'],
          })
          return { verb: 'ca issue', report, text: caIssueText(report), exit: 0 }
        }),
      )
      .command(
        'show',
        'the tree, with fingerprints, scopes, what is revoked and what ends when',
        (z) =>
          z
            .option('dir', { type: 'string', demandOption: true, requiresArg: true, describe: 'the folder of ca init' })
            .example('$0 ca show --dir ca/', 'all of it')
            .example('$0 ca show --dir ca/ --json', 'for a program'),
        register('ca show', async (argv: { dir: string }, context) => {
          const { caShow } = await import('../index.ts')
          const report = await caShow({ ...context, dir: folderPath(argv.dir) })
          return { verb: 'ca show', report, text: caShowText(report), exit: 0 }
        }),
      )
      .demandCommand(1, 'ca needs a command'),
  )
}
