/** DER (X.690): an encoder for the few types that key files need, and a strict reader of one element. */

/** One element: a tag octet, a minimal definite length, the contents. */
export function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(body.length)]), body])
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets = base256(length)
  return [0x80 | octets.length, ...octets]
}

function base256(value: number): number[] {
  const octets: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return octets
}

export function derSequence(...items: Uint8Array[]): Buffer {
  return der(0x30, ...items)
}

export function derOctets(bytes: Uint8Array): Buffer {
  return der(0x04, bytes)
}

/** A BIT STRING of whole octets. */
export function derBits(bytes: Uint8Array): Buffer {
  return der(0x03, Uint8Array.of(0), bytes)
}

export function derNull(): Buffer {
  return der(0x05)
}

/** An INTEGER for a safe integer that is not negative. */
export function derInteger(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no DER form for ${value}`)
  return derNaturalHex(value.toString(16))
}

/** An INTEGER for a number in hex, of any length and not negative: what `readNaturalHex` reads again. */
export function derNaturalHex(hex: string): Buffer {
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  const first = octets.findIndex((octet) => octet !== 0)
  if (first < 0) return der(0x02, Uint8Array.of(0))
  const sign = (octets[first] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array()
  return der(0x02, sign, octets.subarray(first))
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const sevens = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) sevens.unshift(128 | (left % 128))
    return sevens
  })
  return der(0x06, Uint8Array.from(octets))
}

export interface DerElement {
  tag: number
  contents: Uint8Array
  /** What follows the element. */
  rest: Uint8Array
}

/**
 * The first element of `bytes`, or undefined when it is not DER: cut short, indefinite or non-minimal length,
 * a tag number beyond 30, or a length of more than four octets.
 */
export function readDer(bytes: Uint8Array): DerElement | undefined {
  const tag = bytes[0]
  const first = bytes[1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined
  let start = 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4 || bytes.length < 2 + count) return undefined
    length = bytes.subarray(2, 2 + count).reduce((sum, octet) => sum * 256 + octet, 0)
    if (lengthOctets(length).length !== 1 + count) return undefined
    start += count
  }
  if (bytes.length - start < length) return undefined
  return { tag, contents: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) }
}
