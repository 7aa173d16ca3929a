/** Trust stores in notation's folders: `truststore/x509/KIND/NAME/*.{pem,crt,cer}` (trust-store-trust-policy.md, "Trust Store"). */
import { SallyportError } from '../errors/index.ts'
import { distinguishedNameText, parseCertificates, selfSigned, type Certificate } from '../signature/index.ts'
import type { Reporter } from './finding.ts'
import { isStoreKind, isStoreName, storeKind, type StoreKind, type StoreName } from './store-name.ts'

/** Files of stores begin with this. */
export const STORE_FOLDER = 'truststore/'

const FILE = /^[^/\\\0]+\.(?:pem|crt|cer)$/
const FILE_CAP = 4 * 1024 * 1024

export interface StoreFile {
  store: StoreName
  certificates: readonly Certificate[]
}

/** The store a path belongs to, or undefined with the reason reported: a sub-folder or a stray file may hold a root nobody sees. */
function storeOf(path: string, report: Reporter): StoreName | undefined {
  const [, x509, kind, name = '', file = '', ...below] = path.split('/')
  const store = `${kind}:${name}`
  if (x509 !== 'x509') report.error('', 'stores lie in truststore/x509')
  else if (!isStoreKind(kind)) report.error('', 'the kinds of store are ca, signingAuthority and tsa')
  else if (!isStoreName(store)) report.error('', 'the name of a store is letters, digits, dots, hyphens, underscores')
  else if (below.length > 0) report.error('', 'a store has no folders')
  else if (!FILE.test(file)) report.error('', 'the files of a store end in .pem, .crt or .cer')
  else return store
  return undefined
}

/** Why a certificate is no trust anchor of that kind, or undefined. */
export function anchorFault(certificate: Certificate, kind: StoreKind): string | undefined {
  const ca = certificate.basicConstraints?.ca === true
  if (kind === 'tsa')
    return ca && selfSigned(certificate) ? undefined : 'a timestamp authority is a self-signed root CA'
  // Stops a leaf that was meant to be vouched for from vouching for itself without its owner's knowing.
  return ca || selfSigned(certificate) ? undefined : 'neither a CA nor self-signed'
}

/** The certificates of one store file, DER or PEM; undefined when it is refused. `now` adds warnings about their dates. */
export function readStoreFile(
  path: string,
  bytes: Uint8Array,
  report: Reporter,
  now: Date | undefined,
): StoreFile | undefined {
  const store = storeOf(path, report)
  if (store === undefined) return undefined
  if (bytes.length > FILE_CAP) {
    report.error('', `over ${FILE_CAP} bytes`)
    return undefined
  }
  let certificates: Certificate[]
  try {
    certificates = parseCertificates(bytes)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    report.error(error.subject ?? '', error.message)
    return undefined
  }
  let good = true
  for (const [i, certificate] of certificates.entries()) {
    const place = certificates.length === 1 ? '' : `certificate ${i + 1}`
    const subject = distinguishedNameText(certificate.subject)
    const fault = anchorFault(certificate, storeKind(store))
    if (fault !== undefined) {
      report.error(place, `${subject}: ${fault}`)
      good = false
    } else if (now !== undefined && now > certificate.notAfter)
      report.warning(place, `${subject} expired on ${certificate.notAfter.toISOString()}`)
    else if (now !== undefined && now < certificate.notBefore)
      report.warning(place, `${subject} is valid from ${certificate.notBefore.toISOString()} only`)
  }
  return good ? { store, certificates } : undefined
}
