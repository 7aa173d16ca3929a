/** A timestamp authority made with the real openssl: a root, signers under it, and `openssl ts` to answer queries. */
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type KeyKind = 'rsa' | 'rsa-1024' | 'rsa-pss' | 'p256' | 'p384' | 'p521' | 'k256' | 'ed25519'

const KEYS: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'rsa-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  'rsa-pss': ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  k256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  ed25519: ['-algorithm', 'ED25519'],
}

export const USAGE = 'keyUsage=critical,digitalSignature'
export const TIME_STAMPING = 'extendedKeyUsage=critical,timeStamping'
const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'

export interface Made {
  name: string
  certFile: string
  keyFile: string
  der: Buffer
  key: KeyObject
}

export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-tsa-'))
  readonly root = this.#make('root', 'p384', CA)
  readonly issuer = this.#make('issuer', 'p256', CA, this.root)

  #run(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.dir, stdio: ['ignore', 'ignore', 'pipe'] })
  }

  #make(name: string, kind: KeyKind, extensions: string, by?: Made, digest = 'sha256'): Made {
    const [keyFile, certFile] = [`${name}.key`, `${name}.crt`]
    this.#run('genpkey', ...KEYS[kind], '-out', keyFile)
    this.#run('req', '-new', '-key', keyFile, '-subj', `/C=US/ST=WA/O=acme/CN=tsa ${name}`, '-out', `${name}.csr`)
    writeFileSync(join(this.dir, `${name}.ext`), `${extensions}\n`)
    const signer = by === undefined ? ['-key', keyFile] : ['-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial']
    const out = ['-days', '30', `-${digest}`, '-extfile', `${name}.ext`, '-out', certFile]
    this.#run('x509', '-req', '-in', `${name}.csr`, ...signer, ...out)
    const der = new X509Certificate(readFileSync(join(this.dir, certFile))).raw
    return { name, certFile, keyFile, der, key: createPrivateKey(readFileSync(join(this.dir, keyFile))) }
  }

  /** A certificate from the issuing authority with these extensions, one a line. */
  signer(name: string, kind: KeyKind, extensions = `${USAGE}\n${TIME_STAMPING}`, digest?: string): Made {
    return this.#make(name, kind, extensions, this.issuer, digest)
  }

  /** What `openssl ts -reply` answers to the DER of a query. `settings` are lines of its configuration. */
  reply(query: Uint8Array, signer: Made, settings: readonly string[] = []): Buffer {
    const file = `${signer.name}-${settings.length}`
    const chain = [this.issuer, this.root].map(({ certFile }) => readFileSync(join(this.dir, certFile))).join('')
    writeFileSync(join(this.dir, 'chain.crt'), chain)
    writeFileSync(join(this.dir, `${file}.tsq`), query)
    const defaults = [
      'serial=serial',
      'default_policy=1.2.3.4.1',
      'other_policies=0.4.0.2023.1.1',
      'digests=sha1,sha256,sha384,sha512',
      'signer_digest=sha256',
      'ess_cert_id_alg=sha256',
      'clock_precision_digits=3',
    ]
    const named = new Set(settings.map((line) => line.split('=')[0]))
    const lines = [...defaults.filter((line) => !named.has(line.split('=')[0])), ...settings]
    writeFileSync(join(this.dir, `${file}.cnf`), ['[tsa]', 'default_tsa=t', '[t]', ...lines, ''].join('\n'))
    const files = ['-queryfile', `${file}.tsq`, '-signer', signer.certFile, '-inkey', signer.keyFile]
    this.#run('ts', '-reply', '-config', `${file}.cnf`, ...files, '-chain', 'chain.crt', '-out', `${file}.tsr`)
    return readFileSync(join(this.dir, `${file}.tsr`))
  }

  /** Whether `openssl ts -verify` accepts a token over these bytes. */
  accepts(token: Uint8Array, data: Uint8Array): boolean {
    writeFileSync(join(this.dir, 'token.der'), token)
    writeFileSync(join(this.dir, 'data.bin'), data)
    const certs = ['-CAfile', this.root.certFile, '-untrusted', this.issuer.certFile]
    try {
      this.#run('ts', '-verify', '-data', 'data.bin', '-token_in', '-in', 'token.der', ...certs)
      return true
    } catch {
      return false
    }
  }

  remove(): void {
    rmSync(this.dir, { recursive: true })
  }
}
