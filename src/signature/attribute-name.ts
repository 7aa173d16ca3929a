/** Short names of the attribute types that stand in names (RFC 4514 §3 and those Go and notation print). */
const NAMES = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.17', 'POSTALCODE'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['1.2.840.113549.1.9.1', 'emailAddress'],
])

const OIDS = new Map([...NAMES].map(([oid, name]) => [name, oid]).concat([['S', '2.5.4.8']]) as [string, string][])

/** The short name of a type, or undefined. */
export function attributeName(oid: string): string | undefined {
  return NAMES.get(oid)
}

/** The type of a short name, spelled exactly as here, or of a dotted number; `S` is `ST`. Undefined for any other. */
export function attributeOid(name: string): string | undefined {
  return OIDS.get(name) ?? (/^[0-2](\.(0|[1-9]\d{0,15}))+$/.test(name) ? name : undefined)
}
