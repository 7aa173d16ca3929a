/** What `assert.rejects` and `assert.throws` are asked to find. */
import { CODES, isFault, type Code } from '../src/errors/index.ts'

/** An error of ours with this code, and with this subject where one is named. */
export function fault(code: Code, subject?: string): (error: unknown) => boolean {
  return (error) => isFault(error, code) && (subject === undefined || error.subject === subject)
}

/** An error of ours with this code and another remedy than the table's, which would not help here. */
export function advised(code: Code, subject?: string): (error: unknown) => boolean {
  return (error) => fault(code, subject)(error) && isFault(error, code) && error.remedy !== CODES[code][2]
}
