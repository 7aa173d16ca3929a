import { SallyportError } from '../../errors/index.ts'

/** The refusal of words that ask for what can't be done with a channel's folder. */
export function usage(subject: string, detail: string, remedy?: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail, remedy })
}
