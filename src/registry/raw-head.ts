/** The head of an answer to a bare GET, by a narrower grammar than HTTP allows: what is unusual is left to undici. */

export interface RawHead {
  status: number
  /** Values by lower-case name, in the order they came. */
  headers: ReadonlyMap<string, readonly string[]>
}

const STATUS = /^HTTP\/1\.1 ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const HEADER = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/
const LENGTH = /^\d{1,15}$/
const RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/

/** The head between its first and its last byte (the empty line left out); undefined when a line is not as it should be. */
export function parseRawHead(text: string): RawHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = STATUS.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = new Map<string, string[]>()
  for (const line of lines) {
    const found = HEADER.exec(line)
    if (found === null) return undefined
    const [, name = '', value = ''] = found
    const key = name.toLowerCase()
    const values = headers.get(key)
    if (values === undefined) headers.set(key, [value])
    else values.push(value)
  }
  return { status: Number(status), headers }
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
export function staysOpen({ headers }: RawHead): boolean {
  return !(headers.get('connection') ?? []).some((value) => /(?:^|[\t ,])close(?:$|[\t ,])/i.test(value))
}
