/** The names on one's own certificates, from what the operator gave. */
import { subjectFault, subjectMember, type Subject } from '../../ca/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import { distinguishedNameText, parseDistinguishedName, type DistinguishedName } from '../../signature/index.ts'

function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail })
}

/** A subject to which parts are still to be added. */
export type PartialSubject = { [M in keyof Subject]?: Subject[M] | undefined }

/** The members of a name. Throws USAGE when it has others than those a name here may have, or one twice. */
export function subjectParts(name: DistinguishedName, option: string): PartialSubject {
  const parts: PartialSubject = {}
  for (const { oid, name: attribute, value } of name) {
    const member = subjectMember(oid)
    if (member === undefined) throw usage(option, `${attribute ?? oid} has no place in it: C, ST, L, O, OU and CN have`)
    if (parts[member] !== undefined) throw usage(option, `${attribute ?? oid} twice`)
    parts[member] = value
  }
  return parts
}

/** `C=…,ST=…,O=…` as an operator writes it, in whatever order. Throws USAGE. */
export function parseSubject(text: string): PartialSubject {
  try {
    return subjectParts(parseDistinguishedName(text), '--subject')
  } catch (cause) {
    if (!isFault(cause, 'POLICY_MALFORMED')) throw cause
    // The reader is the one of trust policies, so that no certificate gets a name which no policy can say.
    throw usage('--subject', cause.message.slice(cause.message.indexOf(': ') + 2))
  }
}

/** The subject, whole. Throws USAGE when something is missing or may not stand in a name. */
export function wholeSubject(parts: PartialSubject): Subject {
  const { country, state, organization, commonName } = parts
  // A trust policy names signers by these; without them only "trust whoever this root vouches for" could be said.
  if (country === undefined || state === undefined || organization === undefined)
    throw usage('--subject', 'it needs C, ST and O, by which a trust policy names a signer')
  if (commonName === undefined) throw usage('--subject', 'it has no CN')
  const subject: Subject = { ...parts, country, state, organization, commonName }
  const fault = subjectFault(subject)
  if (fault !== undefined) throw usage('--subject', fault)
  return subject
}

const ORDER: readonly (readonly [member: keyof Subject, name: string, oid: string])[] = [
  ['country', 'C', '2.5.4.6'],
  ['state', 'ST', '2.5.4.8'],
  ['locality', 'L', '2.5.4.7'],
  ['organization', 'O', '2.5.4.10'],
  ['unit', 'OU', '2.5.4.11'],
  ['commonName', 'CN', '2.5.4.3'],
]

/** The subject as its certificate will print it. */
export function subjectText(subject: Subject): string {
  return distinguishedNameText(
    ORDER.flatMap(([member, name, oid]) => {
      const value = subject[member]
      return value === undefined ? [] : [{ oid, name, value }]
    }),
  )
}

/** The name of a folder for a common name: its letters and digits, in lower case. Throws USAGE when it has none. */
export function folderName(commonName: string): string {
  const name = commonName
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-+|-+$/g, '')
  if (name === '') throw usage(commonName, 'a name needs letters or digits')
  return name
}
