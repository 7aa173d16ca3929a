/**
 * A strict reader of JSON for documents that are hostile until proven otherwise (RFC 8259, I-JSON RFC 7493).
 * It refuses what two readers could understand differently: duplicate members, a byte-order mark, lone surrogates,
 * invalid UTF-8, numbers that lose precision, and nesting beyond the cap.
 */
import { SallyportError, type Side } from '../errors/index.ts'

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

const MAX_DEPTH = 64
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// eslint-disable-next-line no-control-regex
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPES: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

class TooManyValues extends Error {}

class Reader {
  private at = 0
  private readonly text: string
  private left: number
  constructor(text: string, values: number) {
    this.text = text
    this.left = values
  }

  document(): Json {
    const value = this.value(0)
    this.space()
    if (this.at !== this.text.length) throw this.bad('text after the value')
    return value
  }

  private bad(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.at}`)
  }

  private space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return
      this.at++
    }
  }

  private value(depth: number): Json {
    // Stops a document whose nesting exhausts the stack of this or the next reader.
    if (depth > MAX_DEPTH) throw this.bad('nesting too deep')
    // Stops `[{},{},…`, which takes thirty times its own bytes in memory.
    if (this.left-- === 0) throw new TooManyValues()
    this.space()
    const c = this.text[this.at]
    if (c === '{') return this.object(depth)
    if (c === '[') return this.array(depth)
    if (c === '"') return this.string()
    if (c === 't') return this.word('true', true)
    if (c === 'f') return this.word('false', false)
    if (c === 'n') return this.word('null', null)
    return this.number()
  }

  private word(word: string, value: Json): Json {
    if (!this.text.startsWith(word, this.at)) throw this.bad('unknown word')
    this.at += word.length
    return value
  }

  private number(): number {
    NUMBER.lastIndex = this.at
    const match = NUMBER.exec(this.text)
    if (match === null) throw this.bad('no value')
    const value = Number(match[0])
    // Stops 1e400 and 2^53+1, which other readers round in other ways.
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      throw this.bad('number out of range')
    this.at += match[0].length
    return value
  }

  private string(): string {
    this.at++
    let out = ''
    for (;;) {
      PLAIN.lastIndex = this.at
      const run = PLAIN.exec(this.text)?.[0] ?? ''
      out += run
      this.at += run.length
      const c = this.text[this.at]
      if (c === '"') break
      if (c !== '\\') throw this.bad(c === undefined ? 'text ends inside a string' : 'control character in a string')
      out += this.escape()
    }
    this.at++
    // Stops names that compare equal in one reader and differ in another.
    if (!out.isWellFormed()) throw this.bad('lone surrogate in a string')
    return out
  }

  private escape(): string {
    const c = this.text[this.at + 1] ?? ''
    if (c === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.bad('bad escape')
      this.at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const plain = Object.hasOwn(ESCAPES, c) ? ESCAPES[c] : undefined
    if (plain === undefined) throw this.bad('bad escape')
    this.at += 2
    return plain
  }

  private array(depth: number): Json[] {
    const out: Json[] = []
    this.at++
    this.space()
    if (this.text[this.at] === ']') {
      this.at++
      return out
    }
    for (;;) {
      out.push(this.value(depth + 1))
      this.space()
      const c = this.text[this.at++]
      if (c === ']') return out
      if (c !== ',') throw this.bad('no comma or end of array')
    }
  }

  private object(depth: number): JsonObject {
    const out: JsonObject = {}
    this.at++
    this.space()
    if (this.text[this.at] === '}') {
      this.at++
      return out
    }
    for (;;) {
      this.space()
      if (this.text[this.at] !== '"') throw this.bad('no member name')
      const key = this.string()
      // Stops the two-readers attack: one takes the first of two equal members, the other the last.
      if (Object.hasOwn(out, key)) throw this.bad(`member ${JSON.stringify(key)} twice`)
      // Stops prototype pollution by whatever later copies members by assignment.
      if (key === '__proto__') throw this.bad('member __proto__')
      this.space()
      if (this.text[this.at++] !== ':') throw this.bad('no colon')
      out[key] = this.value(depth + 1)
      this.space()
      const c = this.text[this.at++]
      if (c === '}') return out
      if (c !== ',') throw this.bad('no comma or end of object')
    }
  }
}

/**
 * The value of a strict JSON text.
 * @param subject - named in the error
 * @param values - how many it may hold, at every depth
 * Throws JSON_MALFORMED, LIMIT_EXCEEDED for too many values. The caller caps the length before it calls.
 */
export function parseJson(bytes: Uint8Array, side: Side, subject: string, values = Infinity): Json {
  try {
    return new Reader(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), values).document()
  } catch (cause) {
    if (cause instanceof TooManyValues)
      throw new SallyportError('LIMIT_EXCEEDED', { side, subject, detail: `over ${values} values` })
    if (!(cause instanceof SyntaxError) && !(cause instanceof TypeError)) throw cause
    throw new SallyportError('JSON_MALFORMED', { side, subject, detail: cause.message, cause })
  }
}

/**
 * Values that a document of many MiB may hold. The largest that is written comes to 10 million; as many bytes of empty
 * objects would be ten times that, and exhaust memory before anything is proven.
 */
export const LARGE_VALUES = 16 * 1024 * 1024

/** How many values {@link parseJson} counts in it: itself, and all within it. */
export function valuesIn(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1
  let count = 1
  for (const one of Array.isArray(value) ? value : Object.values(value)) count += valuesIn(one)
  return count
}

/** True for a JSON object (not null, not an array). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
