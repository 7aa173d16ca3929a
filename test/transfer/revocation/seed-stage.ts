/** A site's state with the lists that an authority of `ca` signed, for the tests of what notation is given. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseList } from '../../../src/revocation/index.ts'
import { parseCertificates, type Certificate } from '../../../src/signature/index.ts'
import { State, type KnownCertificate, type ProvenList } from '../../../src/state/index.ts'
import { stateInit } from '../../../src/transfer/index.ts'

function text(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}

export function certificateAt(dir: string, name: string): Certificate {
  const [own] = parseCertificates(readFileSync(join(dir, name, 'chain.crt')))
  if (own === undefined) throw new Error(`no certificate of ${name}`)
  return own
}

/** A list of `DIR/AUTHORITY/lists`, as a state takes it. */
export function provenList(dir: string, authority: string, file: string, url: string): ProvenList {
  const issuer = certificateAt(dir, authority)
  const list = parseList(readFileSync(join(dir, authority, 'lists', file)))
  return {
    issuer: issuer.spkiSha256,
    url,
    form: list.deltaBase === undefined ? 'base' : 'delta',
    bytes: list.der,
    number: list.number,
    thisUpdate: text(list.thisUpdate),
    nextUpdate: text(list.nextUpdate),
    ...(list.deltaBase === undefined ? {} : { deltaBase: list.deltaBase }),
    issuerCertificate: issuer.der,
  }
}

export function knownCertificate(dir: string, name: string, issuer: string): KnownCertificate {
  const own = certificateAt(dir, name)
  return {
    sha256: own.sha256,
    spki: own.spkiSha256,
    issuer: certificateAt(dir, issuer).spkiSha256,
    serial: own.serial,
    notAfter: text(own.notAfter),
    subject: `CN=${name}`,
    crlUrls: own.crlUrls,
    ocspUrls: own.ocspUrls,
  }
}

export async function siteWith(state: string, lists: readonly ProvenList[], now: Date): Promise<void> {
  await stateInit({ state, site: 'far-site', reason: 'test', now })
  await take(state, lists, now)
}

export async function take(state: string, lists: readonly ProvenList[], now: Date): Promise<void> {
  await write(state, now, (site) => site.takeLists(lists, null))
}

export async function write(state: string, now: Date, work: (site: State) => Promise<unknown>): Promise<void> {
  const site = await State.open(state, { now, write: true })
  try {
    await work(site)
  } finally {
    await site.close()
  }
}
