/** `ca init`: makes one's own certificates by a preset. */
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import type { CertificateKind, Delegation, KeyAlgorithm, Subject } from '../../ca/index.ts'
import { wholeSecond } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { makeEntry, type EntryTerms, type MadeEntry } from './entry.ts'
import { KEY_FILE, placeFolder, writeEntry } from './folder.ts'
import { crlUrlFor, demandCrlBase } from './crl-url.ts'
import { listing, plannedListing, type CaListing } from './listing.ts'
import { subjectText, wholeSubject, type PartialSubject } from './subject.ts'
import type { AskPassphrase } from '../channel/folder.ts'
import { isFree } from '../run/new-folder.ts'
import { addDays, checkInterrupted, nowOf, type RunOptions } from '../run/run.ts'

export type CaPreset = 'hobbyist' | 'team' | 'vendor'

export interface CaInitOptions extends RunOptions {
  preset: CaPreset
  dir: string
  /** Country, state and organization, and the common name that all names here begin with. */
  subject: PartialSubject
  algorithm: KeyAlgorithm
  /** `http://…`: the folder in which revocation lists will lie. */
  crlUrl?: string | undefined
  passphrase: AskPassphrase
  /** Checks the options and makes nothing. */
  dryRun?: boolean | undefined
  /** For serial numbers, salts and IVs; a seeded source is for tests only. Keys are always the system's. */
  random?: ((count: number) => Uint8Array) | undefined
}

export interface CaInitReport {
  dir: string
  preset: CaPreset
  certificates: CaListing[]
  dryRun: boolean
}

interface Planned {
  name: string
  kind: CertificateKind
  purpose: Delegation['purpose']
  /** Follows the common name that was given. */
  suffix: string
  issuer: string | undefined
  days: number
  pathLength?: number
}

/** Days that a certificate of each kind lives when nothing else is said. */
export const DAYS: Readonly<Record<CertificateKind, number>> = { root: 7300, ca: 1825, signer: 1095, tsa: 1825 }

function plan(name: string, kind: CertificateKind, issuer?: string, more: Partial<Planned> = {}): Planned {
  const purpose = kind === 'tsa' ? 'timestamping' : 'signing'
  return { name, kind, purpose, suffix: ` ${name}`, issuer, days: DAYS[kind], ...more }
}

const PRESETS: Readonly<Record<CaPreset, readonly Planned[]>> = {
  hobbyist: [plan('signer', 'signer', undefined, { suffix: '' })],
  team: [plan('root', 'root', undefined, { pathLength: 1 }), plan('signer', 'signer', 'root')],
  vendor: [
    plan('root', 'root', undefined, { pathLength: 2 }),
    plan('issuing', 'ca', 'root', { pathLength: 1 }),
    plan('signer', 'signer', 'issuing'),
    // Store types are never mixed: who vouches for the time does not vouch for artifacts.
    plan('tsa-root', 'root', undefined, { purpose: 'timestamping', suffix: ' timestamp root', pathLength: 0 }),
    plan('tsa', 'tsa', 'tsa-root', { suffix: ' timestamp' }),
  ],
}

function subjectOf(options: CaInitOptions, { suffix }: Planned): Subject {
  const { commonName = options.subject.organization } = options.subject
  return wholeSubject({ ...options.subject, commonName: commonName === undefined ? undefined : commonName + suffix })
}

function check(options: CaInitOptions): void {
  const { preset, dir, crlUrl } = options
  for (const planned of PRESETS[preset]) subjectOf(options, planned)
  if (crlUrl !== undefined) {
    if (preset === 'hobbyist')
      throw new SallyportError('USAGE', {
        side: 'source',
        subject: '--crl-url',
        detail: 'a certificate that signs itself is on no revocation list',
      })
    demandCrlBase(crlUrl)
  }
  if (!isFree(dir)) throw new SallyportError('CA_EXISTS', { side: 'source', subject: dir })
}

/**
 * Makes keys and certificates. The folder appears whole or not at all.
 * `hobbyist`: one signer that signs its own certificate. `team`: root and signer. `vendor`: root, issuing authority and
 * signer, and beside them the root and signer of a timestamp service.
 * Throws USAGE, CA_EXISTS, KEY_PASSPHRASE, DISK_FULL, OUTPUT_FAILED, INTERRUPTED.
 */
export async function caInit(options: CaInitOptions): Promise<CaInitReport> {
  check(options)
  const { preset, dir, algorithm, crlUrl, random = randomBytes, dryRun = false } = options
  const now = wholeSecond(nowOf(options))
  const certificates: CaListing[] = []
  const made = new Map<string, MadeEntry>()
  const terms = (planned: Planned): Omit<EntryTerms, 'issuer'> => {
    const { name, kind, purpose, days, pathLength } = planned
    const issues = kind === 'root' || kind === 'ca'
    return {
      kind,
      purpose,
      subject: subjectOf(options, planned),
      algorithm,
      notBefore: now,
      notAfter: addDays(now, days),
      pathLength,
      scope: [],
      crlUrl: crlUrl !== undefined && issues ? crlUrlFor(crlUrl, name) : null,
    }
  }
  if (dryRun) {
    for (const planned of PRESETS[preset]) {
      const issuer = PRESETS[preset].find(({ name }) => name === planned.issuer)
      const issuedBy = issuer === undefined ? null : subjectText(subjectOf(options, issuer))
      certificates.push(plannedListing(planned.name, terms(planned), issuedBy))
    }
    return { dir, preset, certificates, dryRun }
  }
  await placeFolder(dir, join(dirname(dir), `.${basename(dir)}.new`), async (scratch) => {
    for (const planned of PRESETS[preset]) {
      checkInterrupted(options)
      const file = join(dir, planned.name, KEY_FILE)
      const issuer = planned.issuer === undefined ? undefined : made.get(planned.issuer)?.open
      const entry = await makeEntry({ ...terms(planned), issuer }, file, () => options.passphrase(file), random)
      made.set(planned.name, entry)
      writeEntry(join(scratch, planned.name), entry)
      certificates.push(listing(planned.name, entry.record, entry.chain[0], algorithm))
    }
  })
  return { dir, preset, certificates, dryRun }
}
