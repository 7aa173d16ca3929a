/** Why a person changes what a site remembers: it goes into the journal, for those who read it later. */
import { SallyportError } from '../../errors/index.ts'

/** Throws USAGE for a reason that says nothing. */
export function demandReason(reason: string): void {
  if (reason.trim() === '')
    throw new SallyportError('USAGE', { side: 'state', subject: '--reason', detail: 'it is empty' })
}
