/** An authority made with the real openssl: certificates, revocation lists by `openssl ca`, answers by `openssl ocsp`. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCertificates } from '../../src/signature/certificate-file.ts'
import type { Certificate } from '../../src/signature/index.ts'

const CA = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign', 'subjectKeyIdentifier=hash']
const SIGNER = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=codeSigning']
export const RESPONDER = ['keyUsage=critical,digitalSignature', 'extendedKeyUsage=OCSPSigning', 'noCheck=ignored']

/** The extension that names lists, deltas (`freshestCRL`) or responders. */
export function lists(...urls: string[]): string {
  return `crlDistributionPoints=${urls.map((url) => `URI:${url}`).join(',')}`
}

export function freshest(...urls: string[]): string {
  return `freshestCRL=${urls.map((url) => `URI:${url}`).join(',')}`
}

export function responders(...urls: string[]): string {
  return `authorityInfoAccess=${urls.map((url) => `OCSP;URI:${url}`).join(',')}`
}

export interface Revoked {
  serial: string
  /** `YYMMDDHHMMSSZ`. */
  at?: string
  /** As openssl's database has it: `certificateHold`, `keyTime,20260101000000Z` for a compromise with invalidityDate. */
  why?: string
}

export interface ListTerms {
  number: number
  revoked?: readonly Revoked[]
  /** `YYMMDDHHMMSSZ`. */
  from?: string
  until?: string
  deltaBase?: number
  /** Lines of a section of extensions; sections of their own after them. */
  extensions?: readonly string[]
}

export interface AnswerTerms {
  /** In the order of the question. */
  about: readonly Certificate[]
  revoked?: readonly Revoked[]
  /** It knows of no certificate but the revoked ones. */
  ignorant?: boolean
  /** A party of this authority; itself by default. */
  by?: string
  /** Of the responder. */
  options?: readonly string[]
  /** Of the question: `-sha256`. */
  asking?: readonly string[]
}

export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-authority-'))
  readonly certificate: Certificate
  #made = 0

  /** @param by - undefined signs itself */
  constructor(commonName: string, by?: Authority, extensions: readonly string[] = [], ca: readonly string[] = CA) {
    this.certificate = this.#make('ca', commonName, [...ca, ...extensions], by)
  }

  run(...args: string[]): Buffer {
    return execFileSync('openssl', args, { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  #make(
    name: string,
    commonName: string,
    extensions: readonly string[],
    by?: Authority,
    more: string[] = [],
  ): Certificate {
    this.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`)
    const subject = `/C=US/ST=WA/O=acme/CN=${commonName}`
    this.run('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`)
    writeFileSync(this.path(`${name}.ext`), `${extensions.join('\n')}\n`)
    const signer = by === undefined ? ['-key', `${name}.key`] : ['-CA', by.path('ca.crt'), '-CAkey', by.path('ca.key')]
    const out = ['-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`]
    this.run('x509', '-req', '-in', `${name}.csr`, ...signer, ...more, ...out)
    const [certificate] = parseCertificates(readFileSync(this.path(`${name}.crt`)))
    if (certificate === undefined) throw new Error('openssl made no certificate')
    return certificate
  }

  /** A certificate from this authority; its key and itself stand under this name in {@link dir}. */
  issue(name: string, extensions: readonly string[] = [], usage = SIGNER, more: string[] = []): Certificate {
    return this.#make(name, name, [...usage, ...extensions], this, more)
  }

  #database(revoked: readonly Revoked[]): string {
    const file = `index${(this.#made += 1)}.txt`
    const lines = revoked.map(({ serial, at = '260301000000Z', why }) => {
      const hex = serial.padStart(serial.length + (serial.length % 2), '0').toUpperCase()
      return `R\t491231235959Z\t${at}${why === undefined ? '' : `,${why}`}\t${hex}\tunknown\t/CN=${hex}\n`
    })
    writeFileSync(this.path(file), lines.join(''))
    return file
  }

  /** The DER of a list. */
  list(terms: ListTerms): Buffer {
    const { number, revoked = [], from = '260401000000Z', until = '260501000000Z', deltaBase, extensions = [] } = terms
    const database = this.#database(revoked)
    const hex = number.toString(16)
    writeFileSync(this.path('crlnumber'), `${hex.padStart(hex.length + (hex.length % 2), '0')}\n`)
    const delta = deltaBase === undefined ? [] : [`2.5.29.27=critical,ASN1:INTEGER:${deltaBase}`]
    const lines = ['authorityKeyIdentifier=keyid', ...delta, ...extensions]
    const config = ['[ca]', 'default_ca=a', '[a]', `database=${database}`, 'crlnumber=crlnumber', 'default_md=sha256']
    writeFileSync(this.path('ca.cnf'), [...config, 'crl_extensions=e', '[e]', ...lines, ''].join('\n'))
    const who = ['-cert', 'ca.crt', '-keyfile', 'ca.key', '-crl_lastupdate', from, '-crl_nextupdate', until]
    this.run('ca', '-gencrl', '-config', 'ca.cnf', ...who, '-out', 'list.pem')
    return this.run('crl', '-in', 'list.pem', '-outform', 'DER')
  }

  /** Files of a question about these certificates, and of the database that an answer is made from. */
  prepare({ about, revoked = [], by = 'ca', options = [], asking = [], ignorant = false }: AnswerTerms): string[] {
    const known = new Set(revoked.map(({ serial }) => serial))
    const database = this.#database(revoked)
    const valid = about
      .filter(({ serial }) => !ignorant && !known.has(serial))
      .map(
        ({ serial }) =>
          `V\t491231235959Z\t\t${serial.padStart(serial.length + (serial.length % 2), '0').toUpperCase()}\tunknown\t/CN=${serial}\n`,
      )
    writeFileSync(this.path(database), readFileSync(this.path(database), 'utf8') + valid.join(''))
    const files = about.map(({ x509 }, at) => {
      writeFileSync(this.path(`asked${at}.crt`), x509.toString())
      return `asked${at}.crt`
    })
    this.run(
      'ocsp',
      ...asking,
      '-no_nonce',
      '-issuer',
      'ca.crt',
      ...files.flatMap((file) => ['-cert', file]),
      '-reqout',
      'question.der',
    )
    return ['-index', database, '-CA', 'ca.crt', '-rsigner', `${by}.crt`, '-rkey', `${by}.key`, ...options]
  }

  /** The DER of an OCSP answer, made now. */
  answer(terms: AnswerTerms): Buffer {
    const options = terms.options ?? []
    const age = options.some((option) => option.startsWith('-n')) ? [] : ['-ndays', '1']
    this.run('ocsp', ...this.prepare(terms), ...age, '-reqin', 'question.der', '-respout', 'answer.der')
    return readFileSync(this.path('answer.der'))
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}
