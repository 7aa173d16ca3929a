/** Reads the text of a name as trust policies write it: the part of RFC 4514 that has one reading. */
import { SallyportError } from '../errors/index.ts'
import { attributeName, attributeOid } from './attribute-name.ts'
import { identityFault, type DistinguishedName, type NameAttribute } from './distinguished-name.ts'

const MAX_LENGTH = 4096
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The name that a text means; it can stand for an identity: C, ST (or S) and O are there, nothing is there twice.
 * Values keep their case, spaces around type and value do not count. Escapes are `\` before one of `,;+"\<>=#`, a space,
 * or two hex digits of UTF-8. Throws POLICY_MALFORMED with the text as subject: also for `=#`, several values in one
 * part, and `;"<>` or a control character unescaped.
 */
export function parseDistinguishedName(text: string): DistinguishedName {
  try {
    if (text.length > MAX_LENGTH) throw new NameFault('the name is too long')
    if (text.includes('=#')) throw new NameFault('a value in hex (=#) is not accepted')
    const name = split(tokensOf(text)).map(attributeOf)
    const fault = identityFault(name)
    if (fault !== undefined) throw new NameFault(fault)
    return name.reverse()
  } catch (error) {
    if (!(error instanceof NameFault)) throw error
    throw new SallyportError('POLICY_MALFORMED', {
      side: 'state',
      subject: text.slice(0, 200),
      detail: error.message,
      cause: error,
    })
  }
}

class NameFault extends Error {}

/** One character as it stands, or the octets of an escape, which no longer mean anything but themselves. */
type Token = string | Buffer

function tokensOf(text: string): Token[] {
  const tokens = text.match(/\\[0-9A-Fa-f]{2}|\\.|[^]/gsu) ?? []
  return tokens.map((token) => {
    if (/^[+;"<>\p{Cc}]$/u.test(token)) throw new NameFault(`${JSON.stringify(token)} stands there without a backslash`)
    if (!token.startsWith('\\')) return token
    if (token.length === 3) return Buffer.from(token.slice(1), 'hex')
    if (!/^\\[,;+"\\<>=# ]$/.test(token)) throw new NameFault(`${JSON.stringify(token)} is no escape`)
    return Buffer.from(token.slice(1))
  })
}

function split(tokens: readonly Token[]): Token[][] {
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token === ',') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function attributeOf(part: readonly Token[]): NameAttribute {
  const at = part.indexOf('=')
  const type = part.slice(0, Math.max(at, 0)).join('').trim()
  const oid = part.slice(0, at).every((token) => typeof token === 'string') ? attributeOid(type) : undefined
  if (at < 0 || oid === undefined)
    throw new NameFault(`a part does not begin with a known attribute: ${JSON.stringify(type)}`)
  const name = attributeName(oid)
  const value = part.slice(at + 1)
  const first = value.findIndex((token) => token !== ' ')
  const last = value.findLastIndex((token) => token !== ' ')
  if (first < 0) throw new NameFault(`${type} has no value`)
  if (value[first] === '#') throw new NameFault('a value in hex (#) is not accepted')
  return { oid, ...(name !== undefined && { name }), value: decoded(value.slice(first, last + 1)) }
}

function decoded(tokens: readonly Token[]): string {
  try {
    return UTF8.decode(Buffer.concat(tokens.map((token) => (typeof token === 'string' ? Buffer.from(token) : token))))
  } catch {
    throw new NameFault('a value is not UTF-8')
  }
}
