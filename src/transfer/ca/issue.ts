/** `ca issue`: one certificate more, below an authority of the folder. */
import { randomBytes, type KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  demandMayIssue,
  isScope,
  issuerKey,
  openSigningKey,
  roomBelow,
  type Authority,
  type KeyAlgorithm,
  type Wanted,
} from '../../ca/index.ts'
import { wholeSecond } from '../../codec/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { crlUrlBeside } from './crl-url.ts'
import { makeEntry, type EntryTerms } from './entry.ts'
import { KEY_FILE, placeFolder, readCaFolder, writeEntry, type CaEntry } from './folder.ts'
import { DAYS } from './init.ts'
import { listing, plannedListing, type CaListing } from './listing.ts'
import { folderName, subjectParts, subjectText, wholeSubject, type PartialSubject } from './subject.ts'
import { KEY_FILE_CAP, type AskPassphrase } from '../channel/folder.ts'
import { addDays, nowOf, type RunOptions } from '../run/run.ts'
import { readOwn } from '../run/small-file.ts'

export interface CaIssueOptions extends RunOptions {
  dir: string
  commonName: string
  /** Folder of the issuer; needed when the folder holds more than one that could be meant. */
  from?: string | undefined
  kind: Wanted['kind']
  /** Default: by kind, and no longer than the issuer lives. */
  days?: number | undefined
  /** How many authorities may stand below a new one; 0 by default. */
  pathLength?: number | undefined
  /** Default: the issuer's own. */
  scope?: readonly string[] | undefined
  /** Country, state, organization and the rest. Default: the issuer's own. */
  subject?: PartialSubject | undefined
  /** Default: the issuer's own. */
  algorithm?: KeyAlgorithm | undefined
  /** Opens the issuer's key. */
  passphrase: AskPassphrase
  /** Seals the new key. */
  newPassphrase: AskPassphrase
  dryRun?: boolean | undefined
  /** For serial number, salt and IV; a seeded source is for tests only. */
  random?: ((count: number) => Uint8Array) | undefined
}

export interface CaIssueReport {
  dir: string
  certificate: CaListing
  dryRun: boolean
}

function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail })
}

function issuerOf(entries: readonly CaEntry[], { from, kind, dir }: CaIssueOptions): CaEntry {
  if (from !== undefined) {
    const named = entries.find(({ name }) => name === from)
    if (named === undefined) throw usage('--from', `${dir} has no ${from}`)
    return named
  }
  const purpose = kind === 'tsa' ? 'timestamping' : 'signing'
  const able = entries.filter(
    ({ keyHere, delegation }) => keyHere && ['root', 'ca'].includes(delegation.kind) && delegation.purpose === purpose,
  )
  const [only, second] = able
  if (only === undefined) throw usage('--from', `name the issuer: ${dir} has no authority for this with its key`)
  if (second !== undefined) throw usage('--from', `name the issuer: ${able.map(({ name }) => name).join(' or ')}`)
  return only
}

function authorityOf({ name, chain, delegation }: CaEntry): Authority {
  return {
    name,
    kind: delegation.kind,
    timestamping: delegation.purpose === 'timestamping',
    notBefore: chain[0].notBefore,
    notAfter: chain[0].notAfter,
    room: roomBelow(chain.map(({ basicConstraints }) => basicConstraints?.pathLength)),
    scope: delegation.scope,
  }
}

/** The key of an authority. Throws KEY_MISSING, KEY_MALFORMED, KEY_PASSPHRASE, CA_MALFORMED. */
export async function openIssuer(issuer: CaEntry, ask: AskPassphrase): Promise<KeyObject> {
  const file = join(issuer.folder, KEY_FILE)
  if (!issuer.keyHere)
    throw new SallyportError('KEY_MISSING', {
      side: 'source',
      subject: file,
      remedy: 'bring the key back to this folder for the time of the run',
    })
  const key = await openSigningKey(readOwn(file, KEY_FILE_CAP).toString('latin1'), await ask(file), file)
  const own = issuer.chain[0].publicKey.export({ format: 'der', type: 'spki' })
  if (issuerKey(key)?.publicKey.equals(own) !== true)
    throw new SallyportError('CA_MALFORMED', {
      side: 'source',
      subject: file,
      detail: 'the key of another certificate',
    })
  return key
}

function termsOf(options: CaIssueOptions, issuer: CaEntry, name: string): Omit<EntryTerms, 'issuer'> {
  const { kind, commonName, days, scope = issuer.delegation.scope, pathLength, algorithm = issuer.algorithm } = options
  if (kind !== 'ca' && pathLength !== undefined) throw usage('--path-length', 'only an authority has one')
  const odd = scope.find((text) => !isScope(text))
  if (odd !== undefined) throw usage('--scope', `${odd} is neither host/repository nor host/prefix/*`)
  const now = wholeSecond(nowOf(options))
  const end = issuer.chain[0].notAfter
  const usual = addDays(now, DAYS[kind])
  const above = subjectParts(issuer.chain[0].subject, issuer.folder)
  if (options.subject?.commonName !== undefined) throw usage('--subject', 'the CN is named already')
  const subject = wholeSubject({ ...(options.subject ?? above), commonName })
  if (subjectText(subject) === subjectText(wholeSubject(above)))
    throw usage(commonName, 'the issuer bears this very name')
  const crlUrl = issuer.delegation.crlUrl
  return {
    kind,
    purpose: kind === 'tsa' ? 'timestamping' : issuer.delegation.purpose,
    subject,
    algorithm,
    notBefore: now,
    notAfter: days === undefined ? new Date(Math.min(usual.getTime(), end.getTime())) : addDays(now, days),
    pathLength: kind === 'ca' ? (pathLength ?? 0) : undefined,
    scope,
    crlUrl: kind === 'ca' && crlUrl !== null ? crlUrlBeside(crlUrl, name) : null,
  }
}

/**
 * Makes a key and its certificate, with the record of what was delegated. The issuer's expiry, path length and scope are
 * the limits. A scope binds this command alone: no certificate carries it, and no verifier sees it.
 * Throws USAGE, CA_MALFORMED, CA_SCOPE, CA_EXISTS, KEY_MISSING, KEY_MALFORMED, KEY_PASSPHRASE, DISK_FULL, OUTPUT_FAILED.
 */
export async function caIssue(options: CaIssueOptions): Promise<CaIssueReport> {
  const { dir, commonName, random = randomBytes, dryRun = false } = options
  const name = folderName(commonName)
  const folder = join(dir, name)
  const issuer = issuerOf(readCaFolder(dir), options)
  const terms = termsOf(options, issuer, name)
  const { notBefore, notAfter, pathLength, scope } = terms
  demandMayIssue(authorityOf(issuer), { kind: options.kind, notAfter, pathLength, scope }, notBefore)
  if (existsSync(folder)) throw new SallyportError('CA_EXISTS', { side: 'source', subject: folder })
  if (dryRun) return { dir, certificate: plannedListing(name, terms, issuer.delegation.to.subject), dryRun }
  const open = {
    chain: issuer.chain,
    key: await openIssuer(issuer, options.passphrase),
    crlUrl: issuer.delegation.crlUrl,
  }
  const file = join(folder, KEY_FILE)
  const entry = await makeEntry({ ...terms, issuer: open }, file, () => options.newPassphrase(file), random)
  await placeFolder(folder, join(dir, `.${name}.new`), (scratch) => {
    writeEntry(scratch, entry)
    return Promise.resolve()
  })
  return { dir, certificate: listing(name, entry.record, entry.chain[0], terms.algorithm), dryRun }
}
