/** The key that signs tombstones, for every command that can take measures. */
import type { Argv } from 'yargs'
import type { WatchOptions } from '../index.ts'
import { usage, type Context } from './context.ts'
import { passphraseSource } from './passphrase.ts'
import { warnOfRevoked } from './revoked-signer.ts'

export interface TombstoneKeyArgs {
  key: string | undefined
  chain: string | undefined
  format: 'jws' | 'cose'
  'passphrase-file': string | undefined
}

export function withTombstoneKey<T>(yargs: Argv<T>): Argv<T & TombstoneKeyArgs> {
  return yargs
    .option('key', {
      type: 'string',
      requiresArg: true,
      describe: 'signs the tombstones that tags come to name (encrypted PKCS#8); with --chain',
    })
    .option('chain', {
      type: 'string',
      requiresArg: true,
      describe: 'the certificate chain of --key, leaf first, root last (PEM)',
    })
    .option('format', {
      choices: ['jws', 'cose'] as const,
      default: 'jws' as const,
      describe: 'of the signatures by --key',
    })
    .option('passphrase-file', {
      type: 'string',
      requiresArg: true,
      describe: 'file with the passphrase of --key',
    })
}

/**
 * Who signs tombstones; undefined where nobody was named. Opened at once: a key that is found wrong only when something is
 * revoked would leave the tombstone unsigned. Throws USAGE for half a signer, and as `openSigner`.
 */
export async function tombstoneSeal(
  argv: TombstoneKeyArgs & { state?: string | undefined },
  context: Pick<Context, 'now' | 'onEvent'>,
): Promise<WatchOptions['seal']> {
  const { key, chain, format } = argv
  const file = argv['passphrase-file']
  if (key === undefined && chain === undefined) {
    if (file !== undefined) throw usage('--passphrase-file', 'it goes with --key')
    return undefined
  }
  if (key === undefined) throw usage('--chain', 'it goes with --key')
  if (chain === undefined) throw usage('--key', 'it goes with --chain')
  const { openSigner } = await import('../index.ts')
  const signer = await openSigner({ key, chain, passphrase: passphraseSource(file) })
  await warnOfRevoked(signer, chain, argv.state, context)
  return { signer, format }
}
