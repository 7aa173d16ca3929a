/** Members whose bytes are at hand, or are made whenever they are asked for: a list of sums may be 145 MB. */
import { encodeHeader, padded } from './tar-header.ts'

/** The bytes of a member in pieces, each valid until the next is asked for. */
export interface Body {
  length: number
  pieces(this: void): Iterable<Buffer>
}

/** The body of these bytes. */
export function held(bytes: Buffer): Body {
  return { length: bytes.length, pieces: () => [bytes] }
}

/** Header, body and padding of a member, in pieces as those of the body. */
export function* memberParts(name: string, { length, pieces }: Body): Generator<Buffer> {
  yield encodeHeader({ name, size: length })
  yield* pieces()
  yield Buffer.alloc(padded(length) - length)
}

/** Pieces that are valid one at a time, as one run of bytes. */
export function joined(pieces: Iterable<Buffer>): Buffer {
  let out = Buffer.alloc(0)
  let filled = 0
  for (const piece of pieces) {
    if (filled + piece.length > out.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(2 * out.length, filled + piece.length))
      out.copy(wider, 0, 0, filled)
      out = wider
    }
    piece.copy(out, filled)
    filled += piece.length
  }
  return out.subarray(0, filled)
}
