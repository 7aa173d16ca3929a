/** What every reader of a bundle asks about its purpose and about revocation. Most bundles are of content alone, and start without the code for more. */
import { SallyportError } from '../../errors/index.ts'
import type { State } from '../../state/index.ts'
import type { Purpose } from '../../tuf/index.ts'
import type { Passage } from './passage.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import type { RevocationIntake } from './revocation-intake.ts'
import { isRevocationName, revocationRepository } from '../revocation/path.ts'
import { trustRepository } from '../trust/path.ts'

type Carried = Pick<Passage, 'census' | 'law' | 'files'>

function refuse(code: 'PURPOSE_MISMATCH' | 'REVOCATION_MALFORMED', subject: string, detail: string): SallyportError {
  return new SallyportError(code, { side: 'bundle', subject, detail })
}

/** The one repository that a channel for trust or for revocation may have. */
export function ownRepository(channel: string, purpose: Exclude<Purpose, 'content'>): string {
  return purpose === 'trust' ? trustRepository(channel) : revocationRepository(channel)
}

/** Stops content that comes by people who were trusted with something else. */
async function refuseContent(passage: Carried): Promise<void> {
  const { channel, purpose, repositories } = passage.files.transfer
  if (purpose === 'content') return
  const own = ownRepository(channel, purpose)
  const what = purpose === 'trust' ? 'stores, policies, delegations and chains' : 'lists, answers and denials'
  const other = repositories.find(({ name }) => name !== own)
  if (other !== undefined)
    throw refuse('PURPOSE_MISMATCH', other.name, `a ${purpose} channel carries ${what}, and no content`)
  if (purpose !== 'trust') return
  // Under the name of trust information too: what deviates from its form would be content there.
  const [fault] = (await import('./trust-information.ts')).readTrustInformation(passage).faults
  if (fault !== undefined)
    throw refuse('PURPOSE_MISMATCH', `${own}@${fault.digest}`, `it is no trust information: ${fault.why}`)
}

/**
 * The revocation that a bundle carries, proven, or undefined; purpose and pin have been compared.
 * Throws PURPOSE_MISMATCH for content on a channel for trust or revocation, and as `readRevocationInformation`.
 */
export async function revocationIn(passage: Carried): Promise<RevocationInformation | undefined> {
  const { channel, repositories } = passage.files.transfer
  await refuseContent(passage)
  const names = repositories.map(({ name }) => name)
  const own = revocationRepository(channel)
  // Stops content under the name of a passenger's pieces, which no policy judges.
  const astray = names.find((name) => name !== own && isRevocationName(name))
  if (astray !== undefined) throw refuse('REVOCATION_MALFORMED', astray, 'the name is kept for another channel')
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
