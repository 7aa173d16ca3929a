/** Revocation lists made by `openssl ca -gencrl` from a book of our own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Issued } from '../peers/setup/certificates.ts'
import { peer, tryPeer } from '../peers/setup/run.ts'

export interface BookEntry {
  /** Upper-case hex of even length. */
  serial: string
  /** `YYMMDDHHMMSSZ`, and after a comma openssl's name of the reason, with its own value after another. */
  revoked: string
}

export interface OpensslTerms {
  issuer: Issued
  entries?: readonly BookEntry[]
  /** Hex of even length. */
  number?: string
  /** Lines of the section of extensions. */
  extensions?: readonly string[]
  /** `YYMMDDHHMMSSZ` or with four digits of the year. */
  from?: string
  until?: string
  /** Further arguments of `openssl ca`. */
  more?: readonly string[]
}

let count = 0

/** The DER of a list. */
export async function opensslList(folder: string, terms: OpensslTerms): Promise<Buffer> {
  const { issuer, entries = [], number = '10', extensions = ['authorityKeyIdentifier=keyid'] } = terms
  count += 1
  const at = (suffix: string): string => join(folder, `list-${count}.${suffix}`)
  const lines = entries.map(({ serial, revoked }) => `R\t391231000000Z\t${revoked}\t${serial}\tunknown\t/CN=x\n`)
  writeFileSync(at('txt'), lines.join(''))
  writeFileSync(at('txt.attr'), 'unique_subject = no\n')
  writeFileSync(at('number'), `${number}\n`)
  const places = [`database=${at('txt')}`, `crlnumber=${at('number')}`]
  const settings = ['default_md=default', 'default_crl_days=30', 'crl_extensions=extensions']
  const config = ['[ca]', 'default_ca=lists', '[lists]', ...places, ...settings, '[extensions]', ...extensions]
  writeFileSync(at('cnf'), config.join('\n'))
  const dates = terms.from === undefined ? [] : ['-crl_lastupdate', terms.from, '-crl_nextupdate', terms.until ?? '']
  const keys = ['-cert', issuer.certificate, '-keyfile', issuer.key]
  await peer('openssl', [
    'ca',
    '-gencrl',
    '-config',
    at('cnf'),
    ...keys,
    ...dates,
    ...(terms.more ?? []),
    '-out',
    at('pem'),
  ])
  const pem = await peer('openssl', ['crl', '-in', at('pem')])
  return Buffer.from(pem.replaceAll(/-----.*-----/g, ''), 'base64')
}

export interface Printed {
  number: string
  entries: { serial: string; revoked: Date; reason: string | undefined }[]
}

/** What `openssl crl -text` prints of a list; whether its signature is by a certificate of the file is `verified`. */
export async function printedList(
  folder: string,
  list: Uint8Array,
  issuers: string,
): Promise<Printed & { verified: boolean }> {
  count += 1
  const file = join(folder, `printed-${count}.der`)
  writeFileSync(file, list)
  const text = await peer('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-text'])
  const entries = text.split(/Serial Number: /).slice(1)
  // It ends with 0 either way.
  const { stderr } = await tryPeer('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-CAfile', issuers])
  return {
    number: /X509v3 CRL Number: *\n *(\S+)/.exec(text)?.[1] ?? '',
    entries: entries.map((entry) => ({
      serial: entry
        .slice(0, entry.indexOf('\n'))
        .trim()
        .toLowerCase()
        .replace(/^0+(?=.)/, ''),
      revoked: new Date(/Revocation Date: (.+)/.exec(entry)?.[1] ?? ''),
      reason: /CRL Reason Code: *\n *(.+)/.exec(entry)?.[1],
    })),
    verified: stderr.startsWith('verify OK'),
  }
}
