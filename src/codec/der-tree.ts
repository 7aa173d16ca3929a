/** A strict reader of whole DER structures: what has two encodings or two readings is refused. */
import { readDer } from './der.ts'

/** Bytes that are not DER, or not of the shape asked for; the message says what is the matter. */
export class DerError extends Error {}

export interface DerNode {
  tag: number
  contents: Buffer
  /** The element as it stood, with tag and length. */
  raw: Buffer
  /** Empty for a primitive element. */
  children: readonly DerNode[]
}

const MAX_DEPTH = 32
/** Twice what the largest certificate can have: each takes two hundred times its two bytes. */
const MAX_ELEMENTS = 65_536
const PRIMITIVE = new Set([1, 2, 3, 4, 5, 6, 0x0a, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a, 0x1b, 0x1c, 0x1e])
const SEQUENCE = 0x30
const SET = 0x31

/**
 * The one element that `bytes` are, down to its leaves, 65,536 at most. It shares memory with `bytes`; their size is the caller's to cap.
 * Stops structures that two readers see differently: indefinite and long lengths, strings in pieces, other spellings of
 * a value, unordered sets. Tagged values are not looked into when primitive: their type is only known to the caller.
 * Throws {@link DerError}.
 */
export function parseDer(bytes: Uint8Array): DerNode {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [node, ...more] = elements(buffer, 0, { left: MAX_ELEMENTS })
  if (node === undefined) throw new DerError('no element')
  if (more.length > 0) throw new DerError('bytes follow the element')
  return node
}

function elements(bytes: Buffer, depth: number, room: { left: number }): DerNode[] {
  if (depth > MAX_DEPTH) throw new DerError('nested too deeply')
  const nodes: DerNode[] = []
  for (let rest = bytes; rest.length > 0;) {
    if (room.left-- === 0) throw new DerError(`it has more than ${MAX_ELEMENTS} elements`)
    const element = readDer(rest)
    if (element === undefined) throw new DerError('an element is cut short or its length is not in the short form')
    const size = rest.length - element.rest.length
    const raw = rest.subarray(0, size)
    const contents = raw.subarray(size - element.contents.length)
    nodes.push({ tag: element.tag, contents, raw, children: childrenOf(element.tag, contents, depth, room) })
    rest = rest.subarray(size)
  }
  return nodes
}

function childrenOf(tag: number, contents: Buffer, depth: number, room: { left: number }): readonly DerNode[] {
  if (tag < 0x40 && !PRIMITIVE.has(tag) && tag !== SEQUENCE && tag !== SET)
    throw new DerError(`an element has the tag ${tag.toString(16)}`)
  if ((tag & 0x20) === 0) {
    if (!isDerValue(tag, contents)) throw new DerError(`a value of type ${tag} is not in its one form`)
    return []
  }
  const children = elements(contents, depth + 1, room)
  const ordered = tag !== SET || children.every((child, at) => at === 0 || precedes(children[at - 1], child))
  if (!ordered) throw new DerError('a set is not in order')
  return children
}

/** X.690 §11.6 compares with the shorter one padded with zeros, which no two elements can differ by. */
function precedes(before: DerNode | undefined, after: DerNode): boolean {
  return before === undefined || Buffer.compare(before.raw, after.raw) <= 0
}

/** True unless the contents are a second spelling of a universal primitive value, or none. Other tags pass. */
export function isDerValue(tag: number, contents: Uint8Array): boolean {
  const [first = 0, second = 0] = contents
  const { length } = contents
  switch (tag) {
    case 0x01:
      return length === 1 && (first === 0 || first === 0xff)
    case 0x02:
    case 0x0a:
      return length === 1 || (length > 1 && !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80))
    case 0x03:
      return length > 0 && first <= (length === 1 ? 0 : 7) && ((contents.at(-1) ?? 0) & ((1 << first) - 1)) === 0
    case 0x05:
      return length === 0
    case 0x06:
      return (
        length > 0 &&
        (contents.at(-1) ?? 0x80) < 0x80 &&
        !contents.some((octet, at) => octet === 0x80 && starts(contents, at))
      )
    default:
      return true
  }
}

/** True when an arc of an OBJECT IDENTIFIER starts at this octet. */
function starts(contents: Uint8Array, at: number): boolean {
  return at === 0 || (contents[at - 1] ?? 0) < 0x80
}

/** Takes the children of an element in order. */
export class DerFields {
  readonly #nodes: readonly DerNode[]
  readonly #what: string
  #at = 0

  /** @param what - the element's name, for messages */
  constructor(node: DerNode, what: string) {
    this.#nodes = node.children
    this.#what = what
  }

  get more(): boolean {
    return this.#at < this.#nodes.length
  }

  /** The next child if it has this tag octet. */
  maybe(tag: number): DerNode | undefined {
    const node = this.#nodes[this.#at]
    if (node?.tag !== tag) return undefined
    this.#at += 1
    return node
  }

  /** The next child. Throws {@link DerError} when it does not have this tag octet. */
  take(tag: number): DerNode {
    const node = this.maybe(tag)
    if (node === undefined) throw new DerError(`${this.#what} lacks a field or has it out of place`)
    return node
  }

  /** Throws {@link DerError} when a child was not taken: stops what is signed along but never looked at. */
  end(): void {
    if (this.more) throw new DerError(`${this.#what} has a field that does not belong there`)
  }
}
