/** Reads `WWW-Authenticate` (RFC 9110 §11.6.1) strictly: Basic and Bearer, everything else is passed over. */
import { SallyportError, type Side } from '../errors/index.ts'

export type Challenge =
  { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service: string | undefined; scope: string | undefined }

const CAP = 8 * 1024
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const QUOTED = /"(?:[\t !#-[\]-~]|\\[\t -~])*"/y
const SPACE = /[ \t]*/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y

class Reader {
  at = 0
  readonly text: string
  constructor(text: string) {
    this.text = text
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const met = pattern.exec(this.text)?.[0]
    if (met !== undefined) this.at += met.length
    return met
  }

  /** `name = value`, or undefined with nothing taken: then it is the scheme of a next challenge. */
  parameter(): [string, string] | undefined {
    const start = this.at
    const name = this.take(TOKEN)?.toLowerCase()
    this.take(SPACE)
    if (name === undefined || this.text[this.at] !== '=') {
      this.at = start
      return undefined
    }
    this.at++
    this.take(SPACE)
    const quoted = this.take(QUOTED)
    const value = quoted === undefined ? this.take(TOKEN) : quoted.slice(1, -1).replace(/\\(.)/g, '$1')
    if (value === undefined) throw new SyntaxError('no value')
    return [name, value]
  }
}

function parse(text: string): { scheme: string; parameters: Map<string, string> }[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = []
  const reader = new Reader(text)
  for (;;) {
    while (reader.take(/[ \t]*,[ \t]*/y) !== undefined);
    reader.take(SPACE)
    if (reader.at === text.length) return found
    const parameter = reader.parameter()
    const last = found.at(-1)
    if (parameter !== undefined) {
      // Two realms: one reader would trust the first, another the last.
      if (last === undefined || last.parameters.has(parameter[0])) throw new SyntaxError('parameter')
      last.parameters.set(...parameter)
    } else {
      const scheme = reader.take(TOKEN)?.toLowerCase()
      if (scheme === undefined) throw new SyntaxError('scheme')
      found.push({ scheme, parameters: new Map() })
      // A token68, as Negotiate has; of no use here.
      // Each pattern passes over its text once: a header of blanks must not keep us for minutes.
      reader.take(SPACE)
      reader.take(TOKEN68)
      continue
    }
    reader.take(SPACE)
    if (reader.at < text.length && text[reader.at] !== ',') throw new SyntaxError('no comma')
  }
}

/**
 * The challenge to answer, Bearer before Basic; undefined when there is none of the two.
 * Throws REGISTRY_PROTOCOL for a header that is malformed or longer than 8 KiB.
 */
export function parseChallenge(
  header: string | string[] | undefined,
  side: Side,
  subject: string,
): Challenge | undefined {
  const text = Array.isArray(header) ? header.join(', ') : (header ?? '')
  const bad = (detail: string): SallyportError => new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail })
  if (text.length > CAP) throw bad('WWW-Authenticate too long')
  let found: ReturnType<typeof parse>
  try {
    found = parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw bad('WWW-Authenticate malformed')
    throw error
  }
  const bearer = found.find((challenge) => challenge.scheme === 'bearer')?.parameters
  if (bearer !== undefined) {
    const realm = bearer.get('realm')
    if (realm === undefined) throw bad('Bearer challenge without a realm')
    return { scheme: 'bearer', realm, service: bearer.get('service'), scope: bearer.get('scope') }
  }
  return found.some((challenge) => challenge.scheme === 'basic') ? { scheme: 'basic' } : undefined
}
