/** What every reader of a bundle asks about revocation. Most bundles have none, and start without the code for it. */
import { SallyportError } from '../errors/index.ts'
import type { Purpose } from '../tuf/index.ts'
import type { Passage } from './passage.ts'
import type { RevocationInformation } from './revocation-information.ts'
import { revocationRepository } from './revocation-path.ts'

/**
 * Returns when the repositories go with the purpose of the channel. Throws PURPOSE_MISMATCH for content on a revocation
 * channel: its people and its sequence were trusted with lists and denials alone.
 */
export function demandPurpose(purpose: Purpose, channel: string, repositories: readonly string[]): void {
  if (purpose !== 'revocation') return
  const other = repositories.find((name) => name !== revocationRepository(channel))
  if (other === undefined) return
  throw new SallyportError('PURPOSE_MISMATCH', {
    side: 'bundle',
    subject: other,
    detail: 'a revocation channel carries lists, OCSP answers and denials, and no content',
  })
}

/**
 * The revocation that a bundle carries, proven, or undefined; purpose and pin have been compared.
 * Throws as {@link demandPurpose} and `readRevocationInformation`.
 */
export async function revocationIn(
  passage: Pick<Passage, 'census' | 'law' | 'files'>,
): Promise<RevocationInformation | undefined> {
  const { channel, purpose, repositories } = passage.files.transfer
  const names = repositories.map(({ name }) => name)
  demandPurpose(purpose as Purpose, channel, names)
  if (!names.includes(revocationRepository(channel))) return undefined
  return (await import('./revocation-information.ts')).readRevocationInformation(passage)
}
