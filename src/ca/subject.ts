/** Names of certificates, as they are written: few attributes, one fixed order, one value each. */
import { der, derOid, derSequence } from '../codec/index.ts'

/** What a name may hold. A trust policy names signers by country, state and organization, so these are never left out. */
export interface Subject {
  /** Two capital letters. */
  country: string
  state: string
  locality?: string | undefined
  organization: string
  unit?: string | undefined
  commonName: string
}

interface Attribute {
  member: keyof Subject
  oid: string
  /** The upper bound of X.520, in characters. */
  max: number
}

/** In the order in which they are encoded, the widest first. */
const ATTRIBUTES: readonly Attribute[] = [
  { member: 'country', oid: '2.5.4.6', max: 2 },
  { member: 'state', oid: '2.5.4.8', max: 128 },
  { member: 'locality', oid: '2.5.4.7', max: 128 },
  { member: 'organization', oid: '2.5.4.10', max: 64 },
  { member: 'unit', oid: '2.5.4.11', max: 64 },
  { member: 'commonName', oid: '2.5.4.3', max: 64 },
]

// A name is compared by eye: what hides in a line, reorders it, or looks like space has no place in one.
const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]|[^\S ]/u

/** The member that an attribute type stands for, or undefined when names here do not have it. */
export function subjectMember(oid: string): keyof Subject | undefined {
  return ATTRIBUTES.find((attribute) => attribute.oid === oid)?.member
}

/** What is wrong with a name, in words, or undefined. */
export function subjectFault(subject: Subject): string | undefined {
  for (const { member, max } of ATTRIBUTES) {
    const value = subject[member]
    if (value === undefined) continue
    if (value.trim() === '') return `the ${member} is empty`
    if (value !== value.trim() || ODD.test(value)) return `the ${member} holds characters that a name may not`
    if (Array.from(value).length > max) return `the ${member} is longer than ${max} characters`
  }
  return /^[A-Z]{2}$/.test(subject.country) ? undefined : 'the country is not two capital letters'
}

/** The Name in DER (RFC 5280 §4.1.2.4): one attribute to each RDN. Throws RangeError for what {@link subjectFault} names. */
export function subjectDer(subject: Subject): Buffer {
  const fault = subjectFault(subject)
  if (fault !== undefined) throw new RangeError(fault)
  const sets = ATTRIBUTES.flatMap(({ member, oid }) => {
    const value = subject[member]
    if (value === undefined) return []
    // A country is a PrintableString by its own syntax, the rest is UTF8String.
    const text = der(member === 'country' ? 0x13 : 0x0c, Buffer.from(value, 'utf8'))
    return [der(0x31, derSequence(derOid(oid), text))]
  })
  return derSequence(...sets)
}
