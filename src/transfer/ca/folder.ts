/**
 * The folder of one's own certificates: a folder for each, with the sealed key, the certificate, its chain and the record
 * of its delegation. Each appears whole by a rename; one is handed to its holder, or taken offline, by moving it.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import {
  DELEGATION_CAP,
  keyAlgorithmOf,
  readDelegation,
  type CertificateKind,
  type Delegation,
  type KeyAlgorithm,
} from '../../ca/index.ts'
import { encodePem, TIME_STAMPING } from '../../codec/index.ts'
import { syncFolder, writeNew } from '../../content/index.ts'
import { isFault, readFault, SallyportError, writeFault } from '../../errors/index.ts'
import { issuedBy, parseCertificates, selfSigned, type Certificate } from '../../signature/index.ts'
import { timeText } from '../run/run.ts'
import { isThere, readOwn } from '../run/small-file.ts'

export const KEY_FILE = 'key.pem'
const CERTIFICATE_FILE = 'certificate.crt'
export const CHAIN_FILE = 'chain.crt'
const DELEGATION_FILE = 'delegation.json'
const CHAIN_CAP = 1 << 20
const ENTRIES_CAP = 10_000

export interface CaEntry {
  /** Of its folder. */
  name: string
  folder: string
  /** Its own certificate, then each issuer's, to the root. */
  chain: readonly [Certificate, ...Certificate[]]
  delegation: Delegation
  /** The file of the record. */
  record: Buffer
  algorithm: KeyAlgorithm
  /** False when the key was taken elsewhere. */
  keyHere: boolean
}

function malformed(subject: string, detail: string): SallyportError {
  return new SallyportError('CA_MALFORMED', { side: 'source', subject, detail })
}

/** What lies in a folder. Throws FILE_UNREADABLE. */
export function entriesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    throw readFault(cause, 'source', folder)
  }
}

function readCapped(file: string, cap: number): Buffer {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > cap) throw malformed(file, `more than ${cap} bytes`)
  return readOwn(file, cap)
}

/** What the certificate itself is made for, as far as it says so. */
function kindOf(certificate: Certificate): CertificateKind {
  if (certificate.basicConstraints?.ca === true) return selfSigned(certificate) ? 'root' : 'ca'
  return certificate.extendedKeyUsage?.oids.includes(TIME_STAMPING) === true ? 'tsa' : 'signer'
}

/** The first thing in which the record does not fit the certificates, or undefined. */
function misfit(
  { kind, from, to, notBefore, notAfter, pathLength }: Delegation,
  chain: CaEntry['chain'],
): string | undefined {
  const [own, issuer] = chain
  if (to.certificate !== own.sha256) return 'it speaks of another certificate'
  if ((from?.certificate ?? undefined) !== issuer?.sha256) return 'it names another issuer than the chain'
  if (kind !== kindOf(own)) return `the certificate is no ${kind}`
  if (pathLength !== (own.basicConstraints?.pathLength ?? null)) return 'the certificate has another path length'
  if (notBefore !== timeText(own.notBefore) || notAfter !== timeText(own.notAfter))
    return 'the certificate is valid at other times'
  return undefined
}

/**
 * The record in these bytes, once it, its certificate and the chain above fit together.
 * @param from - where both come from, for errors
 * Throws CA_MALFORMED, JSON_MALFORMED.
 */
export function readRecord(
  record: Uint8Array,
  chain: CaEntry['chain'],
  from: { chain: string; record: string },
): Delegation {
  const broken = chain.some((child, i) => {
    const parent = chain[i + 1]
    return parent === undefined ? !selfSigned(child) : !issuedBy(child, parent)
  })
  if (broken) throw malformed(from.chain, 'not a chain from the certificate up to its root')
  const delegation = readDelegation(record, (chain[1] ?? chain[0]).publicKey, from.record)
  const fault = misfit(delegation, chain)
  if (fault !== undefined) throw malformed(from.record, fault)
  return delegation
}

function certificatesIn(file: string): Certificate[] {
  try {
    return parseCertificates(readCapped(file, CHAIN_CAP))
  } catch (cause) {
    if (!isFault(cause, 'CERTIFICATE_FILE')) throw cause
    throw new SallyportError('CA_MALFORMED', { side: 'source', subject: file, detail: cause.message, cause })
  }
}

function readEntry(dir: string, name: string): CaEntry {
  const folder = join(dir, name)
  const chainFile = join(folder, CHAIN_FILE)
  const [own, ...above] = certificatesIn(chainFile)
  if (own === undefined) throw malformed(chainFile, 'it is empty')
  const chain = [own, ...above] as const
  const recordFile = join(folder, DELEGATION_FILE)
  const record = readCapped(recordFile, DELEGATION_CAP)
  const delegation = readRecord(record, chain, { chain: chainFile, record: recordFile })
  const algorithm = keyAlgorithmOf(own.publicKey)
  if (algorithm === undefined) throw malformed(chainFile, 'a key of a kind that no signature may use')
  return { name, folder, chain, delegation, record, algorithm, keyHere: isThere(join(folder, KEY_FILE)) }
}

/**
 * All that lies in the folder, by name. Other folders and files in it are passed over.
 * Throws CA_MALFORMED when there is nothing, or something does not fit together; FILE_UNREADABLE,
 * JSON_MALFORMED.
 */
export function readCaFolder(dir: string): CaEntry[] {
  if (!isThere(dir)) throw malformed(dir, 'no such folder')
  const names = entriesIn(dir)
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .filter((name) => isThere(join(dir, name, DELEGATION_FILE)))
    .sort()
  if (names.length === 0) throw malformed(dir, 'no certificate with its record there')
  if (names.length > ENTRIES_CAP) throw malformed(dir, `more than ${ENTRIES_CAP} certificates`)
  return names.map((name) => readEntry(dir, name))
}

export interface NewEntry {
  chain: readonly Certificate[]
  /** Text of the sealed key file. */
  key: string
  /** Text of the record. */
  delegation: string
}

/** Writes one entry into a new folder; the caller makes its name last. Throws DISK_FULL, OUTPUT_FAILED. */
export function writeEntry(folder: string, { chain, key, delegation }: NewEntry): void {
  const pem = chain.map(({ der }) => encodePem('CERTIFICATE', der))
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeNew(join(folder, KEY_FILE), key)
    writeNew(join(folder, CERTIFICATE_FILE), pem[0] ?? '', 0o644)
    writeNew(join(folder, CHAIN_FILE), pem.join(''), 0o644)
    writeNew(join(folder, DELEGATION_FILE), delegation, 0o644)
    syncFolder(folder)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', folder)
  }
}

/**
 * Fills a folder beside `folder` and gives it that name in one step, so that a killed run leaves all or nothing.
 * Throws CA_EXISTS when something has the name, DISK_FULL, OUTPUT_FAILED, and what `fill` throws.
 * @param scratch - the name of the folder beside it; what a killed run left there is removed
 */
export async function placeFolder(
  folder: string,
  scratch: string,
  fill: (scratch: string) => Promise<void>,
): Promise<void> {
  try {
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { recursive: true, mode: 0o700 })
    await fill(scratch)
    syncFolder(scratch)
    // An empty folder gives way, a full one does not: nothing that is there is ever overwritten.
    renameSync(scratch, folder)
    syncFolder(join(folder, '..'))
  } catch (cause) {
    rmSync(scratch, { recursive: true, force: true })
    if (cause instanceof SallyportError) throw cause
    const { code = '', syscall } = cause as NodeJS.ErrnoException
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code) && syscall === 'rename')
      throw new SallyportError('CA_EXISTS', { side: 'source', subject: folder, cause })
    throw syscall === undefined ? cause : writeFault(cause, 'OUTPUT_FAILED', folder)
  }
}
