/** Extensions (RFC 5280 §4.1), as certificates, revocation lists and OCSP answers carry them. */
import { DerError, DerFields, type DerNode } from './der-tree.ts'
import { readOid, readTrue } from './der-values.ts'

export interface DerExtension {
  critical: boolean
  /** DER, not looked into. */
  value: Buffer
}

/**
 * The extensions in an Extensions element by their identifiers. Throws {@link DerError}, also for one that stands there twice:
 * stops one reader from heeding the first and another the last.
 */
export function readDerExtensions(node: DerNode): Map<string, DerExtension> {
  if (node.tag !== 0x30 || node.children.length === 0) throw new DerError('the extensions are empty or no sequence')
  const found = new Map<string, DerExtension>()
  for (const child of node.children) {
    if (child.tag !== 0x30) throw new DerError('an extension is no sequence')
    const fields = new DerFields(child, 'an extension')
    const oid = readOid(fields.take(0x06))
    const flag = fields.maybe(0x01)
    const critical = flag !== undefined && readTrue(flag)
    const value = fields.take(0x04).contents
    fields.end()
    if (found.has(oid)) throw new DerError(`the extension ${oid} stands there twice`)
    found.set(oid, { critical, value })
  }
  return found
}
