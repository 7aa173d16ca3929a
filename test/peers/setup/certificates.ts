/** Keys and certificates made by `openssl` at run time, right ones and, on demand, wrong ones. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peer } from './run.ts'

export const KEY_KINDS = ['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'p521'] as const
/** The six that Notary signatures know, then some that they must refuse. */
export type KeyKind = (typeof KEY_KINDS)[number] | 'rsa1024' | 'p224' | 'ed25519'

const GENPKEY: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa1024: ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  rsa2048: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  rsa3072: ['RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  rsa4096: ['RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  p224: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-224', '-pkeyopt', 'ec_param_enc:named_curve'],
  p256: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:named_curve'],
  p384: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-pkeyopt', 'ec_param_enc:named_curve'],
  p521: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521', '-pkeyopt', 'ec_param_enc:named_curve'],
  ed25519: ['ED25519'],
}

export const ROOT_EXTENSIONS = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
export const LEAF_EXTENSIONS = [
  'basicConstraints=CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=codeSigning',
]
export const STAMPER_EXTENSIONS = [
  'basicConstraints=CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=critical,timeStamping',
]

export interface Issued {
  /** Files: the key as PKCS#8 PEM, the certificate as PEM, and the chain from this certificate to its root as PEM. */
  readonly key: string
  readonly certificate: string
  readonly chain: string
  readonly issuer?: Issued
}

export interface CertificateTerms {
  readonly kind?: KeyKind
  /** As openssl writes it, `/C=US/ST=WA/O=acme/CN=x`. Unless told, with a common name of its own. */
  readonly subject?: string
  /** Absent: self-signed. */
  readonly issuer?: Issued
  /** Lines of an extension section, as `keyUsage=critical,digitalSignature`; also what makes it a CA. */
  readonly extensions?: readonly string[]
  /** Unless told, from an hour ago to a day ahead. */
  readonly from?: Date
  readonly until?: Date
  readonly digest?: 'sha1' | 'sha256'
}

const HOUR = 3_600_000

function stamp(time: Date): string {
  return `${time.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`
}

/** Makes certificates in a folder. One key of each kind is made, and shared by all leaves and roots of that kind. */
export class CertificateMaker {
  readonly #folder: string
  readonly #keys = new Map<string, Promise<string>>()
  #count = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'index.txt'), '')
    const config = [
      '[ca]',
      'default_ca = maker',
      '[maker]',
      `database = ${join(folder, 'index.txt')}`,
      `new_certs_dir = ${folder}`,
      'rand_serial = yes',
      'unique_subject = no',
      'policy = any',
      'email_in_dn = yes',
      '[any]',
      ...['countryName', 'stateOrProvinceName', 'localityName', 'organizationName', 'organizationalUnitName'].map(
        (name) => `${name} = optional`,
      ),
      'commonName = optional',
      '[req]',
      'distinguished_name = nothing',
      '[nothing]',
    ]
    writeFileSync(join(folder, 'openssl.cnf'), config.join('\n'))
  }

  key(kind: KeyKind, role: 'root' | 'leaf'): Promise<string> {
    const name = `${role}-${kind}`
    const path = join(this.#folder, `${name}.key`)
    const made = this.#keys.get(name) ?? peer('openssl', ['genpkey', '-algorithm', ...GENPKEY[kind], '-out', path])
    this.#keys.set(name, made)
    return made.then(() => path)
  }

  issue(terms: CertificateTerms = {}): Promise<Issued> {
    // One at a time: `openssl ca` keeps a book.
    const issued = this.#last.then(() => this.#issue(terms))
    this.#last = issued.catch(() => undefined)
    return issued
  }

  async #issue(terms: CertificateTerms): Promise<Issued> {
    const {
      kind = 'p256',
      issuer,
      from = new Date(Date.now() - HOUR),
      until = new Date(Date.now() + 24 * HOUR),
    } = terms
    const extensions = terms.extensions ?? (issuer === undefined ? ROOT_EXTENSIONS : LEAF_EXTENSIONS)
    this.#count += 1
    const name = `certificate-${this.#count}`
    const at = (suffix: string) => join(this.#folder, `${name}.${suffix}`)
    const config = join(this.#folder, 'openssl.cnf')
    const authority = extensions.some((line) => /^basicConstraints=.*CA:TRUE/.test(line))
    const key = await this.key(kind, authority ? 'root' : 'leaf')
    const subject = terms.subject ?? `/C=US/ST=WA/O=acme/CN=${name}`
    await peer('openssl', ['req', '-new', '-utf8', '-config', config, '-key', key, '-subj', subject, '-out', at('csr')])
    writeFileSync(at('ext'), ['[extensions]', ...extensions].join('\n'))
    const signer =
      issuer === undefined ? ['-selfsign', '-keyfile', key] : ['-cert', issuer.certificate, '-keyfile', issuer.key]
    const dates = ['-startdate', stamp(from), '-enddate', stamp(until)]
    const input = ['-in', at('csr'), '-out', at('crt'), '-extfile', at('ext'), '-extensions', 'extensions']
    const names = ['-batch', '-notext', '-preserveDN', '-utf8', '-config', config, '-md', terms.digest ?? 'sha256']
    await peer('openssl', ['ca', ...names, ...input, ...signer, ...dates])
    writeFileSync(at('chain'), readFileSync(at('crt'), 'utf8') + (issuer ? readFileSync(issuer.chain, 'utf8') : ''))
    return { key, certificate: at('crt'), chain: at('chain'), ...(issuer && { issuer }) }
  }
}

/** The DER of each certificate in a PEM file, in the file's order. */
export function pemBlocks(path: string): Buffer[] {
  const blocks = readFileSync(path, 'utf8').matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)
  return [...blocks].map(([, body = '']) => Buffer.from(body, 'base64'))
}
