/** `trust store`: adds and removes trust anchors in notation's folders. Each against a fingerprint that a person said. */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { encodePem, fingerprintWords, parseFingerprint } from '../../codec/index.ts'
import { placeFile, syncFolder } from '../../content/index.ts'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { distinguishedNameText, parseCertificates, type Certificate } from '../../signature/index.ts'
import { anchorFault, isStoreName, storeKind, STORE_FOLDER, type StoreName } from '../../trust/index.ts'
import { openPolicy, readPolicyFiles } from './policy-folder.ts'
import { nowOf, timeText, type RunOptions } from '../run/run.ts'

export interface Anchor {
  subject: string
  /** SHA-256 of the certificate. */
  fingerprint: string
  /** The same, to be read aloud. */
  words: string[]
  notBefore: string
  notAfter: string
  expired: boolean
}

export interface StoreAddOptions extends RunOptions {
  /** The policy folder. */
  policy: string
  kind: string
  name: string
  /** A file's bytes, PEM or DER; where they come from proves nothing. */
  bytes: Uint8Array
  /** Where they came from, for errors. */
  from: string
  /** What a person said, one for each certificate, in hex or words. */
  fingerprints: readonly string[]
  dryRun?: boolean | undefined
}

export interface StoreAddReport {
  store: string
  added: (Anchor & { file: string })[]
  /** Anchors that were there already. */
  present: Anchor[]
  dryRun: boolean
}

function anchor(certificate: Certificate, now: Date): Anchor {
  return {
    subject: distinguishedNameText(certificate.subject),
    fingerprint: `sha256:${certificate.sha256}`,
    words: fingerprintWords(certificate.sha256),
    notBefore: timeText(certificate.notBefore),
    notAfter: timeText(certificate.notAfter),
    expired: certificate.notAfter < now,
  }
}

function storeName(kind: string, name: string): StoreName {
  const store = `${kind}:${name}`
  if (isStoreName(store)) return store
  throw new SallyportError('USAGE', {
    side: 'state',
    subject: store.slice(0, 200),
    detail: 'a store is ca, signingAuthority or tsa, and a name of letters, digits, dots, hyphens, underscores',
  })
}

function storeFolder(store: StoreName): string {
  return join(STORE_FOLDER, 'x509', ...store.split(':'))
}

/** The certificates, each of which some fingerprint names: no trust on first use, and none by company. */
function demandFingerprints(certificates: readonly Certificate[], said: readonly string[], from: string): void {
  if (said.length === 0)
    throw new SallyportError('FINGERPRINT_MISSING', {
      side: 'state',
      subject: from,
      detail: 'a trust anchor is only added against a fingerprint',
    })
  const wanted = new Set(
    said.map((text) => {
      const hex = parseFingerprint(text)
      if (hex === undefined)
        throw new SallyportError('USAGE', {
          side: 'state',
          subject: '--fingerprint',
          detail: 'sha256: and 64 hex digits, or the 32 words',
        })
      return hex
    }),
  )
  const stranger = certificates.find(({ sha256 }) => !wanted.has(sha256))
  const absent = [...wanted].find((hex) => certificates.every(({ sha256 }) => sha256 !== hex))
  if (stranger === undefined && absent === undefined) return
  throw new SallyportError('FINGERPRINT_MISMATCH', {
    side: 'state',
    subject: from,
    detail:
      stranger === undefined
        ? `no certificate there has the fingerprint ${absent?.slice(0, 16)}…`
        : `${distinguishedNameText(stranger.subject)} has another fingerprint`,
    remedy: 'do not add it; ask its owner for the fingerprint by another way',
  })
}

/** Nothing was put into a store yet that could be taken out. */
const ABOVE = 'name the certificate of the authority that issued it, with the fingerprint that its owner told you'

/**
 * Adds the certificates to a store, each in a file named by its fingerprint.
 * Throws FINGERPRINT_MISSING, FINGERPRINT_MISMATCH, CERTIFICATE_FILE, TRUST_STORE_MALFORMED for one that is no trust
 * anchor, USAGE for a name that is none. What is there already is left as it is.
 */
export async function trustStoreAdd(options: StoreAddOptions): Promise<StoreAddReport> {
  const { policy, from, dryRun = false } = options
  const now = nowOf(options)
  const store = storeName(options.kind, options.name)
  const parsed = parseCertificates(options.bytes, from)
  const certificates = [...new Map(parsed.map((certificate) => [certificate.sha256, certificate])).values()]
  demandFingerprints(certificates, options.fingerprints, from)
  for (const certificate of certificates) {
    const fault = anchorFault(certificate, storeKind(store))
    if (fault !== undefined)
      throw new SallyportError('TRUST_STORE_MALFORMED', { side: 'state', subject: from, detail: fault, remedy: ABOVE })
  }
  const held = existsSync(policy) ? (openPolicy(policy).stores.get(store) ?? []) : []
  const isHeld = ({ sha256 }: Certificate): boolean => held.some((other) => other.sha256 === sha256)
  const folder = join(policy, storeFolder(store))
  const added: StoreAddReport['added'] = []
  for (const certificate of certificates.filter((item) => !isHeld(item))) {
    const file = join(folder, `${certificate.sha256}.crt`)
    // Not the anchor that its name says, for it is not held: somebody trusts it all the same.
    if (existsSync(file))
      throw new SallyportError('TRUST_STORE_MALFORMED', {
        side: 'state',
        subject: file,
        detail: 'it holds another certificate than its name says',
      })
    if (!dryRun) place(policy, file, encodePem('CERTIFICATE', certificate.der))
    added.push({ ...anchor(certificate, now), file })
  }
  return { store, added, present: certificates.filter(isHeld).map((item) => anchor(item, now)), dryRun }
}

function openStoreFiles(policy: string, folder: string): [string, Certificate[]][] {
  return [...readPolicyFiles(policy)]
    .filter(([name]) => dirname(name) === folder)
    .map(([name, bytes]) => [join(policy, name), parseCertificates(bytes, join(policy, name))])
}

function place(policy: string, file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    // Outside the store: what a kill leaves there must not make the store unreadable.
    const scratch = join(policy, `.${basename(file)}.new`)
    placeFile(file, text, 0o644, scratch)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}

export interface StoreListReport {
  policy: string
  stores: { store: string; anchors: Anchor[] }[]
}

/** Every store with its anchors. Throws as `openPolicy`. */
export function trustStoreList(options: RunOptions & { policy: string }): StoreListReport {
  const now = nowOf(options)
  const stores = [...openPolicy(options.policy).stores].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    policy: options.policy,
    stores: stores.map(([store, certificates]) => ({ store, anchors: certificates.map((item) => anchor(item, now)) })),
  }
}

export interface StoreRemoveReport {
  store: string
  removed: string[]
  dryRun: boolean
}

/**
 * Takes an anchor out of a store. A file that holds further certificates is refused: they would go with it.
 * Throws TRUST_STORE_MALFORMED, USAGE when it is not there, OUTPUT_FAILED.
 */
export function trustStoreRemove(options: {
  policy: string
  kind: string
  name: string
  fingerprint: string
  dryRun?: boolean | undefined
}): StoreRemoveReport {
  const { policy, dryRun = false } = options
  const store = storeName(options.kind, options.name)
  const hex = parseFingerprint(options.fingerprint)
  const removed: string[] = []
  for (const [file, certificates] of openStoreFiles(policy, storeFolder(store))) {
    if (!certificates.some(({ sha256 }) => sha256 === hex)) continue
    if (certificates.length > 1)
      throw new SallyportError('TRUST_STORE_MALFORMED', {
        side: 'state',
        subject: file,
        detail: `it holds ${certificates.length} certificates; edit it by hand`,
      })
    removed.push(file)
  }
  if (removed.length === 0)
    throw new SallyportError('USAGE', { side: 'state', subject: store, detail: 'no such fingerprint in this store' })
  for (const file of dryRun ? [] : removed) {
    try {
      rmSync(file)
      syncFolder(dirname(file))
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', file)
    }
  }
  return { store, removed, dryRun }
}
