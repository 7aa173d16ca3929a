/**
 * The files by which an authority of a certificate folder revokes, beside its key: the register, and each list it issued
 * under its number. They go where the folder goes.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { newRegister, readRegister, REGISTER_CAP, writeRegister, type RevocationRegister } from '../../ca/index.ts'
import { placeFile, syncFolder } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { issuedBy, type Certificate } from '../../signature/index.ts'
import { entriesIn, type CaEntry } from './folder.ts'
import { alone } from '../run/alone.ts'
import { isThere, readOwn } from '../run/small-file.ts'

const REGISTER_FILE = 'revocations.json'
const LISTS_FOLDER = 'lists'
const LIST_NAME = /^([1-9]\d*)(-delta)?\.crl$/

/** A list that this authority issued. */
export interface ListFile {
  number: number
  delta: boolean
  file: string
}

function malformed(subject: string, detail: string): SallyportError {
  return new SallyportError('CA_MALFORMED', { side: 'source', subject, detail })
}

/** The lists that lie beside the key, in no order. Throws FILE_UNREADABLE. */
export function issuedLists({ folder }: CaEntry): ListFile[] {
  const lists = join(folder, LISTS_FOLDER)
  if (!isThere(lists)) return []
  return entriesIn(lists).flatMap(({ name }) => {
    const [, number, delta] = LIST_NAME.exec(name) ?? []
    return number === undefined ? [] : [{ number: Number(number), delta: delta !== undefined, file: join(lists, name) }]
  })
}

/**
 * The register of an authority; one that revoked nothing has none. Throws CA_MALFORMED, JSON_MALFORMED, FILE_UNREADABLE:
 * also when it is older than a list beside it, as after a restored backup, or is gone. It would give a number anew, and
 * what was revoked since would count as good.
 */
export function openRegister(entry: CaEntry): RevocationRegister {
  const file = join(entry.folder, REGISTER_FILE)
  const size = isThere(file) ? statSync(file).size : undefined
  if ((size ?? 0) > REGISTER_CAP) throw malformed(file, `more than ${REGISTER_CAP} bytes`)
  const certificate = entry.chain[0].sha256
  const register =
    size === undefined ? newRegister(certificate) : readRegister(readOwn(file, REGISTER_CAP), certificate, file)
  const newest = issuedLists(entry).reduce((most, { number }) => Math.max(most, number), 0)
  if (newest > register.number) throw malformed(file, `list ${newest} was issued, and it knows only ${register.number}`)
  return register
}

/** Puts the register in place whole and durable. Only under {@link underRegister}. */
export function saveRegister({ folder }: CaEntry, register: RevocationRegister): void {
  placeFile(join(folder, REGISTER_FILE), writeRegister(register), 0o600)
}

/** Keeps a list under its number. Throws OUTPUT_FAILED, DISK_FULL; and CA_MALFORMED, as a number never stands on two lists. */
export function keepList({ folder }: CaEntry, number: number, delta: boolean, der: Uint8Array): string {
  const lists = join(folder, LISTS_FOLDER)
  const file = join(lists, `${number}${delta ? '-delta' : ''}.crl`)
  if (existsSync(file)) throw malformed(file, 'a list has this number already')
  try {
    mkdirSync(lists, { recursive: true, mode: 0o700 })
    syncFolder(folder)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', lists)
  }
  placeFile(file, der, 0o644)
  return file
}

/** Runs `work` while nobody else changes the register. Throws CA_LOCKED. */
export function underRegister<T>({ folder }: CaEntry, work: () => T | Promise<T>): Promise<T> {
  return alone(folder, work, { code: 'CA_LOCKED', side: 'source' })
}

/** The authority among these whose key made the certificate. Throws CA_ISSUER_OTHER. */
export function issuingEntry(entries: readonly CaEntry[], certificate: Certificate, subject: string): CaEntry {
  const other = (detail?: string): SallyportError =>
    new SallyportError('CA_ISSUER_OTHER', { side: 'source', subject, detail })
  if (issuedBy(certificate, certificate))
    throw other('it signs itself, and no list can speak of it: whoever trusts it takes it out of the trust store')
  const issuer = entries.find(({ chain }) => issuedBy(certificate, chain[0]))
  if (issuer === undefined) throw other()
  return issuer
}
