/** The commands by which an authority revokes. */
import type { Argv } from 'yargs'
import { caCrlText, caRevokeText } from './ca-list-text.ts'
import { folderPath, usage, whole, type Register } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { momentOf } from './time-option.ts'

const REASONS = [
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'unspecified',
] as const

interface RevokeArgs {
  certificate: string
  dir: string
  reason: (typeof REASONS)[number] | undefined
  unhold: boolean
  'invalidity-date': string | undefined
  'dry-run': boolean
}

interface CrlArgs {
  dir: string
  from: string | undefined
  delta: boolean
  days: number | undefined
  'delta-url': string | undefined
  output: string | undefined
  'passphrase-file': string | undefined
  'dry-run': boolean
}

function reasonOf({ reason, unhold }: RevokeArgs): (typeof REASONS)[number] | 'unhold' {
  if (unhold && reason !== undefined) throw usage('--unhold', 'it takes no --reason')
  if (unhold) return 'unhold'
  if (reason === undefined) throw usage('--reason', 'say why, or --unhold')
  return reason
}

export function addCaRevoke<T>(yargs: Argv<T>, register: Register): Argv<T> {
  return yargs.command(
    'revoke <certificate>',
    'note that a certificate is revoked; the next list tells it',
    (z) =>
      z
        .positional('certificate', { type: 'string', demandOption: true, describe: 'its name in ca show, or its file' })
        .option('dir', { type: 'string', demandOption: true, requiresArg: true, describe: 'the folder of ca init' })
        .option('reason', { choices: REASONS, requiresArg: true, describe: 'why; certificateHold can be taken back' })
        .option('unhold', { type: 'boolean', default: false, describe: 'end a certificateHold' })
        .option('invalidity-date', {
          type: 'string',
          requiresArg: true,
          describe: 'since when the key is held to be bad: 2026-01-31[T12:00:00Z]',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'check only, note nothing' })
        .example(
          '$0 ca revoke signer --dir ca/ --reason keyCompromise --invalidity-date 2026-01-31',
          'a key that was stolen',
        )
        .example('$0 ca revoke ci.crt --dir ca/ --unhold', 'ends a hold'),
    register('ca revoke', async (argv: RevokeArgs, context) => {
      const invalidity = argv['invalidity-date']
      const { caRevoke } = await import('../index.ts')
      const report = await caRevoke({
        ...context,
        dir: folderPath(argv.dir),
        certificate: argv.certificate,
        reason: reasonOf(argv),
        invalidity: invalidity === undefined ? undefined : momentOf('--invalidity-date', invalidity),
        dryRun: argv['dry-run'],
      })
      return { verb: 'ca revoke', report, text: caRevokeText(report), exit: 0 }
    }),
  )
}

export function addCaCrl<T>(yargs: Argv<T>, register: Register): Argv<T> {
  return yargs.command(
    'crl',
    'sign the next revocation list',
    (z) =>
      z
        .option('dir', { type: 'string', demandOption: true, requiresArg: true, describe: 'the folder of ca init' })
        .option('from', { type: 'string', requiresArg: true, describe: 'the authority: root, issuing, …' })
        .option('delta', { type: 'boolean', default: false, describe: 'only what changed since the last whole list' })
        .option('days', {
          type: 'number',
          requiresArg: true,
          describe: 'until the next is due [30; 7 of a delta list]',
        })
        .option('delta-url', {
          type: 'string',
          requiresArg: true,
          describe: 'http://…: where delta lists will lie, said by this and all later whole lists; none: nowhere',
        })
        .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'a further place for the list' })
        .option('passphrase-file', {
          type: 'string',
          requiresArg: true,
          describe: "file with the passphrase of the authority's key",
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'check only, sign nothing' })
        .example('$0 ca crl --dir ca/ --from issuing -o issuing.crl', 'the whole list, in DER')
        .example('$0 ca crl --dir ca/ --from issuing --delta --days 2 -o issuing-delta.crl', 'the changes since'),
    register('ca crl', async (argv: CrlArgs, context) => {
      const days = whole('--days', argv.days, 1, 3650)
      const { caCrl } = await import('../index.ts')
      const report = await caCrl({
        ...context,
        dir: folderPath(argv.dir),
        from: argv.from,
        delta: argv.delta,
        days,
        deltaUrl: argv['delta-url'] === 'none' ? null : argv['delta-url'],
        output: argv.output,
        passphrase: passphraseSource(argv['passphrase-file']),
        dryRun: argv['dry-run'],
      })
      return { verb: 'ca crl', report, text: caCrlText(report), exit: 0 }
    }),
  )
}
