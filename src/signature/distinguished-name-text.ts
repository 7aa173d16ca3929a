/** Reads the text of a name as trust policies write it: the part of RFC 4514 that has one reading. */
import { SallyportError } from '../errors/index.ts'
import { attributeName, attributeOid } from './attribute-name.ts'
import { identityFault, type DistinguishedName, type NameAttribute } from './distinguished-name.ts'

const MAX_LENGTH = 4096
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The name that a text means; it can stand for an identity: C, ST (or S) and O are there, nothing is there twice.
 * Values keep their case. Escapes are `\` before one of `,;+"\<>=#` or a space, or before two hex digits of UTF-8.
 * Throws POLICY_MALFORMED with the text as subject: also for `=#`, several values in one part, and unescaped `;"<>`.
 */
export function parseDistinguishedName(text: string): DistinguishedName {
  const fault = (detail: string): SallyportError =>
    new SallyportError('POLICY_MALFORMED', { side: 'state', subject: text.slice(0, 200), detail })
  if (text.length > MAX_LENGTH) throw fault('the name is too long')
  if (text.includes('=#')) throw fault('a value in hex (=#) is not accepted')
  const name = splitParts(text, fault).map((part) => attributeOf(part, fault))
  const wrong = identityFault(name)
  if (wrong !== undefined) throw fault(wrong)
  return name.reverse()
}

type Fault = (detail: string) => SallyportError

/** Cuts at the commas that no backslash stands before. */
function splitParts(text: string, fault: Fault): string[] {
  const parts = text.match(/(?:[^,\\]|\\.)+|,,|^,|,$/gsu) ?? []
  if (parts.length === 0 || parts.some((part) => part.startsWith(',')) || joinedLength(parts) !== text.length)
    throw fault('a part is empty, or a backslash stands at the end')
  return parts
}

function joinedLength(parts: readonly string[]): number {
  return parts.join(',').length
}

function attributeOf(part: string, fault: Fault): NameAttribute {
  const at = part.indexOf('=')
  const type = part.slice(0, Math.max(at, 0)).trim()
  const oid = attributeOid(type)
  if (at < 0 || oid === undefined) throw fault(`${JSON.stringify(at < 0 ? part.trim() : type)} is no known attribute`)
  const name = attributeName(oid)
  return { oid, ...(name !== undefined && { name }), value: valueOf(part.slice(at + 1), fault) }
}

/** The text of a value: edges trimmed where not escaped, escapes resolved. */
function valueOf(raw: string, fault: Fault): string {
  const bare = raw.replace(/^ +/, '').replace(/((?:\\.|[^\\ ]) *?) +$/su, '$1')
  if (bare.startsWith('#')) throw fault('a value in hex (#) is not accepted')
  const octets: Buffer[] = []
  for (const [token] of bare.matchAll(/\\[0-9A-Fa-f]{2}|\\.|[^\\]+/gsu)) {
    if (!token.startsWith('\\')) {
      if (/[+;"<>\0]/.test(token)) throw fault('one of + ; " < > stands there without a backslash')
      octets.push(Buffer.from(token))
    } else if (token.length === 3) octets.push(Buffer.from(token.slice(1), 'hex'))
    else if (/^\\[,;+"\\<>=# ]$/.test(token)) octets.push(Buffer.from(token.slice(1)))
    else throw fault(`${JSON.stringify(token)} is no escape`)
  }
  try {
    return UTF8.decode(Buffer.concat(octets))
  } catch {
    throw fault('a value is not UTF-8')
  }
}
