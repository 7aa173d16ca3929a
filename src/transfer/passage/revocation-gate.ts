/** What every reader of a bundle asks about revocation. Most bundles have none, and start without the code for it. */
import { SallyportError } from '../../errors/index.ts'
import type { State } from '../../state/index.ts'
import type { Passage } from './passage.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import type { RevocationIntake } from './revocation-intake.ts'
import { revocationRepository } from '../revocation/path.ts'

const KEPT_NAMES = revocationRepository('')

function demandPurpose(purpose: string, own: string, repositories: readonly string[]): void {
  const refuse = (code: 'PURPOSE_MISMATCH' | 'REVOCATION_MALFORMED', subject: string, detail: string): SallyportError =>
    new SallyportError(code, { side: 'bundle', subject, detail })
  const other = repositories.filter((name) => name !== own)
  // The people and the sequence of such a channel were trusted with lists and denials alone.
  if (purpose === 'revocation' && other[0] !== undefined)
    throw refuse(
      'PURPOSE_MISMATCH',
      other[0],
      'a revocation channel carries lists, answers and denials, and no content',
    )
  // Stops content under the name of a passenger's pieces, which no policy judges.
  const astray = other.find((name) => name.startsWith(KEPT_NAMES))
  if (astray !== undefined) throw refuse('REVOCATION_MALFORMED', astray, 'the name is kept for another channel')
}

/**
 * The revocation that a bundle carries, proven, or undefined; purpose and pin have been compared.
 * Throws PURPOSE_MISMATCH for content on a revocation channel, and as `readRevocationInformation`.
 */
export async function revocationIn(
  passage: Pick<Passage, 'census' | 'law' | 'files'>,
): Promise<RevocationInformation | undefined> {
  const { channel, purpose, repositories } = passage.files.transfer
  const names = repositories.map(({ name }) => name)
  const own = revocationRepository(channel)
  demandPurpose(purpose, own, names)
  if (!names.includes(own)) return undefined
  return (await import('../revocation/information.ts')).readRevocationInformation(passage)
}

/**
 * Takes in what is carried, in memory; undefined where nothing is carried and nothing was ever denied here, so that such
 * a run starts without the code for it. Throws as `ListIntake.take`.
 */
export async function revocationDoor(
  passage: Passage,
  state: State | undefined,
  now: Date,
  judged: boolean,
): Promise<RevocationIntake | undefined> {
  const aboard = passage.passengers.some((one) => 'revocation' in one && one.revocation !== undefined)
  const carried = aboard || passage.revocation !== undefined
  if (!carried && !judged && (state === undefined || state.denials().length === 0)) return undefined
  return (await import('./revocation-intake.ts')).takeIn(passage, state, now)
}
