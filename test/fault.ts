/** What `assert.rejects` and `assert.throws` are asked to find. */
import { isFault, type Code } from '../src/errors/index.ts'

/** An error of ours with this code, and with this subject where one is named. */
export function fault(code: Code, subject?: string): (error: unknown) => boolean {
  return (error) => isFault(error, code) && (subject === undefined || error.subject === subject)
}
