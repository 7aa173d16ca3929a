/** The head of an answer to a bare request, by a narrower grammar than HTTP allows: what is unusual is left to undici. */

export interface RawHead {
  status: number
  /** HTTP/1.0, whose connections end with the answer. */
  old: boolean
  /** Values by lower-case name, in the order they came. */
  headers: ReadonlyMap<string, readonly string[]>
}

const STATUS = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const HEADER = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/
const LENGTH = /^\d{1,15}$/
const RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/

// By hand: a pattern that also looks for the blanks takes days for a line of nothing else.
function trimmed(text: string): string {
  const isBlank = (at: number): boolean => text[at] === ' ' || text[at] === '\t'
  let [from, to] = [0, text.length]
  while (from < to && isBlank(from)) from++
  while (from < to && isBlank(to - 1)) to--
  return text.slice(from, to)
}

/** The head between its first and its last byte (the empty line left out); undefined when a line is not as it should be. */
export function parseRawHead(text: string): RawHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const [, minor, status] = STATUS.exec(first) ?? []
  if (status === undefined) return undefined
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const found = HEADER.exec(line)
    if (found === null) return undefined
    const [, name = '', value = ''] = found
    const key = name.toLowerCase()
    const values = headers.get(key)
    if (values === undefined) headers.set(key, [trimmed(value)])
    else values.push(trimmed(value))
  }
  return { status: Number(status), old: minor === '0', headers }
}

/** True when exactly the bytes from `from` to `size` follow, as they are and with nothing between them. */
export function promises({ status, headers }: RawHead, from: number, size: number): boolean {
  if (status !== (from === 0 ? 200 : 206)) return false
  // Stops a body whose end two readers would see in two places (request smuggling).
  if (headers.has('transfer-encoding') || headers.has('content-encoding')) return false
  const lengths = headers.get('content-length') ?? []
  const [length = ''] = lengths
  if (lengths.length !== 1 || !LENGTH.test(length) || Number(length) !== size - from) return false
  if (from === 0) return !headers.has('content-range')
  const ranges = headers.get('content-range') ?? []
  const range = RANGE.exec(ranges[0] ?? '')
  // Stops bytes of another place being written to this one.
  if (ranges.length !== 1 || range === null) return false
  return Number(range[1]) === from && Number(range[2]) === size - 1 && Number(range[3]) === size
}

/** True when the connection may carry another request. */
export function staysOpen({ old, headers }: RawHead): boolean {
  return !old && !(headers.get('connection') ?? []).some((value) => /(?:^|[\t ,])close(?:$|[\t ,])/i.test(value))
}

/** As much as undici allows; beyond this the answer is no head. */
const HEAD_CAP = 16 * 1024
const BLANK = Buffer.from('\r\n\r\n')
const BEGIN = 'HTTP/1.'

/** False for what no head begins with, however much more came: a peer that speaks something else is not waited for. */
function mayBeHead(bytes: Buffer): boolean {
  const begin = bytes.toString('latin1', 0, BEGIN.length)
  if (!BEGIN.startsWith(begin)) return false
  const end = bytes.indexOf(0x0a)
  return end < 0 || bytes[end - 1] === 0x0d
}

/** Gathers the bytes of a head as they come. */
export class HeadReader {
  #bytes: Buffer | undefined
  #filled = 0

  /** True before the first byte. */
  get silent(): boolean {
    return this.#filled === 0
  }

  /** Undefined while more must come; then the head, undefined when it is none, and the bytes behind it. */
  add(chunk: Buffer): { head: RawHead | undefined; rest: Buffer } | undefined {
    const before = this.#filled
    this.#filled = Math.min(before + chunk.length, HEAD_CAP)
    // A head that comes in one run, as nearly all do, is read where it lies.
    const bytes = before === 0 ? chunk.subarray(0, HEAD_CAP) : this.#joined(chunk, before)
    const at = bytes.indexOf(BLANK, Math.max(0, before - BLANK.length + 1))
    if (at >= 0) {
      return { head: parseRawHead(bytes.toString('latin1', 0, at)), rest: chunk.subarray(at + BLANK.length - before) }
    }
    if (this.#filled === HEAD_CAP || !mayBeHead(bytes)) return { head: undefined, rest: chunk.subarray(chunk.length) }
    if (before === 0) this.#joined(chunk, 0)
    return undefined
  }

  #joined(chunk: Buffer, before: number): Buffer {
    this.#bytes ??= Buffer.allocUnsafe(HEAD_CAP)
    chunk.copy(this.#bytes, before)
    return this.#bytes.subarray(0, this.#filled)
  }
}

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** The request's text, or undefined when a value could not stand in it (request splitting). */
export function requestText(method: string, target: string, headers: Record<string, string>): string | undefined {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  if (!/^\/[\x21-\x7e]*$/.test(target) || !lines.every((line) => VALUE.test(line))) return undefined
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
