/** `ca revoke`: notes that a certificate is revoked, held, or held no more. The next list tells it; no key is needed until then. */
import { existsSync } from 'node:fs'
import { release, revocationOf, revoke, type RevocationReason } from '../../ca/index.ts'
import { wholeSecond } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { distinguishedNameText, parseCertificates, type Certificate } from '../../signature/index.ts'
import { readCaFolder, type CaEntry } from './folder.ts'
import { issuingEntry, openRegister, saveRegister, underRegister } from './register.ts'
import { nowOf, type RunOptions } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'

export interface CaRevokeOptions extends RunOptions {
  dir: string
  /** Name of a folder of `dir`, or a file with the certificate first. */
  certificate: string
  /** `unhold` ends a `certificateHold`. */
  reason: RevocationReason | 'unhold'
  /** Since when the key is held to be bad. */
  invalidity?: Date | undefined
  dryRun?: boolean | undefined
}

export interface CaRevokeReport {
  dir: string
  /** Folder of the authority that must issue the next list. */
  issuer: string
  certificate: { subject: string; serial: string; fingerprint: string; notAfter: string }
  reason: RevocationReason
  revoked: string
  invalidity: string | null
  /** When the hold ended; null while it is revoked. */
  released: string | null
  /** Where the next list is to be published. */
  crlUrl: string | null
  dryRun: boolean
}

function certificateOf(entries: readonly CaEntry[], named: string): Certificate {
  const entry = entries.find(({ name }) => name === named)
  if (entry !== undefined) return entry.chain[0]
  if (!existsSync(named)) throw new SallyportError('CA_CERTIFICATE_UNKNOWN', { side: 'source', subject: named })
  const [own] = parseCertificates(readSmall(named), named)
  if (own === undefined) throw new SallyportError('CERTIFICATE_FILE', { side: 'source', subject: named })
  return own
}

/**
 * Notes it in the register of the authority that issued the certificate. Whoever holds the folder can do so while the key
 * is offline; nobody is told before `ca crl` signs the next list.
 * Throws CA_CERTIFICATE_UNKNOWN, CERTIFICATE_FILE, CA_ISSUER_OTHER, CA_REVOKED_ALREADY, CA_NOT_ON_HOLD, USAGE, CA_LOCKED,
 * CA_MALFORMED, DISK_FULL, OUTPUT_FAILED.
 */
export async function caRevoke(options: CaRevokeOptions): Promise<CaRevokeReport> {
  const { dir, reason, invalidity, dryRun = false } = options
  const now = wholeSecond(nowOf(options))
  const usage = (detail: string): SallyportError =>
    new SallyportError('USAGE', { side: 'source', subject: '--invalidity-date', detail })
  if (invalidity !== undefined && reason === 'unhold') throw usage('a hold that ends has none')
  if (invalidity !== undefined && invalidity > now) throw usage('it lies in the future')
  const entries = readCaFolder(dir)
  const certificate = certificateOf(entries, options.certificate)
  const issuer = issuingEntry(entries, certificate, options.certificate)
  const { serial, notAfter } = certificate
  const facts = { serial, notAfter, subject: distinguishedNameText(certificate.subject) }
  const change = (): ReturnType<typeof openRegister> => {
    const register = openRegister(issuer)
    return reason === 'unhold' ? release(register, facts, now) : revoke(register, facts, { reason, invalidity, now })
  }
  const changed = dryRun
    ? change()
    : await underRegister(issuer, () => {
        const next = change()
        saveRegister(issuer, next)
        return next
      })
  const noted = revocationOf(changed, serial)
  if (noted === undefined) throw new TypeError('what was revoked is not in the register')
  return {
    dir,
    issuer: issuer.name,
    certificate: {
      subject: noted.subject,
      serial,
      fingerprint: `sha256:${certificate.sha256}`,
      notAfter: noted.notAfter,
    },
    reason: noted.reason,
    revoked: noted.revoked,
    invalidity: noted.invalidity,
    released: noted.released,
    crlUrl: issuer.delegation.crlUrl,
    dryRun,
  }
}
