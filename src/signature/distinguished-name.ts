/** Names of certificates: read from DER, printed as RFC 4514 text, and compared as Notary trust policies do. */
import { DerError, readOid, type DerNode } from '../codec/index.ts'
import { attributeName } from './attribute-name.ts'

export interface NameAttribute {
  oid: string
  /** CN, O, …; absent for a type that has no short name here. */
  name?: string
  /** The text; for an opaque value its DER in hex. */
  value: string
  /** The value is of no string type, so nothing can be said about its text. */
  opaque?: true
  /** Belongs to the same RDN as the attribute before it. */
  joined?: true
}

/** In the order of the certificate: country first as a rule, the reverse of the text form. */
export type DistinguishedName = readonly NameAttribute[]

/** The name in a Name element. Throws DerError. */
export function readName(node: DerNode): DistinguishedName {
  return node.children.flatMap((rdn) => {
    if (rdn.tag !== 0x31 || rdn.children.length === 0) throw new DerError('a name has an empty part')
    return rdn.children.map((attribute, at): NameAttribute => {
      const [type, value] = attribute.children
      if (attribute.tag !== 0x30 || type === undefined || value === undefined || attribute.children.length !== 2)
        throw new DerError('a name has a part that is no attribute')
      const oid = readOid(type)
      const name = attributeName(oid)
      const text = textOf(value)
      return {
        oid,
        ...(name !== undefined && { name }),
        ...(text === undefined ? { value: value.raw.toString('hex'), opaque: true } : { value: text }),
        ...(at > 0 && { joined: true }),
      }
    })
  })
}

const ASCII = /^[ -~]*$/
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for what is no string, or a string whose characters readers disagree about (T61). */
function textOf({ tag, contents }: DerNode): string | undefined {
  const latin = contents.toString('latin1')
  switch (tag) {
    case 0x0c:
      try {
        return UTF8.decode(contents)
      } catch {
        throw new DerError('a name is not UTF-8')
      }
    case 0x12:
    case 0x13:
    case 0x16:
    case 0x1a:
      if (!ASCII.test(latin)) throw new DerError('a name has characters that its type does not have')
      return latin
    case 0x14:
      return ASCII.test(latin) ? latin : undefined
    case 0x1e: {
      const text = contents.length % 2 === 0 ? Buffer.from(contents).swap16().toString('utf16le') : '\ud800'
      if (/[\ud800-\udfff]/.test(text)) throw new DerError('a name has characters that its type does not have')
      return text
    }
    default:
      return undefined
  }
}

/** RFC 4514 text, last attribute of the certificate first. What could deceive a reader's eye is escaped as hex. */
export function distinguishedNameText(name: DistinguishedName): string {
  const rdns: string[] = []
  for (const attribute of name) {
    const text = `${attribute.name ?? attribute.oid}=${attribute.opaque ? `#${attribute.value}` : escaped(attribute.value)}`
    if (attribute.joined) rdns.push(`${rdns.pop() ?? ''}+${text}`)
    else rdns.push(text)
  }
  return rdns.reverse().join(',')
}

function escaped(value: string): string {
  return value
    .replaceAll(/[\\,+"<>;]|^[ #]| $/g, (found) => `\\${found}`)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) =>
      Buffer.from(found)
        .toString('hex')
        .toUpperCase()
        .replaceAll(/../g, (octet) => `\\${octet}`),
    )
}

const MANDATORY = ['C', 'ST', 'O']

/** Why a name cannot stand for an identity in a trust policy, be it the policy's or a signer's; undefined when it can. */
export function identityFault(name: DistinguishedName): string | undefined {
  if (name.some(({ joined }) => joined)) return 'a part of the name has several values'
  const seen = new Set<string>()
  for (const { oid, name: short } of name) {
    if (seen.has(oid)) return `${short ?? oid} stands there twice`
    seen.add(oid)
  }
  const missing = MANDATORY.find(
    (short) => !name.some((part) => part.name === short && !part.opaque && part.value !== ''),
  )
  return missing === undefined ? undefined : `${missing} is missing`
}

/**
 * True when every attribute of `part` stands in `whole` with the very same value, letter by letter.
 * Never true for a name with an {@link identityFault}: stops a signer who is one thing and its opposite (OU=a, OU=b).
 */
export function namesSubset(part: DistinguishedName, whole: DistinguishedName): boolean {
  if (identityFault(part) !== undefined || identityFault(whole) !== undefined) return false
  return part.every(({ oid, value, opaque }) =>
    whole.some((other) => other.oid === oid && other.value === value && !other.opaque && !opaque),
  )
}
