/** Errors of this room, bound to the document they are about. */
import { SallyportError, type Code, type Side } from '../errors/index.ts'

/** The document an error is about: whose it is, and its name. */
export interface Place {
  side: Side
  subject: string
}

/** A refusal of the document at `place`, to be thrown. */
export function refusal(code: Code, place: Place, detail: string, cause?: unknown): SallyportError {
  return new SallyportError(code, { ...place, detail, cause })
}

/** METADATA_MALFORMED, to be thrown. */
export function malformed(place: Place, detail: string, cause?: unknown): SallyportError {
  return refusal('METADATA_MALFORMED', place, detail, cause)
}
