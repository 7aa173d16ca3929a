/** Who changes what a site remembers, and why: it goes into the journal, for those who read it later. */
import { SallyportError } from '../../errors/index.ts'

/** In UTF-16 units, as of a denial's reason. The journal is read whole by every start, and rows only come to it. */
const CAP = 1000

function refused(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'state', subject, detail })
}

/** Throws USAGE for a reason that says nothing, and one of over 1,000 characters. */
export function demandReason(reason: string): void {
  if (reason.trim() === '') throw refused('--reason', 'it is empty')
  if (reason.length > CAP) throw refused('--reason', `over ${CAP} characters`)
}

/** The names without blanks around them and without empty ones. Throws USAGE for none, and for over 1,000 characters together. */
export function demandNames(by: readonly string[]): string[] {
  const names = by.map((name) => name.trim()).filter((name) => name !== '')
  if (names.length === 0) throw refused('--by', 'who lets it out?')
  if (names.join().length > CAP) throw refused('--by', `over ${CAP} characters together`)
  return names
}
