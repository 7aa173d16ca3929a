/** Warns of a signer that is revoked, before the key is used. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { WatchOptions } from '../index.ts'
import { defaultState, type Context } from './context.ts'

type AnySigner = NonNullable<WatchOptions['seal']>['signer']

/** Where authorities of one's own lie, when the chain lies beside a key that they made: `ca/signer/chain.crt`. */
function folderOf(chainFile: string | undefined): string | undefined {
  if (chainFile === undefined) return undefined
  const own = dirname(chainFile)
  // Any other folder is none of `ca init`, and there is nothing to be told of it.
  return existsSync(join(own, 'delegation.json')) ? dirname(own) : undefined
}

/**
 * Notes on standard error; none for a device that tells its chain only as it signs.
 * @param state - where no option names one, that of this host, where there is one
 */
export async function warnOfRevoked(
  signer: AnySigner,
  chainFile: string | undefined,
  state: string | undefined,
  { now, onEvent }: Pick<Context, 'now' | 'onEvent'>,
): Promise<void> {
  if ('envelope' in signer) return
  const { signerStanding } = await import('../index.ts')
  const known = state ?? (existsSync(defaultState()) ? defaultState() : undefined)
  const terms = { chain: signer.chain, state: known, folder: folderOf(chainFile), now }
  const { signer: name, revoked, unasked } = await signerStanding(terms)
  for (const { by, why } of revoked) {
    const where = by === 'state' ? "by a list of this site's state" : 'in the folder of its authorities'
    onEvent({
      type: 'note',
      text: `THE SIGNER IS REVOKED ${where}: ${name}: ${why}; who knows of it will not trust this`,
    })
  }
  for (const { by, code } of unasked)
    onEvent({ type: 'note', text: `whether the signer is revoked was not looked up in the ${by}: ${code}` })
}
