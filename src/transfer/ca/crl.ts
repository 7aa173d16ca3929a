/** `ca crl`: signs the next revocation list of an authority, whole or with the changes since the last whole one. */
import { readFileSync, statSync } from 'node:fs'
import {
  baseEntries,
  buildRevocationList,
  deltaEntries,
  issuerKey,
  withBase,
  withDelta,
  withNextNumber,
  type RevocationRegister,
} from '../../ca/index.ts'
import { wholeSecond } from '../../codec/index.ts'
import { demandFolder, placeFile } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { demandIssuedList, parseList } from '../../revocation/index.ts'
import { distinguishedNameText } from '../../signature/index.ts'
import { demandListUrl } from './crl-url.ts'
import { readCaFolder, type CaEntry } from './folder.ts'
import { openIssuer } from './issue.ts'
import { issuedLists, keepList, openRegister, saveRegister, underRegister } from './register.ts'
import type { AskPassphrase } from '../channel/folder.ts'
import { addDays, nowOf, timeText, type RunOptions } from '../run/run.ts'

/** Days until the next list is due, when nothing else is said: time enough for a medium to be carried. */
const DAYS = { base: 30, delta: 7 } as const

export interface CaCrlOptions extends RunOptions {
  dir: string
  /** Folder of the authority; needed when the folder holds more than one with its key. */
  from?: string | undefined
  /** Only what changed since the last base list. */
  delta?: boolean | undefined
  days?: number | undefined
  /** `http://…`: where delta lists will lie, said by this and all later base lists; null: nowhere any more. */
  deltaUrl?: string | null | undefined
  /** A further place for the list; an earlier list of the same form there is replaced. */
  output?: string | undefined
  passphrase: AskPassphrase
  dryRun?: boolean | undefined
}

export interface CaCrlReport {
  dir: string
  issuer: string
  subject: string
  form: 'base' | 'delta'
  /** In a dry run the one it would get. */
  number: number
  /** The base list that a delta builds on. */
  deltaBase: number | null
  thisUpdate: string
  nextUpdate: string
  entries: number
  /** Where it is to be published, as certificates or the base list say; null when none says so. */
  url: string | null
  /** Where verifiers of a base list will ask for a delta with a higher number; null when nowhere. */
  deltaUrl: string | null
  /** Beside the key, and at `output`; empty in a dry run. */
  files: string[]
  dryRun: boolean
}

function refused(code: 'USAGE' | 'CA_SCOPE', subject: string, detail: string): SallyportError {
  return new SallyportError(code, { side: 'source', subject, detail })
}

function authorityOf(entries: readonly CaEntry[], { from, dir }: CaCrlOptions): CaEntry {
  if (from !== undefined) {
    const named = entries.find(({ name }) => name === from)
    if (named === undefined) throw refused('USAGE', '--from', `${dir} has no ${from}`)
    return named
  }
  const able = entries.filter(({ keyHere, delegation }) => keyHere && ['root', 'ca'].includes(delegation.kind))
  const [only, second] = able
  if (only === undefined) throw refused('USAGE', '--from', `${dir} has no authority with its key`)
  if (second !== undefined)
    throw refused('USAGE', '--from', `name the authority: ${able.map(({ name }) => name).join(' or ')}`)
  return only
}

function demandMaySign({ name, chain, delegation }: CaEntry, now: Date): void {
  const [own] = chain
  if (!['root', 'ca'].includes(delegation.kind)) throw refused('CA_SCOPE', name, 'it is no certificate authority')
  // No verifier takes a list of a key that is not made for it (RFC 5280 §6.3.3 f).
  if (own.keyUsage?.bits.has('cRLSign') !== true) throw refused('CA_SCOPE', name, 'its key usage lacks cRLSign')
  if (now < own.notBefore) throw refused('CA_SCOPE', name, `it is not valid before ${timeText(own.notBefore)}`)
  if (now > own.notAfter) throw refused('CA_SCOPE', name, `it ended on ${timeText(own.notAfter)}`)
}

/** Passes when a further list may follow the earlier ones. Throws LIST_FUTURE, LIST_BASE_MISSING, LIST_STALE, USAGE. */
function demandMayFollow({ name }: CaEntry, { base, delta }: RevocationRegister, now: Date, asDelta: boolean): void {
  const fault = (code: 'LIST_FUTURE' | 'LIST_BASE_MISSING' | 'LIST_STALE', detail: string): SallyportError =>
    new SallyportError(code, { side: 'source', subject: name, detail, remedy: FOLLOW[code] })
  const at = timeText(now)
  const last = [base, delta].find((list) => list !== null && list.thisUpdate > at)
  // A list with a higher number and an earlier date is one that every site refuses.
  if (last) throw fault('LIST_FUTURE', `its list ${last.number} is of ${last.thisUpdate}, and this clock says ${at}`)
  if (!asDelta) return
  if (base === null) throw fault('LIST_BASE_MISSING', 'it has issued no whole list')
  if (base.nextUpdate <= at) throw fault('LIST_STALE', `its base list ${base.number} ended on ${base.nextUpdate}`)
  if (base.deltaUrl === null)
    throw refused('USAGE', '--delta', `base list ${base.number} names no place for one: make one with --delta-url`)
}

const FOLLOW = {
  LIST_FUTURE: 'set the clock right',
  LIST_BASE_MISSING: 'make a whole list first',
  LIST_STALE: 'make a whole list',
} as const

/** Passes for a place where nothing lies, or an earlier list of the same form that this authority issued. Throws OUTPUT_FAILED, OUTPUT_EXISTS. */
function demandReplaceable(entry: CaEntry, file: string, delta: boolean): void {
  demandFolder(file)
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return
  const known = issuedLists(entry).filter((list) => list.delta === delta && statSync(list.file).size === stat.size)
  const there = stat.isFile() && known.length > 0 ? readFileSync(file) : undefined
  if (there !== undefined && known.some((list) => readFileSync(list.file).equals(there))) return
  throw new SallyportError('OUTPUT_EXISTS', {
    side: 'source',
    subject: file,
    detail: `it is no earlier ${delta ? 'delta list' : 'list'} of ${entry.name}`,
  })
}

/**
 * Signs the list and keeps it beside the key. Its number is on the disk before it is signed: a killed run costs a number,
 * and no number ever stands on two lists.
 * Throws USAGE, CA_MALFORMED, CA_SCOPE, CA_LOCKED, LIST_FUTURE, LIST_BASE_MISSING, LIST_STALE, LIMIT_EXCEEDED,
 * OUTPUT_EXISTS, KEY_MISSING, KEY_MALFORMED, KEY_PASSPHRASE, DISK_FULL, OUTPUT_FAILED.
 */
export async function caCrl(options: CaCrlOptions): Promise<CaCrlReport> {
  const { dir, delta = false, deltaUrl, output, dryRun = false } = options
  const now = wholeSecond(nowOf(options))
  if (delta && deltaUrl !== undefined) throw refused('USAGE', '--delta-url', 'base lists name it, not delta lists')
  if (deltaUrl !== undefined && deltaUrl !== null) demandListUrl(deltaUrl, '--delta-url')
  const authority = authorityOf(readCaFolder(dir), options)
  const [own] = authority.chain
  demandMaySign(authority, now)
  const form = delta ? 'delta' : 'base'
  const issued = { thisUpdate: timeText(now), nextUpdate: timeText(addDays(now, options.days ?? DAYS[form])) }
  const prepare = (): RevocationRegister => {
    const register = openRegister(authority)
    demandMayFollow(authority, register, now, delta)
    if (output !== undefined) demandReplaceable(authority, output, delta)
    return withNextNumber(deltaUrl === undefined ? register : { ...register, deltaUrl })
  }
  const reportOf = (register: RevocationRegister, files: string[]): CaCrlReport => {
    const base = delta ? register.base : null
    return {
      dir,
      issuer: authority.name,
      subject: distinguishedNameText(own.subject),
      form,
      number: register.number,
      deltaBase: base?.number ?? null,
      ...issued,
      entries: (base === null ? baseEntries(register) : deltaEntries(register, base.number)).length,
      url: base === null ? authority.delegation.crlUrl : base.deltaUrl,
      deltaUrl: delta ? null : register.deltaUrl,
      files,
      dryRun,
    }
  }
  const first = prepare()
  if (dryRun) return reportOf(first, [])
  const key = issuerKey(await openIssuer(authority, options.passphrase))
  if (key === undefined) throw new SallyportError('KEY_MALFORMED', { side: 'source', subject: authority.name })
  return underRegister(authority, () => {
    const register = prepare()
    saveRegister(authority, register)
    const base = delta ? register.base : null
    const { number } = register
    const der = buildRevocationList({
      issuer: { name: own.rawSubject, key },
      number,
      thisUpdate: now,
      nextUpdate: new Date(issued.nextUpdate),
      entries: base === null ? baseEntries(register) : deltaEntries(register, base.number),
      deltaBase: base?.number,
      freshestUrl: delta ? undefined : (register.deltaUrl ?? undefined),
    })
    // What a site would refuse must not be published: too large a list, or a key that signs otherwise than it says.
    demandIssuedList(parseList(der), own)
    const file = keepList(authority, number, delta, der)
    const done = { number, ...issued }
    saveRegister(authority, delta ? withDelta(register, done) : withBase(register, done))
    if (output !== undefined) placeFile(output, der, 0o644)
    return reportOf(register, output === undefined ? [file] : [file, output])
  })
}
